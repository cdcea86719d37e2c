"""Which shape have the rows of a run's tables? The columns that every reader relies on, by name.

A column means the same, and has the same type, in every table of a run; a table names the columns that
all of its rows have. A file that was edited by hand or damaged is told at its first wrong row.
"""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from twofold.storage.reading import Row
from twofold.types import FinishReason
from twofold.validation import complaint

Whole = Annotated[int, Field(ge=0, lt=2**31)]
Ended = Annotated[FinishReason, Field(strict=False)]
Score = float | None


class _Row(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class _Verdict(_Row):
    score: Score
    reason: str = ""
    parts: dict[str, "_Verdict"] = Field(default_factory=dict)


class _Columns(_Row):
    """The columns that several tables share."""

    role: str
    key: str = ""
    condition: str = ""
    sample: Whole = 0
    finish_reason: Ended = FinishReason.answered
    n_thinking_tokens: Whole | None = None
    n_reply_tokens: Whole | None = None
    n_spent_tokens: Whole | None = None
    skipped: str = ""


class _Item(_Columns):
    condition: str
    problem: str
    sample: Whole
    finish_reason: Ended


class _Response(_Item):
    raw: str
    reply: str = ""
    thinking: str | None = None
    error: str = ""
    ids: list[Whole] | None = None


class _Judged(_Item):
    correct: _Verdict | None = None
    compliant: _Verdict | None = None


class _Joint(_Item):
    correct: Score = None
    parts: dict[str, Score]


class _Profile(_Row):
    problem: str
    type: str
    official: Score
    fixed: Score


class _Asked(_Columns):
    """A row of a diagnostic."""

    key: str


class _Checklist(_Asked):
    judge: str
    problem: str
    sample: Whole
    score: Score
    scores: dict[str, Score]
    exact: dict[str, Score]
    checklist: str
    floor: str = ""
    reason: str = ""


class _Ablation(_Asked):
    problem: str
    condition: str
    type: str | None
    met: list[Score] | None = None
    target: Score = None
    correct: Score = None


class _Distance(_Asked):
    arm: str
    problem: str
    compliance: Score = None
    accuracy: Score = None
    thinking: int | None = None
    instruction: Score = None
    control: Score = None
    distance: float | None = None


class _Ood(_Asked):
    family: str
    instance: str
    variant: str
    parsed: float | None = None
    solved: float | None = None


class _Variant(_Asked):
    variant: str
    of: str
    correct: Score
    guess: float | None = None


class _Try(_Row):
    correct: Score
    met: list[Score]
    stated: int | None
    answer: str | None
    n_tokens: Whole | None
    ended: Ended


class _Elicited(_Asked):
    arm: str
    problem: str
    condition: str
    temperature: float
    replies: Annotated[list[_Try], Field(min_length=1)]
    more: list[_Try] = Field(default_factory=list)
    branches: list[_Try] = Field(default_factory=list)
    n_tokens: Whole | None = None


class _Text(_Row):
    rank: Annotated[list[Whole], Field(min_length=1)]
    kl: list[float]
    js: list[float]
    author: list[float]
    reader: list[float]

    @model_validator(mode="after")
    def _of_one_length(self) -> Self:
        sizes = {len(each) for each in (self.rank, self.kl, self.js, self.author, self.reader)}
        if len(sizes) > 1:
            raise ValueError("its columns have different lengths")
        return self


class _TokenShift(_Asked):
    problem: str
    condition: str
    texts: dict[str, _Text]


class _Chain(_Asked):
    condition: str
    trace: str
    correct: Score = None
    gold: str | None = None
    own: str = ""
    n_steps: int = 0
    tokens: list[int] = Field(default_factory=list)
    places: list[int] = Field(default_factory=list)
    mention: dict[str, int | None] = Field(default_factory=dict)
    changed: dict[str, Any] = Field(default_factory=dict)
    continued: dict[str, Any] = Field(default_factory=dict)
    scores: dict[str, Any] = Field(default_factory=dict)
    chain_only: dict[str, Any] = Field(default_factory=dict)


_ROWS: dict[str, type[_Row]] = {
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
    "elicitation": _Elicited,
}

# The tables whose `problem` is always one of `problems.jsonl`.
ABOUT_PROBLEMS = ("verdicts", "joint", "profiles", "checklist")


def wrong(table: str, row: Row) -> str:
    """What is wrong with a row of a table; "" if its columns are as they should be.

    Example:
        >>> wrong("profiles", {"problem": "a", "type": "answer", "official": 1.0})
        "the key 'fixed' is missing; add it"
    """
    shape = _TokenShift if table == "elicitation" and "texts" in row else _ROWS.get(table)
    if shape is None:  # of a diagnostic from outside
        return ""
    unasked = not {"skipped", "left_out", "retry"}.isdisjoint(row)
    try:
        (_Asked if unasked else shape).model_validate(row)
    except ValidationError as fault:
        return complaint(fault.errors(include_url=False)[0], ())
    return ""
