"""Which word begins or ends each sentence, or the reply?"""

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from twofold.constraints.counting import every
from twofold.constraints.draws import WORDS, one_of
from twofold.constraints.editing import at_end, at_start, capital, ended_by, pieces
from twofold.constraints.ifbench.pieces import (
    first_of,
    one_word,
    other_than,
    rule_sentences,
    same,
    sentences,
    words,
)
from twofold.constraints.tokens import tokens
from twofold.types import Constraint, Profile, Verdict


class _EachSentence(Constraint):
    """What the types about the first or last word of each sentence or of the reply share."""

    group = "lexical"
    family = "position"
    place: ClassVar[str]

    def __post_init__(self) -> None:
        if self.profile == "fixed":
            one_word(self.name, self._given)

    @property
    @abstractmethod
    def _given(self) -> str | tuple[str, ...]:
        """The argument."""

    @property
    def _word(self) -> str:
        return one_word(self.name, self._given)

    @property
    def _shown(self) -> str:
        """The word as a witness has it: its own marks would end a sentence."""
        return self._word if self.profile == "fixed" else first_of(self._given)

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        key = "first_word" if cls.place == "starts" else "last_word"
        return {key: one_of(rng, WORDS)}

    def _each(self, found: Sequence[str], wanted: str) -> Verdict:
        good = [same(word, wanted) for word in found]
        return every(good, f"sentences have {wanted!r} there", least=1)

    def _one(self, found: str, wanted: str) -> Verdict:
        alike = same(found, wanted)
        return Verdict(
            float(alike), f"the reply {self.place} with {found[:40]!r}, {wanted!r} wanted"
        )


@final
@dataclass(frozen=True)
class FirstWordSent(_EachSentence):
    """Each sentence starts with the word.

    Source: IFBench's training types. Departs: `official` strips no mark from the word.
    """

    name = "first_word:first_word_sent"
    departure = "marks around the word are skipped"
    place = "starts"
    first_word: str | tuple[str, ...]
    profile: Profile

    @property
    def _given(self) -> str | tuple[str, ...]:
        return self.first_word

    def wordings(self) -> tuple[str, ...]:
        word = first_of(self.first_word)
        return (
            f"Start each sentence with the word {word}.",
            f"The first word of every sentence must be {word}.",
        )

    def witnesses(self) -> tuple[str, str]:
        word = self._shown
        other = other_than(self.first_word, ("It", "They"))
        return f"{word} flies. {word} heals.", f"{word} flies. {other} heals."

    def _edited(self, text: str) -> str | None:
        word = first_of(self.first_word)
        starts = [(part, same((words(part) or ("",))[0], word)) for part in pieces(text)]
        return "".join(part if met else f"{capital(word)} - {part}" for part, met in starts)

    def _official(self, text: str) -> Verdict:
        starts = [(part.split() or [""])[0] for part in rule_sentences(text)]
        return self._each(starts, first_of(self.first_word))

    def _fixed(self, text: str) -> Verdict:
        starts = [w[0] for part in sentences(text) if (w := words(part))]
        return self._each(starts, self._word)


@final
@dataclass(frozen=True)
class FirstWordAnswer(_EachSentence):
    """The reply starts with the word.

    Source: IFBench's training types. Departs: `official` strips no mark from the word.
    """

    name = "first_word:first_word_answer"
    departure = "marks around the word are skipped"
    place = "starts"
    first_word: str
    profile: Profile

    @property
    def _given(self) -> str | tuple[str, ...]:
        return self.first_word

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Start your answer with the word {self.first_word}.",
            f"The first word of your answer must be {self.first_word}.",
        )

    def witnesses(self) -> tuple[str, str]:
        return f"{self._shown} flies.", f"{other_than(self.first_word, ('A', 'The'))} bird."

    def _edited(self, text: str) -> str | None:
        return at_start(text, f"{capital(self.first_word)} is the opening word here.")

    def _official(self, text: str) -> Verdict:
        return self._one(text.split()[0], first_of(self.first_word))

    def _fixed(self, text: str) -> Verdict:
        return self._one((words(text) or ("",))[0], self._word)


