from dataclasses import dataclass, replace
from typing import ClassVar, final

import pytest

from twofold.constraints import from_spec
from twofold.scorers import Compliant
from twofold.types import Constraint, Problem, Profile, Response, Verdict


@final
@dataclass(frozen=True)
class Says(Constraint):
    """Contains a word; cannot be decided where the reply says `maybe`."""

    name: ClassVar[str] = "test:says"
    group: ClassVar[str] = "content"
    family: ClassVar[str] = "test"
    departure: ClassVar[str] = ""
    word: str
    profile: Profile = "fixed"

    def wordings(self) -> tuple[str, ...]:
        return (f"Say {self.word}.",)

    def witnesses(self) -> tuple[str, str]:
        return self.word, "-"

    def _official(self, text: str) -> Verdict:
        return self._fixed(text)

    def _fixed(self, text: str) -> Verdict:
        if self.word not in text and "maybe" in text:
            return Verdict(None, "undecided")
        return Verdict(float(self.word in text))


PROBLEM = Problem(question="?", constraints=(Says("a1"), Says("b2"), Says("c3"), Says("d4")))


def judge(scorer: Compliant, reply: str, problem: Problem = PROBLEM) -> Verdict:
    return scorer([problem], [Response(raw=reply, reply=reply)])[0]


@pytest.mark.parametrize(
    ("reply", "mean", "all_"),
    [
        ("a1 b2 c3 d4", 1.0, 1.0),
        ("a1 b2 c3", 0.75, 0.0),
        ("none", 0.0, 0.0),
        ("", 0.0, 0.0),
        ("a1 b2 maybe", None, None),
    ],
)
def test_mean_and_all(reply: str, mean: float | None, all_: float | None) -> None:
    assert judge(Compliant(), reply).score == mean
    assert judge(Compliant("all"), reply).score == all_


def test_one_unscored_part_leaves_the_reply_unscored_a_broken_one_beside_it_or_not() -> None:
    @final
    @dataclass(frozen=True)
    class Undecided(Constraint):
        name: ClassVar[str] = "test:undecided"
        group: ClassVar[str] = "content"
        family: ClassVar[str] = "test"
        departure: ClassVar[str] = ""
        profile: Profile = "fixed"

        def wordings(self) -> tuple[str, ...]:
            return (".",)

        def witnesses(self) -> tuple[str, str]:
            return "", ""

        def _official(self, text: str) -> Verdict:
            return Verdict(None)

        def _fixed(self, text: str) -> Verdict:
            return Verdict(None)

    problem = Problem(question="?", constraints=(Undecided(), Says("a1")))
    assert judge(Compliant("all"), "no", problem).score is None
    assert judge(Compliant("all"), "a1", problem).score is None
    assert judge(Compliant("mean"), "no", problem).score is None


WORDS = from_spec(
    "length_constraints:number_words", {"num_words": 4, "relation": "at least"}, profile="fixed"
)
QUOTED = from_spec("startend:quotation", None, profile="fixed")


@pytest.mark.parametrize(
    ("reply", "graded", "mean"),
    [
        ('"one two three four"', 1, 1),
        ('"one two three"', (0.75 + 1) / 2, 0.5),  # a quarter of the words is missing
        ("one two three", 0.75 / 2, 0),  # quotation marks are there or not
        ("one", 0.25 / 2, 0),
        ("", 0, 0),
    ],
)
def test_graded_by_the_distance_where_there_is_one(reply: str, graded: float, mean: float) -> None:
    problem = Problem(question="?", constraints=(WORDS, QUOTED))
    assert judge(Compliant("graded"), reply, problem).score == pytest.approx(graded)
    assert judge(Compliant(), reply, problem).score == mean


def test_graded_what_is_broken_stays_below_what_is_met_and_what_is_lost_is_unscored() -> None:
    long = Problem(question="?", constraints=(replace(WORDS, num_words=1000),))
    words = ["word"] * 1000
    met, near = (judge(Compliant("graded"), " ".join(words[i:]), long) for i in (0, 1))
    assert (met.score, near.score) == (1.0, pytest.approx(0.999))
    assert near.reason == "0 of 1 met, 0.999 by distance"
    lost = Problem(question="?", constraints=(WORDS, Says("a1")))
    assert judge(Compliant("graded"), "one two maybe", lost).score is None


def test_parts_are_filed_under_the_constraint_keys() -> None:
    verdict = judge(Compliant(), "a1 c3")
    assert list(verdict.parts) == ["test:says", "test:says#2", "test:says#3", "test:says#4"]
    assert [part.score for part in verdict.parts.values()] == [1.0, 0.0, 1.0, 0.0]
    assert verdict.reason == "2 of 4 met"
    assert judge(Compliant("all"), "a1 c3").reason == "broken: test:says#2, test:says#4"


def test_no_constraints_is_unscored() -> None:
    assert judge(Compliant(), "a", Problem(question="?")) == Verdict(None, "no constraints")


def test_unknown_how() -> None:
    with pytest.raises(ValueError, match="use 'mean'"):
        Compliant("some")  # type: ignore[arg-type]
