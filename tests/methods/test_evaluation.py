"""Are the numbers of an evaluation those of an audit: told against untold, paired with the base?"""

import json
from pathlib import Path

import pytest

from twofold.constraints import from_spec
from twofold.errors import RunError
from twofold.methods.trl import evaluation
from twofold.methods.trl.evaluation import Evaluation, Replies
from twofold.problems.conditions import asked
from twofold.stats import chance_corrected, mean, paired
from twofold.storage.jsonl import read_lines
from twofold.types import FinishReason, Problem, Response

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
QUOTED = from_spec("startend:quotation", None, profile="fixed")

PAIR = Problem(question="2 + 2?", answer="4", constraints=(NO_COMMA, QUOTED))
ONE = Problem(question="1 + 1?", answer="2", constraints=(NO_COMMA,))
FREE = Problem(question="1 + 2?", answer="3")
OPEN = Problem(question="Say hello.", constraints=(NO_COMMA,))
PROBLEMS = [PAIR, ONE, FREE, OPEN]
STATED = Problem(
    question="2 + 3? No commas.",
    answer="5",
    constraints=(NO_COMMA,),
    question_states_constraints=True,
)

THOUGHT = Response(raw="<think>", reply="", finish_reason=FinishReason.unclosed_thinking)


def said(text: str) -> Response:
    return Response(raw=text, reply=text, n_reply_tokens=len(text.split()))


# Told: both rules of PAIR met and wrong; ONE met and right; OPEN not.
# Untold: PAIR right, no comma but no quotes; ONE right with a comma; FREE wrong; OPEN not.
TOLD = (said('"\\boxed{5}"'), said("\\boxed{2}"), said("hello, you"))
UNTOLD = (said("\\boxed{4}"), said("so, \\boxed{2}"), said("\\boxed{9}"), said("hello, you"))


def evaluated(replies: tuple[Response, ...]) -> Evaluation:
    return Evaluation(PROBLEMS, Replies(PROBLEMS, replies).rows())


def test_the_usual_prompts_are_told_where_there_is_something_to_tell() -> None:
    order = [(condition, problem.question) for condition, problem, _ in asked(PROBLEMS)]
    assert order[:3] == [("constrained", p.question) for p in (PAIR, ONE, OPEN)]
    found = Replies(PROBLEMS, TOLD + UNTOLD).means()
    assert found == {
        "eval/joint": 0.5,  # of PAIR and ONE: the others lack an answer or a constraint
        "eval/correct": 1 / 3,  # PAIR, ONE and FREE
        "eval/compliant_all": 2 / 3,  # PAIR, ONE and OPEN
        "eval/unscored": 0.5,
        "eval/tokens": (1 + 1 + 1 + 2) / 4,
    }


def test_the_rows_are_those_of_the_joint_table() -> None:
    rows = Replies(PROBLEMS, TOLD + UNTOLD).rows()
    assert len(rows) == 7
    assert rows[0] == {
        "role": "model",
        "condition": "constrained",
        "problem": PAIR.id,
        "sample": 0,
        "finish_reason": "answered",
        "n_reply_tokens": 1,
        "correct": 0.0,
        "parts": {"punctuation:no_comma": 1.0, "startend:quotation": 1.0},
    }
    assert rows[5]["parts"] == {} and "correct" not in rows[6]


def test_obedience_is_told_minus_untold_and_accuracy_is_untold() -> None:
    found = evaluated(TOLD + UNTOLD).estimates()
    assert found["accuracy"] == mean([1.0, 1.0, 0.0], [0, 1, 2])
    # PAIR: 1 - 1 and 1 - 0; ONE: 1 - 0; OPEN: 0 - 0
    change = paired([1, 0, 0, 0], [1, 1, 1, 0], [0, 0, 1, 3]).difference
    assert found["obedience"] == change
    assert change.value == pytest.approx(2 / 4) and change.n == 3
    # told 3 of 4, untold 1 of 4: (3/4 - 1/4) / (1 - 1/4)
    corrected = chance_corrected([1, 1, 1, 0], [1, 0, 0, 0], ([0, 0, 1, 3], [0, 0, 1, 3]))
    assert found["chance_corrected"] == corrected
    assert corrected.value == pytest.approx(2 / 3)


