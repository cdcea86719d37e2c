"""Checklists on the command line, from nothing to an audited model: write, score, pair, train, audit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from twofold.report.findings import read_findings
from twofold.types import Finding

pytest.importorskip("trl")
pytestmark = pytest.mark.slow

NOISY = "recipes.checklists.planted_judges:LabelNoiseJudge"

DPO = """
pairs: {pairs}
learning_rate: 1e-4
epochs: 1
batch: 8
save_steps: 100
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("checklists")


def run(place: Path, *arguments: object, status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "twofold", *map(str, arguments)],
        env=os.environ
        | {"TWOFOLD_CACHE": str(place / "cache"), "OMP_NUM_THREADS": "1"}
        | {"PYTHONPATH": f"{place}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def found(out: Path) -> Finding:
    findings, _ = read_findings(out / "findings.json")
    return next(f for f in findings if f.diagnostic == "checklist")


@pytest.fixture(scope="module")
def listed(place):
    file = place / "train.jsonl"
    told = run(place, "checklist", "write", "pocket:60:train", "--out", file)
    assert "60 of 60 problems have a checklist" in told and "no faults" in told
    return file


@pytest.fixture(scope="module")
def replies(place, listed):
    out = place / "replies"
    run(
        place,
        *("audit", "pocket", "--problems", listed, "--samples", 2, "--temperature", 1),
        *("--max-tokens", 96, "--out", out),
    )
    return out


@pytest.fixture(scope="module")
def paired(place, listed, replies):
    file = place / "pairs.jsonl"
    told = run(place, "pairs", replies, "--problems", listed, "--out", file, "--keep", 0.4)
    assert "of 60 problems with two replies or more" in told and f"`pairs: {file}`" in told
    return file


def test_writing_goes_on_where_it_was_stopped(place, listed) -> None:
    whole = listed.read_text()
    other = place / "stopped.jsonl"
    other.write_text("".join(whole.splitlines(keepends=True)[:20]) + whole.splitlines()[20][:50])
    run(place, "checklist", "write", "pocket:60:train", "--out", other)
    assert other.read_text() == whole
    told = run(place, "checklist", "write", "pocket:10:test", "--out", listed, status=2)
    assert "choose another --out" in told and listed.read_text() == whole


def test_what_was_written_has_no_faults(place, listed) -> None:
    assert "no faults" in run(place, "checklist", "check", listed)
    assert "0 of 5 problems" in run(place, "checklist", "check", "pocket:5", status=4)


def test_scores_have_floors_and_the_judges_errors(place, listed, replies) -> None:
    out = place / "score"
    told = run(place, "score", replies, "--problems", listed, "--judge", NOISY, "--out", out)
    assert f"errors of {NOISY}" in told and "(specificity)" in told
    finding = found(out)
    assert finding.estimate("mean", condition=NOISY).n == 60
    assert finding.estimate("mean", role="bare_answer", condition=NOISY)
    rate = finding.estimate("sensitivity", role="judge", condition=NOISY)
    assert rate.low < 0.7 < rate.high
    assert (out / "report.html").read_text().count(NOISY) > 3


def test_pairs_are_those_with_the_largest_leads(paired) -> None:
    rows = [json.loads(line) for line in paired.read_text().splitlines()]
    assert rows and all(row["gap"] > 0 and row["lead"] == 1.0 for row in rows)
    assert len({row["problem"] for row in rows}) == len(rows)


def test_the_pairs_train_and_the_model_is_audited(place, listed, paired) -> None:
    config = place / "dpo.yaml"
    config.write_text(DPO.format(pairs=paired))
    out = place / "model"
    shown = run(
        place,
        *("train", "dpo", "--base", "pocket", "--problems", listed, "--config", config),
        *("--out", out, "--dry-run"),
    )
    assert shown.count('"chosen"') == len(paired.read_text().splitlines())
    told = run(
        place,
        *(
            "train",
            "dpo",
            "--base",
            "pocket",
            "--problems",
            listed,
            "--config",
            config,
            "--out",
            out,
        ),
    )
    assert "now `twofold audit" in told
    after = place / "after"
    run(
        place,
        *("audit", out, "--baseline", "pocket", "--problems", listed, "--judge", "exact"),
        *("--max-tokens", 96, "--out", after),
    )
    finding = found(after)
    for role in ("model", "baseline", "constant_reply"):
        assert finding.estimate("mean", role=role, condition="exact")


def test_forms_go_there_and_back(place, listed) -> None:
    other, back = place / "autorubric.jsonl", place / "back.jsonl"
    run(place, "checklist", "convert", listed, "--to", "autorubric", "--out", other)
    run(place, "checklist", "convert", other, "--from", "autorubric", "--out", back)
    texts = [
        [
            [c["text"] for c in json.loads(line)["checklist"]["criteria"]]
            for line in file.read_text().splitlines()
        ]
        for file in (listed, back)
    ]
    assert texts[0] == texts[1]


def test_what_has_no_checklist_is_no_checklist(place) -> None:
    told = run(place, "checklist", "convert", "pocket:3", "--out", place / "own.jsonl", status=4)
    assert told.startswith("0 checklists")


def test_a_wrong_judge_is_told(place, listed, replies) -> None:
    told = run(
        place,
        "pairs",
        replies,
        "--problems",
        listed,
        "--judge",
        f"{NOISY}s",
        "--out",
        "x",
        status=2,
    )
    assert "check the name after the colon" in told


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        (("--programs",), "--programs needs a model"),
        (("--how", "rubric"), "--how rubric needs a model"),
        (("--writer", "pocket", "--how", "candidates"), "go together"),
        (("--writer", "pocket", "--candidates", "replies.jsonl"), "go together"),
    ],
)
def test_options_that_would_do_nothing_are_refused(place, options, remedy) -> None:
    out = place / "nothing.jsonl"
    told = run(place, "checklist", "write", "pocket:2", *options, "--out", out, status=2)
    assert remedy in told and not out.exists()


