"""Holistic: one rating for a whole checklist, polarity in words, unreadable ratings unscored."""

from collections.abc import Callable

import pytest

from twofold.judges import Holistic
from twofold.methods.preferences import lead
from twofold.models.scripted import ScriptedModel
from twofold.types import FinishReason, Problem, Response, Verdict
from twofold.types.checklist import Checklist, Criterion

CHECKLIST = Checklist(
    criteria=(
        Criterion(text="Does it greet?", weight=100, category="essential"),
        Criterion(text="Does it insult?", weight=50, pitfall=True),
    )
)
PROBLEM = Problem(question="Say hello.", checklist=CHECKLIST)
HELLO = Response(raw="Hello!", reply="Hello!")


def rated(said: list[str], response: Response = HELLO, problem: Problem = PROBLEM) -> Verdict:
    judge = Holistic(ScriptedModel(lambda text, g: said[g]), n=len(said))
    return judge([problem], [response])[0]


@pytest.mark.parametrize(
    ("said", "score"),
    [
        (['{"rating": 1}'], 0.0),
        (['{"rating": 10}'], 1.0),
        (["7"], 6 / 9),
        (['{"rating": 4}', "7", '```json\n{"rating": 1}\n```'], 3 / 9),
        (["10", "0"], 1.0),  # 0 is off the scale: lost, not the worst
        (["10", "-1"], 1.0),
    ],
)
def test_ratings_run_from_0_to_1(said: list[str], score: float) -> None:
    assert rated(said).score == pytest.approx(score)


@pytest.mark.parametrize("said", [["?"], ["-1"], ["0"], ["11", "12", "5"], ["<think>10"], [""]])
def test_what_cannot_be_read_is_unscored(said: list[str]) -> None:
    found = rated(said)
    assert found.score is None and "samples gave a number" in found.reason


def test_the_words_are_a_part_of_the_rating_and_no_measure_of_their_own() -> None:
    found = rated(['Kind. {"rating": 9}', "Well.\n7"])
    assert found.parts["rating"].score == found.score
    words = [part.reason for part in found.parts["rating"].parts.values()]
    assert words == ['Kind. {"rating": 9}', "Well.\n7"]
    assert lead(found, rated(["5", "3"])) == pytest.approx(3 / 9)  # as the scores, not one sample


def test_what_needs_no_judge() -> None:
    def never(text: str, g: int) -> str:
        raise AssertionError(text)

    judge = Holistic(ScriptedModel(never))
    lost = Response(raw="", reply="", finish_reason=FinishReason.unclosed_thinking)
    blank, bare = Response(raw=" ", reply=" "), Problem(question="?")
    found = judge([PROBLEM, PROBLEM, bare], [lost, blank, HELLO])
    assert [verdict.score for verdict in found] == [None, 0.0, None]
    assert found[2].reason == "no checklist"
    assert judge([], []) == []
    assert judge.applies(PROBLEM) and not judge.applies(bare)


def prompt_of(problem: Problem, response: Response = HELLO) -> str:
    seen: list[str] = []

    def note(text: str, g: int) -> str:
        seen.append(text)
        return "5"

    Holistic(ScriptedModel(note), n=1)([problem], [response])
    return seen[0]


def test_polarity_and_importance_are_said_in_words() -> None:
    text = prompt_of(PROBLEM)
    assert "1. (wanted, essential) Does it greet?\n" in text
    assert "2. (unwanted, weight 50 of 100) Does it insult?\n" in text


def test_equal_weights_are_not_told() -> None:
    alike = Checklist(criteria=(Criterion(text="A?"), Criterion(text="B\n?", pitfall=True)))
    text = prompt_of(Problem(question="?", checklist=alike))
    assert "1. (wanted) A?\n2. (unwanted) B ?\n" in text


def test_the_thought_is_never_shown() -> None:
    thought = Response(raw="", reply="Hello!", thinking="secret plan")
    assert "secret plan" not in prompt_of(PROBLEM, thought)


def test_equal_replies_are_asked_once_and_order_is_kept() -> None:
    asked: list[str] = []

    def by_reply(text: str, g: int) -> str:
        asked.append(text)
        return "10" if "Hello!" in text else "1"

    other = Response(raw="Go away.", reply="Go away.")
    found = Holistic(ScriptedModel(by_reply), n=1)([PROBLEM] * 3, [HELLO, other, HELLO])
    assert [verdict.score for verdict in found] == [1.0, 0.0, 1.0] and len(asked) == 2


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="zip"):
        Holistic(ScriptedModel({}))([PROBLEM], [])


@pytest.mark.parametrize("make", [lambda m: Holistic(m, n=0), lambda m: Holistic(m, temperature=0)])
def test_arguments_out_of_range(make: Callable[[ScriptedModel], Holistic]) -> None:
    with pytest.raises(ValueError, match="give"):
        make(ScriptedModel({}))
