"""ExactJudge: a rule decides, no rule is unscored, polarity is a field."""

import pytest

from twofold.constraints import from_spec
from twofold.judges.exact import ExactJudge
from twofold.judges.judge import Asked
from twofold.types import FinishReason, Problem, Response
from twofold.types.checklist import ANSWER, Criterion

PROBLEM = Problem(
    question="7 + 5 = ?",
    answer="12",
    constraints=(
        from_spec("punctuation:no_comma", None, profile="fixed"),
        from_spec("keywords:existence", {"keywords": ["sum"]}, profile="fixed"),
        from_spec("keywords:existence", {"keywords": ["total"]}, profile="fixed"),
    ),
)


def verdict(text: str, rule: str, *, pitfall: bool = False, problem: Problem = PROBLEM):
    criterion = Criterion(text="?", rule=rule, pitfall=pitfall)
    asked = Asked(problem=problem, response=Response(raw=text, reply=text), criterion=criterion)
    (found,) = ExactJudge()([asked])
    return found


@pytest.mark.parametrize(
    ("text", "rule", "score"),
    [
        ("The sum is 12", "punctuation:no_comma", 1.0),
        ("Well, 12", "punctuation:no_comma", 0.0),
        ("The sum is 12", "keywords:existence", 1.0),
        ("The sum is 12", "keywords:existence#2", 0.0),
        ("The total is 12", "keywords:existence#2", 1.0),
        ("It is \\boxed{12}", ANSWER, 1.0),
        ("It is \\boxed{13}", ANSWER, 0.0),
    ],
)
def test_the_rule_decides_and_a_pitfall_turns_it(text: str, rule: str, score: float) -> None:
    assert verdict(text, rule).score == score
    assert verdict(text, rule, pitfall=True).score == 1 - score


@pytest.mark.parametrize("pitfall", [False, True])
@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("", "no rule"),
        ("keywords:existence#3", "keywords:existence#3"),
        ("item:1", "item:1"),
        ("Answer", "Answer"),
    ],
)
def test_no_rule_or_an_unknown_one_is_unscored(rule: str, why: str, pitfall: bool) -> None:
    found = verdict("The sum is 12", rule, pitfall=pitfall)
    assert found.score is None and why in found.reason


@pytest.mark.parametrize("pitfall", [False, True])
def test_without_a_reference_answer_nobody_knows(pitfall: bool) -> None:
    found = verdict("12", ANSWER, pitfall=pitfall, problem=Problem(question="Why?"))
    assert found.score is None and "no reference answer" in found.reason


def test_a_lost_reply_is_told_before_a_missing_rule() -> None:
    lost = Response(raw="", reply="", finish_reason=FinishReason.failed, error="HTTP 500")
    asked = [
        Asked(problem=PROBLEM, response=lost, criterion=Criterion(text="?", rule=rule))
        for rule in ("", ANSWER, "punctuation:no_comma")
    ]
    assert [each.reason for each in ExactJudge()(asked)] == ["HTTP 500"] * 3


def test_the_profile_is_that_of_the_answers() -> None:
    text = "#### 12"  # MathIF's grader reads a box and nothing else
    criterion = Criterion(text="?", rule=ANSWER)
    asked = Asked(problem=PROBLEM, response=Response(raw=text, reply=text), criterion=criterion)
    assert ExactJudge()([asked])[0].score == 1.0
    assert ExactJudge(profile="official")([asked])[0].score in (0.0, 1.0)
    assert "official" in ExactJudge(profile="official")([asked])[0].reason
