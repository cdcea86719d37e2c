"""How do the sentences compare with one another?"""

import re
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby, pairwise
from string import ascii_lowercase
from typing import Any, final

import numpy as np

from twofold.constraints.counting import every, hold, require_counts, within
from twofold.constraints.draws import number
from twofold.constraints.editing import bare_pieces, filled
from twofold.constraints.ifbench.pieces import bare, rule_sentences, sentences, words
from twofold.constraints.published import punkt_sentences
from twofold.constraints.tokens import tokens
from twofold.constraints.words import unmasked
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict


@final
@dataclass(frozen=True)
class Increment(Constraint):
    """Each sentence has `small_n` more words than the one before.

    Source: IFBench. Departs: `official` passes a single sentence; `fixed` wants two or more.
    """

    name = "sentence:increment"
    group = "length"
    family = "sentences"
    departure = "needs two sentences; a dash is no word"
    small_n: int
    profile: Profile

    def __post_init__(self) -> None:
        require_counts(small_n=self.small_n)

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Each sentence must have exactly {self.small_n} more words than the sentence before.",
            f"Let your sentences grow: every one is {self.small_n} words longer than the last.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"small_n": number(rng, 1, 4)}

    def witnesses(self) -> tuple[str, str]:
        short, long = "Go.", "Go" + " now" * self.small_n + "."
        return f"{short} {long}", f"{short} {long[:-1]} now."

    def _official(self, text: str) -> Verdict:
        return self._hold([len(bare(part).split()) for part in punkt_sentences(text)], least=0)

    def _fixed(self, text: str) -> Verdict:
        return self._hold([len(words(part)) for part in sentences(text)], least=1)

    def _hold(self, counts: list[int], *, least: int) -> Verdict:
        good = [b - a == self.small_n for a, b in pairwise(counts)]
        return every(good, f"sentences have {self.small_n} words more", least=least)


@final
@dataclass(frozen=True)
class AlliterationIncrement(Constraint):
    """Each sentence has a longer run of words with one first letter than the sentence before.

    Source: IFBench. Departs: `official` adds up all runs of a sentence; `fixed` takes the longest, and
    wants two sentences.
    """

    name = "sentence:alliteration_increment"
    group = "lexical"
    family = "sentences"
    departure = "the longest run counts, not the sum of all; needs two sentences"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "In each sentence, write a longer run of neighbouring words with the same first letter than "
            "in the sentence before.",
            "The longest alliteration of each sentence must be longer than that of the last sentence.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "Hello world. Big bears run.", "Big bad bears. Hello world."

    def _official(self, text: str) -> Verdict:
        sums = []
        for part in punkt_sentences(text):
            firsts = [w[0] for p in part.lower().split() if (w := p.lstrip(string.punctuation))]
            sums.append(sum(n for n in _runs(firsts) if n > 1))
        return self._hold(sums, least=0)

    def _fixed(self, text: str) -> Verdict:
        firsts = [
            [w[0].casefold() for w in words(part) if w[0].isalpha()] for part in sentences(text)
        ]
        return self._hold([max(_runs(f), default=0) for f in firsts], least=1)

    def _hold(self, lengths: list[int], *, least: int) -> Verdict:
        good = [b > a for a, b in pairwise(lengths)]
        return every(good, "sentences have a longer alliteration", least=least)


def _runs(items: Sequence[str]) -> list[int]:
    """The lengths of the runs of equal items."""
    return [len(list(run)) for _, run in groupby(items)]


@final
@dataclass(frozen=True)
class SentenceAlphabet(Constraint):
    """26 sentences whose first words start with a, b, ... z.

    Source: IFBench. Departs: `official` fails on a quote or mark before the word.
    """

    name = "custom:sentence_alphabet"
    group = "lexical"
    family = "sentences"
    departure = "quotes and marks before the first word are skipped"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Write 26 sentences; the first starts with A, the second with B, and so on to Z.",
            "Tell it in twenty-six sentences whose first letters are the alphabet in order.",
        )

    def witnesses(self) -> tuple[str, str]:
        obeys = " ".join(f"{letter.upper()}aa." for letter in ascii_lowercase)
        return obeys, "Anna ran. Birds sang."

    def _official(self, text: str) -> Verdict:
        return self._hold([part.split()[0][0].lower() for part in punkt_sentences(text)])

    def _fixed(self, text: str) -> Verdict:
        firsts = [w[0] for part in sentences(text) if (w := words(part))]
        # A letter is no word, apart from these.
        return self._hold([w[0].casefold() for w in firsts if len(w) > 1 or w in "AaIiOo"])

    def _hold(self, firsts: list[str]) -> Verdict:
        good = sum(a == b for a, b in zip(firsts, ascii_lowercase, strict=False))
        wrong = max(len(firsts), 26) - good
        return within(wrong, None, 0, f"{good} of 26 sentences start with their letter")


