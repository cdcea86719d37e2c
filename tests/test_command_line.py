"""The command line as a person uses it: a process, real files, a real local model."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "models"))

from faulty_server import Asked, FaultyServer, Say, Send
from tiny_llama import copy_of, write_tiny

TABLES = ("responses.jsonl", "verdicts.jsonl", "joint.jsonl")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    pytest.importorskip("torch")
    return long_tiny(tmp_path_factory.mktemp("tiny"))


def long_tiny(folder: Path, **changes) -> Path:
    """A tiny model that reads prompts of any length here."""
    made = write_tiny(folder / "short")
    return copy_of(made, folder / "long", config={"max_position_embeddings": 4096}, **changes)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "twofold", *map(str, arguments)]


def environment(cache: Path) -> dict[str, str]:
    return os.environ | {"TWOFOLD_CACHE": str(cache), "OMP_NUM_THREADS": "1"}


def run(cache: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), env=environment(cache), capture_output=True, text=True, check=False
    )


def audit_of(tiny: Path, out: Path, *more: object) -> tuple[object, ...]:
    return (
        "audit",
        tiny,
        "--problems",
        "synthetic:30",
        "--max-tokens",
        40,
        "--temperature",
        1,
        "--samples",
        2,
        "--out",
        out,
        *more,
    )


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """An uninterrupted audit to hold others against."""
    folder = tmp_path_factory.mktemp("whole")
    done = run(folder / "cache", *audit_of(tiny, folder / "run"))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # quiet without a terminal
    return folder / "run"


def test_an_audit_writes_everything_and_prints_where(whole):
    names = {p.name for p in whole.iterdir()}
    assert {"manifest.json", "problems.jsonl", "findings.json", "report.html", *TABLES} <= names
    manifest = json.loads((whole / "manifest.json").read_text())
    assert manifest["identity"]["models"]["model"]["dtype"] == "float32"
    assert manifest["command"].startswith("twofold audit")
    assert len((whole / "responses.jsonl").read_text().splitlines()) == 30 * 2 * 2


def test_kill_9_and_the_same_command_give_the_same_result(tiny, whole, tmp_path):
    out, kept = tmp_path / "run", []
    for lines in (20, 60, 100):
        process = subprocess.Popen(
            command(*audit_of(tiny, out)),
            env=environment(tmp_path / f"cache{lines}"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        file = out / "responses.jsonl"
        while process.poll() is None and (
            not file.exists() or file.read_bytes().count(b"\n") < lines
        ):
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        kept.append(file.read_bytes().count(b"\n"))
    assert kept == sorted(kept)
    done = run(tmp_path / "cache", *audit_of(tiny, out))
    assert done.returncode == 0, done.stderr
    for name in (*TABLES, "findings.json"):
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name


def test_two_processes_give_the_same_tables_as_one(tiny, whole, tmp_path):
    """With torchrun, which `accelerate launch` starts on GPUs; on CPUs it starts one process."""
    launch = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc_per_node=2",
        "-m",
        "twofold",
        *map(str, audit_of(tiny, tmp_path / "run")),
    ]
    done = subprocess.run(
        launch, env=environment(tmp_path / "cache"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["processes"] == 2
    for name in (*TABLES, "findings.json"):
        assert (tmp_path / "run" / name).read_bytes() == (whole / name).read_bytes(), name
    assert not list((tmp_path / "run").glob("responses.rank*"))


def test_accelerate_launches_an_audit(tiny, whole, tmp_path):
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--num_processes", "2", "-m"]
    done = subprocess.run(
        [*launch, "twofold", *map(str, audit_of(tiny, tmp_path / "run"))],
        env=environment(tmp_path / "cache"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "joint.jsonl").read_bytes() == (whole / "joint.jsonl").read_bytes()


def test_a_pair_is_compared_and_reported_again_without_a_model(tiny, tmp_path):
    other = long_tiny(tmp_path / "other", generation_config={"eos_token_id": 2})
    out = tmp_path / "run"
    done = run(
        tmp_path / "cache",
        "audit",
        tiny,
        "--baseline",
        other,
        "--problems",
        "synthetic:6",
        "--max-tokens",
        8,
        "--out",
        out,
    )
    assert done.returncode == 0, done.stderr
    before = (out / "findings.json").read_bytes()
    (out / "findings.json").unlink()
    again = run(tmp_path / "cache", "report", out)
    assert again.returncode == 0, again.stderr
    assert (out / "findings.json").read_bytes() == before
    assert json.loads(before)["findings"][0]["outcome"] == "underpowered"


def test_another_model_in_the_same_directory_is_refused(tiny, whole, tmp_path):
    before = {p.name: p.read_bytes() for p in whole.iterdir()}
    done = run(tmp_path / "cache", *audit_of(tiny, whole), "--seed", 1)
    assert done.returncode == 2
    assert "error: " in done.stderr
    assert "seed was 0, now 1" in done.stderr
    assert "another --out" in done.stderr
    assert "Traceback" not in done.stderr
    assert {p.name: p.read_bytes() for p in whole.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("audit", "smolm2"), "did you mean 'smollm2'?"),
        (("audit", "pocket", "--temperature", "nan"), "--temperature"),
        (("audit", "pocket", "--temperature", "inf"), "--temperature"),
        (("audit", "pocket", "--seed", "-1"), "--seed"),
        (("audit", "no/such/model/here"), "no model"),
        (("audit", "smollm2", "--problems", "nowhere.jsonl"), "nowhere.jsonl does not exist"),
        (("check", "nowhere.jsonl"), "does not exist"),
        (("report", "nowhere"), "is not a run directory"),
        (("score", "nowhere.jsonl", "--problems", "synthetic:3"), "nowhere.jsonl does not exist"),
        (("audit", "http://127.0.0.1:9/v1#m", "--problems", "synthetic:3"), "127.0.0.1:9"),
    ],
)
def test_bad_input_is_a_message_not_a_trace(arguments, said, tmp_path):
    more = ("--out", tmp_path / "run") if arguments[0] in ("audit", "score") else ()
    done = run(tmp_path / "cache", *arguments, *more)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_loses_too_much_ends_with_a_status_and_is_asked_again(tmp_path):
    broken = {"on": True}

    def act(asked: Asked):
        if asked.path.endswith("/models"):
            return Send(body=b'{"data": [{"id": "m"}]}')
        if broken["on"] and len(asked.text) % 3 == 0:
            return Send(status=200, body=b'{"choices": [{"mess')
        return Say("It is \\boxed{4}.")

    with FaultyServer(act) as server:
        arguments = (
            "audit",
            f"{server.url}#m",
            "--problems",
            "synthetic:30",
            "--out",
            tmp_path / "run",
        )
        done = run(tmp_path / "cache", *arguments)
        assert done.returncode == 3, done.stderr
        assert "responses were lost" in done.stderr
        assert "it asks only for what was lost" in done.stderr
        findings = json.loads((tmp_path / "run" / "findings.json").read_text())
        lost = findings["lost"]["n"]
        assert 0 < lost < 60
        accuracy = next(
            each
            for each in findings["findings"][0]["measures"]
            if (each["condition"], each["metric"]) == ("constrained", "accuracy")
        )
        assert accuracy["n_unscored"] > 0
        broken["on"] = False
        asked_before = len(server.asked)
        again = run(tmp_path / "cache", *arguments)
        assert again.returncode == 0, again.stderr
        questions = [a for a in server.asked[asked_before:] if "chat" in a.path]
        assert len(questions) == lost


def test_check_finds_nothing_wrong_with_our_own_suite(tmp_path):
    done = run(tmp_path / "cache", "check", "synthetic:60")
    assert done.returncode == 0, done.stderr
    assert "no faults" in done.stdout


def test_score_prints_what_the_profiles_disagree_on(tmp_path):
    (tmp_path / "p.jsonl").write_text(
        json.dumps(
            {
                "question": "List two.",
                "answer": "1",
                "constraints": [
                    {"name": "detectable_format:number_bullet_lists", "args": {"num_bullets": 2}}
                ],
            }
        )
        + "\n"
    )
    (tmp_path / "r.jsonl").write_text(json.dumps({"output": ["* a\n* \\boxed{1}\n---"]}) + "\n")
    done = run(
        tmp_path / "cache",
        "score",
        tmp_path / "r.jsonl",
        "--problems",
        tmp_path / "p.jsonl",
        "--out",
        tmp_path / "run",
    )
    assert done.returncode == 0, done.stderr
    assert "detectable_format:number_bullet_lists" in done.stdout
    assert "official" in done.stdout


def test_marks_that_a_caveat_asks_for_can_be_named(tmp_path):
    problems = tmp_path / "problems.jsonl"
    problems.write_text(json.dumps({"question": "2 + 2 = ?", "answer": "4"}) + "\n")
    replies = tmp_path / "replies.jsonl"
    thought = "<ponder>It may be \\boxed{5}.</ponder>\\boxed{4}"
    replies.write_text(json.dumps({"output": [thought] * 3}) + "\n")
    asked = ("score", replies, "--problems", problems)
    told = run(tmp_path / "cache", *asked, "--out", tmp_path / "told")
    assert told.returncode == 0, told.stderr
    page = (tmp_path / "told" / "report.html").read_text()
    assert "--thinking-marks OPEN CLOSE" in page
    named = ("--thinking-marks", "<ponder>", "</ponder>")
    done = run(tmp_path / "cache", *asked, *named, "--out", tmp_path / "named")
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "named" / "responses.jsonl").read_text().splitlines()
    assert [json.loads(row)["reply"] for row in rows] == ["\\boxed{4}"] * 3


def test_an_audit_of_a_server_takes_named_marks(tmp_path):
    def thinks(asked: Asked) -> Say:
        return Say("<ponder>It may be.</ponder>\\boxed{4}")

    problems = tmp_path / "problems.jsonl"
    problems.write_text(json.dumps({"question": "2 + 2 = ?", "answer": "4"}) + "\n")
    with FaultyServer(thinks) as server:
        done = run(
            tmp_path / "cache",
            *("audit", f"{server.url}#m", "--problems", problems, "--out", tmp_path / "run"),
            *("--thinking-marks", "<ponder>", "</ponder>"),
        )
    assert done.returncode == 0, done.stderr
    row = json.loads((tmp_path / "run" / "responses.jsonl").read_text())
    assert (row["thinking"], row["reply"]) == ("It may be.", "\\boxed{4}")
