"""Our own form: what is written is read again, and a bad line is named with its remedy."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twofold.constraints import from_spec
from twofold.errors import ProblemError, RunError
from twofold.problems import MOST_FAULTS, load
from twofold.problems.io import read, to_row, write
from twofold.types import Problem

RULED = Problem(
    question="What is 3 + 4?",
    answer="7",
    constraints=(
        from_spec("punctuation:no_comma", None, profile="fixed"),
        from_spec("keywords:existence", {"keywords": ["sum", "plus"]}, profile="fixed"),
    ),
    wordings=("No commas.", "Say sum and plus."),
    ask=" Box it. ",
    solution="The sum is \\boxed{7}.",
    tags={"source": "hand", "source_id": "1"},
)
STATED = Problem(
    question="Say hello without a comma.",
    constraints=(from_spec("punctuation:no_comma", None, profile="fixed"),),
    question_states_constraints=True,
)


def lines(tmp_path: Path, *rows: object) -> Path:
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    write(path, [RULED, STATED])
    again = read(path, profile="fixed")
    assert again == [RULED, STATED]
    assert [p.id for p in again] == [RULED.id, STATED.id]
    assert replace(RULED, solution=None).id == RULED.id


def test_the_form_on_disk_is_the_documented_one(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    write(path, [RULED, STATED])
    first, second = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert first == {
        "question": "What is 3 + 4?",
        "answer": "7",
        "constraints": [
            {"name": "punctuation:no_comma", "args": {}},
            {"name": "keywords:existence", "args": {"keywords": ["sum", "plus"]}},
        ],
        "wordings": ["No commas.", "Say sum and plus."],
        "ask": " Box it. ",
        "solution": "The sum is \\boxed{7}.",
        "tags": {"source": "hand", "source_id": "1"},
    }
    assert second == {
        "question": "Say hello without a comma.",
        "constraints": [{"name": "punctuation:no_comma", "args": {}}],
        "question_states_constraints": True,
    }


def test_the_profile_is_the_readers_choice(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    write(path, [RULED])
    (official,) = read(path, profile="official")
    assert {c.profile for c in official.constraints} == {"official"}
    assert official.id == RULED.id


def test_a_question_alone_is_a_problem(tmp_path: Path) -> None:
    (problem,) = read(lines(tmp_path, {"question": "Why?"}), profile="fixed")
    assert problem == Problem(question="Why?")


def test_blank_lines_a_byte_order_mark_and_crlf_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"question": "A?"}\r\n\r\n   \n{"question": "B?"}')
    assert [p.question for p in read(path, profile="fixed")] == ["A?", "B?"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    st.lists(
        st.tuples(st.text(), st.none() | st.text(), st.dictionaries(st.text(), st.text())),
        max_size=4,
    )
)
def test_any_text_survives(
    tmp_path: Path, drawn: list[tuple[str, str | None, dict[str, str]]]
) -> None:
    problems = [Problem(question="?" + q, answer=a, tags=t) for q, a, t in drawn]
    path = tmp_path / "p.jsonl"
    write(path, problems)
    assert read(path, profile="fixed") == problems


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"answer": "7"}, "the key 'question' is missing; add it"),
        ({"question": "A?", "anser": "7"}, "the key 'anser' is unknown; did you mean 'answer'?"),
        ({"question": "A?", "zzz": 1}, "the key 'zzz' is unknown; known: question, answer"),
        ({"question": "A?", "answer": [7]}, "'answer' should be a valid string, but it is [7]"),
        (
            {"question": "A?", "tags": {"level": 3}},
            "'tags.level' should be a valid string, but it is 3",
        ),
        ({"question": "  "}, "blank question"),
        ({"question": "A?", "wordings": ["x"]}, "1 wordings for 0 constraints"),
        (
            {"question": "A?", "constraints": [{"name": "punctuation:no_coma"}]},
            "did you mean 'punctuation:no_comma'?",
        ),
        (
            {"question": "A?", "constraints": [{"name": "punctuation:no_comma", "arg": {}}]},
            "the key 'constraints.0.arg' is unknown; take it out",
        ),
        ([1, 2], "not an object"),
    ],
)
def test_a_bad_row_is_named_with_its_remedy(tmp_path: Path, row: object, message: str) -> None:
    path = lines(tmp_path, {"question": "Fine?"}, row)
    with pytest.raises(ProblemError, match=re.escape(message)) as caught:
        read(path, profile="fixed")
    assert str(caught.value).startswith(f"{path}, line 2: ")


@pytest.mark.parametrize(
    "line",
    [b'{"question": "A?"', b"\xff\xfe", b'{"question": "A?", "answer": NaN}', b"[" * 100_000],
)
def test_a_corrupt_line_is_named_with_its_remedy(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(b'{"question": "Fine?"}\n\n' + line + b"\n")
    with pytest.raises(
        ProblemError, match=r"p\.jsonl, line 3: this is not JSON.*one object a line"
    ):
        read(path, profile="fixed")


def test_half_a_surrogate_is_an_error_of_its_line(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"question": "\\ud800"}', encoding="utf-8")
    with pytest.raises(ProblemError, match=r"line 1: .*surrogates not allowed"):
        read(path, profile="fixed")


def test_a_missing_file_is_a_problem_error(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="cannot read"):
        read(tmp_path / "none.jsonl", profile="fixed")


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = lines(tmp_path, {"question": "Old?"})

    def breaks() -> list[Problem]:
        raise RuntimeError("halfway")

    def some() -> object:
        yield Problem(question="New?")
        yield from breaks()

    with pytest.raises(RuntimeError):
        write(path, some())  # type: ignore[arg-type]
    assert read(path, profile="fixed") == [Problem(question="Old?")]
    assert os.listdir(tmp_path) == [path.name]


def test_a_place_that_is_not_there_is_an_error_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="choose a writable directory"):
        write(tmp_path / "no" / "p.jsonl", [STATED])


def test_a_written_file_has_the_usual_mode(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        write(tmp_path / "p.jsonl", [STATED])
    finally:
        os.umask(mask)
    assert (tmp_path / "p.jsonl").stat().st_mode & 0o777 == 0o644


def test_empty_fields_are_left_out() -> None:
    assert to_row(Problem(question="Why?")) == {"question": "Why?"}


def test_every_broken_row_is_named_so_that_all_can_be_mended_at_once(tmp_path: Path) -> None:
    path = tmp_path / "problems.jsonl"
    bad = ['{"question": "b", "answr": "1"}', '{"question": "c", "answer": true}', "{"]
    path.write_text("\n".join(['{"question": "a", "answer": "1"}', *bad, ""]))
    with pytest.raises(ProblemError) as told:
        load(str(path), profile="fixed")
    lines = str(told.value).splitlines()
    assert [f"{path}, line {n}: " in line for n, line in zip((2, 3, 4), lines, strict=True)] == [
        True
    ] * 3
    path.write_text("\n".join(['{"question": "a"}', *bad[:1] * 30]))
    with pytest.raises(ProblemError) as told:
        load(str(path), profile="fixed")
    assert len(str(told.value).splitlines()) == 1 + MOST_FAULTS + 1


def test_a_file_of_replies_in_place_of_problems_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "after.jsonl"
    path.write_text('{"prompt": "1 + 1?", "response": "2"}\n')
    with pytest.raises(ProblemError, match="those of replies, not of problems; `twofold score"):
        load(str(path), profile="fixed")
