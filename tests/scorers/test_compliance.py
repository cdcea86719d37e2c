from dataclasses import dataclass
from typing import ClassVar, final

import pytest

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