@final
@dataclass(frozen=True)
class LastWordSent(_EachSentence):
    """Each sentence ends with the word. Source: IFBench's training types."""

    name = "last_word:last_word_sent"
    departure = "`?!` is one end, and the word may have an apostrophe"
    place = "ends"
    last_word: str | tuple[str, ...]
    profile: Profile

    @property
    def _given(self) -> str | tuple[str, ...]:
        return self.last_word

    def wordings(self) -> tuple[str, ...]:
        word = first_of(self.last_word)
        return (
            f"End each sentence with the word {word}.",
            f"The last word of every sentence must be {word}.",
        )

    def witnesses(self) -> tuple[str, str]:
        word = self._shown
        other = other_than(self.last_word, ("go", "stop"))
        return f"It is {word}. We have {word}!", f"It is {word}. We {other}."

    def _edited(self, text: str) -> str | None:
        word = first_of(self.last_word)
        ends = [(part, same((words(part) or ("",))[-1], word)) for part in pieces(text)]
        return "".join(part if met else ended_by(part, f" ({word})") for part, met in ends)

    def _official(self, text: str) -> Verdict:
        ends = [(part.split() or [""])[-1] for part in rule_sentences(text)]
        return self._each([re.sub(r"[^\w\s]", "", end) for end in ends], first_of(self.last_word))

    def _fixed(self, text: str) -> Verdict:
        ends = [w[-1] for part in sentences(text) if (w := words(part))]
        return self._each(ends, self._word)


@final
@dataclass(frozen=True)
class LastWordAnswer(_EachSentence):
    """The reply ends with the word. Source: IFBench's training types."""

    name = "last_word:last_word_answer"
    departure = "the word may have an apostrophe or a hyphen"
    place = "ends"
    last_word: str
    profile: Profile

    @property
    def _given(self) -> str | tuple[str, ...]:
        return self.last_word

    def wordings(self) -> tuple[str, ...]:
        return (
            f"End your answer with the word {self.last_word}.",
            f"The last word of your answer must be {self.last_word}.",
        )

    def witnesses(self) -> tuple[str, str]:
        other = other_than(self.last_word, ("here", "there"))
        return f"It is {self._shown}.", f"It is {other}."

    def _edited(self, text: str) -> str | None:
        return at_end(text, f"The last word is {self.last_word}.")

    def _official(self, text: str) -> Verdict:
        return self._one(re.sub(r"[^\w\s]", "", text.split()[-1]), first_of(self.last_word))

    def _fixed(self, text: str) -> Verdict:
        return self._one((words(text) or ("",))[-1], self._word)


@final
@dataclass(frozen=True)
class StartEnd(Constraint):
    """The reply ends with the word that it starts with.

    Source: IFBench's training types. Departs: `official` compares NLTK's tokens, so a quotation mark at the
    start breaks it. Nothing follows the last word, as the request says; emphasis and quotation marks may.
    """

    name = "keywords:start_end"
    group = "lexical"
    family = "position"
    departure = "quotation marks and emphasis may stand around the reply"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Start and end your answer with the same word, and write no mark after the last word.",
            "The first and the last word of your answer must be the same, with nothing behind the last.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "Time goes on in time", "Time goes on in space"

    def _edited(self, text: str) -> str | None:
        return at_end(text, f"It starts and ends with {(words(text) or tokens(text))[0]}")

    def _official(self, text: str) -> Verdict:
        return self._hold(tokens(text))

    def _fixed(self, text: str) -> Verdict:
        if not text.rstrip("*_\"'”’»`")[-1:].isalnum():
            return Verdict(0.0, f"a mark is last: {text[-10:]!r}")
        return self._hold(words(text))

    def _hold(self, found: Sequence[str]) -> Verdict:
        if len(found) < 2:
            return Verdict(0.0, "fewer than two words")
        return Verdict(
            float(same(found[0], found[-1])), f"{found[0][:40]!r} and {found[-1][:40]!r}"
        )
