"""How good is the reply as a whole, with the whole checklist in view? One rating instead of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from twofold.judges.parse_verdict import Readings, Scale, defused, settled, shown
from twofold.judges.prompt_template import fenced, filled, prompt
from twofold.judges.sampled import TOP_P, check_sampling, readings
from twofold.types import Model, Problem, Response, Sampling, Scorer, Verdict
from twofold.types.checklist import Checklist, Criterion

SCALE = Scale(1, 10, "rating")
"""What the prompt `judge_holistic` asks for."""


@final
@dataclass(frozen=True)
class Holistic(Scorer):
    """Rates a reply from 1 to 10 by its whole checklist in one call of the model.

    The rating r becomes (r - 1) / 9, so that the ends of the scale are 0 and 1 like those of every other
    measure: with r / 10 the worst reply would still earn a tenth, which counts where the reward is
    gated by, or added to, another. A single number says nothing of single criteria, so there are no
    parts; a `Judge` in `MeetsChecklist` has them.

    Args:
        model: The judge.
        n: Samples a reply, at least 1; their mean counts.
        temperature: How they are drawn; 0 only with one sample.
        max_tokens: Budget of a sample; a model that thinks first needs far more than the default.
        seed: Base of the samples' randomness.

    Raises:
        ValueError: If an argument is out of its range.

    Source:
        RaR-Implicit, https://arxiv.org/abs/2507.17746: the best of its aggregations for rubrics of
        quality. Of many strict constraints at once judges see only 20 to 44 % of the
        violations (arXiv 2601.04954); ask those one by one. Departs: our prompt; the polarity of a
        criterion is said in words; several samples; an unreadable rating is unscored.

    Example:
        >>> from twofold.models.scripted import ScriptedModel
        >>> checklist = Checklist(criteria=(Criterion(text="Does the reply greet?"),))
        >>> problem = Problem(question="Say hello.", checklist=checklist)
        >>> judge = Holistic(ScriptedModel(lambda text, g: '{"rating": 10}'), n=1)
        >>> judge([problem], [Response(raw="Hello!", reply="Hello!")])[0].score
        1.0
    """

    model: Model
    n: int = 5
    temperature: float = 1.0
    max_tokens: int = 24
    seed: int = 0

    def __post_init__(self) -> None:
        check_sampling(self.n, self.temperature)

    @property
    def name(self) -> str:
        """`holistic`."""
        return "holistic"

    def applies(self, problem: Problem) -> bool:
        """Whether the problem has a checklist."""
        return problem.checklist is not None

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        """Rate every reply in one call of the model, equal ones once.

        Raises:
            ModelError: If the model cannot work at all.
        """
        pairs = list(zip(problems, responses, strict=True))
        known = [_known(problem, response) for problem, response in pairs]
        prompts = ["" if done else _prompt(*pair) for pair, done in zip(pairs, known, strict=True)]
        sampling = Sampling(max_tokens=self.max_tokens, temperature=self.temperature, top_p=TOP_P)
        found = readings(self.model, prompts, SCALE, n=self.n, sampling=sampling, seed=self.seed)
        return [done or _verdict(found[text]) for done, text in zip(known, prompts, strict=True)]


def _known(problem: Problem, response: Response) -> Verdict | None:
    """What needs no judge."""
    if lost := response.unscored():
        return lost
    return Verdict(None, "no checklist") if problem.checklist is None else settled(response)


def _verdict(said: Readings) -> Verdict:
    why = said.too_few()
    if why:
        return Verdict(None, why)
    mean = sum(said.numbers) / len(said.numbers)
    return Verdict((mean - SCALE.low) / (SCALE.high - SCALE.low), said.told())


def _prompt(problem: Problem, response: Response) -> str:
    lines = _lines(problem.checklist) if problem.checklist else ""
    criteria = fenced(defused(lines), "criteria")
    return filled(prompt("judge_holistic"), criteria=criteria, **shown(problem, response))


def _lines(checklist: Checklist) -> str:
    """The criteria, one a line, each with its polarity and how much it matters.

    Weights are told only where they differ and there is no category, which says the same in words.
    """
    alike = len({criterion.weight for criterion in checklist.criteria}) == 1

    def marks(criterion: Criterion) -> str:
        told = ["unwanted" if criterion.pitfall else "wanted"]
        if criterion.category:
            told.append(criterion.category)
        elif not alike:
            told.append(f"weight {criterion.weight:g} of 100")
        return ", ".join(told)

    return "\n".join(
        f"{i}. ({marks(criterion)}) {' '.join(criterion.text.split())}"
        for i, criterion in enumerate(checklist.criteria, 1)
    )
