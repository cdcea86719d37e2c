"""A reference answer that a table stored as a number is the text that a reply would give."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.errors import ProblemError
from twofold.problems import load
from twofold.problems.row import _digits


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *((142.0, "142"), (142, "142"), (-0.0, "0"), (0.5, "0.5"), (-3.25, "-3.25")),
        *((1e-7, "0.0000001"), (1e22, "10000000000000000000000"), ("142.0", "142.0")),
    ],
)
@pytest.mark.parametrize("key", ["problem", "question"])
def test_a_number_is_written_in_digits(tmp_path, key, number, text):
    (tmp_path / "p.jsonl").write_text(json.dumps({key: "What is 140+2?", "answer": number}))
    (problem,) = load(tmp_path / "p.jsonl", profile="fixed")
    assert problem.answer == text


@pytest.mark.parametrize("other", [True, [142.0], {"value": 142}])
def test_what_is_no_number_is_refused(tmp_path, other):
    (tmp_path / "p.jsonl").write_text(json.dumps({"problem": "What?", "answer": other}))
    with pytest.raises(ProblemError, match=r"line 1: 'answer' should be a valid string"):
        load(tmp_path / "p.jsonl", profile="fixed")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_digits_are_the_number(number):
    text = _digits(number)
    assert float(text) == number and "e" not in text.lower()
