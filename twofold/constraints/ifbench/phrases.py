"""Does the reply repeat a phrase, each time with a word changed?"""

import re
from dataclasses import dataclass
from typing import final

import numpy as np
import regex

from twofold.constraints.counting import exactly, require_counts
from twofold.constraints.draws import number, one_of
from twofold.constraints.editing import capital, first_met, slipped_in
from twofold.constraints.ifbench.lists import PHRASES
from twofold.constraints.ifbench.pieces import trimmed
from twofold.constraints.keywords import SEARCH_S, as_pattern
from twofold.constraints.words import fold, unmasked
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict


@final
@dataclass(frozen=True)
class RepeatPhrase(Constraint):
    """The phrase occurs `small_n` times, each time with one inner word changed.

    Source: IFBench's training types. Departs: `official` builds a pattern of the first and the last word
    without escaping them, also inside other words, and accepts any inner word; the request says the one in
    the centre, which `fixed` reads as any inner word of whole words.
    """

    name = "copy:repeat_phrase"
    group = "affix"
    family = "copying"
    departure = "whole words, marks aside, over line breaks too; no pattern"
    phrase: str
    small_n: int
    profile: Profile

    def __post_init__(self) -> None:
        require_counts(small_n=self.small_n)
        if len(self.phrase.split()) < (3 if self.profile == "fixed" else 1):
            raise ProblemError(f"{self.name}: phrase is {self.phrase!r}; give three words or more")
        if self.profile == "official":
            as_pattern(self._published)

    def wordings(self) -> tuple[str, ...]:
        return (
            f'Write the phrase "{self.phrase}" exactly {self.small_n} times, each time with one word '
            "in its middle changed.",
            f'Your answer must contain {self.small_n} versions of "{self.phrase}"; in each, replace one '
            "inner word by another.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"phrase": one_of(rng, PHRASES), "small_n": number(rng, 1, 4)}

    def witnesses(self) -> tuple[str, str]:
        parts = self.phrase.split()
        changed = " ".join([parts[0], "qwerty", *parts[2:]])
        return "\n".join([changed] * self.small_n), self.phrase

    def _edited(self, text: str) -> str | None:
        first, _, *rest = self.phrase.split()
        changed = capital(" ".join([first, "other", *rest])) + "."
        longer = (slipped_in(text, " ".join([changed] * n)) for n in range(1, self.small_n + 1))
        return first_met(self, longer)

    def _official(self, text: str) -> Verdict:
        found = [each for line in text.split("\n") for each in self._found(line)]
        return self._hold([each.split() for each in found], self.phrase.split())

    @property
    def _published(self) -> str:
        """The pattern that the published checker looks for; its dot matches no line break."""
        parts = self.phrase.split()
        return rf"{parts[0]} .*? {parts[-1]}"

    def _found(self, line: str) -> list[str]:
        """What matches it in a line.

        Raises:
            TimeoutError: If it would not end in time.
        """
        end = f" {self.phrase.split()[-1]}"
        if not re.search(r"[\\^$.|?*+()\[\]{}]", self.phrase):
            # Behind the last end nothing matches, and a line of beginnings would take quadratic time.
            line = line[: line.rfind(end) + len(end)] if end in line else ""
        pattern = regex.compile(self._published, regex.VERSION0)
        group = min(pattern.groups, 1)  # what `re.findall` gives
        return [each[group] or "" for each in pattern.finditer(line, timeout=SEARCH_S)]

    def _fixed(self, text: str) -> Verdict:
        wanted = [_plain(word) for word in self.phrase.split()]
        mine = [_plain(word) for word in text.split()]
        n = len(wanted)
        windows = [mine[i : i + n] for i in range(len(mine) - n + 1)]
        ends = [w for w in windows if (w[0], w[-1]) == (wanted[0], wanted[-1])]
        near = [w for w in ends if sum(a != b for a, b in zip(w, wanted, strict=True)) <= 1]
        near = [
            w for w in near if all(a or a == b for a, b in zip(w, wanted, strict=True))
        ]  # a mark is no word
        return self._hold(near, wanted)

    def _hold(self, found: list[list[str]], wanted: list[str]) -> Verdict:
        for copy in found:
            same = len(copy) == len(wanted)
            changed = sum(a != b for a, b in zip(copy, wanted, strict=False))
            if not same or changed != 1:
                return Verdict(0.0, f"{' '.join(copy)[:80]!r} does not change one word")
        return exactly(len(found), self.small_n, "changed phrases")


def _plain(word: str) -> str:
    """A word without the marks around it, in lower case."""
    return trimmed(fold(unmasked(word)), lambda ch: ch.isalnum() or ch == "_")
