"""Is the reply in capitals, without capitals, or does it have N words in capitals?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import final

import numpy as np
import regex

from twofold.constraints.counting import (
    RELATIONS,
    Bound,
    Relation,
    both_sides,
    hold,
    require_threshold,
    share,
)
from twofold.constraints.detect import judge_language, published_language
from twofold.constraints.draws import number, one_of
from twofold.constraints.editing import first_met, some_words_changed, with_more, words_changed
from twofold.constraints.prose import prose, words_in_formulas
from twofold.constraints.tokens import capital_tokens
from twofold.constraints.wording import stated_times
from twofold.constraints.words import plain
from twofold.types import Constraint, Profile, Verdict
from twofold.types.problem import READING

# A letter with its marks; an accent without a composed form stays a part of its word.
_CHARACTER = r"[\p{L}\p{Nd}\p{Nl}]\p{M}*+"
_WORD = regex.compile(rf"(?:{_CHARACTER})+(?:['&.\-](?:{_CHARACTER})+)*")
_ENGLISH = "The answer is five because we add two and three together"


@final
@dataclass(frozen=True)
class EnglishCapital(Constraint):
    r"""The whole reply is English in capital letters.

    `fixed` reads the prose and the words inside `\text`, and detects the language in lower case. A
    reply in the right case whose language is unclear is unscored.

    Source: IFEval, https://arxiv.org/abs/2311.07911; MathIF, https://arxiv.org/abs/2505.14810.
    Departs: `official` reads every character, so `\boxed` breaks the rule, and langdetect ignores
    words in capitals and labels a quarter of capital mathematics as another language.

    Example:
        >>> text = r"THE ANSWER TO THE QUESTION IS $x = \boxed{5}$"
        >>> [EnglishCapital(p).check(text).score for p in ("official", "fixed")]
        [0.0, 1.0]
    """

    name = "change_case:english_capital"
    group = "format"
    family = "case"
    departure = "formulas, code, LaTeX commands are exempt; unscored if the language is unclear"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            ("Answer in English and write everything in capital letters."),
            "Your whole answer must be English text in uppercase.",
        )

    def witnesses(self) -> tuple[str, str]:
        """A sentence in capitals, and in normal case."""
        return _ENGLISH.upper(), _ENGLISH

    def _edited(self, text: str) -> str | None:
        return with_more(lambda more: first_met(self, [words_changed(more, str.upper)]), text)

    def _official(self, text: str) -> Verdict:
        if not text.isupper():
            return _miscased(text.split(), str.upper, "not all capital letters")
        return published_language(text, "en")

    def _fixed(self, text: str) -> Verdict:
        return _in_case(text, str.upper, "not in capitals")


@final
@dataclass(frozen=True)
class EnglishLowercase(Constraint):
    r"""The whole reply is English without a capital letter; otherwise as `EnglishCapital`.

    Source: IFEval, https://arxiv.org/abs/2311.07911; MathIF, https://arxiv.org/abs/2505.14810.
    """

    name = "change_case:english_lowercase"
    group = "format"
    family = "case"
    departure = EnglishCapital.departure
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            ("Answer in English and use no capital letter at all."),
            "Your whole answer must be English text in lowercase.",
        )

    def witnesses(self) -> tuple[str, str]:
        """A sentence in lower case, and in normal case."""
        return _ENGLISH.lower(), _ENGLISH

    def _edited(self, text: str) -> str | None:
        return with_more(lambda more: first_met(self, [words_changed(more, str.lower)]), text)

    def _official(self, text: str) -> Verdict:
        if not text.islower():
            return _miscased(text.split(), str.lower, "not all small letters")
        return published_language(text, "en")

    def _fixed(self, text: str) -> Verdict:
        return _in_case(text, str.lower, "has capitals")


@final
@dataclass(frozen=True)
class CapitalWordFrequency(Constraint):
    """Words in capitals appear less than, or at least, `capital_frequency` times.

    Source: IFEval, https://arxiv.org/abs/2311.07911; MathIF, https://arxiv.org/abs/2505.14810.
    Departs: `official` counts NLTK tokens: `I` counts, and `DON'T` is two. `fixed` skips single
    letters, which are pronouns or variables.

    Example:
        >>> rules = [CapitalWordFrequency(3, "at least", p) for p in ("official", "fixed")]
        >>> [rule.check("I DON'T know ABC.").reason.split(",")[0] for rule in rules]
        ['4 words in capitals', '2 words in capitals']
    """

    name = "change_case:capital_word_frequency"
    group = "format"
    family = "case"
    departure = "whole words of two or more letters outside formulas, not NLTK tokens"
    capital_frequency: int
    capital_relation: Relation
    profile: Profile
    stated: Bound | None = field(default=None, kw_only=True, metadata=READING)

    def __post_init__(self) -> None:
        require_threshold(
            self.capital_frequency, self.capital_relation, "capital_frequency", self.profile
        )

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        n = self.capital_frequency
        return (
            (f"Write {self.capital_relation} {n} words in capital letters only."),
            (
                f"Words in capital letters only must occur {self.capital_relation} "
                f"{self.capital_frequency} times in your answer."
            ),
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        """Arguments that a reply can meet."""
        often = number(rng, 1, 8)
        return {"capital_frequency": often, "capital_relation": one_of(rng, RELATIONS)}

    def witnesses(self) -> tuple[str, str]:
        """A text on either side of the threshold."""
        return both_sides(self.capital_frequency, self.capital_relation, lambda n: "so" + " SO" * n)

    def _edited(self, text: str) -> str | None:
        quieter = words_changed(text, lambda word: word.title() if len(word) > 1 else word)
        return first_met(self, [quieter]) or with_more(self._louder, text)

    def _louder(self, text: str) -> str | None:
        tried = (some_words_changed(text, str.upper, least=least) for least in (4, 2))
        return first_met(self, chain.from_iterable(tried))

    def _official(self, text: str) -> Verdict:
        return self._hold(capital_tokens(text))

    def _fixed(self, text: str) -> Verdict:
        words = (word for word in _WORD.findall(plain(prose(text))) if word.isupper())
        count = sum(sum(ch.isalpha() for ch in word) > 1 for word in words)
        return self.stated.verdict(count, "words in capitals") if self.stated else self._hold(count)

    def worded(self, prompt: str) -> Constraint:
        """As the prompt bounds the number of words in capitals."""
        bound = Bound(self.capital_relation, self.capital_frequency)
        return replace(self, stated=stated_times(prompt, r"capital|\bcaps\b|upper ?case", bound))

    def _hold(self, count: int) -> Verdict:
        return hold(count, self.capital_relation, self.capital_frequency, "words in capitals")


def _miscased(words: Sequence[str], convert: Callable[[str], str], reason: str) -> Verdict:
    """A text that is not in the case, graded by its words; one without a letter breaks the rule, too."""
    wrong = sum(word != convert(word) for word in words)
    return share(max(wrong, 1), max(len(words), 1), reason)


def _in_case(text: str, convert: Callable[[str], str], complaint: str) -> Verdict:
    words = [*prose(text).split(), *words_in_formulas(text)]
    wrong = [word for word in words if word != convert(word)]
    if not wrong:
        return judge_language(text, "en")
    return share(len(wrong), len(words), f"{complaint}: {wrong[0][:40]!r}")
