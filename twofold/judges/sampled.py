"""What does a model answer on average? Several samples of a number per criterion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.judges.judge import Asked, Judge
from twofold.judges.parse_verdict import Readings, Scale, defused, judged, polarised, settled, shown
from twofold.judges.prompt_template import fenced, filled, prompt
from twofold.types import Message, Model, Sampling, Verdict

SCALE = Scale(0, 100, "score")  # as the prompt `judge_item` says
TOP_P = 0.9  # as in RLCF


@final
@dataclass(frozen=True)
class SampledJudge(Judge):
    """Asks a model for a number from 0 to 100, several times per criterion, and takes the mean.

    Abstentions and unreadable or failed replies are dropped. If less than half of the samples give
    a number, the criterion is unscored.

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
    """

    name: ClassVar[str] = "sampled"

    model: Model
    n: int = 5
    temperature: float = 1.0
    max_tokens: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        check_sampling(self.n, self.temperature)

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        """Ask all questions in one call of the model, equal ones once."""
        found = judged(asked, lambda each: settled(each.response), self._ask)
        return [polarised(each.criterion, v) for each, v in zip(asked, found, strict=True)]

    def _ask(self, asked: list[Asked]) -> list[Verdict]:
        sampling = Sampling(max_tokens=self.max_tokens, temperature=self.temperature, top_p=TOP_P)
        prompts = [_prompt(each) for each in asked]
        return sampled_verdicts(
            self.model, prompts, SCALE, _score, n=self.n, sampling=sampling, seed=self.seed
        )


def _score(numbers: list[int]) -> float:
    return sum(numbers) / (100 * len(numbers))


def sampled_verdicts(
    model: Model,
    prompts: Sequence[str],
    scale: Scale,
    score: Callable[[list[int]], float],
    *,
    n: int,
    sampling: Sampling,
    seed: int,
) -> list[Verdict]:
    """The verdict of `n` samples on each prompt, in one call; equal prompts are asked once."""
    texts = list(dict.fromkeys(prompts))
    chats = [[Message(role="user", content=text)] for text in texts]
    found = {}
    for text, samples in zip(texts, model.sample(chats, sampling, n=n, seed=seed), strict=True):
        error = next((response.error for response in samples if response.error), "")
        found[text] = Readings([scale.read(each) for each in samples], error).verdict(score)
    return [found[text] for text in prompts]


def check_sampling(n: int, temperature: float) -> None:
    """Refuse a number of samples and a temperature that do not fit together."""
    if n < 1 or not temperature >= 0 or (temperature == 0 and n > 1):
        raise ValueError(
            f"n is {n} and temperature {temperature}; give at least 1 sample, and a temperature above "
            "0, or 0 with n=1"
        )


def _prompt(asked: Asked) -> str:
    criterion = fenced(defused(asked.criterion.text), "criterion")
    return filled(prompt("judge_item"), criterion=criterion, **shown(asked.problem, asked.response))
