"""How often does a given word occur?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from twofold.constraints.counting import Relation, absent, exactly, graded, hold, require_counts
from twofold.constraints.draws import WORDS, number, one_of, several_of
from twofold.constraints.editing import first_met, mention, slipped_in
from twofold.constraints.ifbench.pieces import words
from twofold.constraints.keywords import as_pattern, either, n_found, without
from twofold.constraints.synonyms import without_words
from twofold.constraints.words import as_word, fold, unmasked
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict

# How often each of the five keywords of `KeywordsMultiple` must occur.
_TIMES = (1, 2, 3, 5, 7)


@final
@dataclass(frozen=True)
class KeywordsMultiple(Constraint):
    """Five keywords occur exactly once, twice, three, five and seven times.

    Source: IFBench. Departs: `official` counts parts of words; `fixed` counts separate words.
    """

    name = "count:keywords_multiple"
    group = "lexical"
    family = "keywords"
    departure = "counts separate words, not `door` in `outdoors`"
    keyword1: str
    keyword2: str
    keyword3: str
    keyword4: str
    keyword5: str
    profile: Profile

    def __post_init__(self) -> None:
        if self.profile == "fixed":  # the published checker reads no pattern here
            _require_keywords(self, *self._keywords)
            _placed(self, self._keywords, _TIMES)

    def wordings(self) -> tuple[str, ...]:
        one, two, three, five, seven = self._keywords
        return (
            f"Use the word {one} once, {two} twice, {three} three times, {five} five times and "
            f"{seven} seven times.",
            f"In your answer the words {one}, {two}, {three}, {five} and {seven} must occur exactly "
            "1, 2, 3, 5 and 7 times, in this order.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {f"keyword{i}": word for i, word in enumerate(several_of(rng, WORDS, 5), start=1)}

    @property
    def _keywords(self) -> tuple[str, ...]:
        return (self.keyword1, self.keyword2, self.keyword3, self.keyword4, self.keyword5)

    def witnesses(self) -> tuple[str, str]:
        times = _placed(self, self._keywords, _TIMES) if self.profile == "fixed" else _TIMES
        return _row(self._keywords, times), "No such thing."

    def _edited(self, text: str) -> str | None:
        missing = [n - mine for n, mine in zip(_TIMES, self._counts(text), strict=True)]
        wanted = [k for k, n in zip(self._keywords, missing, strict=True) for _ in range(n)]
        return slipped_in(text, mention(wanted)) if wanted else None

    def _counts(self, text: str) -> list[int]:
        if self.profile == "official":
            low = text.lower()
            return [low.count(keyword.lower()) for keyword in self._keywords]
        return [_times(k, n, text) for k, n in zip(self._keywords, _TIMES, strict=True)]

    def _official(self, text: str) -> Verdict:
        return self._hold(self._counts(text))

    def _fixed(self, text: str) -> Verdict:
        return self._hold(self._counts(text))

    def _hold(self, counts: list[int]) -> Verdict:
        gap = sum(abs(n - wanted) for n, wanted in zip(counts, _TIMES, strict=True))
        reason = f"they occur {counts} times, {list(_TIMES)} wanted"
        return graded(gap / sum(_TIMES), reason)


@final
@dataclass(frozen=True)
class WordOnce(Constraint):
    """The reply includes the keyword.

    Source: IFBench's training types. Departs: `official` reads it as a pattern and wants exactly one
    hit, inside words too; `fixed` wants the word, once or more, as the request says.
    """

    name = "keywords:word_once"
    group = "lexical"
    family = "keywords"
    departure = "the word on its own, once or more; no pattern, no part of a word"
    keyword: str
    profile: Profile

    def __post_init__(self) -> None:
        _require_keywords(self, self.keyword)

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Include the word {self.keyword} in your answer.",
            f"The word {self.keyword} must occur in your answer.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"keyword": one_of(rng, WORDS)}

    def witnesses(self) -> tuple[str, str]:
        return f"Here: {self.keyword}.", without((self.keyword.strip(),))

    def _edited(self, text: str) -> str | None:
        return slipped_in(text, mention([self.keyword]))

    def _official(self, text: str) -> Verdict:
        return exactly(_hits(self.keyword, text), 1, f"hits of {self.keyword!r}")

    def _fixed(self, text: str) -> Verdict:
        return hold(as_word(self.keyword).count(text), "at least", 1, self.keyword)


@final
@dataclass(frozen=True)
class WordCountDifferentNumbers(Constraint):
    """The keyword occurs `frequency` times.

    Source: IFBench's training types. Departs: `official` compares hits of a pattern by `relation`; the
    request names the number alone, so `fixed` wants exactly that many separate words.
    """

    name = "keywords:word_count_different_numbers"
    group = "lexical"
    family = "keywords"
    departure = "exactly so many separate words, as the request says; no pattern, no relation"
    keyword: str
    frequency: int
    relation: Relation
    profile: Profile

    def __post_init__(self) -> None:
        require_counts(frequency=self.frequency)
        _require_keywords(self, self.keyword)

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Use the word {self.keyword} exactly {self.frequency} times.",
            f"The word {self.keyword} must occur {self.frequency} times in your answer.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {
            "keyword": one_of(rng, WORDS),
            "frequency": number(rng, 1, 6),
            "relation": "at least",
        }

    def witnesses(self) -> tuple[str, str]:
        keyword = (self.keyword.strip(),)
        none, often = without(keyword), _row(keyword, (self.frequency,))
        if self.profile == "fixed":
            return often or none, _row(keyword, (self.frequency + 1,))
        return either(none, often, self.relation, self.frequency)

    def _edited(self, text: str) -> str | None:
        words = ([self.keyword] * n for n in range(1, self.frequency + 1))
        return first_met(self, (slipped_in(text, mention(each)) for each in words))

    def _official(self, text: str) -> Verdict:
        return hold(_hits(self.keyword, text), self.relation, self.frequency, "hits")

    def _fixed(self, text: str) -> Verdict:
        return exactly(_times(self.keyword, self.frequency, text), self.frequency, self.keyword)


@final
@dataclass(frozen=True)
class ExcludeWordHarder(Constraint):
    """The keyword does not occur.

    Source: IFBench's training types. Departs: `official` only sees the word between two blanks.
    """

    name = "keywords:exclude_word_harder"
    group = "lexical"
    family = "keywords"
    departure = "the word is seen in any case, also beside marks and at both ends"
    keyword: str
    profile: Profile

    def __post_init__(self) -> None:
        if self.profile == "fixed":
            _require_keywords(self, self.keyword)

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Do not use the word {self.keyword}.",
            f"The word {self.keyword} must not occur anywhere in your answer.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        found = sorted({w for w in words(question.lower()) if w.isalpha() and len(w) > 3})
        return {"keyword": one_of(rng, found or WORDS)}

    def witnesses(self) -> tuple[str, str]:
        return without((self.keyword,)), f"Here is {self.keyword} again."

    def _edited(self, text: str) -> str | None:
        return without_words(self, text, [self.keyword])

    def _official(self, text: str) -> Verdict:
        return Verdict(float(f" {self.keyword} " not in text), f"between blanks: {self.keyword!r}")

    def _fixed(self, text: str) -> Verdict:
        count = _times(self.keyword, 0, text)
        return absent(count, f"{self.keyword!r} occurs {count} times")


@final
@dataclass(frozen=True)
class CountIncrementWord(Constraint):
    """The first keyword occurs once and the second twice.

    Source: IFBench's training types. Departs: `official` counts hits of a pattern, also inside words.
    """

    name = "count:count_increment_word"
    group = "lexical"
    family = "keywords"
    departure = "counts separate words; no pattern, no part of a word"
    keyword1: str
    keyword2: str
    profile: Profile

    def __post_init__(self) -> None:
        _require_keywords(self, *self._keywords)
        if self.profile == "fixed":
            _placed(self, self._keywords, (1, 2))

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Use the word {self.keyword1} once and the word {self.keyword2} twice.",
            f"In your answer {self.keyword1} must occur exactly one time and {self.keyword2} exactly "
            "two times.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        one, two = several_of(rng, WORDS, 2)
        return {"keyword1": one, "keyword2": two}

    def witnesses(self) -> tuple[str, str]:
        times = _placed(self, self._keywords, (1, 2)) if self.profile == "fixed" else (1, 2)
        return _row(self._keywords, times), without(self._keywords)

    @property
    def _keywords(self) -> tuple[str, ...]:
        return (self.keyword1.strip(), self.keyword2.strip())

    def _edited(self, text: str) -> str | None:
        added = [[self.keyword1] * n + [self.keyword2] * m for n in (0, 1) for m in (0, 1, 2)]
        return first_met(self, (slipped_in(text, mention(words)) for words in added if words))

    def _official(self, text: str) -> Verdict:
        return self._hold(_hits(self.keyword1, text), _hits(self.keyword2, text))

    def _fixed(self, text: str) -> Verdict:
        return self._hold(_times(self.keyword1, 1, text), _times(self.keyword2, 2, text))

    def _hold(self, one: int, two: int) -> Verdict:
        reason = f"{self.keyword1!r} {one} times, {self.keyword2!r} {two} times; 1 and 2 wanted"
        return graded((abs(one - 1) + abs(two - 2)) / 3, reason)


def _require_keywords(rule: Constraint, *keywords: str) -> None:
    """Reject keywords that no reply can have: blank, or twice; for `official`, also no valid pattern.

    Raises:
        ProblemError: Says what is wrong with which.
    """
    for keyword in keywords:
        if rule.profile == "official":
            as_pattern(keyword.strip())
        elif not any(ch.isalnum() for ch in keyword):
            raise ProblemError(f"{rule.name}: a keyword is {keyword!r}; give a word")
    if rule.profile == "fixed" and len({fold(keyword.strip()) for keyword in keywords}) < len(
        keywords
    ):
        raise ProblemError(f"{rule.name}: {', '.join(keywords)} are not all different; give others")


def _placed(rule: Constraint, keywords: Sequence[str], times: Sequence[int]) -> list[int]:
    """How often to write each keyword by itself, so that each occurs so many times in all.

    Raises:
        ProblemError: If one is part of others that occur more often than it may.
    """
    placed = dict.fromkeys(keywords, 0)
    wanted = dict(zip(keywords, times, strict=True))
    longest_first = sorted(keywords, key=lambda keyword: -len(keyword.strip()))
    for keyword in longest_first:  # what holds others comes before them
        within = sum(n * as_word(keyword).count(other) for other, n in placed.items())
        if within > wanted[keyword]:
            raise ProblemError(
                f"{rule.name}: {keyword!r} is part of the other keywords, so no reply has it only "
                f"{wanted[keyword]} times; give words that are not part of one another"
            )
        placed[keyword] = wanted[keyword] - within
    return [placed[keyword] for keyword in keywords]


def _row(keywords: Sequence[str], times: Sequence[int]) -> str:
    """The keywords in a row, each so many times."""
    return ", ".join(word for word, n in zip(keywords, times, strict=True) for _ in range(n))


def _times(keyword: str, wanted: int, text: str) -> int:
    """How often a word occurs; of the counts with and without look-alike letters the one farther off."""
    counts = (as_word(keyword).count(text), as_word(unmasked(keyword)).count(unmasked(text)))
    return max(counts, key=lambda count: abs(count - wanted))


def _hits(pattern: str, text: str) -> int:
    """How often the published checker finds a keyword: as a pattern, in any case, inside words too."""
    return n_found(pattern.strip(), text)
