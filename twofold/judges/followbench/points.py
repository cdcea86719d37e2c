"""Does a speech make five points under the mark `**`, each with a keyword and one short sentence?

The request of FollowBench's format group 30. It does not say where a point ends or whether the
keyword belongs to its sentence; the functions say how each is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import punkt

from twofold.constraints.prose import n_words
from twofold.types import Verdict

Step = Callable[[str], Verdict]
"""The check that one level adds, for a reply that is not blank."""

_MARK = re.compile(r"^[ \t]*(?:[-*+•]|\d{1,3}[.):])[ \t]+", re.MULTILINE)


@cache
def _cutter() -> punkt.PunktSentenceTokenizer:
    return punkt.tokenizer_for("english", line_breaks="paragraph", prefixes=True)


def sentences(text: str) -> list[str]:
    """The sentences of a text without list marks."""
    pieces = _cutter().tokenize(_MARK.sub("", text))
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


SPEECH: tuple[Step, ...] = (
    counted(lambda text: len(points(text)), "points marked by '**'", 5, 5),
    counted(_longest_point, "sentences in the longest point", 0, 1),
    _ten_to_fifteen,
    _no_ly,
    _keyword_first,
)
"""The checks of the levels, level 1 first."""
