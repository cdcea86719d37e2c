"""Does a reply have the form that a FollowBench request asks for, level by level?

Five summaries and two texts of FollowBench ask only for what a program can count: sentences, words,
single words, punctuation. Level n asks for the first n steps of its request.

The published code was not available: each step does what the request says as a person reads it
(words and sentences as the `fixed` constraints count them). A step on a tense has three results: it
is there, it cannot be there, or a program cannot tell.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache

import punkt

from twofold.constraints.prose import n_words, paragraphs
from twofold.constraints.words import as_word
from twofold.types import Verdict

# The check that one level adds, for a reply that is not blank.
Step = Callable[[str], Verdict]

_LIST_MARK = re.compile(r"^[ \t]*(?:[-*+•]|\d{1,3}[.):])[ \t]+", re.MULTILINE)


@cache
def _cutter() -> punkt.PunktSentenceTokenizer:
    return punkt.tokenizer_for("english", line_breaks="paragraph", prefixes=True)


def sentences(text: str) -> list[str]:
    """The sentences of a text without list marks."""
    pieces = _cutter().tokenize(_LIST_MARK.sub("", text))
    return [piece for piece in pieces if any(ch.isalnum() for ch in piece)]


def said(holds: bool, reason: str) -> Verdict:
    """The verdict of a check that always decides."""
    return Verdict(float(holds), reason)


def counted(count: Callable[[str], int], noun: str, least: int, most: int) -> Step:
    """The check that a text has `least` to `most` of something."""
    wanted = str(least) if least == most else f"{least} to {most}"

    def step(text: str) -> Verdict:
        n = count(text)
        return said(least <= n <= most, f"{n} {noun}, {wanted} wanted")

    return step


def all_met(steps: tuple[Step, ...], text: str) -> Verdict:
    """1 if the reply (not blank) passes every step, 0 with the first broken one, else unscored."""
    found = [step(text) for step in steps]
    for score in (0.0, None):
        for level, verdict in enumerate(found, 1):
            if verdict.score == score:
                return Verdict(score, f"level {level}: {verdict.reason}")
    return Verdict(1.0, f"all {len(steps)} levels met")


def _sentences(wanted: int) -> Step:
    return counted(lambda text: len(sentences(text)), "sentences", wanted, wanted)


def _words(least: int, most: int) -> Step:
    return counted(n_words, "words", least, most)


def _punctuation(wanted: int) -> Step:
    def count(text: str) -> int:
        return sum(unicodedata.category(char).startswith("P") for char in text)

    return counted(count, "punctuation marks", wanted, wanted)


def _longest_sentence(text: str) -> int:
    return max((n_words(sentence) for sentence in sentences(text)), default=0)


def _has(phrase: str, *, word: bool = True, wanted: bool = True) -> Step:
    """Whether the text has `phrase` (as a whole `word` or anywhere, in any case) as `wanted`."""

    def step(text: str) -> Verdict:
        there = as_word(phrase).occurs(text) if word else phrase.casefold() in text.casefold()
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
    """The paragraphs before the closing words, or the lines if there are no blank lines."""
    body = _CLOSING.sub("", text).rstrip()
    found = paragraphs(body)
    return found if len(found) > 1 else [line.strip() for line in body.splitlines() if line.strip()]


def _longest_paragraph(text: str) -> int:
    return max((len(sentences(part)) for part in _body(text)), default=0)


def _long_sentences(text: str) -> Verdict:
    found = [n_words(sentence) for part in _body(text) for sentence in sentences(part)]
    least = min(found, default=0)
    return said(least > 20, f"the shortest sentence has {least} words, more than 20 wanted")


def _numbered(text: str) -> Verdict:
    marks = [re.match(rf"\W*{i}(?!\w)", part) for i, part in enumerate(_body(text), 1)]
    return said(all(marks), f"{sum(m is not None for m in marks)} paragraphs have their number")


def _closes(text: str) -> Verdict:
    return said(_CLOSING.search(text) is not None, "it has to end with 'Those are suggestions'")


# Format group 30 asks for a speech of five points. It does not say where a point ends or whether the
# keyword belongs to its sentence; the functions say how each is read.
_POINT = re.compile(r"^\s*(?:[-+•]\s+|\*\s+|\d{1,3}[.)]\s*)?(?=\*\*)")
_TITLES = (
    re.compile(r"\*\*([^*\n]+)\*\*(.*)", re.DOTALL),  # **Title**: text
    re.compile(r"\*\*([^*:\n]+?)(?::| [-–—] )(.*)", re.DOTALL),  # ** Title: text
)
_LONGEST_TITLE = 6
_NO_SUFFIX = re.compile(
    r"(?:al|app|assemb|anoma|bul|comp|fami|f|imp|ita|ju|multip|ral|re|rep|supp)ly", re.IGNORECASE
)


def _split_title(point: str) -> tuple[str, str]:
    """The keyword that a point begins with ("" if it has none) and the text after it."""
    for pattern in _TITLES:
        found = pattern.match(point)
        if found and n_words(found[1]) <= _LONGEST_TITLE:
            return found[1].strip(" :"), found[2].replace("**", "").lstrip(" \n:.-–—").rstrip()
    return "", point.replace("**", "").strip()


def points(text: str) -> list[tuple[str, str]]:
    r"""Keyword and text of each point: from a line that begins with `**` to a blank line.

    A point that has only its keyword so far continues after a blank line.
    """
    found: list[str] = []
    is_open = False
    for line in text.splitlines():
        if mark := _POINT.match(line):
            found.append(line[mark.end() :])
            is_open = True
        elif is_open and line.strip():
            found[-1] += "\n" + line
        elif is_open:
            is_open = not _split_title(found[-1])[1]
    return [_split_title(point) for point in found]


def _longest_point(text: str) -> int:
    return max((len(sentences(told)) for _, told in points(text)), default=0)


def _ten_to_fifteen(text: str) -> Verdict:
    """Every sentence of a point, with or without its keyword: the request allows both readings."""
    for title, told in points(text):
        for place, sentence in enumerate(sentences(told)):
            n = n_words(sentence)
            with_title = n + (n_words(title) if place == 0 else 0)
            if not (10 <= n <= 15 or 10 <= with_title <= 15):
                return Verdict(0.0, f"a sentence of {n} words, 10 to 15 wanted")
    return Verdict(1.0, "every sentence of a point has 10 to 15 words")


def _no_ly(text: str) -> Verdict:
    found = [w for w in re.findall(r"[^\W\d_]+ly\b", text) if not _NO_SUFFIX.fullmatch(w)]
    return said(not found, f"words in -ly: {', '.join(found[:3]) or 'none'}")


def _keyword_first(text: str) -> Verdict:
    n = sum(bool(title and told) for title, told in points(text))
    return said(n == len(points(text)) > 0, f"{n} points have a keyword and then a text")


# The steps of each request, level 1 first, by category and source (in `format` by group).
FORMS: dict[tuple[str, str], tuple[Step, ...]] = {
    ("mixed", "cnn_dailymail"): (
        _sentences(3), counted(_longest_sentence, "words in the longest sentence", 0, 14),
        _both(*(_nth(i, _has(w, word=False)) for i, w in enumerate(("Potter", "actor", "films"), 1))),
        _nth(2, _has("lavish", wanted=False)), _nth(3, _perfect),
    ),
    ("mixed", "xsum"): (
        _sentences(1), _words(1, 19), _has("Newton Stewart", word=False, wanted=False),
        _progressive, _has("operation", word=False),
    ),
    ("mixed", "samsum"): (
        _sentences(1), _words(1, 14), _has("stuff"),
        _has("procrast", word=False, wanted=False), _punctuation(1),
    ),
    ("mixed", "gigaword"): (
        _words(8, 8), _punctuation(0), _lower_case, _has("bus", wanted=False), _has("in"),
    ),
    ("mixed", "arxiv"): (
        _sentences(1), _words(1, 20), _begins_with_we,
        _has("activations"), _has("transformer", wanted=False),
    ),
    ("format", "22"): (
        counted(lambda text: len(_body(text)), "paragraphs before the closing words", 3, 3),
        counted(_longest_paragraph, "sentences in the longest paragraph", 0, 2),
        _long_sentences, _numbered, _closes,
    ),
    ("format", "30"): (
        counted(lambda text: len(points(text)), "points marked by '**'", 5, 5),
        counted(_longest_point, "sentences in the longest point", 0, 1),
        _ten_to_fifteen, _no_ly, _keyword_first,
    ),
}  # fmt: skip
