"""What does a model answer on average? Several samples of a number, per criterion or per reply."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.judges.judge import Asked, Judge
from twofold.judges.parse_verdict import Readings, Scale, defused, judged, polarised, settled, shown
from twofold.judges.prompt_template import fenced, filled, prompt
from twofold.types import Message, Model, Problem, Response, Sampling, Scorer, Verdict
from twofold.types.checklist import Checklist

SCALE = Scale(0, 100, "score")  # as the prompt `judge_item` says
RATING = Scale(1, 10, "rating")  # as the prompt `judge_holistic` says
TOP_P = 0.9  # as in RLCF


@final
@dataclass(frozen=True)
class SampledJudge(Judge):
    """Asks a model for a number from 0 to 100, several times per criterion, and takes the mean.

    Abstentions and unreadable or failed replies are dropped. If less than half of the samples give
    a number, the criterion is unscored. The parts of a verdict are the samples, each with the words
    of the judge as its reason.

    Args:
        model: The judge.
        n: Samples per criterion, at least 1.
        temperature: At least 0; 0 only with one sample, since all would be equal.
        max_tokens: Budget of a sample. A model that thinks first needs far more than the default.
        seed: Base of the samples' randomness.

    Raises:
        ValueError: If an argument is out of its range.

    Source:
        RLCF (arXiv 2507.18624), section 3: 25 samples at temperature 1.3 of a 72B model; by its
        table of costs, five keep most of the gain for less than half. Departs: a chat with the
        model's own template; our prompt and anchors; an abstention (-1) is dropped, where the
        released code multiplies it by the weight; a number outside 0 to 100 is dropped, not
        clipped.

    Example:
        >>> from twofold.types.checklist import Criterion
        >>> from twofold.models.scripted import ScriptedModel
        >>> from twofold.types import Problem, Response
        >>> asked = Asked(
        ...     problem=Problem(question="Say hello."),
        ...     response=Response(raw="Hello!", reply="Hello!"),
        ...     criterion=Criterion(text="Does the reply greet?"),
        ... )
        >>> said = ["100", "90", "-1"]
        >>> judge = SampledJudge(ScriptedModel(lambda text, g: said[g]), n=3)
        >>> judge([asked])[0].score, judge([asked])[0].reason
        (0.95, 'mean 95 of 2 samples (90 to 100), 1 lost')
        >>> [part.reason for part in judge([asked])[0].parts.values()]
        ['100', '90', '-1']
    """

    name: ClassVar[str] = "sampled"

    model: Model
    n: int = 5
    temperature: float = 1.0
    max_tokens: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        _check_sampling(self.n, self.temperature)

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        """Ask all questions in one call of the model, equal ones once."""
        found = judged(asked, lambda each: settled(each.response), self._ask)
        return [polarised(each.criterion, v) for each, v in zip(asked, found, strict=True)]

    def _ask(self, asked: list[Asked]) -> list[Verdict]:
        return _sampled(self, [_prompt(each) for each in asked], SCALE, _score)


def _score(numbers: list[int]) -> float:
    return sum(numbers) / (100 * len(numbers))


def _sampled(
    judge: SampledJudge | Holistic,
    prompts: Sequence[str],
    scale: Scale,
    score: Callable[[list[int]], float],
) -> list[Verdict]:
    """The verdict of the judge's samples on each prompt, in one call; equal prompts are asked once."""
    texts = list(dict.fromkeys(prompts))
    chats = [[Message(role="user", content=text)] for text in texts]
    sampling = Sampling(max_tokens=judge.max_tokens, temperature=judge.temperature, top_p=TOP_P)
    replies_P_G = judge.model.sample(chats, sampling, n=judge.n, seed=judge.seed)
    found = {}
    for text, samples in zip(texts, replies_P_G, strict=True):
        found[text] = Readings(samples, [scale.read(each) for each in samples]).verdict(score)
    return [found[text] for text in prompts]


def _check_sampling(n: int, temperature: float) -> None:
    """Refuse a number of samples and a temperature that do not fit together."""
    if n < 1 or not temperature >= 0 or (temperature == 0 and n > 1):
        raise ValueError(
            f"n is {n} and temperature {temperature}; give at least 1 sample, and a temperature above "
            "0, or 0 with n=1"
        )


def _prompt(asked: Asked) -> str:
    criterion = fenced(defused(asked.criterion.text), "criterion")
    return filled(prompt("judge_item"), criterion=criterion, **shown(asked.problem, asked.response))


@final
@dataclass(frozen=True)
class Holistic(Scorer):
    """Rates a reply from 1 to 10 by its whole checklist in one call of the model.

    The rating r becomes (r - 1) / 9, so that the scale goes from 0 to 1 as for every other measure;
    with r / 10 the worst reply would still get a tenth. The one part is the `rating` with its
    samples, since a single number says nothing about single criteria; for those use a `Judge` in
    `MeetsChecklist`.

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
        _check_sampling(self.n, self.temperature)

    def applies(self, problem: Problem) -> bool:
        """Whether the problem has a checklist."""
        return problem.checklist is not None

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        """Rate every reply in one call of the model, equal ones once."""
        pairs = list(zip(problems, responses, strict=True))
        return judged(pairs, lambda pair: _rated_without_model(*pair), self._ask)

    def _ask(self, pairs: list[tuple[Problem, Response]]) -> list[Verdict]:
        prompts = [_rating_prompt(*pair) for pair in pairs]
        found = _sampled(self, prompts, RATING, _rating_score)
        return [Verdict(each.score, each.reason, {"rating": each}) for each in found]


def _rated_without_model(problem: Problem, response: Response) -> Verdict | None:
    """The verdict that needs no judge."""
    if problem.checklist is None and response.has_reply:
        return Verdict(None, "no checklist")
    return settled(response)


def _rating_score(numbers: list[int]) -> float:
    return (sum(numbers) / len(numbers) - RATING.low) / (RATING.high - RATING.low)


def _rating_prompt(problem: Problem, response: Response) -> str:
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
