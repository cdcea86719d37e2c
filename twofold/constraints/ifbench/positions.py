"""Which word stands at a given place?"""

import re
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import final

import numpy as np

from twofold.constraints.counting import every, require_counts
from twofold.constraints.draws import WORDS, number, one_of
from twofold.constraints.editing import (
    at_end,
    at_start,
    capital,
    first_met,
    inserted,
    mention,
    pieces,
)
from twofold.constraints.ifbench.pieces import (
    first_of,
    one_word,
    other_than,
    rule_sentences,
    same,
    sentences,
    stripped,
    words,
)
from twofold.constraints.published import punkt_sentences
from twofold.constraints.tokens import tokens
from twofold.constraints.words import as_word
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict

# Words that come before a keyword in a sentence of ours.
_ONWARD = (
    "We",
    "go",
    "on",
    "and",
    "look",
    "at",
    "how",
    "it",
    "all",
    "fits",
    "with",
    "what",
    "is",
    "told",
)


@final
@dataclass(frozen=True)
class LastFirst(Constraint):
    """The last word of each sentence is the first word of the next.

    Source: IFBench. Departs: `official` leaves a mark behind the first word and curly quotes on both.
    """

    name = "words:last_first"
    group = "lexical"
    family = "position"
    departure = "marks around both words are skipped"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Start each sentence with the last word of the sentence before.",
            "The word that ends a sentence must also begin the next one.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "We love cats. Cats love us.", "We love cats. Dogs love us."

    def _edited(self, text: str) -> str | None:
        sentences = [*pieces(text)]
        for i, before in enumerate(sentences[:-1]):
            end = words(before)
            if end and not as_word(end[-1]).starts(sentences[i + 1]):
                sentences[i + 1] = f"{capital(end[-1])} - {sentences[i + 1]}"
        return "".join(sentences)

    def _official(self, text: str) -> Verdict:
        parts = [part.split() for part in punkt_sentences(text)]
        ends = [p[-1].rstrip(string.punctuation + " ").casefold() for p in parts]
        starts = [p[0].lstrip(string.punctuation + " ").casefold() for p in parts]
        return self._hold(starts, ends)

    def _fixed(self, text: str) -> Verdict:
        parts = [w for part in sentences(text) if (w := words(part))]
        if not parts:
            return Verdict(0.0, "no sentence at all", distance=1.0)
        return self._hold([p[0].casefold() for p in parts], [p[-1].casefold() for p in parts])

    def _hold(self, starts: Sequence[str], ends: Sequence[str]) -> Verdict:
        good = [end == start for end, start in zip(ends, starts[1:], strict=False)]
        return every(good, "sentences start with the last word before")


@final
@dataclass(frozen=True)
class ParagraphLastFirst(Constraint):
    """Each paragraph (a line of its own) ends with the word that it starts with. Source: IFBench."""

    name = "words:paragraph_last_first"
    group = "lexical"
    family = "position"
    departure = (
        "curly quotes and dashes around a word are skipped; a paragraph has two words or more"
    )
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "End each paragraph with the word that it starts with, and write each paragraph on one line.",
            "The first and the last word of every paragraph must be the same; part paragraphs by a line "
            "break.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "Time flies in time.\n\nLife is life.", "Time flies in life."

    def _edited(self, text: str) -> str | None:
        lines = [(line.rstrip(), words(line)) for line in text.split("\n")]
        return "\n".join(f"{line} So much for {w[0]}." if w else line for line, w in lines)

    def _official(self, text: str) -> Verdict:
        pieces = [stripped(line.lower()).split() for line in text.split("\n")]
        return self._hold([p for p in pieces if p])

    def _fixed(self, text: str) -> Verdict:
        lines = [w for line in text.casefold().split("\n") if (w := words(line))]
        good = [line[0] == line[-1] and len(line) > 1 for line in lines]
        return every(good, "paragraphs end as they start", least=1)

    def _hold(self, lines: Sequence[Sequence[str]]) -> Verdict:
        return every([line[0] == line[-1] for line in lines], "paragraphs end as they start")


