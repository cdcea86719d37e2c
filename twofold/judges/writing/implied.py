"""Which rules does a criterion's text imply? "At most 50 words" is one that a program can check.

A program that a model wrote for a criterion is tested on replies that these rules decide. Only a
few fixed phrases are understood; any other text implies nothing.
"""

import re
from collections.abc import Callable, Iterator

from twofold.constraints.affix import NoComma
from twofold.constraints.case import EnglishCapital, EnglishLowercase
from twofold.constraints.counting import Relation
from twofold.constraints.keywords import Existence, ForbiddenWords
from twofold.constraints.language import LANGUAGES, ResponseLanguage
from twofold.constraints.length import NumberSentences, NumberWords
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile
from twofold.types.checklist import Criterion

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
_COUNT = rf"(\d{{1,5}}|{'|'.join(_SMALL)})"
_HEAD = re.compile(
    r"^(?:(?:does|do|is|are)\s+)?(?:(?:the|this)\s+(?:(?:whole|entire|full)\s+)?"
    r"(?:reply|response|answer|text|output)\s+)?",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"^(?:(?:does|do|is|are)\s*(?:not|n['’]t)|not|never|avoids?|avoiding|refrains?\s+from|free\s+(?:of|from))\s+",
    re.IGNORECASE,
)
_HAS = (
    r"(?:have|has|having|contain(?:s|ing)?|includ(?:es?|ing)|us(?:es?|ing)|mention(?:s|ing)?|"
    r"say(?:s|ing)?)\s+"
)
_SPAN = (
    rf"(?:(?:{_HAS}|be\s+|consists?\s+of\s+|written\s+in\s+|stays?\s+|keeps?\s+(?:to\s+|within\s+)?|"
    r"runs?\s+to\s+|limited\s+to\s+)"
    r")?{how}\s+(words?|sentences?)(?:\s+(?:long|in\s+total|in\s+length|altogether|overall))?"
)
_HOW = (
    r"(at least|no fewer than|no less than|more than|over|at most|no more than|up to|fewer than|"
    r"less than|under|exactly)\s+"
)
_BOUND = re.compile(_SPAN.replace("{how}", _HOW + _COUNT), re.IGNORECASE)
_BETWEEN = re.compile(
    _SPAN.replace("{how}", rf"between\s+{_COUNT}\s+and\s+{_COUNT}"), re.IGNORECASE
)
_SAID = re.compile(
    rf"{_HAS}(?:the\s+)?(?:(?:exact\s+)?(?:word|phrase|keyword|term)\s+)?"
    r"[\"“']([^\"“”']{1,60})[\"”']",
    re.IGNORECASE,
)
_COMMAS = re.compile(
    rf"(?:{_HAS}|(?:be\s+)?written\s+with\s*)?(no\s+|zero\s+|out\s+(?:any\s+|a\s+)?)?(?:any\s+|a\s+)?commas?",
    re.IGNORECASE,
)
_ALL = r"(?:(?:be|written|all|entirely|wholly|completely|only|fully)\s+)*in\s+"
_CAPITALS = re.compile(rf"{_ALL}(?:all\s+)?(?:capitals?(?:\s+letters)?|upper\s?case)", re.I)
_SMALLS = re.compile(rf"{_ALL}(?:all\s+)?(?:small\s+letters|lower\s?case)", re.IGNORECASE)
_LANGUAGE = re.compile(rf"{_ALL}([a-z]+)", re.IGNORECASE)
_CODES = {name: code for code, (name, _) in LANGUAGES.items()}

# Builds the constraint of a threshold.
Counter = Callable[[int, Relation, Profile], Constraint]


def implied(criterion: Criterion) -> tuple[Constraint, ...]:
    """The rules that a criterion implies for a reply; none if its text is not understood.

    Bounds on words and sentences of the whole reply, a quoted word that must or must not occur,
    commas, letter case and language. For a pitfall the opposite is implied.
    """
    said = _HEAD.sub("", criterion.text.strip().rstrip(" .?!"))
    rest = _DENIED.sub("", said)
    wanted = criterion.pitfall != (rest == said)
    try:
        return tuple(_rules(rest, wanted=wanted))
    except ProblemError:  # a threshold or a word that no rule can be built with
        return ()


def _rules(rest: str, *, wanted: bool) -> Iterator[Constraint]:
    """The rules that follow if the reply should do what `rest` says (`wanted`), or should not."""
    if found := _BOUND.fullmatch(rest):
        low, high = _interval(found[1].lower(), _number(found[2]))
        yield from _between(low, high, _counter(found[3]), wanted=wanted)
    elif found := _BETWEEN.fullmatch(rest):
        yield from _between(_number(found[1]), _number(found[2]), _counter(found[3]), wanted=wanted)
    elif found := _SAID.fullmatch(rest):
        yield Existence((found[1],), "fixed") if wanted else ForbiddenWords((found[1],), "fixed")
    elif found := _COMMAS.fullmatch(rest):
        some = wanted != bool(found[1])
        yield Existence((",",), "fixed") if some else NoComma("fixed")
    elif wanted and _CAPITALS.fullmatch(rest):
        yield EnglishCapital("fixed")
    elif wanted and _SMALLS.fullmatch(rest):
        yield EnglishLowercase("fixed")
    elif wanted and (found := _LANGUAGE.fullmatch(rest)) and found[1].title() in _CODES:
        yield ResponseLanguage(_CODES[found[1].title()], "fixed")


def _between(low: int, high: int | None, counter: Counter, *, wanted: bool) -> Iterator[Constraint]:
    """A count from `low` to `high` inclusive (None = no limit), or the opposite if not wanted."""
    if wanted:
        if low > 0:
            yield counter(low, "at least", "fixed")
        if high is not None:
            yield counter(high + 1, "less than", "fixed")
    elif high is None:
        yield counter(low, "less than", "fixed")
    elif low == 0:
        yield counter(high + 1, "at least", "fixed")


def _interval(how: str, number: int) -> tuple[int, int | None]:
    if how in ("at least", "no fewer than", "no less than"):
        return number, None
    if how in ("more than", "over"):
        return number + 1, None
    if how == "exactly":
        return number, number
    return 0, number if how in ("at most", "no more than", "up to") else number - 1


def _counter(noun: str) -> Counter:
    return NumberWords if noun.lower().startswith("word") else NumberSentences


def _number(text: str) -> int:
    return int(text) if text.isdigit() else _SMALL.index(text.lower())
