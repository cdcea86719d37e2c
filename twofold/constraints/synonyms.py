"""Which other word can stand for a forbidden one? For words that solutions often use."""

import re
from collections.abc import Iterable, Iterator
from itertools import product

from twofold.constraints.editing import first_met, masked
from twofold.types import Constraint

# A few words for each, so that one of them is free where several are forbidden.
_OTHERS = {
    "therefore": ("hence", "thus"),
    "so": ("hence", "thus"),
    "thus": ("hence", "so"),
    "hence": ("thus", "so"),
    "answer": ("solution", "outcome"),
    "result": ("outcome", "solution"),
    "total": ("whole", "overall amount"),
    "sum": ("whole", "overall amount"),
    "altogether": ("in all", "overall"),
    "because": ("since", "as"),
    "then": ("next", "after that"),
    "next": ("then", "after that"),
    "first": ("to begin", "initially"),
    "finally": ("at last", "to finish"),
    "number": ("count", "figure"),
    "more": ("further", "extra"),
    "each": ("every", "any one"),
    "every": ("each", "any one"),
    "equals": ("is", "makes"),
    "calculate": ("find", "work out"),
    "multiply": ("scale", "magnify"),
    "plus": ("and", "with"),
    "times": ("by", "multiplied by"),
    "now": ("here", "next"),
    "get": ("obtain", "find"),
}


def without_words(rule: Constraint, text: str, words: Iterable[str]) -> str | None:
    """`text` with other words for the forbidden ones, if the rule then accepts it."""
    there = [word for word in words if _pattern(word).search(masked(text))]
    return first_met(rule, _replaced(text, there))


def _replaced(text: str, words: list[str]) -> Iterator[str]:
    """`text` with each choice of words for the given ones."""
    others = [_OTHERS.get(word.lower(), ()) for word in words]
    for choice in product(*others):
        edited = text
        for word, other in zip(words, choice, strict=True):
            edited = _with(edited, word, other)
        yield edited


def _with(text: str, word: str, other: str) -> str:
    """`text` with another word for the given one, in its case, outside what no edit may touch."""
    parts, place = [], 0
    for found in _pattern(word).finditer(masked(text)):
        was = text[found.start() : found.end()]
        now = other.upper() if was.isupper() and len(was) > 1 else other
        now = now[0].upper() + now[1:] if was[0].isupper() else now
        parts += [text[place : found.start()], now]
        place = found.end()
    return "".join([*parts, text[place:]])


def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w\\]){re.escape(word)}(?!\w)", re.IGNORECASE)
