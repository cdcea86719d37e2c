"""Keywords: which words, and which letters, a reply has and how often."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.constraints.counting import Relation, hold, require_threshold
from twofold.constraints.prose import as_word
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict


@final
@dataclass(frozen=True)
class Existence(Constraint):
    """The reply has every one of `keywords`.

    Args:
        keywords: At least one, none blank.
        profile: `official` takes each as a regular expression and looks for it anywhere in any
            case, so `than` is found in `Thanks`; `fixed` looks for the word (`prose.as_word`).

    Raises:
        ProblemError: If a keyword is blank, or as a regular expression is broken or does not find
            itself (`official` only; the message says so).

    Source:
        IFEval, https://arxiv.org/abs/2311.07911; MathIF, https://arxiv.org/abs/2505.14810.

    Example:
        >>> [Existence(("than",), p).check("Thanks!").score for p in ("official", "fixed")]
        [1.0, 0.0]
    """

    name: ClassVar[str] = "keywords:existence"
    group: ClassVar[str] = "lexical"
    departure: ClassVar[str] = "a keyword is a word of its own, not a pattern inside another word"
    keywords: tuple[str, ...]
    profile: Profile

    def __post_init__(self) -> None:
        _require_words(self.keywords, "keywords")
        if self.profile == "official":
            together = " ".join(self.keywords)
            for keyword in self.keywords:
                if not _pattern(keyword).search(together):
                    raise _unfindable(keyword)

    def instruction(self) -> str:
        """The rule as a sentence."""
        return f"Use each of these words: {_listed(self.keywords)}."

    def witnesses(self) -> tuple[str, str]:
        """The keywords, and a text without them."""
        return " ".join(self.keywords), _without(self.keywords)

    def _official(self, text: str) -> Verdict:
        return self._verdict([k for k in self.keywords if not _pattern(k).search(text)])

    def _fixed(self, text: str) -> Verdict:
        return self._verdict([k for k in self.keywords if not as_word(k).search(text)])

    def _verdict(self, missing: list[str]) -> Verdict:
        if missing:
            return Verdict(0.0, f"missing: {_listed(missing)}")
        return Verdict(1.0, f"all there: {_listed(self.keywords)}")


@final
@dataclass(frozen=True)
class Frequency(Constraint):
    """The reply has `keyword` less than, or at least, `frequency` times.

    Args:
        keyword: Not blank; white space around it is dropped.
        frequency: The threshold; `less than 1` forbids the keyword.
        relation: `less than` is strict.
        profile: `official` takes the keyword as a regular expression and counts it anywhere, so
            `denote` has `note`; `fixed` counts the word (`prose.as_word`).

    Raises:
        ProblemError: As `Existence`; and for a threshold that cannot be met.

    Source:
        IFEval, https://arxiv.org/abs/2311.07911; MathIF, https://arxiv.org/abs/2505.14810.

    Example:
        >>> rule = Frequency("note", 2, "at least", "fixed")
        >>> rule.check("Note that we denote it x.").reason
        "'note' occurs 1 times, at least 2 wanted"
    """

    name: ClassVar[str] = "keywords:frequency"
    group: ClassVar[str] = "lexical"
    departure: ClassVar[str] = "counts the word of its own, not a pattern inside other words"
    keyword: str
    frequency: int
    relation: Relation
    profile: Profile

    def __post_init__(self) -> None:
        _require_words((self.keyword,), "keyword")
        require_threshold(self.frequency, self.relation, "frequency")
        if self.profile == "official":
            found = len(_pattern(self.keyword.strip()).findall(self._repeated()))
            if self.relation == "at least" and found < self.frequency:
                raise _unfindable(self.keyword)

    def instruction(self) -> str:
        """The rule as a sentence."""
        return f"Use the word {self.keyword.strip()} {self.relation} {self.frequency} times."

    def witnesses(self) -> tuple[str, str]:
        """The keyword so many times, and a text without it (the other way for `less than`)."""
        without, often = _without((self.keyword.strip(),)), self._repeated()
        if self.relation == "less than":
            counts = [len(reading.findall(often)) for reading in _readings(self.keyword.strip())]
            return without, often if min(counts) >= self.frequency else ""
        return often or without, without if self.frequency else ""

    def _repeated(self) -> str:
        return " ".join([self.keyword.strip()] * self.frequency)

    def _official(self, text: str) -> Verdict:
        return self._count(_pattern(self.keyword.strip()), text)

    def _fixed(self, text: str) -> Verdict:
        return self._count(as_word(self.keyword), text)

    def _count(self, pattern: re.Pattern[str], text: str) -> Verdict:
        count = sum(1 for _ in pattern.finditer(text))
        verdict = hold(count, self.relation, self.frequency, "times")
        return Verdict(verdict.score, f"{self.keyword.strip()!r} occurs {verdict.reason}")


@final
@dataclass(frozen=True)
class ForbiddenWords(Constraint):
    r"""The reply has none of `forbidden_words`.

    Args:
        forbidden_words: At least one, none blank.
        profile: `official` looks for `\bWORD\b`, with WORD a regular expression, in any case;
            `fixed` for the word (`prose.as_word`), so `C#` can be forbidden.

    Raises:
        ProblemError: If a word is blank or, under `official`, no regular expression.

    Source:
        IFEval, https://arxiv.org/abs/2311.07911; MathIF, https://arxiv.org/abs/2505.14810.

    Example:
        >>> ForbiddenWords(("note",), "official").check("NOTE that").reason
        "forbidden and there: 'note'"
    """

    name: ClassVar[str] = "keywords:forbidden_words"
    group: ClassVar[str] = "lexical"
    departure: ClassVar[str] = (
        r"the word itself, also next to an underscore or a symbol, and not a LaTeX command's name"
    )
    forbidden_words: tuple[str, ...]
    profile: Profile

    def __post_init__(self) -> None:
        _require_words(self.forbidden_words, "forbidden_words")
        if self.profile == "official":
            for word in self.forbidden_words:
                _pattern(rf"\b{word}\b")

    def instruction(self) -> str:
        """The rule as a sentence."""
        return f"Do not use any of these words: {_listed(self.forbidden_words)}."

    def witnesses(self) -> tuple[str, str]:
        """A text without the words, and one of them (nothing if `official` can see none)."""
        for word in self.forbidden_words:
            if all(reading.search(word) for reading in _readings(word, bounded=True)):
                return _without(self.forbidden_words), word
        return _without(self.forbidden_words), ""

    def _official(self, text: str) -> Verdict:
        words = self.forbidden_words
        return self._verdict([w for w in words if _pattern(rf"\b{w}\b").search(text)])

    def _fixed(self, text: str) -> Verdict:
        return self._verdict([w for w in self.forbidden_words if as_word(w).search(text)])

    def _verdict(self, found: list[str]) -> Verdict:
        if found:
            return Verdict(0.0, f"forbidden and there: {_listed(found)}")
        return Verdict(1.0, f"none of {_listed(self.forbidden_words)}")


@final
@dataclass(frozen=True)
class LetterFrequency(Constraint):
    """The reply has `letter` less than, or at least, `let_frequency` times, in either case.

    Args:
        letter: One character that is not white space. The published code replaces one outside
            a-z by a random letter (IFEval's keys 1122 and 1129 ask for `#` and `!`), so its verdict
            on those is a coin toss; here the character itself is counted, under both profiles.
        let_frequency: The threshold.
        let_relation: `less than` is strict.
        profile: Both count alike.

    Raises:
        ProblemError: If `letter` is not one visible character, or the threshold cannot be met.

    Source:
        IFEval, https://arxiv.org/abs/2311.07911.
        Departs: the character outside a-z, as said above.

    Example:
        >>> LetterFrequency("e", 3, "at least", "official").check("Eleven").reason
        "'e' occurs 3 times, at least 3 wanted"
    """

    name: ClassVar[str] = "keywords:letter_frequency"
    group: ClassVar[str] = "lexical"
    departure: ClassVar[str] = ""
    letter: str
    let_frequency: int
    let_relation: Relation
    profile: Profile

    def __post_init__(self) -> None:
        if len(self.letter) != 1 or self.letter.isspace():
            raise ProblemError(f"letter is {self.letter!r}; give one visible character")
        require_threshold(self.let_frequency, self.let_relation, "let_frequency")

    def instruction(self) -> str:
        """The rule as a sentence."""
        return f"Use the letter {self.letter} {self.let_relation} {self.let_frequency} times."

    def witnesses(self) -> tuple[str, str]:
        """The letter so many times, and a text without it (the other way for `less than`)."""
        without = "no" if self.letter.lower() not in "no" else "yes"
        often = self.letter * self.let_frequency
        if self.let_relation == "less than":
            return without, often
        return often or without, without if self.let_frequency else ""

    def _official(self, text: str) -> Verdict:
        count = text.lower().count(self.letter.lower())
        verdict = hold(count, self.let_relation, self.let_frequency, "times")
        return Verdict(verdict.score, f"{self.letter!r} occurs {verdict.reason}")

    def _fixed(self, text: str) -> Verdict:
        return self._official(text)


def _require_words(words: Sequence[str], argument: str) -> None:
    if not words or not all(word.strip() for word in words):
        raise ProblemError(f"{argument} is {words!r}; give at least one word, and no blank one")


def _pattern(keyword: str) -> re.Pattern[str]:
    """The keyword as the published checker takes it: a regular expression, in any case."""
    try:
        return re.compile(keyword, re.IGNORECASE)
    except re.error as error:
        raise ProblemError(
            f"{keyword!r} is no regular expression ({error}), and the published checker takes it "
            "for one; use profile 'fixed', which looks for the text itself"
        ) from error


def _unfindable(keyword: str) -> ProblemError:
    return ProblemError(
        f"the published checker takes {keyword!r} for a regular expression, which does not find "
        "the keyword itself; use profile 'fixed', which looks for the text itself"
    )


def _listed(words: Sequence[str]) -> str:
    return ", ".join(repr(word) for word in words)


def _readings(keyword: str, *, bounded: bool = False) -> list[re.Pattern[str]]:
    """The keyword as a word and, if it is one, as a regular expression: what either profile sees."""
    try:
        published = [_pattern(rf"\b{keyword}\b" if bounded else keyword)]
    except ProblemError:  # only `fixed` can be built with it
        published = []
    return [as_word(keyword), *published]


def _without(keywords: Sequence[str]) -> str:
    """A short text in which neither profile sees any of the keywords."""
    taken = "".join(keywords).lower()
    free = next((ch for ch in "qzxjkvw0123456789!" if ch not in taken), "~")
    readings = [reading for keyword in keywords for reading in _readings(keyword)]
    for text in ("Yes.", "No.", "12.", free * 4, "...", "~"):
        if not any(reading.search(text) for reading in readings):
            return text
    raise ProblemError(f"no witness avoids all of {_listed(keywords)}; forbid fewer words")


FAMILY: tuple[type[Constraint], ...] = (Existence, Frequency, ForbiddenWords, LetterFrequency)
