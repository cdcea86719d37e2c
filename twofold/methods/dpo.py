"""How does a model learn from which of two replies is better? Direct preference optimisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import Annotated, ClassVar, final

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from twofold.methods.method import TrainedModel, TrainingError
from twofold.methods.preferences import pairs, read_pairs
from twofold.methods.rewards import Reward, require_listed
from twofold.methods.tuning import Tuned
from twofold.scorers import SoftGate
from twofold.storage.jsonl import Row
from twofold.types import Problem, Sampling
from twofold.validation import SETTINGS


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Dpo(Tuned):
    """Draw replies, make a pair of the best and the worst by a scorer, and prefer the best.

    Args:
        learning_rate: The default suits models of a billion weights and more.
        batch: Pairs that a process learns from in one step.
        reward: What makes one reply better than another.
        gap: The smallest difference in score that makes a pair, in (0, 1].
        keep: Share of the pairs that is kept, those with the largest lead in a single criterion; 0.4 is
            RLCF's.
        pairs: JSON lines that `twofold pairs` wrote; then nothing is drawn and nothing is scored.
        beta: How dearly the model pays for moving away from the base; higher stays closer.
        epochs: Passes over the pairs.
        num_generations: Replies a problem, at least 2.
        temperature: At which they are drawn, above 0.
        max_completion_length: Their token budget, thought included.

    Source:
        Rafailov et al. 2023, https://arxiv.org/abs/2305.18290, equation 7, as TRL 1.16 does it; pairs
        by score from the model's own replies as in RLCF, https://arxiv.org/abs/2507.18624, see
        `preferences.pairs`.
    """

    name: ClassVar[str] = "dpo"

    learning_rate: PositiveFloat = 2e-6
    reward: Reward = field(default_factory=SoftGate)
    gap: Annotated[float, Field(gt=0, le=1)] = 0.25
    keep: Annotated[float, Field(gt=0, le=1)] = 1.0
    pairs: Path | None = None
    beta: PositiveFloat = 0.1
    epochs: PositiveFloat = 2.0
    num_generations: Annotated[int, Field(ge=2)] = 8
    temperature: PositiveFloat = 1.0
    max_completion_length: PositiveInt = 512

    def rows(self, problems: Sequence[Problem]) -> list[Row]:
        """The pairs of the file; without one what is asked, since the pairs depend on the replies."""
        if self.pairs is not None:
            return read_pairs(self.pairs, problems)
        return [{"prompt": problem.messages(), "problem": problem.id} for problem in problems]

    def train(
        self,
        base: str,
        problems: Sequence[Problem],
        *,
        out: Path,
        eval_problems: Sequence[Problem] = (),
    ) -> TrainedModel:
        """Train; see `Method.train`.

        Raises:
            TrainingError: Also if no problem gives a pair.
        """
        if not problems:
            raise TrainingError("dpo has no problem to ask; check --problems")
        if self.pairs is None:
            require_listed(self.reward, problems)
        rows = self.rows(problems) if self.pairs is not None else self._drawn(base, problems)
        if not rows:
            raise TrainingError(self._why_none())
        return self._prefer(base, rows, out=out, eval_problems=eval_problems)

    def _drawn(self, base: str, problems: Sequence[Problem]) -> list[Row]:
        """Pairs of the base's own replies."""
        from twofold.methods.draw import draw

        sampling = Sampling(max_tokens=self.max_completion_length, temperature=self.temperature)
        replies = draw(base, problems, sampling, n=self.num_generations, seed=self.seed)
        return pairs(problems, replies, by=self.reward, gap=self.gap, keep=self.keep)

    def _why_none(self) -> str:
        if self.pairs is not None:
            return (
                f"{self.pairs} holds no pair of these problems; give the problems they were made of"
            )
        return (
            f"no problem has two replies that differ by {self.gap:g} in {self.reward.name}: draw "
            "more, lower gap, or take problems that the base solves now and then"
        )

    def _prefer(
        self, base: str, rows: Sequence[Row], *, out: Path, eval_problems: Sequence[Problem]
    ) -> TrainedModel:
        from twofold.methods.trl.runner import TrlRunner

        settings = self.shared_settings() | {
            "num_train_epochs": self.epochs,
            "beta": self.beta,
            "max_length": self.trl.get("max_length"),  # TRL cuts at 1024 tokens unless told
        }
        runner = TrlRunner(self, base, rows, out=out)
        if runner.finished is not None:
            return runner.finished
        from trl.trainer.dpo_config import DPOConfig
        from trl.trainer.dpo_trainer import DPOTrainer

        runner.check(DPOConfig, settings)
        return runner.run(
            lambda: DPOTrainer(
                model=runner.trainable.network,
                ref_model=runner.trainable.reference(),
                args=DPOConfig(**runner.settings(settings)),
                train_dataset=runner.preferences(),
                processing_class=runner.trainable.tokenizer,
                peft_config=runner.trainable.adapter,
            ),
            eval_problems=eval_problems,
            max_tokens=self.max_completion_length,
        )
