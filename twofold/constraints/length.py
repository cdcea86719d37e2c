"""How many words, sentences and paragraphs does the reply have?"""

import re
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np

from twofold.constraints.counting import (
    MOST,
    RELATIONS,
    Bound,
    Relation,
    both_sides,
    hold,
    require_counts,
    require_threshold,
)
from twofold.constraints.draws import WORDS, number, one_of
from twofold.constraints.editing import capital, grown, joined, parted, shortened
from twofold.constraints.prose import most_words, n_words, paragraphs
from twofold.constraints.published import punkt_sentences
from twofold.constraints.sentences import sentence_bounds
from twofold.constraints.wording import stated_bound
from twofold.constraints.words import as_word, without_marks_before
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict
from twofold.types.problem import READING


@final
@dataclass(frozen=True)
class NumberWords(Constraint):
    r"""The reply has less than, or at least, `num_words` words.

    Source: IFEval, https://arxiv.org/abs/2311.07911; MathIF, https://arxiv.org/abs/2505.14810.
    Departs: `official` counts runs of `\w`: `don't` is two and `\frac{1}{2}` three; `fixed` counts
    as people do (`prose.n_words`), takes the bound of the prompt's words if they state another, and is
    unscored where only a dictionary could count (Thai). NLTK from 3.10 on joins combining marks to
    their letters (Hindi, Thai); `official` counts as earlier versions did, whichever is installed.
    """

    name = "length_constraints:number_words"
    group = "length"
    family = "counting"
    departure = "don't and well-known are one word, LaTeX command names none; not runs of `\\w`"
    num_words: int
    relation: Relation
    profile: Profile
    stated: Bound | None = field(default=None, kw_only=True, metadata=READING)

    def __post_init__(self) -> None:
        require_threshold(self.num_words, self.relation, "num_words", self.profile)

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            (f"Write {self.relation} {self.num_words} words."),
            f"Your answer must have {self.relation} {self.num_words} words in all.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        """Arguments that a reply can meet."""
        return {"num_words": number(rng, 8, 150), "relation": one_of(rng, RELATIONS)}

    def witnesses(self) -> tuple[str, str]:
        """A text on either side of the threshold."""
        return both_sides(self.num_words, self.relation, lambda n: ("word " * n).strip() or "...")

    def _edited(self, text: str) -> str | None:
        return grown(self, text) or shortened(self, text)

    def _official(self, text: str) -> Verdict:
        return hold(len(re.findall(r"\w+", text)), self.relation, self.num_words, "words")

    def worded(self, prompt: str) -> Constraint:
        """As the prompt bounds the number of words."""
        bound = Bound(self.relation, self.num_words)
        return replace(self, stated=stated_bound(prompt, r"words?(?! (?:with|in|should))", bound))

    def _fixed(self, text: str) -> Verdict:
        bound = self.stated or Bound(self.relation, self.num_words)
        return bound.verdict(n_words(text), "words", most=most_words(text))


@final
@dataclass(frozen=True)
class NumberSentences(Constraint):
    """The reply has less than, or at least, `num_sentences` sentences.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` is NLTK's Punkt; `fixed`
    counts as people do (`sentences.n_sentences`), takes the bound of the prompt's words if they state
    another, and is unscored where the bound depends on how a person reads (`at 5 p.m. John left`).
    """

    name = "length_constraints:number_sentences"
    group = "length"
    family = "counting"
    departure = "abbreviations, formulas, lists, headings and other scripts' full stops are handled"
    num_sentences: int
    relation: Relation
    profile: Profile
    stated: Bound | None = field(default=None, kw_only=True, metadata=READING)

    def __post_init__(self) -> None:
        require_threshold(self.num_sentences, self.relation, "num_sentences", self.profile, least=1)

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            (f"Write {self.relation} {self.num_sentences} sentences."),
            f"Your answer must have {self.relation} {self.num_sentences} sentences in all.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        """Arguments that a reply can meet."""
        return {"num_sentences": number(rng, 2, 9), "relation": one_of(rng, RELATIONS)}

    def witnesses(self) -> tuple[str, str]:
        """A text on either side of the threshold."""
        return both_sides(
            self.num_sentences, self.relation, lambda n: " ".join(["It works."] * n), least=1
        )

    def _edited(self, text: str) -> str | None:
        return grown(self, text) or joined(self, text) or shortened(self, text)

    def _official(self, text: str) -> Verdict:
        return hold(len(punkt_sentences(text)), self.relation, self.num_sentences, "sentences")

    def worded(self, prompt: str) -> Constraint:
        """As the prompt bounds the number of sentences."""
        bound = Bound(self.relation, self.num_sentences)
        return replace(self, stated=stated_bound(prompt, "sentences?", bound))

    def _fixed(self, text: str) -> Verdict:
        bound = self.stated or Bound(self.relation, self.num_sentences)
        least, most = sentence_bounds(text)
        return bound.verdict(least, "sentences", most=most)


@final
@dataclass(frozen=True)
class NumberParagraphs(Constraint):
    r"""The reply has exactly `num_paragraphs` paragraphs, separated by the divider `***`.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` cuts at any three stars,
    also in bold italics, and fails on two dividers in a row; `fixed` cuts at lines with the divider
    alone, since that is what a markdown divider is. Where the prompt's words ask for the asterisks and
    not for a divider or a line, `fixed` also cuts inside a line, at three stars that touch no word. It
    takes the bound of the prompt's words ("at least 5 sections").
    """

    name = "length_constraints:number_paragraphs"
    group = "length"
    family = "layout"
    departure = "a divider is a line of its own (or, if the prompt's words allow it, stands free)"
    num_paragraphs: int
    profile: Profile
    own_line: bool = field(default=True, kw_only=True, metadata=READING)
    stated: Bound | None = field(default=None, kw_only=True, metadata=READING)

    def __post_init__(self) -> None:
        require_counts(num_paragraphs=self.num_paragraphs)

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            (
                f"Write exactly {self.num_paragraphs} paragraphs, with a line *** between one "
                "paragraph and the next."
            ),
            f"Your answer must consist of {self.num_paragraphs} paragraphs, parted by the divider ***.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        """Arguments that a reply can meet."""
        return {"num_paragraphs": number(rng, 2, 6)}

    def witnesses(self) -> tuple[str, str]:
        """N paragraphs, and one more."""
        obeys = "\n***\n".join(["A paragraph."] * self.num_paragraphs) or "***"
        return obeys, "\n***\n".join(["A paragraph."] * (self.num_paragraphs + 1))

    def _edited(self, text: str) -> str | None:
        n = (self.stated or self._bound).wanted
        body = re.sub(r"^[ \t]*\*\*\*[ \t]*\n", "", text, flags=re.MULTILINE)
        return "\n***\n".join(parted(body, n)) if n else None

    def _official(self, text: str) -> Verdict:
        filled = [bool(part.strip()) for part in re.split(r"\s?\*\*\*\s?", text)]
        if not all(filled[1:-1]):
            return Verdict(0.0, "nothing stands between two dividers")
        return self._exactly(sum(filled))

    def worded(self, prompt: str) -> Constraint:
        """As the prompt describes the separator and bounds the number of paragraphs."""
        sentences = re.split(r"(?<=[.!?])\s+|\n", prompt)
        says = [one for one in sentences if _SEPARATED.search(one) and re.search(r"\w", one)]
        own_line = not says or any(_OWN_LINE.search(one) for one in says)
        stated = stated_bound(prompt, _PARAGRAPHS, self._bound)
        return replace(self, own_line=own_line, stated=stated)

    @property
    def _bound(self) -> Bound:
        return Bound("exactly", self.num_paragraphs)

    def _fixed(self, text: str) -> Verdict:
        divider = r"^[ \t]*\*\*\*[ \t]*$" if self.own_line else r"(?:^|(?<=\s))\*\*\*(?!\S)"
        parts = re.split(divider, text, flags=re.MULTILINE)
        count = sum(any(map(str.isalnum, part)) for part in parts)
        return (self.stated or self._bound).verdict(count, "paragraphs")

    def _exactly(self, count: int) -> Verdict:
        return self._bound.verdict(count, "paragraphs")


_SEPARATED = re.compile(r"separat|divid|break .* into|\*\*\*|asteri[sx]k", re.IGNORECASE)
_OWN_LINE = re.compile(r"divider|\b(?:a|own|separate) line\b|line ?break", re.IGNORECASE)
_PARAGRAPHS = r"paragraphs?|sections?|parts?|stanzas?|verses?"


@final
@dataclass(frozen=True)
class NthParagraphFirstWord(Constraint):
    r"""The reply has `num_paragraphs` paragraphs, and the `nth_paragraph` (from 1) starts with a word.

    Raises:
        ProblemError: If nth is out of range, or the profile can never find the word (`don't` under
            `official`, which stops at the apostrophe).

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` counts the paragraphs that
    are not blank but takes the nth of all, and cuts only at `\n\n`; `fixed` uses the same paragraphs
    for both, and skips marks such as `**` before the word.

    Example:
        >>> rule = NthParagraphFirstWord(2, 2, "so", "fixed")
        >>> rule.check("First.\n\n\n\n**So** it is.").score
        1.0
    """

    name = "length_constraints:nth_paragraph_first_word"
    group = "length"
    family = "position"
    departure = "the nth non-blank paragraph; markdown and quotes before the word are skipped"
    num_paragraphs: int
    nth_paragraph: int
    first_word: str
    profile: Profile

    def __post_init__(self) -> None:
        if not 1 <= self.num_paragraphs <= MOST:
            raise ProblemError(f"num_paragraphs is {self.num_paragraphs}; give 1 to {MOST}")
        if not 1 <= self.nth_paragraph <= self.num_paragraphs:
            raise ProblemError(
                f"nth_paragraph is {self.nth_paragraph} of {self.num_paragraphs} paragraphs; "
                f"give 1 to {self.num_paragraphs}"
            )
        word = self.first_word
        if len(word.split()) != 1 or word != word.strip() or not word[0].isalnum():
            raise ProblemError(
                f"first_word is {word!r}; give one word that starts with a letter or a digit"
            )
        if self.profile == "official" and _published_first_word(word) != word.lower():
            raise ProblemError(
                f"first_word {word!r} can never be met: the published checker reads it as "
                f"{_published_first_word(word)!r}; use profile 'fixed' or another word"
            )

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            (
                f"Write exactly {self.num_paragraphs} paragraphs with a blank line between one and the "
                f"next, and start paragraph {self.nth_paragraph} with the word {self.first_word}."
            ),
            (
                f"Your answer must have {self.num_paragraphs} paragraphs, parted by blank lines, and "
                "paragraph "
                f"{self.nth_paragraph} must begin with {self.first_word}."
            ),
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        """Arguments that a reply can meet."""
        n = number(rng, 2, 5)
        nth = number(rng, 1, n)
        return {"num_paragraphs": n, "nth_paragraph": nth, "first_word": one_of(rng, WORDS)}

    def witnesses(self) -> tuple[str, str]:
        """The paragraphs with the word in its place, and one paragraph more."""
        texts = ["0"] * self.num_paragraphs
        texts[self.nth_paragraph - 1] = self.first_word
        return "\n\n".join(texts), "\n\n".join([*texts, "0"])

    def _edited(self, text: str) -> str | None:
        parts = parted(text, self.num_paragraphs)
        nth = self.nth_paragraph - 1
        parts[nth] = f"{capital(self.first_word)} - {parts[nth]}"
        return "\n\n".join(parts)

    def _official(self, text: str) -> Verdict:
        parts = text.split("\n\n")
        count = sum(any(map(str.isalnum, part)) for part in parts)
        if self.nth_paragraph > count:
            return self._too_few(count)
        paragraph = parts[self.nth_paragraph - 1].strip()
        if not paragraph:
            return Verdict(0.0, f"paragraph {self.nth_paragraph} is blank")
        first = _published_first_word(paragraph.split()[0])
        return self._verdict(count, first, first == self.first_word.lower())

    def _fixed(self, text: str) -> Verdict:
        parts = paragraphs(text)
        if self.nth_paragraph > len(parts):
            return self._too_few(len(parts))
        start = without_marks_before(parts[self.nth_paragraph - 1])
        starts = as_word(self.first_word).starts(start)
        return self._verdict(len(parts), (start.split() or [""])[0], starts)

    def _too_few(self, count: int) -> Verdict:
        return Verdict(0.0, f"{count} paragraphs, so there is no paragraph {self.nth_paragraph}")

    def _verdict(self, count: int, first: str, starts: bool) -> Verdict:
        return Verdict(
            float(count == self.num_paragraphs and starts),
            f"{count} paragraphs, exactly {self.num_paragraphs} wanted; paragraph {self.nth_paragraph} "
            f"starts with {first[:40]!r}, {self.first_word!r} wanted",
        )


def _published_first_word(token: str) -> str:
    """A paragraph's first token as the published checker reads it: up to a mark, lower case."""
    start = re.split(r"[.,?!'\"]", token.lstrip("'").lstrip('"'), maxsplit=1)[0]
    return "".join(ch.lower() for ch in start)  # one by one: a final sigma stays as published
