"""How many words, conjunctions, names or numbers does the reply have?"""

import re
from dataclasses import dataclass
from itertools import groupby
from typing import final

import numpy as np

from twofold.constraints.counting import exactly, hold, require_counts, within
from twofold.constraints.draws import number
from twofold.constraints.editing import MOST_ADDED, first_met, grown, mention, shortened, slipped_in
from twofold.constraints.fillers import BRIEF, SENTENCES, WITH_CONJUNCTIONS, in_turn
from twofold.constraints.ifbench.lists import CONJUNCTIONS, NAMES
from twofold.constraints.ifbench.pieces import bare, spoken, stripped, words
from twofold.constraints.prose import n_words
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict

# A number as people write one: groups, decimals and a sign belong to it, a range or date is several.
_NUMBER = re.compile(r"(?<![A-Za-z0-9])\d+(?:[,.\u202f\u00a0']\d{3})*(?:\.\d+)?")
_LIST_NUMBER = re.compile(r"^[ \t]*\d{1,3}[.)][ \t]+", re.MULTILINE)


@final
@dataclass(frozen=True)
class WordCountRange(Constraint):
    r"""The reply has `min_words` to `max_words` words, both ends counted.

    Source: IFBench. Departs: `official` counts runs of `\w`; `fixed` counts as people do.
    """

    name = "count:word_count_range"
    group = "length"
    family = "counting"
    departure = "don't and well-known are one word; not runs of `\\w`"
    min_words: int
    max_words: int
    profile: Profile

    def __post_init__(self) -> None:
        require_counts(min_words=self.min_words, max_words=self.max_words)
        if self.profile == "fixed" and self.max_words < max(self.min_words, 1):
            raise ProblemError(
                f"{self.name}: no reply has {self.min_words} to {self.max_words} words; "
                "give max_words that is at least min_words and 1"
            )

    def wordings(self) -> tuple[str, ...]:
        low, high = self.min_words, self.max_words
        return (
            f"Write between {low} and {high} words.",
            f"Keep your whole answer to no fewer than {low} and no more than {high} words.",
            f"The length of your answer must be {low} to {high} words.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        low = number(rng, 5, 119)
        return {"min_words": low, "max_words": low + number(rng, 3, 39)}

    def witnesses(self) -> tuple[str, str]:
        return ("word " * max(self.min_words, 1)).strip(), "word " * (self.max_words + 1)

    def _edited(self, text: str) -> str | None:
        def count(longer: str) -> int:
            official = self.profile == "official"
            return len(re.findall(r"\w+", longer)) if official else n_words(longer)

        for sentence in in_turn(SENTENCES, text, MOST_ADDED):
            missing = self.min_words - count(text)
            if missing > 0:
                fits = count(sentence) <= self.max_words - count(text)
                text = slipped_in(text, sentence if fits else BRIEF[min(missing, len(BRIEF)) - 1])
        return first_met(self, [text]) or shortened(self, text)

    def _official(self, text: str) -> Verdict:
        return self._hold(len(re.findall(r"\w+", text)))

    def _fixed(self, text: str) -> Verdict:
        return self._hold(n_words(text))

    def _hold(self, count: int) -> Verdict:
        low, high = self.min_words, self.max_words
        return within(count, low, high, f"{count} words, {low} to {high} wanted")


@final
@dataclass(frozen=True)
class UniqueWordCount(Constraint):
    """The reply has at least `N` different words.

    Source: IFBench. Departs: `official` counts a lone mark as the empty word and keeps curly quotes on
    a word; `fixed` compares words alone.
    """

    name = "count:unique_word_count"
    group = "length"
    family = "counting"
    departure = "marks and rows of numbers are not words, and curly quotes make no new word"
    N: int
    profile: Profile

    def __post_init__(self) -> None:
        require_counts(N=self.N)

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Use at least {self.N} different words.",
            f"Your answer must contain {self.N} or more distinct words.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"N": number(rng, 5, 89)}

    def witnesses(self) -> tuple[str, str]:
        return " ".join(f"w{i}" for i in range(max(self.N, 1))), "..." if self.N > 1 else ""

    def _edited(self, text: str) -> str | None:
        return grown(self, text)

    def _official(self, text: str) -> Verdict:
        return hold(len({stripped(w) for w in text.lower().split()}), "at least", self.N, "words")

    def _fixed(self, text: str) -> Verdict:
        found = {w.casefold() for w in spoken(words(text))}
        return hold(len(found), "at least", self.N, "different words")


@final
@dataclass(frozen=True)
class Conjunctions(Constraint):
    """The reply uses at least `small_n` different ones of and, but, for, nor, or, so, yet.

    Source: IFBench. Departs: `official` collects them as written, so `and`, `And` and `and,` are three.
    """

    name = "count:conjunctions"
    group = "lexical"
    family = "counting"
    departure = "`and`, `And` and `and,` are one conjunction; a list of them uses none"
    small_n: int
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Use at least {self.small_n} different coordinating conjunctions "
            "(and, but, for, nor, or, so, yet).",
            f"Your answer must include {self.small_n} or more of the words and, but, for, nor, or, so "
            "and yet.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"small_n": number(rng, 1, 6)}

    def witnesses(self) -> tuple[str, str]:
        breaks = "No such words here." if self.small_n else ""
        return " ".join(
            ["We go", *(f"{c} stop" for c in sorted(CONJUNCTIONS)[: self.small_n])]
        ), breaks

    def __post_init__(self) -> None:
        require_counts(small_n=self.small_n)
        if self.profile == "fixed" and not 0 <= self.small_n <= len(CONJUNCTIONS):
            raise ProblemError(f"{self.name}: small_n is {self.small_n}; give 0 to 7")

    def _edited(self, text: str) -> str | None:
        return grown(self, text, WITH_CONJUNCTIONS)

    def _official(self, text: str) -> Verdict:
        found = {w for w in text.split() if stripped(w).lower() in CONJUNCTIONS}
        return hold(len(found), "at least", self.small_n, "conjunctions as written")

    def _fixed(self, text: str) -> Verdict:
        found: set[str] = set()
        for joins, row in groupby([w.casefold() for w in words(text)], CONJUNCTIONS.__contains__):
            each = [*row]
            found.update(each if joins and len(each) < 3 else ())  # a longer row is a list of them
        return hold(len(found), "at least", self.small_n, "different conjunctions")


@final
@dataclass(frozen=True)
class PersonNames(Constraint):
    """The reply mentions at least `N` of 50 given first names. Source: IFBench."""

    name = "count:person_names"
    group = "lexical"
    family = "counting"
    departure = ""
    N: int
    profile: Profile

    def __post_init__(self) -> None:
        require_counts(N=self.N)

    def wordings(self) -> tuple[str, ...]:
        listed = ", ".join(NAMES)
        return (
            f"Mention at least {self.N} different names from this list: {listed}.",
            f"Your answer must name {self.N} or more of these people: {listed}.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"N": number(rng, 1, 15)}

    def witnesses(self) -> tuple[str, str]:
        return " ".join(["They are", *NAMES[: self.N]]), "Nobody is here." if self.N else ""

    def _edited(self, text: str) -> str | None:
        names = in_turn([name for name in NAMES if name not in text], text)
        told = (mention(names[:n]) for n in range(1, len(names) + 1))
        return first_met(self, (slipped_in(text, each) for each in told))

    def _official(self, text: str) -> Verdict:
        there = [name for name in NAMES if name in text]
        found = sum(re.search(rf"\b{name}\b", text) is not None for name in there)
        return hold(found, "at least", self.N, "names")


@final
@dataclass(frozen=True)
class Numbers(Constraint):
    r"""The reply has exactly `N` numbers.

    Source: IFBench. Departs: `official` deletes marks and counts runs of digits, so `2-3` is one number
    and `x2` counts; `fixed` counts `3.14` and `1,000` as one, `2-3` as two, and no list number.
    """

    name = "count:numbers"
    group = "lexical"
    family = "counting"
    departure = "`2-3` and `1/2` are two numbers; that of a list item and the 2 of `H2O` are none"
    N: int
    profile: Profile

    def __post_init__(self) -> None:
        require_counts(N=self.N)

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Write exactly {self.N} numbers, in digits.",
            f"Your answer must contain {self.N} numbers, no more and no fewer.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"N": number(rng, 1, 11)}

    def witnesses(self) -> tuple[str, str]:
        return "Here:" + " 7" * self.N, "Here:" + " 7" * (self.N + 1)

    def _official(self, text: str) -> Verdict:
        return exactly(len(re.findall(r"\d+", bare(text))), self.N, "numbers")

    def _fixed(self, text: str) -> Verdict:
        return exactly(len(_NUMBER.findall(_LIST_NUMBER.sub("", text))), self.N, "numbers")
