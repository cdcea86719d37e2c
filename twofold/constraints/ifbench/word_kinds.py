"""Which kinds of marks and words does the reply have: punctuation, Japanese, pronouns, repeats?"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import final

import numpy as np

from twofold.constraints.counting import hold, require_counts, within
from twofold.constraints.draws import number
from twofold.constraints.editing import grown, has_spaced_formulas, slipped_in
from twofold.constraints.fillers import WITH_PRONOUNS, in_turn
from twofold.constraints.ifbench.lists import PRONOUNS
from twofold.constraints.ifbench.pieces import bare, stripped, words
from twofold.constraints.tokens import tokens
from twofold.constraints.words import unmasked
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict

_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_JAPANESE_FIXED = re.compile(r"[\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff66-\uff9d]")
# Japanese for number, road, house, sea, mountain: words to add.
_NOUNS = ("数", "道", "家", "海", "山")
_MARKS = ".,!?;:"
# Marks behind a word, its quotation marks and brackets.
_USED = re.compile(r"(?<=[\w\"'”’»)\]}*])(?:[.,!?;:‽]+| [!?;:‽]+)")


@final
@dataclass(frozen=True)
class Punctuation(Constraint):
    """The reply uses every standard punctuation mark, an interrobang among them.

    Source: IFBench. Departs: `official` counts marks anywhere; `fixed` those behind a word, as writing uses
    them (a blank may stand before `!`, `?`, `;` and `:`, as in French).
    """

    name = "count:punctuation"
    group = "format"
    family = "counting"
    departure = "a mark follows a word: a row of marks uses none"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Use each of these marks at least once: . , ! ? ; : and the interrobang ?!",
            "Your answer must contain a full stop, a comma, an exclamation mark, a question mark, a "
            "semicolon, a colon and also ?!",
        )

    def witnesses(self) -> tuple[str, str]:
        return "What?! Yes, no; so: go! Why? End.", "What?! Yes, no; so: go. Why?"

    def _edited(self, text: str) -> str | None:
        return slipped_in(text, "Is it clear?! Yes: it is; we are done, are we? Good! All fits.")

    def _official(self, text: str) -> Verdict:
        bang = next((mark for mark in ("?!", "!?", "‽") if mark in text), "")
        rest = text.replace(bang, "", 1) if bang != "‽" else text
        missing = [mark for mark in _MARKS if mark not in rest] + ["?!"] * (not bang)
        good = len(_MARKS) + 1 - len(missing)
        return within(good, len(_MARKS) + 1, None, f"missing: {' '.join(missing) or 'nothing'}")

    def _fixed(self, text: str) -> Verdict:
        return self._official(" ".join(_USED.findall(text)))


@final
@dataclass(frozen=True)
class WordsJapanese(Constraint):
    """Every `N`th word of the reply is Japanese.

    Source: IFBench. Departs: `official` passes a reply with fewer than N words; `fixed` fails it.
    """

    name = "count:words_japanese"
    group = "content"
    family = "language"
    departure = "fewer than N words fail, and so do a number and a word that is mostly not Japanese"
    N: int
    profile: Profile

    def __post_init__(self) -> None:
        require_counts(N=self.N)
        if self.N < 1:
            raise ProblemError(f"{self.name}: N is {self.N}; give 1 or more")

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Write every {self.N}th word in Japanese and separate all words by spaces.",
            f"Words number {self.N}, {2 * self.N}, {3 * self.N} and so on must be Japanese.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"N": number(rng, 2, 9)}

    def witnesses(self) -> tuple[str, str]:
        return " ".join(["one"] * (self.N - 1) + ["猫"]), " ".join(["one"] * self.N)

    def _edited(self, text: str) -> str | None:
        if has_spaced_formulas(text) or self.N < 2:
            return None
        words = iter(in_turn(_NOUNS, text, len(text)))
        parts, place = [], 0
        for part in re.findall(r"\S+\s*", text):
            place += self.profile == "official" or any(ch.isalnum() for ch in part)
            if place % self.N == 0:
                parts.append(f"{next(words)} ")
                place += 1
            parts.append(part)
        return "".join(parts)

    def _official(self, text: str) -> Verdict:
        wanted = [stripped(word) for word in text.split()][self.N - 1 :: self.N]
        good = [not w or w.isdigit() or _JAPANESE.search(w) is not None for w in wanted]
        if not wanted:
            return Verdict(1.0, f"fewer than {self.N} words")
        return within(
            sum(good), len(good), None, f"{sum(good)} of {len(good)} places hold a Japanese word"
        )

    def _fixed(self, text: str) -> Verdict:
        pieces = [w for w in text.split() if any(ch.isalnum() for ch in w)]
        wanted = pieces[self.N - 1 :: self.N]
        good = sum(_is_japanese(w) for w in wanted)
        reason = f"{good} of {len(wanted)} places hold a Japanese word"
        return within(good, max(len(wanted), 1), None, reason)


def _is_japanese(word: str) -> bool:
    """Whether most of its letters are."""
    letters = [ch for ch in word if ch.isalnum()]
    return 2 * sum(_JAPANESE_FIXED.match(ch) is not None for ch in letters) > len(letters)


@final
@dataclass(frozen=True)
class Pronouns(Constraint):
    """The reply has at least `N` pronouns, repeats counted. Source: IFBench."""

    name = "count:pronouns"
    group = "lexical"
    family = "counting"
    departure = "the US and IT are no pronouns"
    N: int
    profile: Profile

    def __post_init__(self) -> None:
        require_counts(N=self.N)

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Use at least {self.N} pronouns.",
            f"Your answer must contain {self.N} or more pronouns (they may repeat).",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"N": number(rng, 2, 29)}

    def witnesses(self) -> tuple[str, str]:
        return "Yes" + " it" * self.N, "The cat told Tom." if self.N else ""

    def _edited(self, text: str) -> str | None:
        return grown(self, text, WITH_PRONOUNS)

    def _official(self, text: str) -> Verdict:
        found = sum(token in PRONOUNS for token in tokens(text.replace("/", " ").lower()))
        return hold(found, "at least", self.N, "pronouns")

    def _fixed(self, text: str) -> Verdict:
        return self._official(text if text.isupper() else re.sub(r"\b(?:US|IT)\b", "", text))


@final
@dataclass(frozen=True)
class Repeats(Constraint):
    """No word occurs more than `small_n` times. Source: IFBench."""

    name = "words:repeats"
    group = "lexical"
    family = "repetition"
    departure = "well-known is not wellknown"
    small_n: int
    profile: Profile

    def __post_init__(self) -> None:
        require_counts(small_n=self.small_n)

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Use no word more than {self.small_n} times.",
            f"Each word may occur at most {self.small_n} times in your answer.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"small_n": number(rng, 1, 6)}

    def witnesses(self) -> tuple[str, str]:
        obeys = "One two three." if self.small_n else "..."  # no word at all
        return obeys, "one " * (self.small_n + 1)

    def _official(self, text: str) -> Verdict:
        return self._hold(bare(text.lower()).split())

    def _fixed(self, text: str) -> Verdict:
        return self._hold([w.casefold() for w in words(unmasked(text))])

    def _hold(self, found: list[str]) -> Verdict:
        if not found:
            return Verdict(1.0, "no word at all")
        word, often = Counter(found).most_common(1)[0]
        reason = f"{word[:40]!r} occurs {often} times, at most {self.small_n} wanted"
        return within(often, None, self.small_n, reason)
