"""What is rewarded? A scorer by its name, or one that uses a judge."""

from collections.abc import Callable, Mapping, Sequence
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
    Lexicographic,
    Product,
    SoftGate,
    WeightedSum,
)
from twofold.types import Problem, Scorer
from twofold.validation import SETTINGS, complaint

# The scorers that a file can name; in Python any `Scorer` is a reward.
REWARDS: dict[str, Scorer] = {
    "correct": Correct(),
    "compliant": Compliant(),
    "compliant_all": Compliant("all"),
    "compliant_graded": Compliant("graded"),
    "soft_gate": SoftGate(),
    "soft_gate_graded": SoftGate(Correct(), Compliant("graded")),
    "product": Product((Correct(), Compliant())),
    "joint": Product((Correct(), Compliant("all"))),
    "weighted_sum": WeightedSum((Correct(), Compliant())),
    "correct_first": Gated(Correct(), Compliant()),
    "compliance_gated": Gated(Compliant("all"), Correct()),
    "correct_then_compliant": Lexicographic(Correct(), Compliant()),
    "compliant_then_correct": Lexicographic(Compliant("all"), Correct()),
    "correct_short": Length(Correct(), "short"),
    "correct_long": Length(Correct(), "long"),
}


@final
class JudgedReward(BaseModel):
    """A reward that uses a judge, as a mapping in a file.

    Attributes:
        shape: `checklist`, the checklist alone; `holistic`, one rating of the whole reply (RaR's
            implicit aggregation; takes a MODEL and none of the keys below); or how the checklist is
            combined with correctness: `soft_gate`, `product`, `weighted_sum`, `correct_first`.
        judge: The judge; see `twofold.judges.spec.named`.
        programs: For criteria with an admitted program: `average` (RLCF) or `override`; None
            ignores programs.
        levels: See `Quantised`; None = unchanged verdicts.
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
        """The scorer. Raises a `TwofoldError` if there is no such judge."""
        if self.shape == "holistic":
            return self._holistic()
        judge = judge_named(self.judge)
        if self.levels is not None:
            judge = Quantised(judge, self.levels)
        if self.programs is not None:
            judge = Blend(judge, ProgramJudge(), self.programs)
        listed = MeetsChecklist(judge, weights=self.weights, dropout=self.dropout, least=self.least)
        shapes: dict[str, Callable[[], Scorer]] = {
            "checklist": lambda: listed,
            "soft_gate": lambda: SoftGate(Correct(), listed),
            "product": lambda: Product((Correct(), listed)),
            "weighted_sum": lambda: WeightedSum((Correct(), listed)),
            "correct_first": lambda: Gated(Correct(), listed),
        }
        return shapes[self.shape]()

    def _holistic(self) -> Scorer:
        from twofold.models import resolve

        kind, _, model = self.judge.partition(":")
        if kind != "sampled":
            model = self.judge
            if model == "exact" or kind == "odds" or is_reference(model):
                raise TrainingError(
                    f"shape: holistic asks a model, and judge is {model}; name a MODEL"
                )
        if unused := self.model_dump(exclude={"shape", "judge"}, exclude_defaults=True):
            raise TrainingError(
                f"with shape: holistic {', '.join(unused)} would do nothing; take shape: checklist"
            )
        return Holistic(resolve(model))


def reward(value: object) -> Scorer:
    """The scorer that a setting names.

    Args:
        value: A key of `REWARDS`, `package.module:Name`, a mapping with the keys of `JudgedReward`, or a
            scorer.

    Raises:
        ValueError: If the name or a key is unknown; suggests the nearest.
        ExtensionError: If the reference is not a scorer.

    Example:
        >>> reward({"shape": "soft_gate", "judge": "exact"}).name
        'soft_gate'
    """
    if isinstance(value, Scorer):
        return value
    if isinstance(value, Mapping):
        try:
            return JudgedReward.model_validate(dict(value)).scorer()
        except ValidationError as error:
            raise ValueError(complaint(error.errors()[0], JudgedReward.model_fields)) from error
    name = str(value)
    if is_reference(name):
        return instance_named(name, Scorer)
    if name not in REWARDS:
        raise ValueError(
            f"no reward is called {name!r}; {nearest(name, REWARDS)} (a reward with a judge "
            "is a mapping, such as {judge: exact})"
        )
    return REWARDS[name]


_Named: Any = Literal[tuple(REWARDS)] | Annotated[str, Field(pattern=r"^[\w.]+:\w+$")]

# A scorer as a setting: whatever `reward` accepts.
Reward = Annotated[Scorer, BeforeValidator(reward, json_schema_input_type=_Named | JudgedReward)]


def require_applies(by: Scorer, problems: Sequence[Problem]) -> None:
    """Refuse a reward that can score none of the problems, before a model is loaded."""
    if problems and not any(by.applies(problem) for problem in problems):
        raise TrainingError(
            f"the reward {by.name} can score none of the {len(problems)} problems: they lack what it "
            "measures (an answer, constraints, or a checklist, which `twofold checklist write` writes)"
            "; choose other problems or another reward"
        )
