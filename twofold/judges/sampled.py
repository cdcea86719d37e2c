"""What does a model say when it is asked often enough? Item by item, a number from 0 to 100, averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from twofold.judges.judge import Asked, Judge
from twofold.judges.parse_verdict import Readings, Scale, defused, polarised, settled, shown
from twofold.judges.prompt_template import fenced, filled, prompt
from twofold.types import Message, Model, Sampling, Verdict

SCALE = Scale(0, 100, "score")
"""What the prompt `judge_item` asks for."""

TOP_P = 0.9
"""The nucleus that a judge's samples are drawn from, as in RLCF: the far tail is no opinion."""


@final
@dataclass(frozen=True)
class SampledJudge(Judge):
    """Asks a model for a number from 0 to 100, several times a criterion, and takes the mean.

    What a sample does not tell (an abstention, an unreadable or failed reply) is dropped. If less than
    half of the samples give a number, the criterion is unscored and the reason counts what was lost.

    Args:
        model: The judge: a server's, a local one, a scripted one.
        n: Samples a criterion, at least 1.
        temperature: How they are drawn, at least 0; 0 only with one sample, since all would be alike.
        max_tokens: Budget of a sample. A model that thinks first needs far more than the default.
        seed: Base of the samples' randomness.

    Raises:
        ValueError: If an argument is out of its range.

    Source:
        RLCF (arXiv 2507.18624), section 3: 25 samples at temperature 1.3 of a 72B model; by its table of
        costs, five keep most of the gain for less than half. Departs: a chat with the model's own
        template; our prompt and anchors; an abstention (-1) is dropped, where the released code
        multiplies it by the weight; a number outside 0 to 100 is dropped, not clipped.

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

    model: Model
    n: int = 5
    temperature: float = 1.0
    max_tokens: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        check_sampling(self.n, self.temperature)

    @property
    def name(self) -> str:
        """`sampled`."""
        return "sampled"

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        """Ask all questions in one call of the model, equal ones once.

        Raises:
            ModelError: If the model cannot work at all.
        """
        known = [settled(each.response) for each in asked]
        prompts = [
            _prompt(each) if done is None else "" for each, done in zip(asked, known, strict=True)
        ]
        found = readings(
            self.model, prompts, SCALE, n=self.n, sampling=self._sampling, seed=self.seed
        )
        return [
            polarised(each.criterion, done or self._verdict(found[text]))
            for each, done, text in zip(asked, known, prompts, strict=True)
        ]

    @property
    def _sampling(self) -> Sampling:
        return Sampling(max_tokens=self.max_tokens, temperature=self.temperature, top_p=TOP_P)

    def _verdict(self, said: Readings) -> Verdict:
        why = said.too_few()
        if why:
            return Verdict(None, why)
        score = sum(said.numbers) / (100 * len(said.numbers))
        return Verdict(score, said.told())


def readings(
    model: Model,
    prompts: Sequence[str],
    scale: Scale,
    *,
    n: int,
    sampling: Sampling,
    seed: int = 0,
) -> dict[str, Readings]:
    """What `n` samples say to each prompt; equal prompts are asked once, blank ones not at all.

    Args:
        model: Who is asked, all in one call.
        prompts: One user turn each.
        scale: What is asked for.
        n: Samples a prompt.
        sampling: How they are drawn.
        seed: Base of all randomness.

    Raises:
        ModelError: If the model cannot work at all.
    """
    texts = [text for text in dict.fromkeys(prompts) if text]
    if not texts:
        return {}
    chats = [[Message(role="user", content=text)] for text in texts]
    said = model.sample(chats, sampling, n=n, seed=seed)
    return {
        text: Readings(
            [scale.read(response) for response in samples],
            error=next((response.error for response in samples if response.error), ""),
        )
        for text, samples in zip(texts, said, strict=True)
    }


def check_sampling(n: int, temperature: float) -> None:
    """Refuse numbers of samples and temperatures that make no sense together.

    Raises:
        ValueError: If `n` is below 1, the temperature below 0, or 0 with more than one sample.
    """
    if n < 1:
        raise ValueError(f"n is {n}; give at least 1 sample")
    if not temperature >= 0 or (temperature == 0 and n > 1):
        raise ValueError(
            f"temperature is {temperature} for {n} samples; give one above 0, or 0 with n=1"
        )


def _prompt(asked: Asked) -> str:
    criterion = fenced(defused(asked.criterion.text), "criterion")
    return filled(prompt("judge_item"), criterion=criterion, **shown(asked.problem, asked.response))
