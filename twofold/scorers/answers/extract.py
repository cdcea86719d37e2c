r"""Where in a reply is its answer? Rules in a fixed order, so that a person can check each verdict.

The first rule that finds something decides:

1. `boxed`: the last `\boxed{...}` or `\fbox{...}` (in any letter case). Boxes with nothing but
   "or", "and", commas and the like between them are one list: alternatives are no answer.
2. `####`: the last `#### x` at the end of a line that is an answer and not a heading.
3. `stated`: what stands in `<answer>x</answer>`, else the last "the answer is x", "Answer: x", "the
   correct option is x".
4. `concluded`: the reply is nothing but a value, or its last sentence says what something is, comes to
   or equals, ends in that and denies nothing.
5. `last`: the last formula between dollar signs (or `\(`, `\[`), or number, whichever ends later.
   If it ends a list ("10, 11 or 12"), the whole list is the answer.

A box that is closed was meant; anything else at the end of a truncated reply may be half an answer.
Every search is linear in the length of the reply, which may be anything.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal, final

from twofold.scorers.answers.equal import is_number, read
from twofold.scorers.answers.spelling import plain

MAX_MARKS = 50  # how many of a reply's last "the answer is" are examined
MAX_LISTED = 20  # how many items of a list at the end of a reply are examined
MAX_ENDING = 300  # characters of the last sentence in which its value is searched

Place = Literal["boxed", "####", "stated", "concluded", "last"]

_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{", re.IGNORECASE)
_BRACE = re.compile(r"(?<!\\)(?:\\\\)*([{}])")
# What joins two boxes to one list; any other word between them makes the first a step.
_JOINED = re.compile(
    r"(?:[\s$,;.:!?/|&()\[\]*\\=~≈-]|\b(?:or|and|else|maybe|perhaps|possibly|even|either|alternatively|also"
    r"|that|is|it|its|equals|respectively|approx|text|quad|[a-zA-Z])\b){0,60}",
    re.IGNORECASE,
)
_HASHES = re.compile(r"(?:^|(?<=[\s\"'“‘«*_(]))#{4}(?!#)[ \t]*(.*\S)", re.MULTILINE)
# Quotation marks and emphasis that may close behind an answer.
_CLOSERS = " *_\"'”’»"
_HEADING = re.compile(r"[^$\\]*(?:[A-Za-z]{2,}\s+[\dA-Za-z(]|[A-Za-z]:)|[A-Za-z]{2,}$")
_NAMED = r"(?:answers?|options?|choices?)"
_STATED = re.compile(
    rf"(?:\b(?:the|my|our|final|correct)[ ](?:\w{{1,12}}[ ]){{0,2}}?{_NAMED}"
    r"(?:[ ](?:to|for|of)[ ][^\n.:]{1,60}?)?[ ]*(?:must be|would be|should be|will be|is|are|:|=)"
    r"|^\W{0,6}(?:final[ ])?answers?\W{0,3}[:=]"
    r"|答案(?:是|为|為|：)|答えは|(?:Die|Unsere)[ ]Antwort[ ](?:ist|lautet)"
    r"|[Ll]a[ ]r(?:éponse[ ]est|espuesta[ ]es)|\bответ(?=[ :—\d-]))[\s*:：]{0,9}",
    re.IGNORECASE | re.MULTILINE,
)
_STATEMENT = re.compile(r"\s{0,3}(?:\$\$.{1,500}?\$\$|\\\[.{1,500}?\\\])?[^\n]{0,300}", re.DOTALL)
_REASON = (
    r"(?:because|since|as|so|which|for|by|using|from|due|after|according|given|hence|thus|we|this|that|"
    r"therefore|and (?:that|this|it|we|so|the|thus)|in (?:other|total|all|this)|rounded|where)"
)
_SENTENCE_END = re.compile(
    r"[.!?]+(?=\s+[\"*]*[A-Z\\$]|[\"”*\s]*$)"
    r"|,?\s+(?:because|since|as|so|which|for|and (?:that|this|it|we))\s",
    re.IGNORECASE,
)
# Where a statement may end before its sentence does: what follows is a reason or a remark in words.
_REMARK = re.compile(
    rf"\s*(?:[;,—–]\s+|\s-\s+|[;,]?\s+(?={_REASON}\b))(?!(?:or|and|nor|but|not)\b)[^\d\\$=]*$"
    r"|\s*\((?!or\b|and\b|not\b)[^()\d\\$]*\)\s*$"
    r"|\s*\((?:see|as|from|since|because|by|which|rounded|using)\b[^()]*\)\s*$"
    r"|,?\s+(?:and )?not\s[^,;]*$"
    rf"|[;,]?\s+{_REASON}\s.*$",
    re.IGNORECASE,
)
_FORMULA = re.compile(
    r"\$\$([^$]{1,500})\$\$|(?<![\\$])\$([^$\n]{1,300})\$|\\\(([^\n]{1,300}?)\\\)|\\\[(.{1,500}?)\\\]",
    re.DOTALL,
)
# Words that say what something is; the rest of the sentence must then be the value.
_VERB = re.compile(
    r"(?:\b(?:is|are|be|was|were|equals?|makes?|gives?|gets?|got|have|has|costs?|totals?|yields?|leaves?"
    r"|becomes?|comes? to|amounts? to|adds? up to|equal to|ist|sind|est|es|son|lautet|ergibt|beträgt)\b"
    r"|[=≈：是为為は]|:(?=\s)|等于|\bit's\b)\s*",
    re.IGNORECASE,
)
_IS_THE_ANSWER = re.compile(
    r"^(.*?),?\s+(?:is|are) (?:the|my|our) (?:\w+ )?(?:answers?|solutions?|result)$", re.IGNORECASE
)
# A last line that holds nothing but a value and is no item of a list.
_BARE_LINE = re.compile(r"[#*\s]*[\w$\\(+√.−]")
_DENIED = re.compile(
    r"\b(?:not|cannot|can't|couldn't|don't|doesn't|didn't|isn't|aren't|won't|unable|unsure|sorry|impossible"
    r"|no|never|neither|without|perhaps|maybe|might|could|if|guess|unknown|unclear|wonder|question"
    r"|questions|step|steps|attempts?|words?|sentences?)\b|\w+n['’]t\b|\?\W*$",
    re.IGNORECASE,
)
_TAIL = re.compile(r"(?:です|だ|になります)?[\s.!。*_\"”'’)]*$")
_DIGITS = (
    r"(?:\d{1,2}(?::[0-5]\d){1,2}(?![\d:])"  # 8:05 is one time, not two numbers
    r"|\d{1,3}(?:\.\d{3})+,\d{1,2}(?!\d)"  # 1.234,56
    r"|\d{1,3}(?:[\u202f\u2009\u00a0']\d{3})+(?!\d)"  # 1 234 and 1'234
    r"|\d{1,2}(?:,\d{2})+,\d{3}(?!\d)"  # 12,34,567
    r"|\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?"  # 1,234.56
    r"|(?<!\d,)\d+,\d+(?![.,]?\d)"  # 12,00
    r"|\d+(?:\.\d+)?|\.\d+)"
)
# Letters of other scripts may touch a number, since Chinese is written without spaces.
_PLAIN_NUMBER = re.compile(
    rf"(?<![A-Za-z_\d.])(?:[-−–－﹣]|\b(?:minus|negative)\s)?(?:(?:{_DIGITS}\s?)?√\s?(?:{_DIGITS}|\({_DIGITS}\))"
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
_PROSE = re.compile(r"[A-Za-z]{2,}\s+[A-Za-z]{2,}|\s(?:or|and)$")


@final
@dataclass(frozen=True)
class Found:
    """The answer in a reply, and the rule that found it.

    Args:
        texts: The answer as written; several only for boxes side by side or a list at the end.
        place: The rule.
        earlier: Boxes before the one that counts, which say something else.
    """

    texts: tuple[str, ...]
    place: Place
    earlier: tuple[str, ...] = ()

    @property
    def is_unmarked(self) -> bool:
        """Whether nothing but its place at the end of the reply says that it is the answer."""
        return self.place in ("concluded", "last")

    def __str__(self) -> str:
        return ", ".join(self.texts)


def boxes(reply: str) -> list[str]:
    r"""The contents of all closed `\boxed{}` and `\fbox{}`, in order; inner boxes are unwrapped."""
    return [content for _, _, content in _boxes(reply)]


def numbers(text: str) -> list[tuple[int, int, str]]:
    """Start, end and text of each number of a text, in order; "1,200" and "3/4" are one.

    Example:
        >>> numbers("The 3rd of 1,200")
        [(4, 5, '3'), (11, 16, '1,200')]
    """
    return _numbers(text, 0, len(text))


def _boxes(reply: str) -> list[tuple[int, int, str]]:
    """Start, end and content of each closed box."""
    ends: dict[int, int] = {}  # opening brace -> closing brace
    opened: list[int] = []
    for brace in _BRACE.finditer(reply):
        if brace[1] == "{":
            opened.append(brace.start(1))
        elif opened:
            ends[opened.pop()] = brace.start(1)
    found, covered = [], -1
    for box in _BOX.finditer(reply):
        start = box.end() - 1
        if start not in ends or start < covered:
            continue
        covered = ends[start]
        content = reply[start + 1 : covered].strip()
        content = _BOX.sub("{", content) if _BOX.search(content) else content
        found.append((box.start(), covered + 1, content))
    return found


def find_answer(reply: str, *, truncated: bool = False) -> Found | None:
    r"""The answer in a visible reply (never a thought); None if there is none.

    Args:
        reply: The reply.
        truncated: Whether it was cut off. Then its last word may be half a number, and its last
            number a step; only what is marked as the answer before that counts.

    Example:
        >>> find_answer(r"First \boxed{3}. The sum is \boxed{5}.").texts
        ('5',)
        >>> find_answer("I cannot do this in 12 steps.").place
        'last'
    """
    filled = [box for box in _boxes(reply) if box[2]]
    if filled:
        return _last_boxes(reply, filled)
    if truncated:
        reply = re.sub(r"\S*$", "", reply)
    elif text := _open_box(reply):
        return Found((text,), "boxed")
    if tagged := _tagged(reply):
        inner = find_answer(tagged)
        return inner and (replace(inner, place="stated") if inner.place != "last" else inner)
    hashed = [text for line in _HASHES.findall(reply) if (text := _under_hashes(line))]
    if hashed:
        return Found((hashed[-1],), "####")
    for mark in [*_STATED.finditer(reply)][: -MAX_MARKS - 1 : -1]:
        if text := _statement(reply, mark.end()):
            return Found((text,), "stated")
    if truncated:
        return None
    if text := _conclusion(reply):
        return Found((text,), "concluded")
    last = {plain(text): text for text in _last(reply)}
    return Found(tuple(last.values()), "last") if last else None


def _tagged(reply: str) -> str:
    """What stands in the last `<answer>...</answer>`, without the tags."""
    before, closed, _ = reply.rpartition("</answer>")
    _, opened, inside = before.rpartition("<answer>")
    return inside.strip() if closed and opened else ""


def _last_boxes(reply: str, found: list[tuple[int, int, str]]) -> Found:
    """The last box, with those that only commas or "or" separate from it."""
    first = len(found) - 1
    while first and _JOINED.fullmatch(reply, found[first - 1][1], found[first][0]):
        first -= 1
    texts = {plain(text): text for _, _, text in found[first:]}
    earlier = {plain(text): text for _, _, text in found[:first] if plain(text) not in texts}
    return Found(tuple(texts.values()), "boxed", tuple(earlier.values()))


def _open_box(reply: str) -> str:
    """The content of a box at the end that was never closed, if it was read whole."""
    start = [*_BOX.finditer(reply[-MAX_ENDING:])]
    text = reply[-MAX_ENDING:][start[-1].end() :].strip() if start else ""
    return text if text and "\n" not in text and _is_value(text) else ""


def _under_hashes(line: str) -> str:
    """The answer of a line `#### x`; empty if the line is a heading."""
    line = line.strip(" *").rstrip(_CLOSERS)
    starts_as_number = re.match(r"[-+−(\[{$.]*\d", line) is not None
    if re.match(r"\d{1,2}[.):]\s", line) or (not starts_as_number and _HEADING.match(line)):
        return ""
    return line


def _statement(reply: str, start: int) -> str:
    """The answer at the beginning of the sentence at `start`; empty if that is only prose."""
    line = _STATEMENT.match(reply, start)
    text = line[0].strip(" ,*\"'`") if line else ""
    end = _SENTENCE_END.search(text)
    candidates = [(text[: end.start()] if end else text).rstrip(" *\"'`.")]
    candidates += [c for remark in (_REMARK.search(candidates[0]),) if remark and (
        c := candidates[0][: remark.start()].rstrip(" *\"'`.")
    )]  # fmt: skip
    text = next((c for c in candidates if c and _is_value(c)), candidates[0])
    has_maths = any(char.isdigit() or char in "\\$=^" for char in text)
    is_symbols = re.search(r"[^\W_]{2,}", text) is None
    is_word = len(text.split()) == 1 and text.casefold() not in _EMPTY
    is_answer = has_maths or is_symbols or is_word or _is_value(text)
    return _unwrapped(text) if text and is_answer else ""


def _is_value(text: str) -> bool:
    """Whether a text was read whole and is more than words."""
    return any(term.head != "words" for term in read(text))


def _conclusion(reply: str) -> str:
    """The value that a reply consists of, or that its last sentence ends in; else ""."""
    text = reply.strip().strip('*_`"').strip()
    if len(text) <= MAX_ENDING and "\n" not in text:
        bare = text.rstrip(".!。 ")
        is_word = re.fullmatch(r"[^\W\d_]+", bare) is not None
        if bare.casefold() not in _EMPTY and (is_word or _is_value(bare)):
            return _unwrapped(bare)
    sentence = _last_sentence(text)
    if not sentence or _DENIED.search(sentence):
        return ""
    tail = _TAIL.search(sentence)
    body = sentence[: tail.start()] if tail else sentence
    if named := _IS_THE_ANSWER.search(body):
        return _unwrapped(named[1]) if _is_value(named[1]) else ""
    before = text[: -len(sentence)].rstrip(" ")
    if before.endswith("\n") and _BARE_LINE.match(body) and _is_value(body):
        return _unwrapped(body.strip("#* "))
    return _asserted(body) or _asserted_word(body, text)


def _asserted(sentence: str) -> str:
    """The value behind the last verb of a sentence, or of its last equation."""
    formulas = [*_FORMULA.finditer(sentence)]
    if formulas and formulas[-1].end() == len(sentence) and "=" in formulas[-1][0]:
        return _content(formulas[-1]) if _is_value(_content(formulas[-1])) else ""
    for verb in reversed([*_VERB.finditer(sentence)]):
        value = sentence[verb.end() :].strip(" *\"'`")
        inside = any(formula.start() < verb.start() < formula.end() for formula in formulas)
        if value and not inside and _is_value(value) and _has_maths(value):
            return _unwrapped(value)
    return ""


def _asserted_word(sentence: str, reply: str) -> str:
    """The word that a sentence ends in, in a reply without any number: "It is odd."."""
    word = re.search(r"\b(?:is|are)\s+(?:an?\s|the\s)?([^\W\d_]+)$", sentence)
    if word is None or any(char.isdigit() for char in reply):
        return ""
    return word[1] if word[1].casefold() not in _EMPTY else ""


def _has_maths(text: str) -> bool:
    return any(char.isdigit() or char in "\\$=^π√∞" for char in text) or any(
        term.head not in ("symbol", "words", "mul", "list", "option") for term in read(text)
    )


def _last_sentence(text: str) -> str:
    """The last sentence of a text, no longer than what is searched."""
    line = text[-4 * MAX_ENDING :].rstrip().rpartition("\n")[2]
    ends = [*re.finditer(r"[.!?。？！]+[\"”*)]*\s+(?=\S)|[。？！]", line[:-1])]
    sentence = line[ends[-1].end() :] if ends else line
    return sentence if len(sentence) <= MAX_ENDING else ""


def _unwrapped(text: str) -> str:
    """The content of a text that is one formula; else the text."""
    formula = _FORMULA.fullmatch(text)
    return _content(formula) if formula else text


def _content(formula: re.Match[str]) -> str:
    return next(group for group in formula.groups() if group).strip()


# Words that follow "the answer is" without being an answer.
_EMPTY = frozenset(
    [
        "helpful",
        "correct",
        "right",
        "wrong",
        "clear",
        "below",
        "above",
        "not",
        "hm",
        "hmm",
        "ok",
        "okay",
    ]
)


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
        elif not _AND_NEXT.fullmatch(between) or not is_number(before[2]):
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
