"""How many words, sentences and paragraphs does the reply have?"""

import re
from dataclasses import dataclass
from typing import final

from twofold.constraints.counting import MOST, Relation, both_sides, hold, require_threshold
from twofold.constraints.prose import as_word, n_sentences, n_words, paragraphs
from twofold.constraints.published import punkt_sentences
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict


@final
@dataclass(frozen=True)
class NumberWords(Constraint):
    r"""The reply has less than, or at least, `num_words` words.

    Source: IFEval, https://arxiv.org/abs/2311.07911; MathIF, https://arxiv.org/abs/2505.14810.
    Departs: `official` counts runs of `\w`: `don't` is two and `\frac{1}{2}` three; `fixed` counts
    as people do (`prose.n_words`). NLTK from 3.10 on joins combining marks to their letters (Hindi,
    Thai); `official` counts as earlier versions did, whichever is installed.
    """

    name = "length_constraints:number_words"
    group = "length"
    departure = "don't and well-known are one word, LaTeX command names none; not runs of `\\w`"
    num_words: int
    relation: Relation
    profile: Profile

    def __post_init__(self) -> None:
        require_threshold(self.num_words, self.relation, "num_words")

    def instruction(self) -> str:
        """The sentence that states the rule."""
        return f"Write {self.relation} {self.num_words} words."

    def witnesses(self) -> tuple[str, str]:
        """A text on either side of the threshold."""
        return both_sides(self.num_words, self.relation, lambda n: ("word " * n).strip() or "...")

    def _official(self, text: str) -> Verdict:
        return hold(len(re.findall(r"\w+", text)), self.relation, self.num_words, "words")

    def _fixed(self, text: str) -> Verdict:
        return hold(n_words(text), self.relation, self.num_words, "words")


@final
@dataclass(frozen=True)
class NumberSentences(Constraint):
    """The reply has less than, or at least, `num_sentences` sentences.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` is NLTK's Punkt; `fixed`
    counts as people do (`prose.n_sentences`).
    """

    name = "length_constraints:number_sentences"
    group = "length"
    departure = "abbreviations, formulas, lists, headings and other scripts' full stops are handled"
    num_sentences: int
    relation: Relation
    profile: Profile

    def __post_init__(self) -> None:
        require_threshold(self.num_sentences, self.relation, "num_sentences", least=1)

    def instruction(self) -> str:
        """The sentence that states the rule."""
        return f"Write {self.relation} {self.num_sentences} sentences."

    def witnesses(self) -> tuple[str, str]:
        """A text on either side of the threshold."""
        return both_sides(
            self.num_sentences, self.relation, lambda n: " ".join(["It works."] * n), least=1
        )

    def _official(self, text: str) -> Verdict:
        return hold(len(punkt_sentences(text)), self.relation, self.num_sentences, "sentences")

    def _fixed(self, text: str) -> Verdict:
        return hold(n_sentences(text), self.relation, self.num_sentences, "sentences")


@final
@dataclass(frozen=True)
class NumberParagraphs(Constraint):
    r"""The reply has exactly `num_paragraphs` paragraphs, separated by the divider `***`.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` cuts at any three stars,
    also in bold italics, and fails on two dividers in a row; `fixed` cuts at lines with the divider
    alone.
    """

    name = "length_constraints:number_paragraphs"
    group = "length"
    departure = "a divider is a line of its own, not any three stars"
    num_paragraphs: int
    profile: Profile

    def __post_init__(self) -> None:
        require_threshold(self.num_paragraphs, "at least", "num_paragraphs")

    def instruction(self) -> str:
        """The sentence that states the rule."""
        return (
            f"Write exactly {self.num_paragraphs} paragraphs, with a line *** between one "
            "paragraph and the next."
        )

    def witnesses(self) -> tuple[str, str]:
        """N paragraphs, and one more."""
        obeys = "\n***\n".join(["A paragraph."] * self.num_paragraphs) or "***"
        return obeys, "\n***\n".join(["A paragraph."] * (self.num_paragraphs + 1))

    def _official(self, text: str) -> Verdict:
        filled = [bool(part.strip()) for part in re.split(r"\s?\*\*\*\s?", text)]
        if not all(filled[1:-1]):
            return Verdict(0.0, "nothing stands between two dividers")
        return self._exactly(sum(filled))

    def _fixed(self, text: str) -> Verdict:
        parts = re.split(r"^[ \t]*\*\*\*[ \t]*\r?$", text, flags=re.MULTILINE)
        return self._exactly(sum(bool(part.strip()) for part in parts))

    def _exactly(self, count: int) -> Verdict:
        score = float(count == self.num_paragraphs)
        return Verdict(score, f"{count} paragraphs, exactly {self.num_paragraphs} wanted")


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

    def instruction(self) -> str:
        """The sentence that states the rule."""
        return (
            f"Write exactly {self.num_paragraphs} paragraphs with a blank line between one and the "
            f"next, and start paragraph {self.nth_paragraph} with the word {self.first_word}."
        )

    def witnesses(self) -> tuple[str, str]:
        """The paragraphs with the word in its place, and one paragraph more."""
        texts = ["0"] * self.num_paragraphs
        texts[self.nth_paragraph - 1] = self.first_word
        return "\n\n".join(texts), "\n\n".join([*texts, "0"])

    def _official(self, text: str) -> Verdict:
        parts = text.split("\n\n")
        count = sum(bool(part.strip()) for part in parts)
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
        start = re.sub(r"^[\W_]+", "", parts[self.nth_paragraph - 1])
        starts = as_word(self.first_word).match(start) is not None
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
