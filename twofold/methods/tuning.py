"""Which settings do all methods with a trainer share, and what does TRL call them?"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import field, fields
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from twofold.methods.method import Method, Problems, Seed, TrainingError
from twofold.storage.jsonl import Row
from twofold.types import Response, Sampling
from twofold.validation import SETTINGS

if TYPE_CHECKING:
    from twofold.methods.trl.trainable import Trainable

# fields of TRL's configuration under another name than ours
_RENAMED = {
    "per_device_train_batch_size": "batch",
    "gradient_accumulation_steps": "accumulation",
    "max_steps": "steps",
    "num_train_epochs": "epochs",
    "output_dir": "--out",
}


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Stepped(Method):
    """A method that a trainer of transformers runs step by step; these settings all of them have.

    Args:
        learning_rate: Of AdamW, constant after the warm-up.
        batch: Rows per process and optimiser step.
        accumulation: Micro-batches per step, to save memory; must divide the rows of a step.
        warmup_steps: Steps over which the learning rate rises from 0.
        save_steps: Steps between checkpoints.
        keep_checkpoint: Whose model is the result: the `last` one's, or the `frontier`'s, which is the
            last checkpoint at which accuracy and obedience are both above the base's on the held-out
            problems (lower bounds of the paired gains above zero); if there is none, the last.
        seed: For the order of the rows, sampling and the first values of new weights.
        trl: Further fields of TRL's own configuration.

    Raises:
        ValidationError: pydantic's, if a value has the wrong type or range.
        TrainingError: If settings contradict each other.
    """

    later: ClassVar[Mapping[str, object]] = {"keep_checkpoint": "last"}

    learning_rate: PositiveFloat
    batch: PositiveInt = 8
    accumulation: PositiveInt = 1
    warmup_steps: NonNegativeInt = 0
    save_steps: PositiveInt = 50
    keep_checkpoint: Literal["last", "frontier"] = "last"
    seed: Seed = 0
    trl: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in self.trl.keys() & {*_RENAMED, *(f.name for f in fields(self))}:
            own, there = _RENAMED.get(key, key), {f.name for f in fields(self)}
            if own in ("steps", "epochs"):  # a method has one of the two
                own = next((name for name in ("steps", "epochs") if name in there), own)
            raise TrainingError(f"trl: {key} is set by {own}; set that instead")

    @abstractmethod
    def trainable(self, base: str) -> "Trainable":
        """What of the base `base` is trained, not loaded yet.

        Raises:
            ModelError: If its files are not found, or cannot be trained like this.
        """

    @abstractmethod
    def configuration(self) -> tuple[type, dict[str, object]]:
        """TRL's class of configuration, and the values of its fields."""

    def check(self, problems: Problems, eval_problems: Problems = ()) -> None:
        """Also refuse what TRL's configuration does not take; see `Method.check`."""
        from twofold.methods.trl.configuration import configuration

        super().check(problems, eval_problems)
        strategy = configuration(self, Path("unused")).save_strategy
        if eval_problems and strategy not in ("steps", "epoch"):
            raise TrainingError(
                "the held-out problems are asked at checkpoints made by steps or epochs, and trl: "
                f"save_strategy: {strategy.value} makes none; leave out one of the two"
            )
        if self.keep_checkpoint == "frontier":
            _require_both(eval_problems)

    @property
    def is_chosen_by_eval(self) -> bool:
        """Whether the held-out problems decide which checkpoint is the result."""
        return self.keep_checkpoint == "frontier"

    def rows(self, problems: Problems) -> list[Row]:
        """One row per problem: its chat and its id."""
        return [{"prompt": problem.messages(), "problem": problem.id} for problem in problems]

    @property
    def rows_a_step(self) -> int:
        """Rows per process and optimiser step."""
        return self.batch

    def shared_settings(self) -> dict[str, object]:
        """The shared settings under TRL's names, except those that depend on the machine."""
        if self.rows_a_step % self.accumulation:
            raise TrainingError(
                f"accumulation does not divide a step's {self.rows_a_step} rows; change it or batch"
            )
        return {
            "learning_rate": self.learning_rate,
            "lr_scheduler_type": "constant_with_warmup" if self.warmup_steps else "constant",
            "warmup_steps": self.warmup_steps,
            "per_device_train_batch_size": self.rows_a_step // self.accumulation,
            "gradient_accumulation_steps": self.accumulation,
            "save_steps": self.save_steps,
            "seed": self.seed,
            **self.trl,
        }


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Tuned(Stepped):
    """A method that tunes weights of the base with TRL.

    Args:
        lora: Rank of LoRA adapters on all linear layers; None tunes all weights.
        bias_only: Tune only the bias terms (BitFit, https://arxiv.org/abs/2106.10199); the model
            must have some, as GPT-2 and Qwen2 do and Llama does not.
        layer_bias: Tune only one vector for each decoder layer, added to the layer's output
            (https://arxiv.org/abs/2505.18706): the smallest adaptation, as many numbers as layers times
            width. The result is a PEFT adapter, like that of `lora`.

    Raises:
        TrainingError: If two of them are set.
    """

    later: ClassVar[Mapping[str, object]] = {**Stepped.later, "layer_bias": False}

    lora: PositiveInt | None = None
    bias_only: bool = False
    layer_bias: bool = False

    def __post_init__(self) -> None:
        if (self.lora is not None) + self.bias_only + self.layer_bias > 1:
            raise TrainingError("lora, bias_only and layer_bias exclude each other; leave one out")
        super().__post_init__()

    def trainable(self, base: str) -> "Trainable":
        """The base's network, or the adapter that is set."""
        from twofold.methods.trl.trainable_model import TrainableModel

        return TrainableModel(
            base, lora=self.lora, bias_only=self.bias_only, layer_bias=self.layer_bias
        )


def _require_both(eval_problems: Problems) -> None:
    """Refuse held-out problems on which accuracy or obedience could never be measured."""
    is_answered = any(problem.answer is not None for problem in eval_problems)
    is_bound = any(p.constraints and not p.question_states_constraints for p in eval_problems)
    if not (is_answered and is_bound):
        raise TrainingError(
            "keep_checkpoint: frontier needs held-out problems with reference answers, and with "
            "constraints that can be left out of the prompt; name some with --eval-problems"
        )


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class OnPolicy(Tuned):
    """A method that samples replies from the model itself."""

    num_generations: PositiveInt = 8
    temperature: PositiveFloat = 1.0
    max_completion_length: PositiveInt = 512

    def draw(
        self, model: str, problems: Problems, *, seed: int, n: int | None = None
    ) -> list[list[Response]]:
        """Sample `n` replies (None: `num_generations`) from `model` for each problem."""
        from twofold.methods.draw import draw

        sampling = Sampling(max_tokens=self.max_completion_length, temperature=self.temperature)
        return draw(model, problems, sampling, n=n or self.num_generations, seed=seed)
