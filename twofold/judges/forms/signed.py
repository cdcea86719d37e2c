"""How do HealthBench and autorubric store rubrics? Signed points for doing what a sentence says.

The sign is the polarity: negative points are lost by doing what the sentence says. Sentences are
kept as they are; `twofold checklist check` names those that look positive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from pydantic import ValidationError

from twofold.errors import ProblemError
from twofold.judges.forms.form import Form, as_number, number_of, object_of, text_of, title_of
from twofold.problems.healthbench import Turn, conversation
from twofold.types.checklist import Criterion

DEFAULT_WEIGHT = 10.0  # of a criterion of autorubric without a weight


@final
@dataclass(frozen=True)
class HealthBench(Form):
    """Rows of HealthBench: `{criterion, points, tags}` under `rubrics`, the prompt a conversation.

    Points are weights, 1 to 10 in the published data and up to 100 here. A conversation of several
    turns becomes one question, as in `twofold.problems.healthbench`.

    Lost in writing: category, title, rule and program; a conversation stays one question.

    Source:
        Arora et al. 2025, arXiv 2505.08775.
    """

    name: ClassVar[str] = "healthbench"
    question_keys: ClassVar[tuple[str, ...]] = ("prompt",)
    list_keys: ClassVar[tuple[str, ...]] = ("rubrics",)

    def question(self, value: object, where: str) -> str:
        """The conversation as one question."""
        try:
            if isinstance(value, list):
                return conversation([Turn.model_validate(turn) for turn in value])
        except (ValidationError, ProblemError) as error:
            raise ProblemError(f"{where}: {error}") from error
        raise ProblemError(
            f"{where} is {value!r:.40}; write a list of turns, each role and content"
        )

    def asked(self, question: str) -> object:
        """A conversation of one turn."""
        return [{"role": "user", "content": question}]

    def to_criterion(self, item: object, where: str) -> Criterion | str:
        """The criterion of an object."""
        row = object_of(item, ("criterion", "points", "tags"), where)
        tags = row.get("tags") or []
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise ProblemError(f"{where}, tags is {tags!r:.40}; write a list of texts")
        text = text_of(row.get("criterion"), f"{where}, criterion")
        points = number_of(row.get("points"), f"{where}, points")
        return _signed(text, points, tags=tuple(tags))

    def to_item(self, criterion: Criterion) -> dict[str, object]:
        """The object of a criterion."""
        points, tags = _points(criterion), list(criterion.tags)
        return {"criterion": criterion.text, "points": points, "tags": tags}


@final
@dataclass(frozen=True)
class Autorubric(Form):
    """Rows of a prompt with autorubric's list: `{weight, requirement, name}` under `rubric`.

    Lists whose largest weight is above 100 are scaled down to it, which changes no score. A
    requirement of several levels (`options`) is dropped: a criterion here is met or not.

    Lost in writing: category, rule, program and tags.

    Source:
        autorubric 1.6, arXiv 2603.00077: negative weights are lost by meeting the requirement, and
        a missing weight is 10.
    """

    name: ClassVar[str] = "autorubric"
    question_keys: ClassVar[tuple[str, ...]] = ("prompt", "question")
    list_keys: ClassVar[tuple[str, ...]] = ("rubric",)

    def items(self, value: object, where: str) -> Sequence[object]:
        """The objects, their weights scaled so that none is above 100."""
        items = super().items(value, where)
        weights = {
            i: number_of(item.get("weight", DEFAULT_WEIGHT), f"{where} {i}, weight")
            for i, item in enumerate(items, 1)
            if isinstance(item, dict)
        }
        largest = max(map(abs, weights.values()), default=0.0)
        if largest <= 100:
            return items
        return [
            {**item, "weight": weights[i] * 100 / largest} if isinstance(item, dict) else item
            for i, item in enumerate(items, 1)
        ]

    def to_criterion(self, item: object, where: str) -> Criterion | str:
        """The criterion of an object."""
        if isinstance(item, dict) and item.get("options"):
            return "it has several levels, not met or unmet"
        row = object_of(item, ("requirement", "weight", "name", "options"), where)
        text = text_of(row.get("requirement"), f"{where}, requirement")
        weight = number_of(row.get("weight", DEFAULT_WEIGHT), f"{where}, weight")
        return _signed(text, weight, title=title_of(row, "name", where))

    def to_item(self, criterion: Criterion) -> dict[str, object]:
        """The object of a criterion."""
        name = {"name": criterion.title} if criterion.title else {}
        return {"weight": _points(criterion), "requirement": criterion.text, **name}


def _points(criterion: Criterion) -> float | int:
    return as_number(-criterion.weight if criterion.pitfall else criterion.weight)


def _signed(
    text: str, points: float, *, tags: tuple[str, ...] = (), title: str = ""
) -> Criterion | str:
    """The criterion of a sentence with points; negative points are the weight of a pitfall."""
    if not 0 < abs(points) <= 100:
        return f"{points:g} points cannot be a weight (above 0 up to 100, or negative)"
    return Criterion(text=text, weight=abs(points), pitfall=points < 0, tags=tags, title=title)
