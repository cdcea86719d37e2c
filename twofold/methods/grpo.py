"""How is a model trained with a reward? Group-relative policy optimisation with any scorer."""

import importlib.util
import logging
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, final

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from twofold.errors import ScoringError
from twofold.methods.contrast import contrasted, paired
from twofold.methods.method import Problems, TrainedModel, TrainingError
from twofold.methods.rewards import Reward, require_applies
from twofold.methods.support import require, support
from twofold.methods.trl.advantage import AdvantageNormalizer, Aggregation
from twofold.methods.tuning import OnPolicy
from twofold.scorers import Compliant, Correct, Lexicographic, Product, SoftGate
from twofold.storage.jsonl import Row
from twofold.types import Share
from twofold.validation import SETTINGS

if TYPE_CHECKING:
    from twofold.methods.trl.runner import TrlRunner

_log = logging.getLogger(__name__)

# Logged in every run, rewarded or not: accuracy, all constraints met, and both.
JOINT = Product((Correct(), Compliant("all")))


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Grpo(OnPolicy):
    """Sample several replies per problem, and make those above their group's mean more likely.

    The reward decides what is learned: `Correct()` is the usual recipe that trades compliance for
    accuracy, `SoftGate()` rewards both. There is no KL term (`trl: {beta: ...}` adds one).

    Args:
        learning_rate: The default suits models of 1B parameters and more; 1e-4 suits a small one.
        reward: The scorer that rewards a reply.
        steps: Optimiser steps.
        batch: Problems per process and step.
        num_generations: Replies per problem (the group size), at least 2.
        temperature: Sampling temperature of the replies, above 0.
        max_completion_length: Token budget of a reply, including the thought. A truncated reply is
            unscored or wrong.
        aggregation: `sum_then_normalize`: the reward as one number (GRPO); `normalize_then_sum`: its
            parts are normalised within the group, then added (GDPO); `lexicographic`: the second
            part counts only between replies of the group that tie in the first, for the rewards
            `correct_then_compliant` and `compliant_then_correct`.
        min_std: Lower bound of the standard deviation used for scaling; see `AdvantageNormalizer`.
        saturation: Down-weights parts that are nearly always earned; see `AdvantageNormalizer`.
        eval_metric: A scorer for the held-out problems that is not trained on, logged as
            `eval/eval_metric` beside `eval/reward`; None = none. The two diverge once the policy
            has learned to exploit a judge.
        early_stopping_patience: Checkpoints without a rise of `eval_metric` after which the run
            stops, with its best checkpoint as the result. 0 = never; the last one is the result.
        precheck_problems: Problems on which to check first whether the base ever solves one; 0
            skips the check.
        contrast: Also ask each problem with one of its rules turned into the opposite, in the same
            step (`problems.contrast.twin`). Then a rule earns nothing by habit: what a policy says
            in both alike has two advantages whose sum does not depend on the rule. For that, rewards
            are centred within each prompt and not scaled (Dr. GRPO), so aggregation, min_std and
            saturation stay at their defaults, and batch is even.
        drop_after: Replies of the base that are drawn to each problem before training; where all
            of them are scored and earn 0, the problem is left out: its groups would have no
            gradient. Counted in the log and listed in `manifest.json` under `left_out`. 0 keeps all.
            A problem that is rewarded once in 10 replies is lost with a probability of 0.43 after 8
            replies, of 0.03 after 32. The two of a contrast pair are left out together.

    Source:
        Shao et al. 2024, "DeepSeekMath", https://arxiv.org/abs/2402.03300, section 4.1, as in TRL
        1.16; the other aggregations: see `AdvantageNormalizer`; rewards without scaling: Liu et al.
        2025, "Dr. GRPO", https://arxiv.org/abs/2503.20783. Departs: TRL's default loss (DAPO's,
        token-level) and no KL term. Contrast pairs are ours.

    Example:
        >>> from twofold.types import Problem
        >>> (row,) = Grpo(steps=10).rows([Problem(question="7 + 5 = ?", answer="12")])
        >>> row["prompt"]
        [{'role': 'user', 'content': '7 + 5 = ?'}]
    """

    name: ClassVar[str] = "grpo"
    later: ClassVar[Mapping[str, object]] = {**OnPolicy.later, "drop_after": 0, "contrast": False}

    learning_rate: PositiveFloat = 1e-6
    reward: Reward = field(default_factory=SoftGate)
    steps: PositiveInt = 100
    num_generations: Annotated[int, Field(ge=2)] = 8
    aggregation: Aggregation = "sum_then_normalize"
    min_std: Annotated[float, Field(ge=0, lt=1)] = 0.0
    saturation: NonNegativeFloat = 0.0
    eval_metric: Reward | None = None
    early_stopping_patience: NonNegativeInt = 0
    precheck_problems: NonNegativeInt = 16
    drop_after: NonNegativeInt = 0
    contrast: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            _ = self.grouping
        except ScoringError as error:
            raise TrainingError(str(error)) from error
        if self.aggregation == "lexicographic" and not isinstance(self.reward, Lexicographic):
            raise TrainingError(
                f"aggregation: lexicographic needs a reward with an order, and {self.reward.name} has "
                "none; take correct_then_compliant or compliant_then_correct"
            )
        if self.contrast and not (self.grouping.is_trl_own and "scale_rewards" not in self.trl):
            raise TrainingError(
                "contrast compares rewards without scaling, or a habit would be worth something; leave "
                "aggregation, min_std and trl: scale_rewards at their defaults"
            )
        if not self.grouping.is_trl_own and "scale_rewards" in self.trl:
            raise TrainingError(
                "aggregation and min_std say how rewards are scaled; leave trl: scale_rewards out, or "
                "them at their defaults"
            )
        if self.contrast and self.trl.get("shuffle_dataset"):
            raise TrainingError(
                "contrast needs both sides of a pair in one step; leave trl: shuffle_dataset out"
            )
        if self.contrast and self.batch % 2:
            raise TrainingError(f"contrast needs an even batch for its pairs, not {self.batch}")
        if self.early_stopping_patience and self.eval_metric is None:
            raise TrainingError(
                "early_stopping_patience needs an eval_metric to wait for; set one, or give 0"
            )
        if self.early_stopping_patience and self.keep_checkpoint == "frontier":
            raise TrainingError(
                "early_stopping_patience makes the best checkpoint by eval_metric the result, and "
                "keep_checkpoint: frontier another; leave one out"
            )

    @property
    def grouping(self) -> AdvantageNormalizer:
        """How the scores of a group are compared."""
        return AdvantageNormalizer(
            order=self.aggregation, min_std=self.min_std, saturation=self.saturation
        )

    def rows(self, problems: Problems) -> list[Row]:
        """One row per problem: its chat and its id; with `contrast` its twin after it, as a `pair`."""
        return self._rows(self._asked(problems))

    def _asked(self, problems: Problems) -> Problems:
        return contrasted(problems) if self.contrast else problems

    def _rows(self, asked: Problems) -> list[Row]:
        rows = super().rows(asked)
        return paired(rows, asked) if self.contrast else rows

    @property
    def is_chosen_by_eval(self) -> bool:
        """Also by early stopping; see `Tuning.is_chosen_by_eval`."""
        return super().is_chosen_by_eval or self.early_stopping_patience > 0

    @property
    def rows_a_step(self) -> int:
        """Replies per process and optimiser step."""
        return self.batch * self.num_generations

    def check(self, problems: Problems, eval_problems: Problems = ()) -> None:
        """Also refuse an `eval_metric` without held-out problems; see `Method.check`."""
        super().check(problems, eval_problems)
        if self.eval_metric is not None and not eval_problems:
            raise TrainingError(
                "eval_metric needs held-out problems, and there are none; name some with --eval-problems"
            )
        require_applies(self.reward, problems)

    def train(
        self, base: str, problems: Problems, *, out: str | Path, eval_problems: Problems = ()
    ) -> TrainedModel:
        """Train; see `Method.train`."""
        self.check(problems, eval_problems)
        from twofold.methods.trl.runner import TrlRunner

        asked = self._asked(problems)
        rows = self._rows(asked)
        runner = TrlRunner(self, base, rows, out=Path(out), eval_problems=eval_problems)
        if runner.finished is not None:
            return runner.finished
        from trl.trainer.grpo_trainer import GRPOTrainer

        from twofold.methods.trl.length_batches import LikeLengths
        from twofold.methods.trl.reward import TrlReward

        kind = LikeLengths if self.accumulation > 1 else GRPOTrainer
        data, left_out = runner.data, self._left_out(runner, base, asked)
        trainer = runner.trainer(kind, lambda: data(n_steps=self.steps, left_out=left_out))
        reward = TrlReward(
            self.reward,
            tuple(asked),
            runner.trainable.policy,
            watched=(("joint", JOINT),),
            aggregation=self.grouping,
            num_generations=self.num_generations,
        )
        logging.getLogger(GRPOTrainer.__module__).addFilter(_is_news)

        def with_template() -> Any:
            made = trainer(reward_funcs=reward)
            made.chat_template = runner.trainable.template
            return made

        metric = self.eval_metric
        return runner.run(
            with_template,
            max_tokens=self.max_completion_length,
            measures={} if metric is None else {"reward": self.reward, "eval_metric": metric},
            early_stopping_patience=self.early_stopping_patience,
        )

    def _left_out(self, runner: "TrlRunner", base: str, problems: Problems) -> list[str]:
        """The ids of the problems that are not trained on; an error if the base earns nothing."""
        from twofold.methods.trl.order import pairs_and_singles

        def look(n_problems: int, n: int) -> list[str]:
            some = problems[:n_problems]
            found = support(some, self.draw(base, some, seed=self.seed, n=n), by=self.reward)
            if self.precheck_problems:
                require(found, reward=self.reward.name)
            gone = set(found.unrewarded)
            units = [
                [r["problem"] for r in rows] for rows in pairs_and_singles(self._rows(problems))
            ]
            return [each for unit in units if gone.issuperset(unit) for each in unit]

        if not self.drop_after:
            if self.precheck_problems and not runner.has_begun:
                look(self.precheck_problems, self.num_generations)
            return []
        noted = runner.noted(
            "left_out",
            lambda: {
                "problems": look(len(problems), self.drop_after),
                "replies": self.drop_after,
                "reward": self.reward.name,
            },
        )
        if Share.here().rank == 0:
            told = len(noted["problems"]), len(problems), self.drop_after, self.reward.name
            _log.warning(
                "%d of %d problems are left out: none of %d replies of the base earned any %s",
                *told,
            )
        return list(noted["problems"])

    def configuration(self) -> tuple[type, dict[str, object]]:
        """See `Tuned.configuration`."""
        from trl.trainer.grpo_config import GRPOConfig

        return GRPOConfig, self._settings()

    def _settings(self) -> dict[str, object]:
        """The settings under TRL's names."""
        if self.trl.get("use_vllm") and importlib.util.find_spec("vllm") is None:
            raise TrainingError(
                "trl: use_vllm needs vLLM; `pip install vllm` on a machine with a GPU, or leave it out"
            )
        settings = self.shared_settings() | {
            "max_steps": self.steps,
            "num_generations": self.num_generations,
            "temperature": self.temperature,
            "max_completion_length": self.max_completion_length,
            "shuffle_dataset": False,
        }
        if not self.grouping.is_trl_own:  # the reward normalises; for GDPO TRL scales the batch
            is_gdpo = self.aggregation == "normalize_then_sum"
            settings["scale_rewards"] = "batch" if is_gdpo else "none"
        if self.contrast:  # a group's own scale would weigh the two sides of a pair differently
            settings["scale_rewards"] = "none"
        return settings


def _is_news(record: logging.LogRecord) -> bool:
    """Drops TRL's warning about each unscored reply; `measure/unscored` counts them."""
    return "All reward functions returned None" not in str(record.msg)
