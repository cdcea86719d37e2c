"""Which shape have the rows of a run's tables? The columns that every reader relies on, by name.

A column means the same, and has the same type, in every table of a run; a table names the columns that
all of its rows have. A file that was edited by hand or damaged is told at its first wrong row.
"""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import Required, TypedDict

from twofold.storage.reading import Row
from twofold.types import FinishReason
from twofold.validation import complaint

Whole = Annotated[int, Field(ge=0, lt=2**31)]
Ended = Annotated[FinishReason, Field(strict=False)]
Score = float | None


class _Verdict(TypedDict, total=False):
    score: Required[Score]
    reason: str
    parts: "dict[str, _Verdict]"


class _Columns(TypedDict, total=False):
    """Every column with a type of its own."""

    __pydantic_config__ = ConfigDict(strict=True, allow_inf_nan=False)  # type: ignore[misc]

    role: str
    key: str
    condition: str
    sample: Whole
    finish_reason: Ended
    n_thinking_tokens: Whole | None
    n_reply_tokens: Whole | None
    ids: list[Whole] | None
    judge: str
    score: Score
    scores: Any
    skipped: str
    retry: bool


class _Item(_Columns, total=False):
    role: Required[str]
    condition: Required[str]
    problem: Required[str]
    sample: Required[Whole]
    finish_reason: Required[Ended]


class _Response(_Item, total=False):
    raw: Required[str]
    reply: str
    thinking: str | None
    error: str


class _Judged(_Item, total=False):
    correct: _Verdict
    compliant: _Verdict


class _Joint(_Item, total=False):
    correct: Score
    parts: Required[dict[str, Score]]


class _Profile(TypedDict):
    __pydantic_config__ = ConfigDict(strict=True, allow_inf_nan=False)  # type: ignore[misc]

    problem: str
    type: str
    official: Score
    fixed: Score


class _Asked(_Columns, total=False):
    """A row of a diagnostic."""

    role: Required[str]
    key: Required[str]


class _Checklist(_Asked, total=False):
    judge: Required[str]
    problem: Required[str]
    sample: Required[Whole]
    score: Required[Score]
    scores: Required[dict[str, Score]]
    exact: Required[dict[str, Score]]
    floor: str
    checklist: Required[str]
    reason: str


class _Ablation(_Asked, total=False):
    problem: Required[str]
    condition: Required[str]
    met: list[Score] | None
    target: Score
    type: Required[str | None]
    correct: Score


class _Distance(_Asked, total=False):
    arm: Required[str]
    problem: Required[str]
    compliance: Score
    accuracy: Score
    thinking: int | None
    instruction: Score
    control: Score
    distance: int | float | None


class _Ood(_Asked, total=False):
    family: Required[str]
    instance: Required[str]
    variant: Required[str]
    parsed: int | float | None
    solved: int | float | None
    random: dict[str, int | float | None]
    copy: dict[str, int | float | None]


class _Variant(_Asked, total=False):
    variant: Required[str]
    of: Required[str]
    correct: Required[Score]
    guess: int | float | None


class _Chain(_Asked, total=False):
    condition: Required[str]
    trace: Required[str]
    correct: Score
    gold: str | None
    valid: bool | None
    own: str
    n_steps: int
    tokens: list[int]
    places: list[int]
    mention: dict[str, int | None]
    changed: dict[str, Any]
    continued: dict[str, Any]
    scores: dict[str, Any]
    chain_only: dict[str, Any]


_ROWS: dict[str, TypeAdapter[Any]] = {
    name: TypeAdapter(kind)
    for name, kind in {
        "responses": _Response,
        "verdicts": _Judged,
        "joint": _Joint,
        "profiles": _Profile,
        "checklist": _Checklist,
        "ablation": _Ablation,
        "distance": _Distance,
        "ood": _Ood,
        "variants": _Variant,
        "chains": _Chain,
    }.items()
}
_UNASKED: TypeAdapter[Any] = TypeAdapter(_Asked)


def wrong(table: str, row: Row) -> str:
    """What is wrong with a row of a table; "" if its columns are as they should be.

    Example:
        >>> wrong("profiles", {"problem": "a", "type": "answer", "official": 1.0})
        "the key 'fixed' is missing; add it"
    """
    shape = _ROWS.get(table)
    if shape is None:  # of a diagnostic from outside
        return ""
    try:
        shape = _UNASKED if "skipped" in row or "retry" in row else shape
        shape.validate_python(row)
    except ValidationError as fault:
        return complaint(fault.errors(include_url=False)[0], ())
    return ""