def test_what_is_unscored_in_either_condition_is_counted_and_not_zero() -> None:
    found = evaluated((TOLD[0], THOUGHT, TOLD[2], THOUGHT, *UNTOLD[1:])).estimates()
    assert (found["accuracy"].value, found["accuracy"].n_unscored) == (0.5, 1)  # ONE, FREE
    assert found["obedience"].value == 0.0  # OPEN alone
    assert (found["obedience"].n, found["obedience"].n_unscored) == (1, 3)
    rows = evaluated((THOUGHT,) * 7).rows
    assert rows[0]["parts"] == {"punctuation:no_comma": None, "startend:quotation": None}
    assert evaluated((THOUGHT,) * 7).estimates() == {}


def test_gains_are_paired_with_the_base_by_problem() -> None:
    base = evaluated(
        (*TOLD[:1], said("so, \\boxed{2}"), TOLD[2], said("\\boxed{7}"), THOUGHT, *UNTOLD[2:])
    )
    gains = evaluated(TOLD + UNTOLD).gains(base)
    # accuracy untold: PAIR 0 to 1, ONE unscored in the base, FREE 0 to 0
    assert gains["accuracy"].difference.value == 0.5
    assert (gains["accuracy"].difference.n, gains["accuracy"].difference.n_unscored) == (2, 1)
    # obedience: PAIR 0 and 1 on both sides, ONE unscored in the base, OPEN 0 on both
    assert gains["obedience"].difference.value == 0.0
    assert gains["obedience"].difference.n_unscored == 1
    assert evaluated(TOLD + UNTOLD).gains(evaluated((THOUGHT,) * 7)) == {}


def test_effects_differ_by_up_to_two() -> None:
    """The base meets rules only when they are not stated, and then it is the other way round."""
    bad, good = said("so, \\boxed{2}"), said("\\boxed{2}")
    problems = [
        Problem(question=f"{n} + 1?", answer="2", constraints=(NO_COMMA,)) for n in range(9)
    ]
    before = Evaluation(problems, Replies(problems, [bad] * 9 + [good] * 9).rows())
    after = Evaluation(problems, Replies(problems, [good] * 9 + [bad] * 9).rows())
    gain = after.gains(before)["obedience"].difference
    assert gain.value == 2.0 and gain.low > 0
    assert after.gains(before)["accuracy"].difference.value == 0.0
    found = evaluation.logged(after, before)
    assert (found["eval/obedience"], found["eval/obedience_gain"]) == (1.0, 2.0)
    assert found["eval/obedience_gain_low"] == gain.low
    assert (found["eval/obedience_gain_n"], found["eval/obedience_gain_n_unscored"]) == (9, 0)
    assert not any("gain" in key for key in evaluation.logged(after, None))


def test_where_nothing_can_be_asked_untold_accuracy_is_told_and_there_is_no_obedience() -> None:
    found = Evaluation([STATED], Replies([STATED], [said("\\boxed{5}")]).rows()).estimates()
    assert list(found) == ["accuracy"] and found["accuracy"].value == 1.0


def test_an_evaluation_that_is_repeated_doubles_no_row(tmp_path: Path) -> None:
    rows = Replies(PROBLEMS, TOLD + UNTOLD).rows()
    for _ in range(2):
        evaluation.write(tmp_path, 20, rows)
    saved = evaluation.read(tmp_path, 20, PROBLEMS)
    assert saved is not None and saved.rows == rows
    assert saved.gains(evaluated(TOLD + UNTOLD))["accuracy"].difference.value == 0.0
    assert evaluation.read(tmp_path, 0, PROBLEMS) is None
    others = evaluation.read(tmp_path, 20, [FREE])  # another --eval-problems
    assert others is not None and others.estimates()["accuracy"].n == 1


def test_a_row_that_was_damaged_is_told(tmp_path: Path) -> None:
    file = evaluation.rows_file(tmp_path, 20)
    evaluation.write(tmp_path, 20, Replies(PROBLEMS, TOLD + UNTOLD).rows())
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], json.dumps(json.loads(lines[1]) | {"correct": "yes"})]))
    with pytest.raises(RunError, match=r"joint\.step-20\.jsonl.*line 2.*correct"):
        list(read_lines(file))
