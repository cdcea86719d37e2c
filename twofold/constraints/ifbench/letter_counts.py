"""How many letters, or words in small letters, does the reply have?"""

import re
from dataclasses import dataclass
from typing import final

import numpy as np

from twofold.constraints.counting import Relation, hold, require_counts, require_threshold, within
from twofold.constraints.draws import number, one_of
from twofold.constraints.editing import (
    capital,
    first_met,
    grown,
    mention,
    shortened,
    slipped_in,
    words_changed,
)
from twofold.constraints.ifbench.pieces import words
from twofold.constraints.keywords import LetterFrequency, either
from twofold.constraints.prose import with_words_of_formulas
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict


@final
@dataclass(frozen=True)
class LowercaseCounting(Constraint):
    """The reply has at most `N` words in lower case. Source: IFBench's training types."""

    name = "count:lowercase_counting"
    group = "format"
    family = "case"
    departure = "don't is one word, words with accents count, letters in formulas do not"
    N: int
    profile: Profile

    def __post_init__(self) -> None:
        require_counts(N=self.N)

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Write at most {self.N} words in lower case.",
            f"No more than {self.N} words of your answer may be all in small letters.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"N": number(rng, 1, 11)}

    def witnesses(self) -> tuple[str, str]:
        return "GO NOW", " ".join(["go"] * (self.N + 1))

    def _edited(self, text: str) -> str | None:
        return words_changed(text, capital)

    def _official(self, text: str) -> Verdict:
        return self._hold(len(re.findall(r"\b[a-z]+\b", text)))

    def _fixed(self, text: str) -> Verdict:
        return self._hold(sum(w.islower() for w in words(with_words_of_formulas(text))))

    def _hold(self, count: int) -> Verdict:
        reason = f"{count} words in lower case, at most {self.N} wanted"
        return within(count, None, self.N, reason)


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
            require_threshold(self.N, self.relation, "N", "fixed")  # type: ignore[arg-type]  # checked there

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
        if self.relation == "less than":
            return below, at
        return at, below if self.N else ""

    def _edited(self, text: str) -> str | None:
        return grown(self, text) or shortened(self, text)

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
        return either(without, often, self.let_relation, self.let_frequency)

    def _edited(self, text: str) -> str | None:
        letters = ([self.letter] * n for n in range(1, self.let_frequency + 1))
        return first_met(self, (slipped_in(text, mention(each)) for each in letters))

    def _official(self, text: str) -> Verdict:
        count = text.lower().count(self.letter.lower())
        return hold(count, self.let_relation, self.let_frequency, f"times {self.letter!r}")

    def _fixed(self, text: str) -> Verdict:
        return self._ifeval.check(text)

    @property
    def _ifeval(self) -> LetterFrequency:
        """The same rule among IFEval's types, which refuses a bound that no reply can meet."""
        return LetterFrequency(self.letter, self.let_frequency, self.let_relation, "fixed")
