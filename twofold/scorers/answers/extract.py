r"""Where in a reply is its answer? Rules in a fixed order, so that a person can check each verdict.

The first rule that finds something decides:

1. `boxed`: the `\boxed{...}` or `\fbox{...}` (in any letter case). Equal boxes count once;
   different boxes are all kept and read as one list.
2. `####`: the last line `#### x` that is an answer and not a heading.
3. `stated`: the last "the answer is x", "Answer: x"; x may be a number word up to ninety.
4. `last`: the last formula between dollar signs (or `\(`, `\[`), or number, whichever ends later.
   If it ends a list ("10, 11 or 12"), the whole list is the answer.

Every search is linear in the length of the reply, which may be anything.
"""

import re
from dataclasses import dataclass
from typing import Literal, final

from twofold.scorers.answers.spelling import number, plain

MAX_MARKS = 50  # how many of a reply's last "the answer is" are examined
MAX_LISTED = 20  # how many items of a list at the end of a reply are examined

Place = Literal["boxed", "####", "stated", "last"]

_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{", re.IGNORECASE)
_BRACE = re.compile(r"(?<!\\)[{}]")
_HASHES = re.compile(r"^[ \t]*#{4}(?!#)[ \t]*(.*\S)", re.MULTILINE)
_HEADING = re.compile(r"[^$\\]*(?:[A-Za-z]{2,}\s+[\dA-Za-z(]|[A-Za-z]:)|[A-Za-z]{2,}$")
_STATED = re.compile(
    r"(?:\b(?:the|my|our|final|correct)[ ](?:\w{1,12}[ ]){0,2}?answers?"
    r"(?:[ ](?:to|for|of)[ ][^\n.:]{1,60}?)?[ ]*(?:is|are|:|=)"
    r"|^\W{0,6}(?:final[ ])?answers?\W{0,3}[:=])[\s*:]{0,9}",
    re.IGNORECASE | re.MULTILINE,
)
_STATEMENT = re.compile(r"[^\n]{0,300}")
_SENTENCE_END = re.compile(
    r"[.!?]+(?=\s+[\"*]*[A-Z]|[\"”*\s]*$)"
    r"|,?\s+(?:because|since|as|so|which|for|and (?:that|this|it|we))\s",
    re.IGNORECASE,
)
_FORMULA = re.compile(
    r"\$\$([^$]{1,500})\$\$|(?<![\\$])\$([^$\n]{1,300})\$|\\\(([^\n]{1,300}?)\\\)|\\\[(.{1,500}?)\\\]",
    re.DOTALL,
)
_DIGITS = (
    r"(?:\d{1,3}(?:\.\d{3})+,\d{1,2}(?!\d)"  # 1.234,56
    r"|\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?"  # 1,234.56
    r"|(?<!\d,)\d+,\d+(?![.,]?\d)"  # 12,00
    r"|\d+(?:\.\d+)?|\.\d+)"
)
# Letters of other scripts may touch a number, since Chinese is written without spaces.
_PLAIN_NUMBER = re.compile(
    rf"(?<![A-Za-z_\d.])-?(?:(?:{_DIGITS}\s?)?√\s?(?:{_DIGITS}|\({_DIGITS}\))"
    rf"|{_DIGITS}(?:\s?π)?|(?:(?<==)|(?<==\s)|(?<=\bis\s)|\A)π)(?:\s?/\s?\d+)?"
    r"(?:\s?%|\s(?:thousand|[mb]illion|trillion)\b)?"
)
_MAYBE = r"(?:(?:maybe|perhaps|possibly|even|else|it|is|it's)\s+){0,3}"
_AND_NEXT = re.compile(
    rf"\s*(?:[,;、，/|?]\s*(?:(?:and|und|et|y)\s+)?|(?:and|und|et|y)\s+|\n\s*[-*•]\s+){_MAYBE}\$?"
    r"|[ \t]*"
)
# Between two alternatives; before "or" the first may have its unit.
_OR_NEXT = re.compile(
    r"(?:[ \t]*[^\W\d_]{1,15})?[,;?]?\s*\(?(?:或|または|(?:or|oder|ou|или)\s+)"
    rf"{_MAYBE}(?:[A-Za-z]\s*=\s*)?\$?"
)
_NO_MORE = re.compile(r"[\s.!?*)。]*(?:\n|$)")
_COMMA = re.compile(r"\s*(?:,\s*(?:and\s|or\s)?|and\s|or\s)\s*(?=[$\\])")
_PROSE = re.compile(r"[A-Za-z]{2,}\s+[A-Za-z]{2,}|\s(?:or|and)$")


@final
@dataclass(frozen=True)
class Found:
    """The answer in a reply, and the rule that found it.

    Args:
        texts: The answer as written; several only for different boxes or a list at the end.
        place: The rule.
    """

    texts: tuple[str, ...]
    place: Place

    def __str__(self) -> str:
        return ", ".join(self.texts)


def boxes(reply: str) -> list[str]:
    r"""The contents of all closed `\boxed{}` and `\fbox{}`, in order; inner boxes are unwrapped."""
    ends: dict[int, int] = {}  # opening brace -> closing brace
    opened: list[int] = []
    for brace in _BRACE.finditer(reply):
        if brace[0] == "{":
            opened.append(brace.start())
        elif opened:
            ends[opened.pop()] = brace.start()
    contents, covered = [], -1
    for box in _BOX.finditer(reply):
        start = box.end() - 1
        if start not in ends or start < covered:
            continue
        covered = ends[start]
        content = reply[start + 1 : covered].strip()
        contents.append(_BOX.sub("{", content) if _BOX.search(content) else content)
    return contents


def find_answer(reply: str) -> Found | None:
    r"""The answer in a visible reply (never a thought); None if there is none."""
    different = {plain(text): text for text in boxes(reply) if text}
    if different:
        return Found(tuple(different.values()), "boxed")
    hashed = [text for line in _HASHES.findall(reply) if (text := _under_hashes(line))]
    if hashed:
        return Found((hashed[-1],), "####")
    for mark in [*_STATED.finditer(reply)][: -MAX_MARKS - 1 : -1]:
        if text := _statement(reply, mark.end()):
            return Found((text,), "stated")
    last = {plain(text): text for text in _last(reply)}
    return Found(tuple(last.values()), "last") if last else None


def _under_hashes(line: str) -> str:
    """The answer of a line `#### x`; empty if the line is a heading."""
    line = line.strip(" *")
    starts_as_number = re.match(r"[-+(\[{$.]*\d", line) is not None
    if re.match(r"\d{1,2}[.):]\s", line) or (not starts_as_number and _HEADING.match(line)):
        return ""
    return line


def _statement(reply: str, start: int) -> str:
    """The answer at the beginning of the sentence at `start`; empty if that is only prose."""
    line = _STATEMENT.match(reply, start)
    text = line[0].lstrip(" *\"'`") if line else ""
    formulas, at = [], 0
    while formula := _FORMULA.match(text, at):  # "$2$, $3$ and $5$" is one answer
        formulas.append(_content(formula))
        comma = _COMMA.match(text, formula.end())
        at = comma.end() if comma else len(text)
    if formulas:
        return ", ".join(formulas)
    end = _SENTENCE_END.search(text)
    text = (text[: end.start()] if end else text).rstrip(" *\"'`.")
    text = _NUMBER_WORDS.get(text.casefold(), text)
    has_maths = any(char.isdigit() or char in "\\$=^" for char in text)
    is_symbols = re.search(r"[^\W_]{2,}", text) is None
    is_word = len(text.split()) == 1 and text.casefold() not in _EMPTY
    return text if has_maths or is_symbols or is_word else ""


def _content(formula: re.Match[str]) -> str:
    return next(group for group in formula.groups() if group).strip()


# Words that follow "the answer is" without being an answer.
_EMPTY = frozenset({"helpful", "correct", "right", "wrong", "clear", "below", "above", "not"})

_WORDS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_NUMBER_WORDS = {word: str(i) for i, word in enumerate(_WORDS)}
_NUMBER_WORDS |= {word: str(10 * i) for i, word in enumerate(_TENS, start=2)}


def _last(reply: str) -> list[str]:
    """The last formula or number of a text, with the list that it belongs to."""
    values = _values(reply)[-MAX_LISTED:]
    if not values:
        return []
    start, end, text = values[-1]
    texts, has_or = [text], False
    for before in values[-2::-1]:
        between = reply[before[1] : start]
        if len(between) > 60:
            break
        if _OR_NEXT.fullmatch(between):
            has_or = True
        elif not _AND_NEXT.fullmatch(between) or number(plain(before[2])) is None:
            break
        start = before[0]
        texts.append(before[2])
    if len(texts) == 2 and not has_or and not _NO_MORE.match(reply, end):
        return [text]  # "of the 20, 12 are red" is no list
    return texts[::-1]


def _values(reply: str) -> list[tuple[int, int, str]]:
    """Start, end and content of each formula and of each number outside formulas, in order."""
    values, at = [], 0
    for match in _FORMULA.finditer(reply):
        content = _content(match)
        if not _PROSE.search(content) or "\\" in content:  # else: between two prices
            values += _numbers(reply, at, match.start())
            values.append((match.start(), match.end(), content))
            at = match.end()
    return values + _numbers(reply, at, len(reply))


def _numbers(reply: str, start: int, end: int) -> list[tuple[int, int, str]]:
    found = _PLAIN_NUMBER.finditer(reply, start, end)
    return [(match.start(), match.end(), match[0]) for match in found]
