"""How does a model learn from the best of its own replies? Rejection-sampling fine-tuning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import Annotated, ClassVar, final

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from twofold.methods.demonstrations import Imitation, kept
from twofold.methods.method import TrainedModel, TrainingError
from twofold.methods.rewards import Reward
from twofold.scorers import Compliant, Correct, Product
from twofold.storage.jsonl import Row
from twofold.types import Problem, Sampling
from twofold.validation import SETTINGS


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Rft(Imitation):
    """Draw replies, keep those that a scorer passes, fine-tune on them; again with the new model.

    The cheap and stable cousin of reward training: the scorer filters what it would have rewarded.
    Every round fine-tunes the base afresh, on replies of the last round's model, so that errors do
    not pile up and an adapter stays one adapter.

    Args:
        reward: The filter; by default right and wholly obedient.
        at_least: The lowest score that is kept, in [0, 1].
        rounds: Times that replies are drawn, at least 1.
        num_generations: Replies a problem and round.
        temperature: At which they are drawn, above 0.
        max_completion_length: Their token budget, thought included.

    Source:
        Yuan et al. 2023, https://arxiv.org/abs/2308.01825 (one round); Singh et al. 2023,
        https://arxiv.org/abs/2312.06585, algorithm 1 (rounds, each from the base). Departs: equal
        replies to a problem are kept once, and their number is not capped.
    """

    name: ClassVar[str] = "rft"

    reward: Reward = field(default_factory=lambda: Product((Correct(), Compliant("all"))))
    at_least: Annotated[float, Field(ge=0, le=1)] = 1.0
    rounds: PositiveInt = 1
    num_generations: PositiveInt = 8
    temperature: PositiveFloat = 1.0
    max_completion_length: PositiveInt = 512

    def rows(self, problems: Sequence[Problem]) -> list[Row]:
        """What is asked in every round; what is learned from depends on the replies (see `kept`)."""
        return [{"prompt": problem.messages(), "problem": problem.id} for problem in problems]

    def train(
        self,
        base: str,
        problems: Sequence[Problem],
        *,
        out: Path,
        eval_problems: Sequence[Problem] = (),
    ) -> TrainedModel:
        """Train; see `Method.train`. The rounds before the last lie beside it, in `OUT-round-N`.

        Raises:
            TrainingError: Also if a round keeps no reply.
        """
        from twofold.methods.draw import draw

        if not problems:
            raise TrainingError("rft has no problem to ask; check --problems")
        sampling = Sampling(max_tokens=self.max_completion_length, temperature=self.temperature)
        asked, n_steps = base, 0
        for number in range(1, self.rounds + 1):
            folder = out if number == self.rounds else out.with_name(f"{out.name}-round-{number}")
            replies = draw(
                asked, problems, sampling, n=self.num_generations, seed=self.seed + number
            )
            rows = kept(problems, replies, by=self.reward, at_least=self.at_least)
            if not rows:
                raise TrainingError(
                    f"round {number} kept none of {len(problems) * self.num_generations} replies: "
                    f"{self.reward.name} scored none {self.at_least:g} or more. Take easier problems "
                    "or a stronger base, draw more replies, or lower at_least"
                )
            done = self.imitate(base, rows, out=folder, eval_problems=eval_problems)
            asked, n_steps = str(done.folder), n_steps + done.n_steps
        return TrainedModel(folder=out, base=base, method=self.name, n_steps=n_steps)
