"""What is rewarded? A scorer by its name, or one that is judged by a checklist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, final

from pydantic import BaseModel, BeforeValidator, Field, PositiveInt, ValidationError

from twofold.errors import nearest
from twofold.extension import instance_named, is_reference
from twofold.judges import Blend, Holistic, MeetsChecklist, ProgramJudge, Quantised
from twofold.judges.spec import judge_named
from twofold.methods.method import TrainingError
from twofold.scorers import (
    Compliant,
    Correct,
    Gated,
    Length,
    Product,
    SoftGate,
    WeightedSum,
)
from twofold.types import Problem, Scorer
from twofold.validation import SETTINGS, complaint

REWARDS: dict[str, Scorer] = {
    "correct": Correct(),
    "compliant": Compliant(),
    "compliant_all": Compliant("all"),
    "soft_gate": SoftGate(),
    "product": Product((Correct(), Compliant())),
    "joint": Product((Correct(), Compliant("all"))),
    "weighted_sum": WeightedSum((Correct(), Compliant())),
    "correct_first": Gated(Correct(), Compliant()),
    "compliance_gated": Gated(Compliant("all"), Correct()),
    "correct_short": Length(Correct(), "short"),
    "correct_long": Length(Correct(), "long"),
}
"""The scorers that a file can name; from Python any `Scorer` is a reward."""


@final
class Judged(BaseModel):
    """A reward that a judge has a say in, as a mapping in a file.

    Attributes:
        shape: `checklist`, the checklist alone; `holistic`, one rating of the whole (RaR's implicit
            aggregation; takes a MODEL and none of the keys below); or how the checklist is combined with a
            right answer: `soft_gate`, `product`, `weighted_sum`, `correct_first`.
        judge: Who judges; see `twofold.judges.spec.judge_named`.
        programs: What is done where a criterion has an admitted program: `average` (RLCF), `override`;
            None = programs are left aside.
        levels: See `Quantised`; None = verdicts as they are.
        weights: See `MeetsChecklist`.
        dropout: See `MeetsChecklist`.
        least: See `MeetsChecklist`.
    """

    model_config = SETTINGS | {"frozen": True}

    shape: Literal[
        "checklist", "holistic", "soft_gate", "product", "weighted_sum", "correct_first"
    ] = "checklist"
    judge: str = "exact"
    programs: Literal["average", "override"] | None = None
    levels: int | None = Field(default=None, ge=2)
    weights: Literal["own", "category"] = "own"
    dropout: float = Field(default=0.0, ge=0, lt=1)
    least: PositiveInt = 3

    def scorer(self) -> Scorer:
        """The reward itself.

        Raises:
            TwofoldError: If there is no such judge.
        """
        if self.shape == "holistic":
            return self._holistic()
        judge = judge_named(self.judge)
        if self.levels is not None:
            judge = Quantised(judge, self.levels)
        if self.programs is not None:
            judge = Blend(judge, ProgramJudge(), self.programs)
        listed = MeetsChecklist(judge, weights=self.weights, dropout=self.dropout, least=self.least)
        match self.shape:
            case "soft_gate":
                return SoftGate(Correct(), listed)
            case "product":
                return Product((Correct(), listed))
            case "weighted_sum":
                return WeightedSum((Correct(), listed))
            case "correct_first":
                return Gated(Correct(), listed)
            case _:
                return listed

    def _holistic(self) -> Scorer:
        from twofold.models import resolve

        kind, _, options = self.judge.partition(":")
        if (
            self.judge == "exact"
            or kind == "odds"
            or (kind != "sampled" and is_reference(self.judge))
        ):
            raise TrainingError(
                f"shape: holistic asks a model for one rating, and judge is {self.judge}; name a MODEL"
            )
        idle = self.model_dump(exclude={"shape", "judge"}, exclude_defaults=True)
        if idle:
            raise TrainingError(
                f"shape: holistic rates the whole, so {', '.join(idle)} would do nothing; leave it out, or "
                "take shape: checklist"
            )
        return Holistic(resolve(options if kind == "sampled" else self.judge))


def reward(value: object) -> Scorer:
    """The scorer that a file names.

    Args:
        value: A key of `REWARDS`, `package.module:Name`, or a mapping with the attributes of `Judged`; a
            scorer is taken as it is.

    Raises:
        ValueError: If there is none; names the nearest, or the key that does not fit.
        ExtensionError: If the reference names no scorer.

    Example:
        >>> reward({"shape": "soft_gate", "judge": "exact"}).name
        'soft_gate'
    """
    if isinstance(value, Scorer):
        return value
    if isinstance(value, Mapping):
        try:
            return Judged.model_validate(dict(value)).scorer()
        except ValidationError as error:
            raise ValueError(complaint(error.errors()[0], Judged.model_fields)) from error
    if is_reference(str(value)):
        return instance_named(str(value), Scorer)
    if value not in REWARDS:
        raise ValueError(
            f"no reward is called {str(value)!r}; {nearest(str(value), REWARDS)} (one that is judged is "
            "a mapping, such as {judge: exact})"
        )
    return REWARDS[str(value)]


_Named: Any = Literal[tuple(REWARDS)]

Reward = Annotated[Scorer, BeforeValidator(reward, json_schema_input_type=_Named | Judged)]
"""A scorer as a setting: from Python itself, from a file what `reward` takes."""


def require_listed(by: Scorer, problems: Sequence[Problem]) -> None:
    """Refuse a reward by checklists where there is none, before a model is loaded.

    Args:
        by: The reward.
        problems: What is asked; those without a checklist are unscored.

    Raises:
        TrainingError: If none of them has one.
    """
    by_checklist = isinstance(by, (MeetsChecklist, Holistic))
    if problems and by_checklist and not any(by.applies(problem) for problem in problems):
        raise TrainingError(
            f"the reward {by.name} goes by checklists, and none of the {len(problems)} problems has one; "
            "write them with `twofold checklist write`"
        )
