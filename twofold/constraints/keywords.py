"""Which words and letters does the reply have, and how often?"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np
import regex

from twofold.constraints.counting import RELATIONS, Bound, Relation, require_threshold, share
from twofold.constraints.draws import COMMON, WORDS, number, one_of, several_of
from twofold.constraints.editing import first_met, mention, slipped_in
from twofold.constraints.synonyms import without_words
from twofold.constraints.wording import stated_times
from twofold.constraints.words import as_word, characters, unmasked
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict
from twofold.types.problem import READING


@final
@dataclass(frozen=True)
class Existence(Constraint):
    """The reply has every one of `keywords`.

    Raises:
        ProblemError: If there is no keyword, one is blank, or, under `official`, one is a regular
            expression that is invalid or does not match itself.

    Source: IFEval, https://arxiv.org/abs/2311.07911; MathIF, https://arxiv.org/abs/2505.14810. Departs:
    `official` searches each keyword as a regular expression, so `than` is found in `Thanks`; `fixed`
    searches the word (`words.as_word`).

    Example:
        >>> [Existence(("than",), p).check("Thanks!").score for p in ("official", "fixed")]
        [1.0, 0.0]
    """

    name = "keywords:existence"
    group = "lexical"
    family = "keywords"
    departure = "a keyword is a separate word, not a pattern inside another word"
    keywords: tuple[str, ...]
    profile: Profile

    def __post_init__(self) -> None:
        _require_words(self.keywords, "keywords")
        if self.profile == "official":
            together = " ".join(self.keywords)
            for keyword in self.keywords:
                if not as_pattern(keyword).search(together):
                    raise _unfindable(keyword)

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            (f"Use each of these words: {_listed(self.keywords)}."),
            f"These words must occur in your answer: {_listed(self.keywords)}.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        """Arguments that a reply can meet."""
        return {"keywords": several_of(rng, WORDS, number(rng, 1, 4))}

    def witnesses(self) -> tuple[str, str]:
        """The keywords, and a text without them."""
        return " ".join(self.keywords), without(self.keywords)

    def _edited(self, text: str) -> str | None:
        missing = [k for k in self.keywords if not Existence((k,), self.profile).check(text).score]
        return slipped_in(text, mention(missing))

    def _official(self, text: str) -> Verdict:
        return self._verdict([k for k in self.keywords if not n_found(k, text)])

    def _fixed(self, text: str) -> Verdict:
        return self._verdict([k for k in self.keywords if not as_word(k).occurs(text)])

    def _verdict(self, missing: list[str]) -> Verdict:
        reason = (
            f"missing: {_listed(missing)}" if missing else f"all there: {_listed(self.keywords)}"
        )
        return share(len(missing), len(self.keywords), reason)


@final
@dataclass(frozen=True)
class Frequency(Constraint):
    """The reply has `keyword` less than, or at least, `frequency` times.

    Source: IFEval, https://arxiv.org/abs/2311.07911; MathIF, https://arxiv.org/abs/2505.14810.
    Departs: as `Existence`; for `official`, `denote` contains `note`. `fixed` takes the bound of the
    prompt's words if they state another ("only once").

    Example:
        >>> rule = Frequency("note", 2, "at least", "fixed")
        >>> rule.check("Note that we denote it x.").reason
        "'note' occurs 1 times, at least 2 wanted"
    """

    name = "keywords:frequency"
    group = "lexical"
    family = "keywords"
    departure = "counts separate words, not a pattern inside other words"
    keyword: str
    frequency: int
    relation: Relation
    profile: Profile
    stated: Bound | None = field(default=None, kw_only=True, metadata=READING)

    def __post_init__(self) -> None:
        _require_words((self.keyword,), "keyword")
        require_threshold(self.frequency, self.relation, "frequency", self.profile)
        if self.profile == "official":
            found = len(as_pattern(self.keyword.strip()).findall(self._repeated()))
            if self.relation == "at least" and found < self.frequency:
                raise _unfindable(self.keyword)

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            (f"Use the word {self.keyword.strip()} {self.relation} {self.frequency} times."),
            f"The word {self.keyword.strip()} must occur {self.relation} {self.frequency} times.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        """Arguments that a reply can meet."""
        keyword, often = one_of(rng, WORDS), number(rng, 1, 6)
        return {"keyword": keyword, "frequency": often, "relation": one_of(rng, RELATIONS)}

    def witnesses(self) -> tuple[str, str]:
        """The keyword N times, and a text without it (swapped for `less than`)."""
        word, often = self.keyword.strip(), self._repeated()
        if self.relation == "less than":
            counts = [count(often) for count in _counters(word)]
            often = often if min(counts) >= self.frequency else ""
        return either(without((word,)), often, self.relation, self.frequency)

    def worded(self, prompt: str) -> Constraint:
        """As the prompt says how often the word should appear."""
        what = rf"(?<!\w){re.escape(self.keyword.strip())}(?!\w)"
        bound = Bound(self.relation, self.frequency)
        return replace(self, stated=stated_times(prompt, what, bound))

    def _repeated(self) -> str:
        return " ".join([self.keyword.strip()] * self.frequency)

    def _edited(self, text: str) -> str | None:
        bound, word = self.stated or Bound(self.relation, self.frequency), self.keyword.strip()
        longer = (slipped_in(text, mention([word] * n)) for n in range(1, bound.wanted + 1))
        return first_met(self, longer)

    def _official(self, text: str) -> Verdict:
        count = n_found(self.keyword.strip(), text)
        return _occurs(self.keyword.strip(), count, Bound(self.relation, self.frequency))

    def _fixed(self, text: str) -> Verdict:
        bound = self.stated or Bound(self.relation, self.frequency)
        return _occurs(self.keyword.strip(), as_word(self.keyword).count(text), bound)


@final
@dataclass(frozen=True)
class ForbiddenWords(Constraint):
    r"""The reply has none of `forbidden_words`.

    Source: IFEval, https://arxiv.org/abs/2311.07911; MathIF, https://arxiv.org/abs/2505.14810.
    Departs: `official` searches `\bWORD\b`, with WORD a regular expression; `fixed` searches the
    word (`words.as_word`), so `C#` can be forbidden.
    """

    name = "keywords:forbidden_words"
    group = "lexical"
    family = "keywords"
    departure = "a separate word, also next to `_` or a symbol, but not a LaTeX command's name"
    forbidden_words: tuple[str, ...]
    profile: Profile

    def __post_init__(self) -> None:
        _require_words(self.forbidden_words, "forbidden_words")
        if self.profile == "official":
            for word in self.forbidden_words:
                as_pattern(rf"\b{word}\b")

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            (f"Do not use any of these words: {_listed(self.forbidden_words)}."),
            f"None of these words may occur in your answer: {_listed(self.forbidden_words)}.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        """Arguments that a reply can meet."""
        return {"forbidden_words": several_of(rng, COMMON, number(rng, 1, 4))}

    def witnesses(self) -> tuple[str, str]:
        """A text without the words, and one of them (empty if `official` can find none)."""
        found = (
            word
            for word in self.forbidden_words
            if all(count(word) for count in _counters(word, bounded=True))
        )
        return without(self.forbidden_words), next(found, "")

    def _edited(self, text: str) -> str | None:
        return without_words(self, text, self.forbidden_words)

    def _official(self, text: str) -> Verdict:
        words = self.forbidden_words
        return self._verdict([w for w in words if n_found(rf"\b{w}\b", text)])

    def _fixed(self, text: str) -> Verdict:
        text = unmasked(text)
        words = self.forbidden_words
        return self._verdict([w for w in words if as_word(unmasked(w)).occurs(text)])

    def _verdict(self, found: list[str]) -> Verdict:
        words = self.forbidden_words
        reason = f"forbidden and there: {_listed(found)}" if found else f"none of {_listed(words)}"
        return share(len(found), len(words), reason)


@final
@dataclass(frozen=True)
class LetterFrequency(Constraint):
    """The reply has `letter` less than, or at least, `let_frequency` times, in either case.

    `fixed` counts characters as readers do: `é` is one, however it is encoded, and no `e`; it takes
    the bound of the prompt's words if they state another.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs, under both profiles: the published
    code replaces a character outside a-z by a random letter (keys 1122 and 1129 ask for `#` and
    `!`); here the character itself is counted.
    """

    name = "keywords:letter_frequency"
    group = "lexical"
    family = "letters"
    departure = "an accented letter is one character in every encoding; other widths are the same"
    letter: str
    let_frequency: int
    let_relation: Relation
    profile: Profile
    stated: Bound | None = field(default=None, kw_only=True, metadata=READING)

    def __post_init__(self) -> None:
        if len([*characters(self.letter)]) != 1 or self.letter.isspace():
            raise ProblemError(f"letter is {self.letter!r}; give one visible character")
        require_threshold(self.let_frequency, self.let_relation, "let_frequency", self.profile)

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            (f"Use the letter {self.letter} {self.let_relation} {self.let_frequency} times."),
            f"The letter {self.letter} must occur {self.let_relation} {self.let_frequency} times.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        """Arguments that a reply can meet."""
        letter, often = one_of(rng, "abcdghklmpuvwy"), number(rng, 2, 20)
        return {"letter": letter, "let_frequency": often, "let_relation": one_of(rng, RELATIONS)}

    def witnesses(self) -> tuple[str, str]:
        """The letter N times, and a text without it (swapped for `less than`)."""
        without = "no" if self.letter.lower() not in "no" else "yes"
        often = self.letter * self.let_frequency
        return either(without, often, self.let_relation, self.let_frequency)

    def _edited(self, text: str) -> str | None:
        bound = self.stated or Bound(self.let_relation, self.let_frequency)
        named = (mention([self.letter] * n) for n in range(1, bound.wanted + 1))
        return first_met(self, (slipped_in(text, each) for each in named))

    def _official(self, text: str) -> Verdict:
        count = text.lower().count(self.letter.lower())
        return _occurs(self.letter, count, Bound(self.let_relation, self.let_frequency))

    def worded(self, prompt: str) -> Constraint:
        """As the prompt says how often the letter should appear."""
        what = rf"\bletters? \W?{re.escape(self.letter)}(?!\w)"
        bound = Bound(self.let_relation, self.let_frequency)
        return replace(self, stated=stated_times(prompt, what, bound))

    def _fixed(self, text: str) -> Verdict:
        bound = self.stated or Bound(self.let_relation, self.let_frequency)
        (letter,) = characters(self.letter)
        text = unmasked(text) if bound.relation == "less than" else text
        return _occurs(self.letter, sum(one == letter for one in characters(text)), bound)


def _occurs(what: str, count: int, bound: Bound) -> Verdict:
    verdict = bound.verdict(count, "times")
    return replace(verdict, reason=f"{what!r} occurs {verdict.reason}")


def either(without: str, often: str, relation: Relation, wanted: int) -> tuple[str, str]:
    """The two witnesses of a count, the obeying one first; "" where no reply can."""
    if relation == "less than":
        return without if wanted else "", often or without
    return often or without, without if wanted else ""


def _require_words(words: Sequence[str], argument: str) -> None:
    if not words or not all(word.strip() for word in words):
        raise ProblemError(f"{argument} is {words!r}; give at least one word, and no blank one")


# How long a keyword that is a pattern may search one reply, in seconds.
SEARCH_S = 5.0


def n_found(keyword: str, text: str) -> int:
    """How often the keyword occurs as the published checker reads it: a regular expression.

    Raises:
        TimeoutError: If a pattern such as `(a+)+b` would not end in time.
    """
    pattern = as_pattern(keyword)
    if not re.search(r"[*+?{]", keyword):
        return sum(1 for _ in pattern.finditer(text))
    timed = regex.compile(keyword, regex.IGNORECASE | regex.VERSION0)
    return sum(1 for _ in timed.finditer(text, timeout=SEARCH_S))


def as_pattern(keyword: str) -> re.Pattern[str]:
    """The keyword as a regular expression, in any case."""
    try:
        return re.compile(keyword, re.IGNORECASE)
    except re.error as error:
        raise ProblemError(
            f"{keyword!r} is not a valid regular expression ({error}), which is how the published "
            "checker reads it; use profile 'fixed', which looks for the text itself"
        ) from error


def _unfindable(keyword: str) -> ProblemError:
    return ProblemError(
        f"the published checker reads {keyword!r} as a regular expression, which does not match "
        "the keyword itself; use profile 'fixed', which looks for the text itself"
    )


def _listed(words: Sequence[str]) -> str:
    return ", ".join(repr(word) for word in words)


def _counters(keyword: str, *, bounded: bool = False) -> list[Callable[[str], int]]:
    """How either profile counts: the keyword as a word and, if valid, as a regular expression."""
    try:
        pattern = as_pattern(rf"\b{keyword}\b" if bounded else keyword)
    except ProblemError:  # only `fixed` can be built with it
        return [as_word(keyword).count]
    return [as_word(keyword).count, lambda text: len(pattern.findall(text))]


def without(keywords: Sequence[str]) -> str:
    """A short text in which neither profile finds any of the keywords."""
    taken = "".join(keywords).lower()
    free = next((ch for ch in "qzxjkvw0123456789!" if ch not in taken), "~")
    counters = [count for keyword in keywords for count in _counters(keyword)]
    for text in ("Yes.", "No.", "12.", free * 4, "...", "~"):
        if not any(count(text) for count in counters):
            return text
    raise ProblemError(f"no witness avoids all of {_listed(keywords)}; forbid fewer words")
