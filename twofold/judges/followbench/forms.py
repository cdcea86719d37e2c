"""Does a reply have the form that a FollowBench request asks for, level by level?

Five summaries and two texts of FollowBench ask for nothing but what a program can count: sentences,
words, single words, marks. Level n asks for the first n steps of its request.

The published code was not at hand: each step here does what the words of the request say, read as a
person reads them (words and sentences as the `fixed` constraints count them). Where the words ask for
a tense, a step knows three answers: it is there, it cannot be there, or a program cannot tell.
"""

from __future__ import annotations

import re
import unicodedata

from twofold.constraints.prose import as_word, n_words, paragraphs
from twofold.judges.followbench.points import SPEECH, Step, said, sentences
from twofold.types import Verdict


def all_met(steps: tuple[Step, ...], text: str) -> Verdict:
    """The verdict on a reply that has to pass every step.

    Args:
        steps: In the order of the levels.
        text: A reply that is not blank.

    Returns:
        0 with the first broken step; unscored if none is broken and one cannot be told; else 1.

    Example:
        >>> all_met(FORMS["mixed", "gigaword"][:2], "at least two people killed in bus attack")
        Verdict(score=1.0, reason='all 2 levels met', parts={})
    """
    found = [step(text) for step in steps]
    for level, verdict in enumerate(found, 1):
        if verdict.score == 0.0:
            return Verdict(0.0, f"level {level}: {verdict.reason}")
    for level, verdict in enumerate(found, 1):
        if not verdict.is_scored:
            return Verdict(None, f"level {level}: {verdict.reason}")
    return Verdict(1.0, f"all {len(steps)} levels met")


def _n_sentences(wanted: int) -> Step:
    def step(text: str) -> Verdict:
        n = len(sentences(text))
        return said(n == wanted, f"{n} sentences, {wanted} wanted")

    return step


def _words(least: int, most: int) -> Step:
    def step(text: str) -> Verdict:
        n = n_words(text)
        return said(least <= n <= most, f"{n} words, {least} to {most} wanted")

    return step


def _each_sentence(most: int) -> Step:
    def step(text: str) -> Verdict:
        longest = max((n_words(sentence) for sentence in sentences(text)), default=0)
        return said(longest <= most, f"the longest sentence has {longest} words, {most} allowed")

    return step


def _has(phrase: str, *, word: bool = True, wanted: bool = True) -> Step:
    """`phrase` as a word of its own, or anywhere, in any case."""

    def step(text: str) -> Verdict:
        there = bool(as_word(phrase).search(text)) if word else phrase.casefold() in text.casefold()
        return said(there == wanted, f"{phrase!r} is {'there' if there else 'not there'}")

    return step


def _nth(place: int, inner: Step) -> Step:
    """A step on one sentence of the reply, counted from 1."""

    def step(text: str) -> Verdict:
        found = sentences(text)
        if len(found) < place:
            return Verdict(0.0, f"there is no sentence {place}")
        verdict = inner(found[place - 1])
        return Verdict(verdict.score, f"sentence {place}: {verdict.reason}")

    return step


def _both(*steps: Step) -> Step:
    def step(text: str) -> Verdict:
        found = [each(text) for each in steps]
        return next((verdict for verdict in found if verdict.score == 0.0), found[0])

    return step


def _n_marks(wanted: int) -> Step:
    def step(text: str) -> Verdict:
        n = sum(unicodedata.category(ch).startswith("P") for ch in text)
        return said(n == wanted, f"{n} punctuation marks, {wanted} wanted")

    return step


def _lower_case(text: str) -> Verdict:
    return said(text == text.lower(), "no capitals wanted")


def _begins_with_we(text: str) -> Verdict:
    return said(re.match(r"We\b", text) is not None, "it has to begin with the word 'We'")


_BETWEEN = r"(?:\s+(?:not|also|already|always|never|ever|just|still|now|both|being|\w+ly))*\s+"
_PROGRESSIVE = re.compile(rf"(?:\b(?:am|is|are)|['’](?:re|m)){_BETWEEN}(\w+ing)\b", re.IGNORECASE)
_PERFECT = re.compile(rf"(?:\b(?:has|have)|['’]ve){_BETWEEN}(\w+)", re.IGNORECASE)
_BE = re.compile(r"\b(?:am|is|are)\b|['’](?:re|m|s)\b", re.IGNORECASE)
_HAVE = re.compile(r"\b(?:has|have)\b|['’](?:ve|s)\b", re.IGNORECASE)
_NO_VERB = re.compile(r"(?:morning|evening|nothing|(?:some|any|every)thing|king|ceiling)", re.I)
_PARTICIPLE = re.compile(
    r"(?!(?:need|seed|speed|feed|breed|weed|hundred|naked|sacred|wicked)$)\w{2,}ed|been|become|begun"
    r"|bought|broken|brought|built|caught|chosen|come|done|drawn|driven|fallen|felt|found|given|gone"
    r"|got|gotten|grown|had|heard|held|kept|known|led|left|lost|made|meant|met|paid|put|risen|run|said"
    r"|seen|sent|set|shown|sold|spent|spoken|stood|taken|taught|thought|told|turned|won|worn|written",
    re.IGNORECASE,
)


