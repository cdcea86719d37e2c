"""How good is the reply as a whole, given its checklist? One rating instead of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.judges.parse_verdict import Scale, defused, judged, settled, shown
from twofold.judges.prompt_template import fenced, filled, prompt
from twofold.judges.sampled import TOP_P, check_sampling, sampled_verdicts
from twofold.types import Model, Problem, Response, Sampling, Scorer, Verdict
from twofold.types.checklist import Checklist

SCALE = Scale(1, 10, "rating")  # as the prompt `judge_holistic` says


@final
@dataclass(frozen=True)
class Holistic(Scorer):
    """Rates a reply from 1 to 10 by its whole checklist in one call of the model.

    The rating r becomes (r - 1) / 9, so that the scale goes from 0 to 1 as for every other measure;
    with r / 10 the worst reply would still get a tenth. There are no parts, since a single number
    says nothing about single criteria; for those use a `Judge` in `MeetsChecklist`.

    Args:
        model: The judge.
        n: Samples per reply; this and the other fields are as in `SampledJudge`.

    Source:
        RaR-Implicit, https://arxiv.org/abs/2507.17746: the best of its aggregations for rubrics of
        quality. With many strict constraints at once judges find only 20 to 44 % of the violations
        (arXiv 2601.04954); ask for those one by one. Departs: our prompt; the polarity of a
        criterion is given in words; several samples; an unreadable rating is unscored.

    Example:
        >>> from twofold.models.scripted import ScriptedModel
        >>> from twofold.types.checklist import Criterion
        >>> checklist = Checklist(criteria=(Criterion(text="Does the reply greet?"),))
        >>> problem = Problem(question="Say hello.", checklist=checklist)
        >>> judge = Holistic(ScriptedModel(lambda text, g: '{"rating": 10}'), n=1)
        >>> judge([problem], [Response(raw="Hello!", reply="Hello!")])[0].score
        1.0
    """

    name: ClassVar[str] = "holistic"

    model: Model
    n: int = 5
    temperature: float = 1.0
    max_tokens: int = 24
    seed: int = 0

    def __post_init__(self) -> None:
        check_sampling(self.n, self.temperature)

    def applies(self, problem: Problem) -> bool:
        """Whether the problem has a checklist."""
        return problem.checklist is not None

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        """Rate every reply in one call of the model, equal ones once."""
        pairs = list(zip(problems, responses, strict=True))
        return judged(pairs, lambda pair: _known(*pair), self._ask)

    def _ask(self, pairs: list[tuple[Problem, Response]]) -> list[Verdict]:
        sampling = Sampling(max_tokens=self.max_tokens, temperature=self.temperature, top_p=TOP_P)
        prompts = [_prompt(*pair) for pair in pairs]
        return sampled_verdicts(
            self.model, prompts, SCALE, _score, n=self.n, sampling=sampling, seed=self.seed
        )


def _known(problem: Problem, response: Response) -> Verdict | None:
    """The verdict that needs no judge."""
    if problem.checklist is None and response.has_reply:
        return Verdict(None, "no checklist")
    return settled(response)


def _score(numbers: list[int]) -> float:
    return (sum(numbers) / len(numbers) - SCALE.low) / (SCALE.high - SCALE.low)


def _prompt(problem: Problem, response: Response) -> str:
    lines = _lines(problem.checklist) if problem.checklist else ""
    criteria = fenced(defused(lines), "criteria")
    return filled(prompt("judge_holistic"), criteria=criteria, **shown(problem, response))


def _lines(checklist: Checklist) -> str:
    """The criteria, one per line, with polarity and category, or the weight if weights differ."""
    differ = len({criterion.weight for criterion in checklist.criteria}) > 1
    lines = []
    for i, criterion in enumerate(checklist.criteria, 1):
        marks = "unwanted" if criterion.pitfall else "wanted"
        if criterion.category:
            marks += f", {criterion.category}"
        elif differ:
            marks += f", weight {criterion.weight:g} of 100"
        lines.append(f"{i}. ({marks}) {' '.join(criterion.text.split())}")
    return "\n".join(lines)
