"""A training method. This one trains nothing: it gives the base back."""

from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import ClassVar, final

from pydantic.dataclasses import dataclass

from twofold.methods import Method, TrainedModel
from twofold.methods.rewards import Reward
from twofold.scorers import Correct
from twofold.storage.jsonl import Row
from twofold.types import Problem
from twofold.validation import SETTINGS


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Nothing(Method):
    """The control of a comparison: an arm that is not trained."""

    name: ClassVar[str] = "nothing"
    reward: Reward = field(default_factory=Correct)
    seed: int = 0

    def rows(self, problems: Sequence[Problem]) -> list[Row]:
        return [{"prompt": problem.messages(), "reward": self.reward.name} for problem in problems]

    def train(
        self,
        base: str,
        problems: Sequence[Problem],
        *,
        out: Path,
        eval_problems: Sequence[Problem] = (),
    ) -> TrainedModel:
        return TrainedModel(folder=Path(base), base=base, method=self.name, n_steps=0)