def _progressive(text: str) -> Verdict:
    """The present progressive: a present form of `be`, then a verb in -ing."""
    if any(not _NO_VERB.fullmatch(verb) for verb in _PROGRESSIVE.findall(text)):
        return Verdict(1.0, "there is a present progressive")
    if not _BE.search(text) or not re.search(r"ing\b", text, re.IGNORECASE):
        return Verdict(0.0, "there is no present progressive")
    return Verdict(None, "a program cannot tell whether this is the present progressive")


def _perfect(text: str) -> Verdict:
    """The present perfect: `has` or `have`, then a participle."""
    if any(_PARTICIPLE.fullmatch(verb) for verb in _PERFECT.findall(text)):
        return Verdict(1.0, "there is a present perfect")
    if not _HAVE.search(text):
        return Verdict(0.0, "there is no present perfect")
    return Verdict(None, "a program cannot tell whether this is the present perfect")


_CLOSING = re.compile(r"[\"'‘“]?Those are suggestions[\"'’”]?[.!]?[\"'’”]?\s*$", re.IGNORECASE)


def _body(text: str) -> list[str]:
    """The paragraphs before the closing words; lines, where no blank line parts the text."""
    body = _CLOSING.sub("", text).rstrip()
    found = paragraphs(body)
    return found if len(found) > 1 else [line.strip() for line in body.splitlines() if line.strip()]


def _three_paragraphs(text: str) -> Verdict:
    n = len(_body(text))
    return said(n == 3, f"{n} paragraphs before the closing words, 3 wanted")


def _short_paragraphs(text: str) -> Verdict:
    most = max((len(sentences(part)) for part in _body(text)), default=0)
    return said(most < 3, f"the longest paragraph has {most} sentences, less than 3 wanted")


def _long_sentences(text: str) -> Verdict:
    found = [n_words(sentence) for part in _body(text) for sentence in sentences(part)]
    least = min(found, default=0)
    return said(least > 20, f"the shortest sentence has {least} words, more than 20 wanted")


def _numbered(text: str) -> Verdict:
    marks = [re.match(rf"\W*{i}(?!\w)", part) for i, part in enumerate(_body(text), 1)]
    return said(all(marks), f"{sum(m is not None for m in marks)} paragraphs have their number")


def _closes(text: str) -> Verdict:
    return said(_CLOSING.search(text) is not None, "it has to end with 'Those are suggestions'")


FORMS: dict[tuple[str, str], tuple[Step, ...]] = {
    ("mixed", "cnn_dailymail"): (
        _n_sentences(3),
        _each_sentence(14),
        _both(
            *(_nth(i, _has(w, word=False)) for i, w in enumerate(("Potter", "actor", "films"), 1))
        ),
        _nth(2, _has("lavish", wanted=False)),
        _nth(3, _perfect),
    ),
    ("mixed", "xsum"): (
        _n_sentences(1),
        _words(1, 19),
        _has("Newton Stewart", word=False, wanted=False),
        _progressive,
        _has("operation", word=False),
    ),
    ("mixed", "samsum"): (
        _n_sentences(1),
        _words(1, 14),
        _has("stuff"),
        _has("procrast", word=False, wanted=False),
        _n_marks(1),
    ),
    ("mixed", "gigaword"): (
        _words(8, 8),
        _n_marks(0),
        _lower_case,
        _has("bus", wanted=False),
        _has("in"),
    ),
    ("mixed", "arxiv"): (
        _n_sentences(1),
        _words(1, 20),
        _begins_with_we,
        _has("activations"),
        _has("transformer", wanted=False),
    ),
    ("format", "22"): (
        _three_paragraphs,
        _short_paragraphs,
        _long_sentences,
        _numbered,
        _closes,
    ),
    ("format", "30"): SPEECH,
}
"""The steps of each request, level 1 first, by category and source (in `format` by group)."""
