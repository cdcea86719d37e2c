"""Faults that were reported about files of replies, by their values: what is right is asked for here."""

import gzip
import json

import pytest

from twofold.constraints import from_spec
from twofold.errors import RunError
from twofold.problems import load
from twofold.runs.score import score
from twofold.types import Problem

ASKED = [Problem(question="Zero?", answer="0"), Problem(question="One?", answer="1")]
ROWS = [{"output": ["\\boxed{0}"]}, {"output": ["\\boxed{1}"]}]
TEXT = "".join(json.dumps(row) + "\n" for row in ROWS)


def accuracy(path, out):
    found = score(path, ASKED, out=out).findings[0]
    return found.estimate("accuracy", condition="unconstrained")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.jsonl", b"\xef\xbb\xbf" + TEXT.encode()),
        ("r.jsonl.gz", gzip.compress(TEXT.encode())),
        ("r.jsonl", TEXT.encode("utf-16")),
        ("r.jsonl", TEXT.replace("\n", "\r\n").encode()),
    ],
    ids=["mark", "gzip", "utf-16", "crlf"],
)
def test_a_file_of_replies_is_read_in_its_usual_forms(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    found = accuracy(tmp_path / name, tmp_path / "run")
    assert (found.value, found.n) == (1.0, 2)


@pytest.mark.parametrize(
    "line",
    [
        '{"doc_id": 0, "doc": "A?", "resps": [["1"]]}',
        '{"n": ' + "9" * 5000 + ', "output": ["1"]}',
        '{"n": ' + "[" * 5000 + "]" * 5000 + ', "output": ["1"]}',
        '{"n": ' + "[" * 100_000,
        '{"output": 7}',
        '{"question": "A?"}',
        "[1, 2]",
        "null",
    ],
    ids=["doc", "digits", "deep", "deeper", "number", "keys", "array", "null"],
)
def test_a_line_that_is_no_reply_is_one_error(tmp_path, line):
    path = tmp_path / "r.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(RunError, match=r"r\.jsonl") as caught:
        score(path, ASKED, out=tmp_path / "run")
    assert "Delete" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_two_problems_with_one_question_are_both_scored(tmp_path):
    no_comma, as_json = (
        from_spec(name, None, profile="fixed")
        for name in ("punctuation:no_comma", "detectable_format:json_format")
    )
    asked = [Problem(question=f"{i}?", answer=str(i), constraints=(no_comma,)) for i in range(58)]
    asked += [
        Problem(question="What is 7 + 7?", answer="14", constraints=(each,))
        for each in (no_comma, as_json)
    ]
    replies = [f"\\boxed{{{i}}}" for i in range(58)] + ["\\boxed{14}", '{"a": "\\\\boxed{14}"}']
    rows = [
        {"doc_id": i, "doc": {"question": p.question}, "resps": [[reply]]}
        for i, (p, reply) in enumerate(zip(asked, replies, strict=True))
    ]
    path = tmp_path / "samples_x.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = score(path, asked, out=tmp_path / "run")
    found = result.findings[0].estimate("hacc", condition="constrained")
    assert (found.value, found.n, result.lost.n) == (1.0, 60, 0)


def test_a_float_answer_is_its_digits(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text('{"problem": "What is 140+2?", "answer": 142.0}')
    assert [p.answer for p in load(path, profile="fixed")] == ["142"]
