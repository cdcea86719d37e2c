"""How is a model trained by reward? Group-relative policy optimisation with any scorer."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import Annotated, ClassVar, Literal, final

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from twofold.errors import ScoringError
from twofold.methods.method import TrainedModel, TrainingError
from twofold.methods.rewards import Reward, require_listed
from twofold.methods.trl.advantage import AdvantageNormalizer
from twofold.methods.tuning import Tuned
from twofold.scorers import Compliant, Correct, Product, SoftGate
from twofold.storage.jsonl import Row
from twofold.types import Problem, Sampling
from twofold.validation import SETTINGS

JOINT = Product((Correct(), Compliant("all")))
"""Followed in every run, rewarded or not: accuracy, all constraints met, and both."""


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Grpo(Tuned):
    """Sample several replies a problem, and make those above their group's mean more likely.

    The reward decides what is trained: `Correct()` is the usual recipe that buys accuracy with
    compliance, `SoftGate()` rewards both. There is no KL term (`trl: {beta: ...}` adds one).

    Args:
        learning_rate: The default suits models of a billion weights and more; 1e-4 a small one.
        reward: What is rewarded.
        steps: Optimiser steps.
        batch: Problems that a process asks in one step.
        num_generations: Replies a problem, at least 2: the group.
        temperature: At which they are drawn.
        max_completion_length: Their token budget, thought included. Too small a budget cuts replies
            off, and what is cut off can only be unscored or wrong.
        aggregation: `sum_then_normalize`, the reward as one number; `normalize_then_sum`, its parts each
            normalised within the group and then added up (GDPO).
        min_std: The least spread that a group's scores are scaled up by; see `AdvantageNormalizer`.
        saturation: Takes the say from a part that is nearly always earned; see `AdvantageNormalizer`.
        eval_metric: A measure of the held-out problems that is not trained on, logged as
            `eval/eval_metric` beside
            `eval/reward`; None = none. Where the reward is judged, the two drift apart as soon as the
            policy has learned to please the judge.
        early_stopping_patience: Checkpoints without a rise of `eval_metric` after which the run
            stops; it then ends with its
            best one. 0 = it runs to its end and keeps the last.
        precheck_problems: Problems on which the base is asked first whether it ever solves one; 0
            does not ask.

    Source:
        Shao et al. 2024, "DeepSeekMath", https://arxiv.org/abs/2402.03300, section 4.1, as TRL 1.16
        does it; the other aggregations: see `AdvantageNormalizer`. Departs: TRL's default loss (DAPO's,
        token-level) and no KL term.

    Example:
        >>> (row,) = Grpo(steps=10).rows([Problem(question="7 + 5 = ?", answer="12")])
        >>> row["prompt"]
        [{'role': 'user', 'content': '7 + 5 = ?'}]
    """

    name: ClassVar[str] = "grpo"

    learning_rate: PositiveFloat = 1e-6
    reward: Reward = field(default_factory=SoftGate)
    steps: PositiveInt = 100
    num_generations: Annotated[int, Field(ge=2)] = 8
    temperature: PositiveFloat = 1.0
    max_completion_length: PositiveInt = 512
    aggregation: Literal["sum_then_normalize", "normalize_then_sum"] = "sum_then_normalize"
    min_std: Annotated[float, Field(ge=0, lt=1)] = 0.0
    saturation: NonNegativeFloat = 0.0
    eval_metric: Reward | None = None
    early_stopping_patience: NonNegativeInt = 0
    precheck_problems: NonNegativeInt = 16

    def __post_init__(self) -> None:
        Tuned.__post_init__(self)
        try:
            _ = self.grouping
        except ScoringError as error:
            raise TrainingError(str(error)) from error
        if self.early_stopping_patience and self.eval_metric is None:
            raise TrainingError(
                f"early_stopping_patience is {self.early_stopping_patience}; give 0, or `eval_metric` as "
                "well: the metric that it waits for"
            )

    @property
    def grouping(self) -> AdvantageNormalizer:
        """How a group's scores are compared."""
        return AdvantageNormalizer(
            order=self.aggregation, min_std=self.min_std, saturation=self.saturation
        )

    @property
    def rows_a_step(self) -> int:
        """Replies that one process learns from in a step."""
        return self.batch * self.num_generations

    def rows(self, problems: Sequence[Problem]) -> list[Row]:
        """One row a problem: the chat, and the id by which the reward finds the problem."""
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
            TrainingError: Also if there is a `eval_metric` and no held-out problem to measure it on.
        """
        from twofold.methods.trl.runner import TrlRunner

        if self.eval_metric is not None and not eval_problems:
            raise TrainingError(
                "eval_metric is measured on held-out problems, and there are none; name some with "
                "--eval-problems"
            )
        require_listed(self.reward, problems)
        settings = self._settings()
        runner = TrlRunner(self, base, self.rows(problems), out=out)
        if runner.finished is not None:
            return runner.finished
        from trl.trainer.grpo_config import GRPOConfig
        from trl.trainer.grpo_trainer import GRPOTrainer

        from twofold.methods.trl.length_batches import LikeLengths
        from twofold.methods.trl.reward import TrlReward

        runner.check(GRPOConfig, settings)
        reward = TrlReward(
            self.reward,
            tuple(problems),
            runner.trainable.policy,
            watched=(("joint", JOINT),),
            aggregation=self.grouping,
            num_generations=self.num_generations,
        )
        if self.precheck_problems and not runner.has_begun:
            self._check_support(base, problems[: self.precheck_problems])
        logging.getLogger(GRPOTrainer.__module__).addFilter(_is_news)

        def trainer() -> GRPOTrainer:
            kind = LikeLengths if self.accumulation > 1 else GRPOTrainer
            made = kind(
                model=runner.trainable.network,
                reward_funcs=reward,
                args=GRPOConfig(**runner.settings(settings)),
                train_dataset=runner.data(n_steps=self.steps),
                processing_class=runner.trainable.tokenizer,
                peft_config=runner.trainable.adapter,
            )
            made.chat_template = runner.trainable.template
            return made

        metric = self.eval_metric
        return runner.run(
            trainer,
            eval_problems=eval_problems,
            max_tokens=self.max_completion_length,
            measures={} if metric is None else {"reward": self.reward, "eval_metric": metric},
            early_stopping_patience=self.early_stopping_patience,
        )

    def _settings(self) -> dict[str, object]:
        """TRL's settings that follow from ours."""
        if self.trl.get("use_vllm") and importlib.util.find_spec("vllm") is None:
            raise TrainingError(
                "trl: use_vllm needs vLLM, which is not installed; `pip install vllm` on a machine with "
                "a GPU, or leave it out"
            )
        settings = self.shared_settings() | {
            "max_steps": self.steps,
            "num_generations": self.num_generations,
            "temperature": self.temperature,
            "max_completion_length": self.max_completion_length,
            "shuffle_dataset": False,
        }
        if not self.grouping.is_trl_own:  # the reward compares; TRL only whitens what GDPO added up
            settings["scale_rewards"] = "batch" if self.grouping.by_part else "none"
        return settings

    def _check_support(self, base: str, problems: Sequence[Problem]) -> None:
        """Stop if the base never solves a problem: see `twofold.methods.support`."""
        from twofold.methods.draw import draw
        from twofold.methods.support import require, support

        sampling = Sampling(max_tokens=self.max_completion_length, temperature=self.temperature)
        replies = draw(base, problems, sampling, n=self.num_generations, seed=self.seed)
        require(support(problems, replies, by=self.reward), reward=self.reward.name)


def _is_news(record: logging.LogRecord) -> bool:
    """Drops TRL's warning of each unscored reply, prompt and all: `measure/unscored` counts them."""
    return "All reward functions returned None" not in str(record.msg)
