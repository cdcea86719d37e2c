"""How does a model learn from its own best replies? Rejection-sampling fine-tuning."""

import logging
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import Annotated, ClassVar, final

from pydantic import Field, PositiveInt
from pydantic.dataclasses import dataclass

from twofold.methods.demonstrations import Imitation, kept
from twofold.methods.method import Problems, TrainedModel, TrainingError
from twofold.methods.rewards import Reward
from twofold.methods.tuning import OnPolicy
from twofold.scorers import Compliant, Correct, Product
from twofold.storage.jsonl import Row
from twofold.types import Share
from twofold.validation import SETTINGS

_log = logging.getLogger(__name__)


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Rft(Imitation, OnPolicy):
    """Sample replies, keep those that a scorer accepts, fine-tune on them; repeat.

    Cheaper and more stable than reward training. Problems without an accepted reply are left out and
    counted in the log. Each round fine-tunes the original base on
    replies of the previous round's model, so that errors do not accumulate and an adapter stays
    a single adapter.

    Args:
        reward: The filter; by default correct and all constraints met.
        at_least: Lowest score that is kept, in [0, 1].
        rounds: Number of rounds, at least 1.
        num_generations: Replies per problem and round.
        temperature: Sampling temperature of the replies, above 0.
        max_completion_length: Token budget of a reply, including the thought.

    Source:
        Yuan et al. 2023, https://arxiv.org/abs/2308.01825 (one round); Singh et al. 2023,
        https://arxiv.org/abs/2312.06585, algorithm 1 (rounds, each from the base). Departs:
        duplicate replies to a problem are dropped, and their number is not capped.
    """

    name: ClassVar[str] = "rft"

    reward: Reward = field(default_factory=lambda: Product((Correct(), Compliant("all"))))
    at_least: Annotated[float, Field(ge=0, le=1)] = 1.0
    rounds: PositiveInt = 1

    def train(
        self, base: str, problems: Problems, *, out: str | Path, eval_problems: Problems = ()
    ) -> TrainedModel:
        """Train; see `Method.train`. Earlier rounds are in `OUT-round-N`.

        Raises:
            TrainingError: Also if a round keeps no reply.
        """
        self.check(problems, eval_problems)
        out = Path(out)
        sampled, n_steps = base, 0
        for number in range(1, self.rounds + 1):
            folder = out if number == self.rounds else out.with_name(f"{out.name}-round-{number}")
            replies = self.draw(sampled, problems, seed=self.seed + number)
            rows = kept(problems, replies, by=self.reward, at_least=self.at_least)
            self._tell(number, problems, rows)
            if not rows:
                raise TrainingError(
                    f"round {number} kept none of {len(problems) * self.num_generations} replies: "
                    f"{self.reward.name} gave none {self.at_least:g} or more. Take easier problems "
                    "or a stronger base, draw more replies, or lower at_least"
                )
            done = self.imitate(base, rows, out=folder, eval_problems=eval_problems)
            sampled, n_steps = str(done.folder), n_steps + done.n_steps
        return TrainedModel(folder=out, base=base, method=self.name, n_steps=n_steps)

    def _tell(self, number: int, problems: Problems, rows: Sequence[Row]) -> None:
        """Log how many replies a round keeps, and how many problems are left without one."""
        if Share.here().rank == 0:
            left_out = len({problem.id for problem in problems} - {row["problem"] for row in rows})
            _log.warning(
                "round %d: %d of %d replies kept; %d of %d problems have none and are left out",
                *(number, len(rows), len(problems) * self.num_generations),
                *(left_out, len(problems)),
            )
