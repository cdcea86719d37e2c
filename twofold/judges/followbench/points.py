"""Does a speech make five points under the mark `**`, each with a keyword and one short sentence?

The request of FollowBench's format group 30. Its words leave open where a point ends and whether the
keyword is a part of its sentence; the steps say how each is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import punkt

from twofold.constraints.prose import n_words
from twofold.types import Verdict

Step = Callable[[str], Verdict]
"""What one level adds, as a check of a reply that is not blank."""

_MARK = re.compile(r"^[ \t]*(?:[-*+•]|\d{1,3}[.):])[ \t]+", re.MULTILINE)


@cache
def _cutter() -> punkt.PunktSentenceTokenizer:
    return punkt.tokenizer_for("english", line_breaks="paragraph", prefixes=True)


def sentences(text: str) -> list[str]:
    """The sentences of a text; list marks belong to none.

    Example:
        >>> sentences("1. Dr. Wu left. She ran!")
        ['Dr. Wu left.', 'She ran!']
    """
    pieces = _cutter().tokenize(_MARK.sub("", text))
    return [piece for piece in pieces if any(ch.isalnum() for ch in piece)]


def said(holds: bool, reason: str) -> Verdict:
    """The verdict of a check that can always tell."""
    return Verdict(float(holds), reason)


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
    """The keyword that a point begins with ("" if it has none) and what follows it."""
    for pattern in _TITLES:
        found = pattern.match(point)
        if found and n_words(found[1]) <= _LONGEST_TITLE:
            return found[1].strip(" :"), found[2].replace("**", "").lstrip(" \n:.-–—").rstrip()
    return "", point.replace("**", "").strip()


def points(text: str) -> list[tuple[str, str]]:
    r"""The points that `**` marks: keyword and text, for each line that begins with the mark.

    A point ends at a blank line or at the next point; one that has only its keyword so far goes on.

    Example:
        >>> points("Friends!\n**Jobs**: It makes work.\n**Health**\n\nIt heals.\n\nThank you.")
        [('Jobs', 'It makes work.'), ('Health', 'It heals.')]
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


def _five_points(text: str) -> Verdict:
    n = len(points(text))
    return said(n == 5, f"{n} points marked by '**', 5 wanted")


def _one_sentence_each(text: str) -> Verdict:
    most = max((len(sentences(told)) for _, told in points(text)), default=0)
    return said(most < 2, f"the longest point has {most} sentences, less than 2 wanted")


def _ten_to_fifteen(text: str) -> Verdict:
    """Every sentence of a point, its keyword counted or not: the words allow both readings."""
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


SPEECH: tuple[Step, ...] = (
    _five_points,
    _one_sentence_each,
    _ten_to_fifteen,
    _no_ly,
    _keyword_first,
)
"""What each level adds, level 1 first."""