def test_a_problem_that_no_rule_knows_costs_itself_alone(place) -> None:
    file, out = place / "mixed.jsonl", place / "mixed.listed.jsonl"
    file.write_text('{"question": "A poem."}\n{"question": "2+2?", "answer": "4"}\n')
    told = run(place, "checklist", "write", file, "--out", out, status=3)
    assert "1 of 2 problems have a checklist" in told and "neither constraints nor" in told
    assert len(out.read_text().splitlines()) == 1


def test_pairs_tell_what_the_judge_could_not_say(place, listed, replies) -> None:
    rows = [json.loads(line) for line in listed.read_text().splitlines()]
    for row in rows[:20]:
        row["checklist"]["criteria"][0]["rule"] = "no_such:rule"
    some = place / "some.jsonl"
    some.write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = place / "new" / "pairs.jsonl"
    told = run(place, "pairs", replies, "--problems", some, "--out", out, status=3)
    assert "of 120 replies are unscored" in told and "no_such:rule" in told
    assert out.read_text()


def test_pairs_of_problems_without_checklists_are_refused(place, replies) -> None:
    told = run(
        place, "pairs", replies, "--problems", "pocket:60:train", "--out", place / "x", status=2
    )
    assert "no problem in pocket:60:train has a checklist" in told


def test_programs_stand_beside_the_judge(place, listed, replies) -> None:
    rows = [json.loads(line) for line in listed.read_text().splitlines()]
    for row in rows:
        for criterion in row["checklist"]["criteria"]:
            if criterion["rule"] == "punctuation:no_comma":
                criterion["program"] = "def verify(text):\n    return ',' not in text"
    file = place / "programs.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (place / "upside_down.py").write_text(
        "from recipes.checklists.planted_judges import LabelNoiseJudge\n"
        "WRONG = LabelNoiseJudge(error=1.0)\n"
    )
    out = place / "overridden"
    run(
        place,
        *(
            "score",
            replies,
            "--problems",
            file,
            "--judge",
            "upside_down:WRONG",
            "--programs",
            "override",
        ),
        *("--out", out),
    )
    judged = [json.loads(line) for line in (out / "checklist.jsonl").read_text().splitlines()]
    assert {row["judge"] for row in judged} == {"upside_down:WRONG+override"}
    told = [
        row["scores"][key] == true
        for row in judged
        for key, true in row["exact"].items()
        if row["scores"].get(key) is not None
    ]
    assert any(told) and not all(told)  # programs are right, all else is turned over
