"""Verdicts against those of a person: on replies that others reported, and on two sets of our own.

The second set was judged after the first had been mended, and run once before anything was changed
for it: 179 of 186 verdicts were right, with one false right (`docs/answers.md`).
"""

import json
from pathlib import Path

import pytest

from twofold.scorers import Correct
from twofold.types import FinishReason, Problem, Response

HERE = Path(__file__).parent
FILES = [
    HERE / "reported.jsonl",
    HERE.parent / "hand_judged.jsonl",
    HERE.parent / "hand_judged_2.jsonl",
]
ROWS = [
    pytest.param(row, id=f"{path.stem}-{i}")
    for path in FILES
    for i, row in enumerate(map(json.loads, path.read_text(encoding="utf-8").splitlines()))
]


def judge(
    gold: str, reply: str, scorer: Correct = Correct(), **fields: FinishReason
) -> float | None:
    problem, response = (
        Problem(question="?", answer=gold),
        Response(raw=reply, reply=reply, **fields),
    )
    return scorer([problem], [response])[0].score


@pytest.mark.parametrize("row", ROWS)
def test_the_verdict_of_a_person(row: dict[str, object]) -> None:
    assert judge(str(row["gold"]), str(row["reply"])) == float(bool(row["right"]))


def test_the_sets_have_both_kinds() -> None:
    for path in FILES[1:]:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        n_right = sum(row["right"] for row in rows)
        assert len(rows) >= 160 and n_right >= 50 and len(rows) - n_right >= 50


REFUSALS = [
    ("12", "I cannot solve this in 12 steps."),
    ("5", "The train leaves at 8:05."),
    ("8", "Sorry, I am unable to do question 8."),
    ("40", "This reply has 40 words."),
    ("6", "Is it 6?"),
    ("7", "We take 3 and 4, so 7 and"),
    ("7", "I don't know if it is 7"),
]


@pytest.mark.parametrize(("gold", "reply"), REFUSALS)
def test_the_last_number_of_a_reply_is_no_answer_unless_asked_for(gold: str, reply: str) -> None:
    assert judge(gold, reply) == 0.0


def test_an_audit_takes_the_last_number_but_not_half_of_a_time() -> None:
    audit = Correct(last_number=True)
    assert judge("12", "I cannot solve this in 12 steps.", audit) == 1.0
    assert judge("5", "The train leaves at 8:05.", audit) == 0.0
    assert judge("-3", "Then −3 degrees it was", audit) == 1.0
    assert judge("3", "Then －3 degrees it was", audit) == 0.0


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("The answer is 12", 0.0),  # perhaps the beginning of 125
        ("#### 12", 0.0),
        ("so we get 12", 0.0),
        ("12", 0.0),
        (r"\boxed{12", 0.0),
        (r"\boxed{12} since", 1.0),
        ("The answer is 12. To check", 1.0),
        ("#### 12\nTo check", 1.0),
    ],
)
def test_a_truncated_reply_may_end_in_half_an_answer(reply: str, score: float) -> None:
    for scorer in (Correct(), Correct(last_number=True)):
        assert judge("12", reply, scorer, finish_reason=FinishReason.truncated) == score


@pytest.mark.parametrize(
    ("gold", "reply", "score"),
    [
        ("5", r"\boxed{3} is the number of boys. With the girls: \boxed{5}", 1.0),
        ("3", r"\boxed{3} is the number of boys. With the girls: \boxed{5}", 0.0),
        ("3", r"\boxed{3}, \boxed{5}", 0.0),
        ("5", r"\boxed{3}, \boxed{5}", 0.0),
        ("5", r"\boxed{3} or maybe \boxed{5}", 0.0),
        ("3,5", r"\boxed{3} and \boxed{5}", 1.0),
        ("3,5", r"The first root is \boxed{3}. For the other one we get \boxed{5}.", 1.0),
        ("3,5", r"The first root is \boxed{3}. For the other one we get \boxed{6}.", 0.0),
        ("5", r"\boxed{5}. As a check, \boxed{5}", 1.0),
    ],
)
def test_several_boxes(gold: str, reply: str, score: float) -> None:
    assert judge(gold, reply) == score
