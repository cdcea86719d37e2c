"""How is the checklist parsed that a model wrote? As lines, brackets or JSON, leniently in form.

The content is strict: a point without a weight, with an impossible weight, or that is no yes/no
question is dropped with its reason and never repaired by a guess.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal, cast, final

from twofold.judges.writing.polarity import put
from twofold.types.checklist import RAR_WEIGHTS, Category, Criterion

# What a writer is shown: the task, replies to it, or the reference answer.
How = Literal["direct", "candidates", "rubric"]

MOST = 20  # points that are kept of one text
LONGEST = 400  # characters of a point; a longer one is a paragraph
N_OPENINGS = 20  # brackets at which a JSON array is looked for

_MARK = re.compile(r"^(?:[-*•+–]|\d{1,2}[.)](?!\d))\s*")
_NAMES = r"(essential|important|optional|pitfall)s?(?:\s+criteri(?:a|on))?"
_KIND = re.compile(
    rf"^(?:[*_]*[\[(]\s*{_NAMES}\s*[\])][*_]*\s*[:\-–]*|[*_]*{_NAMES}[*_]*\s*[:–][*_]*)\s*", re.I
)
_NUMBER = r"(?:weight|importance|points)?\s*[:=]?\s*([+-]?\d{1,6}(?:\.\d{1,6})?)\s*(?:/\s*100|%)?"
_FRONT = re.compile(rf"^[*_]*[\[(]\s*{_NUMBER}\s*[\])][*_]*\s*[:\-–|]*\s*", re.IGNORECASE)
_BACK = re.compile(rf"[\[(]\s*{_NUMBER}\s*[\])][*_.]*$", re.IGNORECASE)
_QUOTED = re.compile(r"^[\"“](.*)[\"”],?$")
_YES_NO = re.compile(
    r"^(?:does|do|did|is|are|was|were|has|have|had|can|could|will|would|should|must|if|when)\b",
    re.I,
)
_OPEN = re.compile(r"^(?:what|which|who|whom|whose|why|how|where)\b", re.IGNORECASE)
_TEXT_KEYS = ("text", "question", "criterion", "requirement", "description", "point")
_WEIGHT_KEYS = ("weight", "importance", "points", "score")
_KIND_KEYS = ("category", "kind", "type")


@final
@dataclass(frozen=True)
class ParsedChecklist:
    """The criteria of a text in order, and one line with the reason for each point that is none."""

    criteria: tuple[Criterion, ...]
    dropped: tuple[str, ...]


@final
@dataclass(frozen=True)
class _Point:
    """One point as parsed, before it is checked."""

    text: str
    weight: float | None = None
    kind: str = ""
    title: str = ""


def read_criteria(text: str, *, how: How) -> ParsedChecklist:
    r"""At most `MOST` different criteria of a model's reply, and why others were dropped.

    Args:
        text: The reply: one point per line with its weight or category in brackets at either end,
            or a JSON array of objects, pairs or lines.
        how: In a `rubric` each point needs a category; otherwise a weight.
    """
    criteria: list[Criterion] = []
    dropped: list[str] = []
    seen: set[str] = set()
    for point in _unnumbered(list(_points(text))):
        reason = _refused(point, how)
        same = " ".join(re.findall(r"\w+", point.text.casefold()))
        if not reason and same in seen:
            reason = "said before"
        if not reason and len(criteria) == MOST:
            reason = f"more than {MOST} points"
        if reason:
            dropped.append(f"{reason}: {point.text[:60]!r}")
        else:
            seen.add(same)
            criteria.append(_criterion(point, how))
    return ParsedChecklist(tuple(criteria), tuple(dropped))


def _refused(point: _Point, how: How) -> str:
    """Why the point is not a criterion; "" if it is one."""
    if len(re.findall(r"\w+", point.text)) < 3:
        return "too short to be a question"
    if len(point.text) > LONGEST:
        return f"longer than {LONGEST} characters"
    if _OPEN.match(point.text):
        return "no question that yes or no answers"
    if how == "rubric":
        if not point.kind:
            return "no kind (essential, important, optional, pitfall)"
        if point.kind == "pitfall" and put(point.text) in ("virtue", "denial"):
            return "a pitfall in negated words, so its polarity is unclear"
        return ""
    if point.kind == "pitfall":
        return "a pitfall in a list without pitfalls"
    if point.weight is None:
        return "no weight"
    if not 0 < point.weight <= 100:  # NaN included
        return f"the weight {point.weight:g} is not above 0 up to 100"
    return ""


def _criterion(point: _Point, how: How) -> Criterion:
    text = point.text
    if _YES_NO.match(text) and not text.endswith("?"):
        text = text.rstrip(" .;,:") + "?"
    if how != "rubric":
        return Criterion(text=text, weight=cast(float, point.weight), title=point.title)
    pitfall = point.kind == "pitfall"
    kind = cast(Category, "" if pitfall else point.kind)
    weight = RAR_WEIGHTS[point.kind]
    return Criterion(text=text, weight=weight, pitfall=pitfall, category=kind, title=point.title)


def _points(text: str) -> Iterator[_Point]:
    """The points of the JSON array in a text if there is one, else of its lines."""
    rows = _array(text)
    if rows is None:
        yield from (point for line in text.splitlines() if (point := _line(line, bare=False)))
        return
    for row in rows:
        if isinstance(row, str):
            point = _line(row, bare=True)
        elif isinstance(row, list) and len(row) == 2 and isinstance(row[0], str):
            point = _Point(row[0].strip(), _number(row[1]))
        elif isinstance(row, dict):
            point = _object(row)
        else:
            point = None
        yield point or _Point(f"{row!r:.60}")


def _unnumbered(points: list[_Point]) -> list[_Point]:
    """The points without their weights if those are 1, 2, 3 ..., which are line numbers."""
    weights = [point.weight for point in points]
    if len(points) > 1 and weights == [float(i) for i in range(1, len(points) + 1)]:
        return [replace(point, weight=None) for point in points]
    return points


def _line(line: str, *, bare: bool) -> _Point | None:
    """The point on a line; None if there is none. A `bare` line is a point without any mark."""
    rest = _QUOTED.sub(r"\1", line.strip())
    marked = _MARK.match(rest)
    rest = rest[marked.end() :] if marked else rest
    weight: float | None = None
    kind = ""
    for _ in range(2):  # kind and weight, in either order
        if found := _KIND.match(rest):
            kind = kind or (found[1] or found[2]).lower()
            rest = rest[found.end() :]
        elif weight is None and (found := _FRONT.match(rest)):
            weight = float(found[1])
            rest = rest[found.end() :]
    if found := _BACK.search(rest):  # a number in front is then a line number
        weight = float(found[1])
        rest = rest[: found.start()]
    rest = rest.strip(' *_`\t"“”')
    stated = bool(kind) or weight is not None
    if not stated and not (rest and (bare or marked or rest.endswith("?"))):
        return None
    return _Point(rest, weight, kind)


def _object(row: Mapping[str, object]) -> _Point | None:
    """The point in a JSON object, whose text may also state weight and category."""
    said = _first(row, _TEXT_KEYS)
    point = _line(said, bare=True) if isinstance(said, str) else None
    if point is None:
        return None
    weight = next((_number(row[k]) for k in _WEIGHT_KEYS if k in row), point.weight)
    found = re.match(_NAMES, str(_first(row, _KIND_KEYS) or "").strip(), re.IGNORECASE)
    kind = found[1].lower() if found else point.kind
    title = row.get("title")
    return _Point(point.text, weight, kind, title.strip() if isinstance(title, str) else "")


def _first(row: Mapping[str, object], keys: tuple[str, ...]) -> object:
    return next((row[key] for key in keys if key in row), None)


def _number(value: object) -> float | None:
    """The value of a JSON number or of a text that is one; None for anything else."""
    if isinstance(value, str):
        found = re.fullmatch(_NUMBER, value.strip(), re.IGNORECASE)
        return float(found[1]) if found else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) < 1e6 else math.inf


def _array(text: str) -> list[object] | None:
    """The first JSON array of objects, arrays or texts in the text; None if there is none."""
    for found in islice(re.finditer(r"\[\s*[\[{\"]", text), N_OPENINGS):
        try:
            value, _ = json.JSONDecoder().raw_decode(text, found.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, list) and value:
            return value
    return None