@final
@dataclass(frozen=True)
class SentenceHyphens(Constraint):
    """All sentences are joined by hyphens, without spaces.

    Source: IFBench's training types. Departs: `official` compares no more parts than the shorter list has,
    so a tail is not looked at, and fails on any hyphenated word.
    """

    name = "detectable_format:sentence_hyphens"
    group = "format"
    family = "sentences"
    departure = "every sentence is looked at, two are needed, and a hyphen inside a word is free"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Put a hyphen between your sentences in place of the space, like this.-And this.",
            "Join all sentences of your answer by hyphens with no spaces around them.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "One here.-Two here.", "One here. Two here."

    def _edited(self, text: str) -> str | None:
        return "-".join(part.strip() for part in filled(bare_pieces(text), 2))

    def _official(self, text: str) -> Verdict:
        wanted = rule_sentences(text.replace("-", " "))
        parts = text.split("-")
        good = [
            part.strip() == part and part == sentence
            for part, sentence in zip(parts, wanted, strict=False)
        ]
        return every(good, "parts between hyphens are a sentence")

    def _fixed(self, text: str) -> Verdict:
        parts = re.split(r"(?<=[.!?][\"'”’)*_])-(?=\S)|(?<=[.!?])-(?=\S)", text.strip())
        good = [len(sentences(part)) == 1 for part in parts]
        if len(parts) < 2:
            return Verdict(0.0, "no hyphen joins two sentences", distance=1.0)
        return every(good, "parts between hyphens are one sentence")


@final
@dataclass(frozen=True)
class CountingComposition(Constraint):
    """Three paragraphs, parted by `* * *`, of `n_sent` sentences with `n_words` words each.

    Source: IFBench's training types. Departs: `official` cuts at `***` alone although the request shows
    `* * *`, and counts marks as words.
    """

    name = "count:counting_composition"
    group = "length"
    family = "sentences"
    departure = "both forms of the divider cut; marks are not words"
    n_sent: int
    n_words: int
    profile: Profile

    def __post_init__(self) -> None:
        if min(self.n_sent, self.n_words) < 1:
            raise ProblemError(f"{self.name}: n_sent and n_words must be 1 or more")

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Write three paragraphs with a line * * * between them, each of {self.n_sent} sentences, "
            f"each sentence of {self.n_words} words.",
            f"Your answer has 3 paragraphs, parted by * * *; in each there are exactly {self.n_sent} "
            f"sentences with exactly {self.n_words} words.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"n_sent": number(rng, 1, 4), "n_words": number(rng, 3, 9)}

    def witnesses(self) -> tuple[str, str]:
        n = self.n_words - 1 if self.profile == "official" else self.n_words
        sentence = " ".join(["Go", *["on"] * (n - 1)]) + "." if n else "!"
        paragraph = " ".join([sentence] * self.n_sent)
        return "\n***\n".join([paragraph] * 3), "\n***\n".join([paragraph] * 2)

    def _official(self, text: str) -> Verdict:
        return self._hold(text.split("***"), rule_sentences, tokens)

    def _fixed(self, text: str) -> Verdict:
        parts = re.split(r"^[ \t]*(?:\*[ \t]*){3}\r?$", text, flags=re.MULTILINE)
        return self._hold(parts, sentences, words)

    def _hold(
        self,
        parts: list[str],
        sentences: Callable[[str], tuple[str, ...]],
        cut: Callable[[str], tuple[str, ...]],
    ) -> Verdict:
        if len(parts) != 3:
            return Verdict(0.0, f"{len(parts)} paragraphs, 3 wanted", distance=1.0)
        counts = [[len(cut(sentence)) for sentence in sentences(part)] for part in parts]
        good = [mine == [self.n_words] * self.n_sent for mine in counts]
        return every(good, "paragraphs have the sentences and words wanted")


@final
@dataclass(frozen=True)
class CountUnique(Constraint):
    """No word occurs twice.

    Source: IFBench's training types. Departs: `official` counts marks as words and minds the case.
    """

    name = "count:count_unique"
    group = "lexical"
    family = "repetition"
    departure = "marks are not words; The and the are one"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Use no word twice.",
            "Every word of your answer must be different from all others.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "One two. Three four!", "One two. One four!"

    def _official(self, text: str) -> Verdict:
        return self._hold(tokens(text))

    def _fixed(self, text: str) -> Verdict:
        return self._hold([w.casefold() for w in words(unmasked(text))])

    def _hold(self, found: Sequence[str]) -> Verdict:
        return hold(len(set(found)), "at least", len(found), "different words")


@final
@dataclass(frozen=True)
class StartVerb(Constraint):
    """The reply starts with a verb.

    NLTK's perceptron tagger decides. Its weights come with no package: without them the reply is unscored.

    Source: IFBench. Departs: `official` reads a mark before the word as the first token.
    """

    name = "words:start_verb"
    group = "lexical"
    family = "sentences"
    departure = "quotes and markup before the first word are skipped"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return ("Start your answer with a verb.", "The first word of your answer must be a verb.")

    def witnesses(self) -> tuple[str, str]:
        return "Write it down.", "The dog runs."

    def _official(self, text: str) -> Verdict:
        return _starts_with_verb(text)

    def _fixed(self, text: str) -> Verdict:
        return _starts_with_verb(re.sub(r"^[\W_]+", "", text))


def _starts_with_verb(text: str) -> Verdict:
    """Whether the first token is tagged as a verb; unscored without the tagger's weights."""
    tagger = _tagger()
    if tagger is None:
        return Verdict(
            None,
            "a verb cannot be told without NLTK's tagger: python -m nltk.downloader "
            "averaged_perceptron_tagger_eng",
            note="not_installed",
        )
    found = tokens(text)
    tag = tagger.tag(list(found[:3]))[0][1] if found else ""
    return Verdict(float("VB" in tag), f"{found[0] if found else ''!r} is tagged {tag}")


@cache
def _tagger() -> Any:
    """NLTK's tagger of parts of speech; None where its weights are not on disk."""
    from nltk.tag.perceptron import PerceptronTagger

    try:
        return PerceptronTagger()
    except LookupError:
        return None