@final
@dataclass(frozen=True)
class WordsPosition(Constraint):
    """The second and the last but one word are the keyword.

    Source: IFBench. Departs: `official` counts marks as words, but for one at the end.
    """

    name = "words:words_position"
    group = "lexical"
    family = "position"
    departure = "marks are not words"
    keyword: str
    profile: Profile

    def __post_init__(self) -> None:
        if self.profile == "fixed":
            one_word(self.name, self.keyword)

    def wordings(self) -> tuple[str, ...]:
        return (
            f"The second word and the last but one word of your answer must be {self.keyword}.",
            f"Write {self.keyword} as the second word and again as the word before the last.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"keyword": one_of(rng, WORDS)}

    def witnesses(self) -> tuple[str, str]:
        return f"A {self.keyword} is a {self.keyword} here.", "A dog is a dog."

    def _edited(self, text: str) -> str | None:
        framed = at_start(text, f"The {self.keyword} is named here.")
        return at_end(framed, f"Here is the {self.keyword} again.")

    def _official(self, text: str) -> Verdict:
        found = tokens(text)
        back = 3 if found and len(found[-1]) == 1 and found[-1] in string.punctuation else 2
        return self._hold(found, back, self.keyword)

    def _fixed(self, text: str) -> Verdict:
        return self._hold(words(text), 2, one_word(self.name, self.keyword))

    def _hold(self, found: Sequence[str], back: int, wanted: str) -> Verdict:
        if len(found) < max(back, 2):
            return Verdict(0.0, f"{len(found)} words only", distance=1.0)
        places = [found[1], found[-back]]
        return every([same(w, wanted) for w in places], f"places hold {wanted!r}")


class _SentencePlace(Constraint):
    """What the two types of `keyword as word m of sentence n` share: words and reasons."""

    keyword: str | tuple[str, ...]
    n: int
    m: int
    group = "lexical"
    family = "position"

    def wordings(self) -> tuple[str, ...]:
        word = first_of(self.keyword)
        return (
            f"Write {word} as word {self.m} of sentence {self.n}.",
            f"In sentence number {self.n} of your answer, word number {self.m} must be {word}.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"keyword": one_of(rng, WORDS), "n": number(rng, 1, 5), "m": number(rng, 1, 9)}

    def witnesses(self) -> tuple[str, str]:
        before = ["We go on."] * (self.n - 1)
        place = " ".join(["we"] * (self.m - 1) + [first_of(self.keyword), "go"])
        breaks = f"{other_than(self.keyword, ('No', 'Yes'))}."
        return " ".join([*before, f"{place}."]), breaks

    def _edited(self, text: str) -> str | None:
        before = " ".join(islice(cycle(_ONWARD), self.m - 1))
        word = first_of(self.keyword)
        sentence = f"{before} {word} then." if before else f"{word} is named here."
        return first_met(self, inserted(text, sentence, self.n))

    def _at(self, parts: Sequence[str], cut: Callable[[str], Sequence[str]]) -> str:
        """The word at the place; "" if there is none."""
        if not 0 < self.n <= len(parts):
            return ""
        found = cut(parts[self.n - 1])
        return found[self.m - 1] if 0 < self.m <= len(found) else ""

    def _hold(self, found: str, right: bool) -> Verdict:
        reason = f"word {self.m} of sentence {self.n} is {found[:40]!r}, {first_of(self.keyword)!r} wanted"
        return Verdict(float(right), reason)


@final
@dataclass(frozen=True)
class KeywordsSpecificPosition(_SentencePlace):
    """The `m`th word of the `n`th sentence is the keyword (both from 1).

    Source: IFBench. Departs: `official` counts NLTK's tokens, so a contraction is two words.
    """

    name = "words:keywords_specific_position"
    departure = "a contraction is one word"
    keyword: str
    n: int
    m: int
    profile: Profile

    def __post_init__(self) -> None:
        require_counts(1, n=self.n, m=self.m)
        if self.profile == "fixed":
            one_word(self.name, self.keyword)

    def _official(self, text: str) -> Verdict:
        cut = lambda part: [t for t in tokens(part) if any(ch.isalnum() for ch in t)]  # noqa: E731
        found = self._at(punkt_sentences(text), cut)
        return self._hold(found, same(found, self.keyword))

    def _fixed(self, text: str) -> Verdict:
        found = self._at(sentences(text), words)
        return self._hold(found, same(found, one_word(self.name, self.keyword)))


@final
@dataclass(frozen=True)
class KeywordSpecificPosition(_SentencePlace):
    """The `m`th word of the `n`th sentence is the keyword (both from 1).

    Source: IFBench's training types. Departs: `official` counts marks as words and minds the case.
    """

    name = "keywords:keyword_specific_position"
    departure = "marks are not words; case does not matter"
    keyword: str | tuple[str, ...]
    n: int
    m: int
    profile: Profile

    def __post_init__(self) -> None:
        require_counts(1, n=self.n, m=self.m)
        if self.profile == "fixed":
            one_word(self.name, self.keyword)

    def _official(self, text: str) -> Verdict:
        found = self._at(rule_sentences(text), tokens)
        return self._hold(found, found == first_of(self.keyword))

    def _fixed(self, text: str) -> Verdict:
        found = self._at(sentences(text), words)
        return self._hold(found, same(found, one_word(self.name, self.keyword)))


@final
@dataclass(frozen=True)
class SentenceKeyword(Constraint):
    r"""The `N`th sentence has the word.

    Source: IFBench. Departs: `official` puts `\b` around it, so `c++` is never found, and reads N = 0 as
    the last sentence.
    """

    name = "sentence:keyword"
    group = "lexical"
    family = "position"
    departure = "words that end in a symbol are found"
    word: str
    N: int
    profile: Profile

    def __post_init__(self) -> None:
        require_counts(N=self.N)
        if self.profile == "fixed" and self.N < 1:
            raise ProblemError(f"{self.name}: N is {self.N}; give 1 or more")
        if self.profile == "fixed" and not any(ch.isalnum() for ch in self.word):
            raise ProblemError(f"{self.name}: word is {self.word!r}; give a word")
        if self.profile == "fixed" and len(sentences(f"A {self.word} is here.")) > 1:
            raise ProblemError(
                f"{self.name}: {self.word!r} ends a sentence, so none has it; give a word without an end"
            )

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Use the word {self.word} in sentence {self.N}.",
            f"Sentence number {self.N} of your answer must contain the word {self.word}.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"word": one_of(rng, WORDS), "N": number(rng, 1, 8)}

    def witnesses(self) -> tuple[str, str]:
        before = "We go on. " * (self.N - 1)
        other = "Yes" if as_word(self.word).occurs("Nothing is here") else "Nothing is here"
        return f"{before}A {self.word} is here.", f"{before}{other}."

    def _edited(self, text: str) -> str | None:
        return first_met(self, inserted(text, mention([self.word]), self.N))

    def _official(self, text: str) -> Verdict:
        pattern = re.compile(rf"\b{re.escape(self.word)}\b", re.IGNORECASE)
        return self._hold(punkt_sentences(text), lambda part: pattern.search(part) is not None)

    def _fixed(self, text: str) -> Verdict:
        return self._hold(sentences(text), as_word(self.word).occurs)

    def _hold(self, parts: Sequence[str], occurs: Callable[[str], bool]) -> Verdict:
        if len(parts) < self.N:
            return Verdict(0.0, f"{len(parts)} sentences, so there is no sentence {self.N}")
        part = parts[self.N - 1]
        return Verdict(float(occurs(part)), f"sentence {self.N}: {part[:60]!r}")
