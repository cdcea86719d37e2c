"""What does a resumed run need beside its checkpoint? TRL's count of tokens, and to stop if it is done."""

from typing import Any, final

from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class NothingLeftError(Exception):
    """The checkpoint that was resumed from is the last one: there is no step to train."""


@final
class Resume(TrainerCallback):
    """Ends the training before its first step if none is left; added after all other callbacks.

    The trainer itself looks only after a step, so that a run which was stopped between its last
    checkpoint and its end would be trained for a step more.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer: Any = trainer

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Go on counting, or raise `NothingLeftError`."""
        counts = [row["num_tokens"] for row in state.log_history if "num_tokens" in row]
        if counts:
            self._trainer._total_train_tokens = int(counts[-1])
        if control.should_training_stop or state.global_step >= state.max_steps:
            raise NothingLeftError
