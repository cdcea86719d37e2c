"""`checklist write`, `convert` and `pairs` write what is theirs, whole, and one at a time."""

import json
import multiprocessing
import sys
import time
from dataclasses import dataclass
from typing import ClassVar

import pytest

from twofold.cli import main
from twofold.judges import Judge
from twofold.types import Verdict

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
FOREIGN = {
    "text": b"years of work, without a last line end",
    "picture": PNG,
    "lines": b"one\ntwo\nthree",
    "json": b'{"a": 1}\n{"b": 2}\n',
    "torn json": b'{"question": "Another?", "ans',
    "blank": b"\n\n",
    "utf-16": "years".encode("utf-16"),
}
PROBLEMS = [
    {"question": f"What is {i} + {i}?", "answer": str(2 * i)}
    | {"constraints": [{"name": "punctuation:no_comma"}]}
    for i in range(12)
]


def call(monkeypatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["twofold", *map(str, arguments)])
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def saved(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def asked(tmp_path):
    return saved(tmp_path / "asked.jsonl", PROBLEMS)


@pytest.fixture
def listed(tmp_path):
    rule = {"text": "Is there no comma?", "rule": "punctuation:no_comma"}
    rows = [row | {"checklist": {"criteria": [rule]}} for row in PROBLEMS]
    return saved(tmp_path / "with.jsonl", rows)


@pytest.fixture
def replies(tmp_path):
    rows = [{"output": [f"it is {i}", f"well, {i}"]} for i in range(12)]
    return saved(tmp_path / "replies.jsonl", rows)


def commands(asked, listed, replies, out):
    return (
        ("checklist", "write", asked, "--out", out),
        ("checklist", "convert", listed, "--to", "rlcf", "--out", out),
        ("pairs", replies, "--problems", listed, "--out", out),
        ("audit", "pocket", "--problems", asked, "--out", out),
        ("score", replies, "--problems", listed, "--out", out),
        ("study", "--out", out),
    )


@pytest.mark.parametrize("which", range(6))
@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_file_of_another_is_refused_and_stays(
    which, content, asked, listed, replies, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "mine"
    out.write_bytes(content)
    before = sorted(p.name for p in tmp_path.iterdir())
    assert call(monkeypatch, *commands(asked, listed, replies, out)[which]) == 2
    assert "another --out" in capsys.readouterr().err or which > 2
    assert out.read_bytes() == content
    assert sorted(p.name for p in tmp_path.iterdir()) == before


@pytest.mark.parametrize("which", range(3))
def test_an_output_that_is_the_input_is_refused(
    which, asked, listed, replies, tmp_path, monkeypatch, capsys
):
    command = commands(asked, listed, replies, "")[which][:-1]
    for each in (replies, listed, asked):
        content = each.read_bytes()
        if each in command:
            (tmp_path / "other").unlink(missing_ok=True)
            (tmp_path / "other").symlink_to(each)
            for name in (each, tmp_path / "other"):
                assert call(monkeypatch, *command, name) == 2
                assert "is also the input" in capsys.readouterr().err
        assert each.read_bytes() == content


def test_a_finished_line_without_its_end_is_kept_and_a_torn_one_made_again(
    asked, tmp_path, monkeypatch
):
    out = tmp_path / "out.jsonl"
    assert call(monkeypatch, "checklist", "write", asked, "--out", out) == 0
    whole = out.read_bytes()
    for end in range(len(whole) - 900, len(whole), 7):
        out.write_bytes(whole[:end])
        assert call(monkeypatch, "checklist", "write", asked, "--out", out) == 0
        assert out.read_bytes() == whole
    out.write_bytes(whole[:-1])
    assert call(monkeypatch, "checklist", "write", asked, "--out", out) == 0
    assert out.read_bytes() == whole


def test_problems_without_checklists_are_not_what_write_began(asked, tmp_path, monkeypatch):
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(asked.read_bytes())
    assert call(monkeypatch, "checklist", "write", asked, "--out", copy) == 2
    assert copy.read_bytes() == asked.read_bytes()


def _write(asked, out, slowly, statuses):
    from twofold.cli import checklists

    made = checklists._by_rules

    def slow(problem):
        time.sleep(0.05 if slowly else 0)
        return made(problem)

    checklists._by_rules = slow
    sys.argv = ["twofold", "checklist", "write", str(asked), "--out", str(out)]
    try:
        main()
        statuses.put(0)
    except SystemExit as end:
        statuses.put(int(end.code or 0))


def test_two_at_once_write_every_problem_once(asked, tmp_path):
    context = multiprocessing.get_context("spawn")
    statuses, out = context.Queue(), tmp_path / "out.jsonl"
    both = [context.Process(target=_write, args=(asked, out, True, statuses)) for _ in range(2)]
    for each in both:
        each.start()
    found = sorted(statuses.get(timeout=120) for _ in both)
    for each in both:
        each.join()
    assert found[0] == 0 and found[1] in (0, 2)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["question"] for row in rows] == [row["question"] for row in PROBLEMS]


@dataclass(frozen=True)
class FailingJudge(Judge):
    """A judge whose server is down."""

    name: ClassVar[str] = "failing"

    def __call__(self, asked):
        return [Verdict(None, "the server is down \x1b[2J") for _ in asked]


DOWN = FailingJudge()


def test_a_failing_judge_leaves_the_pairs_that_are_there(
    listed, replies, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "pairs.jsonl"
    arguments = ("pairs", replies, "--problems", listed, "--out", out, "--keep", 1)
    assert call(monkeypatch, *arguments) == 0
    good = out.read_bytes()
    assert len(good.splitlines()) == 12
    monkeypatch.setitem(sys.modules, "failing_judge", sys.modules[__name__])
    for there in (True, False):
        assert call(monkeypatch, *arguments, "--judge", "failing_judge:DOWN") == 3
        said = capsys.readouterr()
        assert "\x1b" not in said.out + said.err and "\\u001b[2J" in said.err
        assert out.exists() is there and (not there or out.read_bytes() == good)
        out.unlink(missing_ok=True)
    assert call(monkeypatch, *arguments) == 0
    assert out.read_bytes() == good
    assert call(monkeypatch, *arguments) == 0  # what is ours is made again
    assert out.read_bytes() == good


def test_a_judge_that_loses_too_much_is_status_3_in_score_too(
    listed, replies, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "failing_judge", sys.modules[__name__])
    arguments = ("score", replies, "--problems", listed, "--out", tmp_path / "run")
    assert call(monkeypatch, *arguments, "--judge", "failing_judge:DOWN") == 3
    assert "judge failing_judge:DOWN: 100%" in capsys.readouterr().err
    assert call(monkeypatch, "report", tmp_path / "run") == 3


@pytest.mark.parametrize(("n_lost", "status"), [(1, 0), (2, 3)])
def test_more_than_one_in_twenty_is_status_3_for_written_checklists(
    n_lost, status, tmp_path, monkeypatch, capsys
):
    bare = [{"question": f"A poem {i}."} for i in range(n_lost)]
    rows = [{"question": f"{i}?", "answer": "1"} for i in range(20 - n_lost)]
    asked = saved(tmp_path / "asked.jsonl", rows + bare)
    out = tmp_path / "out.jsonl"
    assert call(monkeypatch, "checklist", "write", asked, "--out", out) == status
    assert f"{n_lost} have none" in capsys.readouterr().err
    assert len(out.read_text().splitlines()) == 20 - n_lost


@pytest.mark.parametrize("value", ["abc", "-1", "1.5", "٣", "9" * 30])
@pytest.mark.parametrize("name", ["RANK", "WORLD_SIZE"])
def test_a_rank_that_is_none_is_refused(name, value, asked, replies, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(name, value)
    out = tmp_path / "out"
    assert call(monkeypatch, "audit", "pocket", "--problems", asked, "--out", out) == 2
    assert name in capsys.readouterr().err and not out.exists()


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400"])
@pytest.mark.parametrize("flag", ["--temperature", "--top-p"])
def test_a_number_that_is_none_is_refused(flag, value, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    assert call(monkeypatch, "audit", "pocket", flag, value, "--out", out) == 2
    assert flag in capsys.readouterr().err and not out.exists()
