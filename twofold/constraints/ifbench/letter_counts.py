"""How many letters does the reply have, or how often one letter?"""

import re
from dataclasses import dataclass
from typing import final

import numpy as np

from twofold.constraints.counting import Relation, hold, require_counts, require_threshold
from twofold.constraints.draws import number, one_of
from twofold.constraints.keywords import LetterFrequency
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict


@final
@dataclass(frozen=True)
class LetterCounting(Constraint):
    """The reply has at least, or less than, `N` letters.

    Source: IFBench's training types. Departs: `official` counts a to z; `fixed` counts every letter.
    """

    name = "letters:letter_counting"
    group = "length"
    family = "letters"
    departure = "letters with accents and of other scripts count"
    N: int
    relation: str
    profile: Profile

    def __post_init__(self) -> None:
        require_counts(N=self.N)
        if self.profile == "fixed":
            require_threshold(self.N, self.relation, "N")  # type: ignore[arg-type]  # checked there

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Write {self.relation} {self.N} letters.",
            f"Your answer must have {self.relation} {self.N} letters in all.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"N": number(rng, 20, 599), "relation": one_of(rng, ["at least", "less than"])}

    def witnesses(self) -> tuple[str, str]:
        below, at = "a" * (self.N - 1) or "7", "a" * self.N or "7"
        return (below, at) if self.relation == "less than" else (at, below)

    def _official(self, text: str) -> Verdict:
        count = len(re.findall(r"[A-Za-z]", text))
        if self.relation not in ("at least", "less than"):
            return Verdict(0.0, f"the published checker knows no relation {self.relation!r}")
        return hold(count, self.relation, self.N, "letters")  # type: ignore[arg-type]

    def _fixed(self, text: str) -> Verdict:
        return hold(sum(ch.isalpha() for ch in text), self.relation, self.N, "letters")  # type: ignore[arg-type]


@final
@dataclass(frozen=True)
class LetterCounting2(Constraint):
    """A letter occurs at least, or less than, `let_frequency` times; `fixed` is `LetterFrequency`'s.

    Source: IFBench's training types.
    """

    name = "letters:letter_counting2"
    group = "lexical"
    family = "letters"
    departure = "an accented letter is one character in every encoding"
    letter: str
    let_frequency: int
    let_relation: Relation
    profile: Profile

    def __post_init__(self) -> None:
        require_counts(let_frequency=self.let_frequency)
        if len(self.letter) != 1:
            raise ProblemError(f"{self.name}: letter is {self.letter!r}; give one character")
        if self.profile == "fixed":
            _ = self._ifeval

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Use the letter {self.letter} {self.let_relation} {self.let_frequency} times.",
            f"The letter {self.letter} must occur {self.let_relation} {self.let_frequency} times.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        relation = one_of(rng, ["at least", "less than"])
        often = number(rng, 2, 19)
        return {
            "letter": one_of(rng, "abcdghklmpuvwy"),
            "let_frequency": often,
            "let_relation": relation,
        }

    def witnesses(self) -> tuple[str, str]:
        without = "no" if self.letter.lower() not in "no" else "yes"
        often = self.letter * self.let_frequency
        return (without, often) if self.let_relation == "less than" else (often or without, without)

    def _official(self, text: str) -> Verdict:
        count = text.lower().count(self.letter.lower())
        return hold(count, self.let_relation, self.let_frequency, f"times {self.letter!r}")

    def _fixed(self, text: str) -> Verdict:
        return self._ifeval.check(text)

    @property
    def _ifeval(self) -> LetterFrequency:
        """The same rule among IFEval's types, which refuses a bound that no reply can meet."""
        return LetterFrequency(self.letter, self.let_frequency, self.let_relation, "fixed")
