"""Long replies of which each repeats one thing: what takes a careless pattern quadratic time."""

from collections.abc import Callable
from itertools import count

import numpy as np

PIECES = {
    "one word": "a",
    "one word in capitals": "A",
    "digits": "7",
    "spaces": " ",
    "tabs": "\t",
    "line breaks": "\n",
    "blank lines": "\n \n",
    "commas": ",",
    "stops": ".",
    "question marks": "?!",
    "hyphens": "-",
    "underscores": "_",
    "asterisks": "*",
    "spaced asterisks": "* ",
    "hashes": "#",
    "double quotes": '"',
    "single quotes": "'",
    "curly quotes": "“",
    "backticks": "`",
    "spaced backticks": "` ",
    "fences": "```\n",
    "fences of waves": "~~~\n",
    "dollars": "$",
    "spaced dollars": "$a ",
    "backslashes": "\\",
    "open brackets": "(",
    "open square brackets": "[",
    "open braces": "{",
    "open angles": "<",
    "double angles": "<<a ",
    "closed angles": "<<a>> ",
    "tags": "<i>",
    "closed tags": "<em>a</em> ",
    "boxes": "\\boxed{",
    "boxes in a row": "\\boxed{4} ",
    "fractions": "\\frac{1}{",
    "open options": "\\a[",
    "open templates": "[answer ",
    "displays": "\\[ ",
    "inline formulas": "\\( ",
    "environments": "\\begin{align} ",
    "texts": "\\text{a ",
    "thoughts": "<think>",
    "thoughts that end": "</think>\n",
    "comments": "<!--",
    "comments on lines": "<!--\n",
    "closed comments": "<!-- a --> ",
    "links": "[a](",
    "links with targets": "[a](http://a.b/c) ",
    "images": "![a](b ",
    "references": "[a]: http://b\n",
    "placeholders": "[a] ",
    "addresses": "https://a.b/",
    "address words": "www.a.com ",
    "end tokens": "<|im_end|>",
    "header tokens": "<|im_start|>assistant\n",
    "marks": "\u0301",
    "letters with marks": "e\u0301",
    "hidden signs": "\u200b",
    "joiners": "a\u200d",
    "no-break spaces": "a\u00a0",
    "other line ends": "a\u2028",
    "carriage returns": "a\r",
    "emoji": "😀",
    "emoji with joiners": "👩\u200d🔬",
    "endless emoji": "👩\u200d",
    "flags": "🇫",
    "words and emoji": "So it is. 😀😀",
    "digits with dots": "1.",
    "digits with commas": "1,",
    "list numbers": "1. ",
    "list items": "- a\n",
    "nested items": "* a\n  - b\n",
    "headings": "# a\n",
    "table": "| a | b |\n",
    "rules": "***\n",
    "rows": "a,b,c\n",
    "abbreviations": "e.g. ",
    "initials": "A. ",
    "initials without spaces": "A.",
    "titles": "Dr. ",
    "times": "5 p.m. ",
    "stops after words": "a.",
    "hyphened words": "a-",
    "apostrophes": "a'",
    "slashes": "a/",
    "words and pipes": "a|",
    "one letter words": "a ",
    "capitals": "A ",
    "the same word": "river ",
    "sentences": "We add two. ",
    "questions": "Is it so? ",
    "quoted": '"It is so," he said. ',
    "quoted exclamations": '"Stop!" he cried. ',
    "ellipses": "so... ",
    "paragraphs": "We add two.\n\n",
    "lines": "We add two\n",
    "colons": "Note: a\n",
    "options": "My answer is yes. ",
    "postscripts": "P.S. ",
    "sections": "Section 1\n",
    "Chinese": "今",
    "Chinese sentences": "今天很冷。",
    "Japanese": "ね",
    "Korean": "한국",
    "Thai": "ภาษา",
    "Arabic": "مرحبا ",
    "Russian": "Привет. ",
    "mixed alphabets": "a\u0435",
    "JSON": '{"a": ',
    "lists of JSON": "[",
    "dates": "1805-12-02, ",
    "ligatures": "ﷺ",
    "nulls": "a\0",
}

# After which words follow: what looks for the end of a row would look from each of its signs.
ENDED = (
    *("spaces", "line breaks", "blank lines", "stops", "question marks", "one word", "hyphens"),
    *("marks", "underscores", "asterisks", "hashes", "commas", "double quotes", "backticks"),
    *("digits", "dollars", "slashes", "digits with dots", "spaced dollars"),
)


def _numbered(length: int) -> str:
    """Sentences that are all different."""
    parts, long = [], 0
    for n in count(1):
        parts.append(f"Then we add w{n} to {n}. ")
        long += len(parts[-1])
        if long >= length:
            break
    return "".join(parts)[:length]


def _nested(length: int) -> str:
    return "([{" * (length // 6) + "}])" * (length // 6)


def _quotations(length: int) -> str:
    return "\"'" * (length // 4) + "a" + "'\"" * (length // 4)


def _ended(piece: str) -> Callable[[int], str]:
    """A row of a thing, and what it never has at the end."""
    return lambda length: piece * (length // len(piece)) + " The end!"


def _whole(piece: str) -> Callable[[int], str]:
    return lambda length: piece * (length // len(piece))


HOSTILE: dict[str, Callable[[int], str]] = {
    **{name: _whole(piece) for name, piece in PIECES.items()},
    "different sentences": _numbered,
    "nested brackets": _nested,
    "a sentence, then flags": lambda length: "It is so. " + "🇫" * length,
    "a sentence, then emoji": lambda length: "It is so. " + "😀" * length,
    "nested quotations": _quotations,
    **{f"{name}, then words": _ended(PIECES[name]) for name in ENDED},
}


def composed(rng: np.random.Generator) -> Callable[[int], str]:
    """A row of one to three things, between one thing at the start and one at the end."""
    among = [*PIECES.values(), "word", "The end."]
    head, tail = (among[int(rng.integers(len(among)))] for _ in range(2))
    n_pieces = int(rng.integers(1, 4))
    body = "".join(among[int(rng.integers(len(among)))] for _ in range(n_pieces))
    return lambda length: f"{head}{_whole(body)(length)}{tail}"
