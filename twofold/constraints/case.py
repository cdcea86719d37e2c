"""Case: all capitals, no capitals, or a number of words in capitals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.constraints.counting import Relation, both_sides, hold, require_threshold
from twofold.constraints.detect import detected_language, judge_language
from twofold.constraints.prose import prose, words_in_formulas
from twofold.constraints.published import capital_tokens
from twofold.types import Constraint, Profile, Verdict

_WORD = re.compile(r"[^\W_]+(?:['’&.\-][^\W_]+)*")
_ENGLISH = "The answer is five because we add two and three together"


@final
@dataclass(frozen=True)
class EnglishCapital(Constraint):
    r"""The whole reply is English in capital letters.

    Args:
        profile: `official` asks it of every character, so `\boxed` breaks it, and asks langdetect,
            which passes over words in capitals and takes a quarter of capital mathematics for
            another language; `fixed` asks it of the prose and of the words inside `\text`, and detects
            in lower case. A reply in the right case whose language cannot be told (only formulas,
            or a few words that do not look English) is unscored.

    Source:
        IFEval, https://arxiv.org/abs/2311.07911; MathIF, https://arxiv.org/abs/2505.14810.

    Example:
        >>> text = r"THE ANSWER TO THE QUESTION IS $x = \boxed{5}$"
        >>> [EnglishCapital(p).check(text).score for p in ("official", "fixed")]
        [0.0, 1.0]
    """

    name: ClassVar[str] = "change_case:english_capital"
    group: ClassVar[str] = "format"
    departure: ClassVar[str] = (
        "formulas, code and LaTeX commands are exempt, words inside `\\text` are not; the language is "
        "told from lower case, and where it cannot be told for sure the reply is unscored"
    )
    profile: Profile

    def instruction(self) -> str:
        """The rule as a sentence."""
        return "Answer in English and write everything in capital letters."

    def witnesses(self) -> tuple[str, str]:
        """The same sentence in capitals, and as it is usually written."""
        return _ENGLISH.upper(), _ENGLISH

    def _official(self, text: str) -> Verdict:
        if not text.isupper():
            return Verdict(0.0, "not all capital letters")
        return _published_english(text)

    def _fixed(self, text: str) -> Verdict:
        small = next((word for word in _words(text) if word != word.upper()), "")
        if small:
            return Verdict(0.0, f"not in capitals: {small[:40]!r}")
        return judge_language(text, "en")


@final
@dataclass(frozen=True)
class EnglishLowercase(Constraint):
    r"""The whole reply is English without a capital letter.

    Args:
        profile: As `EnglishCapital`, the other way round.

    Source:
        IFEval, https://arxiv.org/abs/2311.07911; MathIF, https://arxiv.org/abs/2505.14810.

    Example:
        >>> text = r"the answer to the question is \boxed{A}, as point $A$ shows"
        >>> [EnglishLowercase(p).check(text).score for p in ("official", "fixed")]
        [0.0, 1.0]
    """

    name: ClassVar[str] = "change_case:english_lowercase"
    group: ClassVar[str] = "format"
    departure: ClassVar[str] = EnglishCapital.departure
    profile: Profile

    def instruction(self) -> str:
        """The rule as a sentence."""
        return "Answer in English and use no capital letter at all."

    def witnesses(self) -> tuple[str, str]:
        """The same sentence in small letters, and as it is usually written."""
        return _ENGLISH.lower(), _ENGLISH

    def _official(self, text: str) -> Verdict:
        if not text.islower():
            return Verdict(0.0, "not all small letters")
        return _published_english(text)

    def _fixed(self, text: str) -> Verdict:
        large = next((word for word in _words(text) if word != word.lower()), "")
        if large:
            return Verdict(0.0, f"has capitals: {large[:40]!r}")
        return judge_language(text, "en")


@final
@dataclass(frozen=True)
class CapitalWordFrequency(Constraint):
    """Words in capitals appear less than, or at least, `capital_frequency` times.

    Args:
        capital_frequency: The threshold.
        capital_relation: `less than` is strict.
        profile: `official` counts NLTK's tokens, so `I` and a point `A` count and `DON'T` is two;
            `fixed` counts words of the prose with two letters or more, all capitals: a lone `I` or
            `A` is spelled so anyway, or is a variable.

    Source:
        IFEval, https://arxiv.org/abs/2311.07911; MathIF, https://arxiv.org/abs/2505.14810.

    Example:
        >>> rules = [CapitalWordFrequency(3, "at least", p) for p in ("official", "fixed")]
        >>> [rule.check("I DON'T know ABC.").reason.split(",")[0] for rule in rules]
        ['4 words in capitals', '2 words in capitals']
    """

    name: ClassVar[str] = "change_case:capital_word_frequency"
    group: ClassVar[str] = "format"
    departure: ClassVar[str] = (
        "whole words of two letters or more outside formulas, not NLTK's tokens"
    )
    capital_frequency: int
    capital_relation: Relation
    profile: Profile

    def __post_init__(self) -> None:
        require_threshold(self.capital_frequency, self.capital_relation, "capital_frequency")

    def instruction(self) -> str:
        """The rule as a sentence."""
        return (
            f"Write {self.capital_relation} {self.capital_frequency} words in capital letters only."
        )

    def witnesses(self) -> tuple[str, str]:
        """A text on either side of the threshold."""
        return both_sides(
            self.capital_frequency, self.capital_relation, lambda n: " ".join(["so", *["SO"] * n])
        )

    def _official(self, text: str) -> Verdict:
        return self._hold(capital_tokens(text))

    def _fixed(self, text: str) -> Verdict:
        return self._hold(sum(_is_capital(word) for word in _WORD.findall(prose(text))))

    def _hold(self, count: int) -> Verdict:
        return hold(count, self.capital_relation, self.capital_frequency, "words in capitals")


def _is_capital(word: str) -> bool:
    return word.isupper() and sum(ch.isalpha() for ch in word) > 1


def _published_english(text: str) -> Verdict:
    """Langdetect's word on it; a text on which it raises passes, as published."""
    label = detected_language(text)
    if label is None:
        return Verdict(1.0, "langdetect finds no language, which passes")
    return Verdict(float(label == "en"), f"langdetect says {label!r}, 'en' wanted")


def _words(text: str) -> list[str]:
    return [*prose(text).split(), *words_in_formulas(text)]


FAMILY: tuple[type[Constraint], ...] = (EnglishCapital, EnglishLowercase, CapitalWordFrequency)
