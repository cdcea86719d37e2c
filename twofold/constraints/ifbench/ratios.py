"""What share of the reply's words or sentences is of a kind?"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np

from twofold.constraints.counting import graded, require_counts, within
from twofold.constraints.draws import number
from twofold.constraints.editing import spread
from twofold.constraints.fillers import EXCLAMATIONS, QUESTIONS, SENTENCES, in_turn
from twofold.constraints.ifbench.lists import STOP_WORDS
from twofold.constraints.ifbench.pieces import end_mark, sentences, spoken, words
from twofold.constraints.published import punkt_sentences
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict
from twofold.types.seen import seen

# How far the overlap may lie from the percentage asked for, in points.
_BAND = 2.0


@final
@dataclass(frozen=True)
class StopWords(Constraint):
    r"""At most `percentage` of the words are stop words.

    Source: IFBench, with NLTK's English stop words. Departs: `official` counts runs of `\w`, so `don't`
    is two; `fixed` counts it once.
    """

    name = "ratio:stop_words"
    group = "lexical"
    family = "ratios"
    departure = "don't is one word, not the stop words don and t; a row of numbers is no words"
    percentage: int
    profile: Profile

    def __post_init__(self) -> None:
        require_counts(percentage=self.percentage)

    def wordings(self) -> tuple[str, ...]:
        return (
            f"At most {self.percentage}% of your words may be stop words (the, of, is, and the like).",
            f"Keep stop words to {self.percentage}% of all the words that you write, or less.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"percentage": number(rng, 10, 59)}

    def witnesses(self) -> tuple[str, str]:
        return "Rivers carry silt past mountains", "it is in the" if self.percentage < 100 else ""

    def _official(self, text: str) -> Verdict:
        found = re.findall(r"\w+", text)
        return self._hold(found, [w.lower() in STOP_WORDS for w in found])

    def _fixed(self, text: str) -> Verdict:
        found = spoken(words(text))
        return self._hold(found, [_is_stop_word(w.casefold()) for w in found])

    def _hold(self, found: Sequence[str], stop: list[bool]) -> Verdict:
        if not found:
            return Verdict(0.0, "no word at all", distance=1.0)
        share = 100 * sum(stop) / len(found)
        reason = f"{share:.1f}% stop words, at most {self.percentage}% wanted"
        return within(share, None, self.percentage, reason)


@final
@dataclass(frozen=True)
class SentenceType(Constraint):
    """Twice as many sentences end in a full stop as in a question mark.

    Source: IFBench. Departs: `official` passes a text with neither; `fixed` wants a question and looks
    behind closing quotes and brackets.
    """

    name = "ratio:sentence_type"
    group = "format"
    family = "ratios"
    departure = "wants at least one question; closing quotes and brackets are skipped"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Write exactly twice as many declarative sentences as questions.",
            "For each question in your answer, write exactly two sentences that end in a full stop.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "One here. Two here. Three?", "One here. Three?"

    def _edited(self, text: str) -> str | None:
        ends = _ends(text, self.profile)
        stops, questions = ends.count("."), ends.count("?")
        n = max(questions, -(-stops // 2), 1)
        asked = in_turn(QUESTIONS, text, n - questions)
        return spread(text, [*asked, *in_turn(SENTENCES, text, 2 * n - stops)])

    def _official(self, text: str) -> Verdict:
        return self._hold(_ends(text, self.profile))

    def _fixed(self, text: str) -> Verdict:
        ends = _ends(text, self.profile)
        if "?" not in ends:
            return Verdict(0.0, "no question at all", distance=1.0)
        return self._hold(ends)

    def _hold(self, ends: list[str]) -> Verdict:
        stops, questions = ends.count("."), ends.count("?")
        gap = abs(stops - 2 * questions) / max(stops, 2 * questions, 1)
        return graded(gap, f"{stops} statements and {questions} questions; 2 to 1 wanted")


@final
@dataclass(frozen=True)
class SentenceBalance(Constraint):
    """As many sentences end in a full stop as in a question mark and in an exclamation mark.

    Source: IFBench. Departs: `official` passes a text with none of them.
    """

    name = "ratio:sentence_balance"
    group = "format"
    family = "ratios"
    departure = "wants at least one of each; closing quotes and brackets are skipped"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Write as many statements as questions and as many questions as exclamations.",
            "Balance your sentences: equally many must end in a full stop, a question mark and an "
            "exclamation mark.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "One. Two? Three!", "One. Two?"

    def _edited(self, text: str) -> str | None:
        ends = _ends(text, self.profile)
        n = max(1, *map(ends.count, ".?!"))
        kinds = {"?": QUESTIONS, ".": SENTENCES, "!": EXCLAMATIONS}
        more = [in_turn(kinds[mark], text, n - ends.count(mark)) for mark in kinds]
        return spread(text, [sentence for same in more for sentence in same])

    def _official(self, text: str) -> Verdict:
        return self._hold(_ends(text, self.profile))

    def _fixed(self, text: str) -> Verdict:
        ends = _ends(text, self.profile)
        if not {".", "?", "!"} <= set(ends):
            return Verdict(0.0, "not one of each", distance=1.0)
        return self._hold(ends)

    def _hold(self, ends: list[str]) -> Verdict:
        counts = [ends.count(mark) for mark in ".?!"]
        gap = (max(counts) - min(counts)) / max(*counts, 1)
        return graded(gap, f"{counts} sentences end in . ? !; as many of each wanted")


@final
@dataclass(frozen=True)
class Overlap(Constraint):
    """The reply's trigrams overlap with a reference text by `percentage`, within two points.

    Source: IFBench. Departs: `official` compares runs of three characters; `fixed` compares runs of three
    words, which is what trigram means to a reader.
    """

    name = "ratio:overlap"
    group = "content"
    family = "ratios"
    departure = "trigrams of words, not of characters"
    reference_text: str
    percentage: int
    profile: Profile

    def __post_init__(self) -> None:
        require_counts(percentage=self.percentage)
        if self.profile == "fixed" and not 0 <= self.percentage <= 100:
            raise ProblemError(f"{self.name}: percentage is {self.percentage}; give 0 to 100")

    def wordings(self) -> tuple[str, ...]:
        return (
            f"{self.percentage}% (plus or minus 2 points) of the trigrams of your answer must also "
            f"occur in this text: {self.reference_text}",
            f"Keep a trigram overlap of {self.percentage}% (within 2%) with this text: "
            f"{self.reference_text}",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"reference_text": question, "percentage": number(rng, 20, 99)}

    def witnesses(self) -> tuple[str, str]:
        other = "Ω Ψ Ξ Θ Λ"
        breaks = "" if self.percentage <= _BAND else other
        pieces = self.reference_text.split()
        for n in range(len(pieces), max(len(pieces) - 8, 0), -1):  # a short one has large steps
            text = self.reference_text if n == len(pieces) else " ".join(pieces[:n])
            for i in range(400):  # each new word lowers the share a little
                share = self._share(text)
                if share >= 0 and abs(share - self.percentage) <= _BAND:
                    return text, breaks
                if share < self.percentage:
                    break
                text += f" {chr(0x3B1 + i % 24)}{i}"
        return "", breaks  # the reference is too short to come that near

    def _official(self, text: str) -> Verdict:
        return self._hold(self._share(text))

    def _fixed(self, text: str) -> Verdict:
        return self._hold(self._share(text))

    def _share(self, text: str) -> float:
        """The percentage of the trigrams of `text` that occur in the reference; -1 if it has none."""
        mine, theirs = (self._trigrams(each) for each in (text, self.reference_text))
        return 100 * len(mine & theirs) / len(mine) if mine else -1.0

    def _trigrams(self, text: str) -> set[Sequence[str]]:
        if self.profile == "fixed":
            return _runs(tuple(w.casefold() for w in words(seen(text))))
        return _runs(text)

    def _hold(self, share: float) -> Verdict:
        if share < 0:
            return Verdict(0.0, "too short for a trigram", distance=1.0)
        reason = f"{share:.1f}% of the trigrams occur in it, {self.percentage}% wanted"
        return within(share, self.percentage - _BAND, self.percentage + _BAND, reason)


@final
@dataclass(frozen=True)
class SentenceWords(Constraint):
    """Three sentences of the same length in characters, in which no word occurs twice.

    Source: IFBench. Departs: `official` does not look whether the words differ.
    """

    name = "ratio:sentence_words"
    group = "length"
    family = "sentences"
    departure = "all words must differ, as the request says"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Write exactly three sentences with the same number of characters, and use no word twice.",
            "Your answer must be three sentences, equally long in characters, all words different.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "Cats nap now. Dogs run out. Cows eat hay.", "Cats nap now. Dogs run. Cows eat hay."

    def _official(self, text: str) -> Verdict:
        return self._lengths(punkt_sentences(text))

    def _fixed(self, text: str) -> Verdict:
        used = [w.casefold() for w in words(text)]
        if len(set(used)) < len(used):
            return Verdict(0.0, "a word occurs twice")
        return self._lengths(sentences(text))

    def _lengths(self, parts: tuple[str, ...]) -> Verdict:
        lengths = [len(part) for part in parts]
        obeys = len(lengths) == 3 and len(set(lengths)) == 1
        return Verdict(float(obeys), f"sentences of {lengths[:5]} characters; three alike wanted")


def _is_stop_word(word: str) -> bool:
    """Whether each run of letters of a word is a stop word."""
    if word.isalnum():
        return word in STOP_WORDS
    return all(part in STOP_WORDS for part in re.findall(r"\w+", word))


@lru_cache(maxsize=32)
def _runs(items: Sequence[str]) -> set[Sequence[str]]:
    """The runs of three."""
    return {items[i : i + 3] for i in range(len(items) - 2)}


def _ends(text: str, profile: Profile) -> list[str]:
    """The mark at the end of each sentence; `official` does not look behind quotes and brackets."""
    if profile == "official":
        return [part[-1:] for part in punkt_sentences(text)]
    return [end_mark(part) for part in sentences(text)]
