"""Which settings do all methods on TRL share, and what does TRL call them?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from twofold.methods.method import Method, TrainingError
from twofold.validation import SETTINGS

_OURS = {
    "learning_rate": "learning_rate",
    "per_device_train_batch_size": "batch",
    "gradient_accumulation_steps": "accumulation",
    "warmup_steps": "warmup_steps",
    "save_steps": "save_steps",
    "seed": "seed",
    "max_steps": "steps",
    "num_train_epochs": "epochs",
    "output_dir": "--out",
    "num_generations": "num_generations",
    "temperature": "temperature",
    "max_completion_length": "max_completion_length",
}


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Tuned(Method):
    """A method that TRL carries out; these fields are its settings.

    Args:
        learning_rate: Of AdamW, after the warm-up; it then stays constant.
        batch: Rows a process learns from in one step, at least 1.
        accumulation: Pieces that a step's rows are cut into, to save memory; divides them.
        warmup_steps: Steps over which the learning rate rises from 0.
        lora: Rank of LoRA adapters on all linear layers; None tunes every weight.
        bias_only: Tune the bias terms alone (BitFit, https://arxiv.org/abs/2106.10199); for models
            that have some, as GPT-2 and Qwen2 do and Llama does not.
        save_steps: A checkpoint every so many steps, and one at the end.
        seed: Of the order of the rows, of sampling and of LoRA's first weights.
        trl: More fields of TRL's own configuration, by its names.

    Raises:
        ValidationError: pydantic's, if a value is of the wrong kind or out of its range.
        TrainingError: If settings do not go together.
    """

    learning_rate: PositiveFloat
    batch: PositiveInt = 8
    accumulation: PositiveInt = 1
    warmup_steps: NonNegativeInt = 0
    lora: PositiveInt | None = None
    bias_only: bool = False
    save_steps: PositiveInt = 50
    seed: NonNegativeInt = 0
    trl: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.bias_only and self.lora is not None:
            raise TrainingError("lora and bias_only are two ways to tune a part; leave one out")
        for key in self.trl:
            if key in _OURS:
                raise TrainingError(f"trl: {key} is set by {_OURS[key]}; set that instead")

    @property
    def rows_a_step(self) -> int:
        """Rows that one process learns from in a step."""
        return self.batch

    def shared_settings(self) -> dict[str, object]:
        """The shared settings by TRL's names, without those that depend on the machine.

        Raises:
            TrainingError: If `accumulation` does not divide the rows of a step.
        """
        piece, left = divmod(self.rows_a_step, self.accumulation)
        if left:
            raise TrainingError(
                f"accumulation is {self.accumulation}, which does not divide a step's "
                f"{self.rows_a_step} rows; change it or batch"
            )
        return {
            "learning_rate": self.learning_rate,
            "lr_scheduler_type": "constant_with_warmup" if self.warmup_steps else "constant",
            "warmup_steps": self.warmup_steps,
            "per_device_train_batch_size": piece,
            "gradient_accumulation_steps": self.accumulation,
            "save_steps": self.save_steps,
            "seed": self.seed,
            **self.trl,
        }
