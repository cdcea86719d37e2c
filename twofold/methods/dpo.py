"""How does a model learn which of two replies is better? Direct preference optimisation."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Annotated, ClassVar, final

from pydantic import Field, PositiveFloat
from pydantic.dataclasses import dataclass

from twofold.methods.contrast import contrasted
from twofold.methods.method import Problems, TrainedModel, TrainingError
from twofold.methods.preferences import pairs, read_pairs
from twofold.methods.rewards import Reward, require_applies
from twofold.methods.tuning import OnPolicy
from twofold.scorers import SoftGate
from twofold.storage.jsonl import Row
from twofold.types import Share
from twofold.validation import SETTINGS

_log = logging.getLogger(__name__)


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Dpo(OnPolicy):
    """Sample replies, pair the best and the worst by a scorer, and learn to prefer the best.

    Args:
        learning_rate: The default suits models of 1B parameters and more.
        batch: Pairs per process and step.
        reward: The scorer that ranks the replies.
        gap: Smallest difference in score that makes a pair, in (0, 1].
        keep: Share of the pairs that is kept: those with the largest lead in one criterion; RLCF
            uses 0.4.
        contrast: Also sample replies to each problem with one of its rules turned into the opposite
            (`problems.contrast.twin`), so that what is preferred depends on the rule; not with
            `pairs`.
        pairs: JSON lines written by `twofold pairs`; then nothing is sampled or scored.
        beta: Strength of the KL penalty; a higher value stays closer to the base.
        epochs: Passes over the pairs.
        num_generations: Replies per problem, at least 2.
        temperature: Sampling temperature of the replies, above 0.
        max_completion_length: Token budget of a reply, including the thought.

    Source:
        Rafailov et al. 2023, https://arxiv.org/abs/2305.18290, equation 7, as in TRL 1.16; pairs
        by score from the model's own replies as in RLCF, https://arxiv.org/abs/2507.18624, see
        `preferences.pairs`.
    """

    name: ClassVar[str] = "dpo"
    later: ClassVar[Mapping[str, object]] = {**OnPolicy.later, "contrast": False}

    learning_rate: PositiveFloat = 2e-6
    reward: Reward = field(default_factory=SoftGate)
    gap: Annotated[float, Field(gt=0, le=1)] = 0.25
    keep: Annotated[float, Field(gt=0, le=1)] = 1.0
    contrast: bool = False
    pairs: Path | None = None
    beta: PositiveFloat = 0.1
    epochs: PositiveFloat = 2.0
    num_generations: Annotated[int, Field(ge=2)] = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.contrast and self.pairs is not None:
            raise TrainingError(
                "pairs has none of the opposites of contrast; leave one of them out"
            )

    def rows(self, problems: Problems) -> list[Row]:
        """The pairs of the file; without a file the prompts, since the pairs depend on replies."""
        if self.pairs is not None:
            return read_pairs(self.pairs, problems)
        return super().rows(contrasted(problems) if self.contrast else problems)

    def check(self, problems: Problems, eval_problems: Problems = ()) -> None:
        """Also refuse a file without pairs and a reward that scores none; see `Method.check`."""
        super().check(problems, eval_problems)
        if self.pairs is None:
            require_applies(self.reward, problems)
        elif not self.rows(problems):
            raise TrainingError(
                f"{self.pairs} has no pair of these problems; use the problems it was made of"
            )

    def configuration(self) -> tuple[type, dict[str, object]]:
        """See `Tuned.configuration`."""
        from trl.trainer.dpo_config import DPOConfig

        return DPOConfig, self.shared_settings() | {
            "num_train_epochs": self.epochs,
            "beta": self.beta,
            "max_length": self.trl.get("max_length"),  # TRL's default truncates at 1024 tokens
        }

    def train(
        self, base: str, problems: Problems, *, out: str | Path, eval_problems: Problems = ()
    ) -> TrainedModel:
        """Train; see `Method.train`.

        Raises:
            TrainingError: Also if no problem gives a pair.
        """
        self.check(problems, eval_problems)
        if self.pairs is not None:
            rows = self.rows(problems)
        else:
            problems = contrasted(problems) if self.contrast else problems
            replies = self.draw(base, problems, seed=self.seed)
            lost: Counter[str] = Counter()
            rows = pairs(problems, replies, by=self.reward, gap=self.gap, keep=self.keep, lost=lost)
            if Share.here().rank == 0:
                told = len(rows), len(problems) - len(rows), len(problems), lost.total()
                _log.warning("%d pairs; %d of %d problems have none; %d replies unscored", *told)
        if not rows:
            raise TrainingError(
                f"no problem has two replies that differ by {self.gap:g} in {self.reward.name}: draw "
                "more, lower gap, or take problems that the base solves sometimes"
            )
        return self._prefer(base, rows, out=out, eval_problems=eval_problems)

    def _prefer(
        self, base: str, rows: Sequence[Row], *, out: str | Path, eval_problems: Problems
    ) -> TrainedModel:
        from twofold.methods.trl.runner import TrlRunner

        runner = TrlRunner(self, base, rows, out=Path(out), eval_problems=eval_problems)
        if runner.finished is not None:
            return runner.finished
        from trl.trainer.dpo_trainer import DPOTrainer

        trainer = runner.trainer(DPOTrainer, runner.preferences)
        return runner.run(
            lambda: trainer(ref_model=runner.trainable.reference()),
            max_tokens=self.max_completion_length,
        )
