"""How is a small model taught to think for a frozen one? `twofold train softcot`."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, final

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from twofold.methods.method import Problems, TrainedModel
from twofold.methods.rewards import Reward
from twofold.methods.sft import Sft
from twofold.methods.tuning import Stepped
from twofold.problems.instruction_controls import Instructions
from twofold.storage.jsonl import Row
from twofold.validation import SETTINGS

if TYPE_CHECKING:
    from twofold.methods.softcot.trainable import SoftTrainable


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class SoftCotMethod(Stepped):
    """SoftCoT: train one linear map from a frozen assistant's states to slots in a frozen base's prompt.

    No weight of base or assistant changes, so what the base can do without the slots stays as it is.
    The loss is the next-token loss on the thought and the reply of given demonstrations.

    Args:
        assistant: The MODEL that thinks, with local weights; its tokenizer may be another one.
        demonstrations: As in `sft`, except `applied`.
        instructions: As in `sft`.
        reward: As in `sft`.
        at_least: As in `sft`.
        n_slots: Vectors in the prompt, at least 1. The paper is best with about 6; on the pocket models 16
            do better than 4.
        n_thoughts: Different thoughts for each prompt (SoftCoT++); sample `g` uses thought `g` modulo
            their number.
        contrast: Weight of the term that keeps the thoughts apart (InfoNCE); without effect for one thought.
        learning_rate: Of the projection. The paper has 2e-5, for models of 7 B and more; small ones need
            more.
        epochs: Passes over the demonstrations.

    Source:
        Xu et al. 2025, https://arxiv.org/abs/2502.12134, section 3; several thoughts:
        https://arxiv.org/abs/2505.11484. Departs: the assistant's states are read once; the first vectors
        are as large as the base's embeddings.
    """

    name: ClassVar[str] = "softcot"
    asks: ClassVar[Mapping[str, str]] = {"assistant": "a MODEL with local weights, such as smollm2"}

    assistant: str
    demonstrations: Path | Literal["solutions", "obedient"] = "solutions"
    instructions: Instructions = "original"
    reward: Reward | None = None
    at_least: Annotated[float, Field(ge=0, le=1)] = 1.0
    n_slots: PositiveInt = 16
    n_thoughts: PositiveInt = 1
    contrast: Annotated[float, Field(ge=0)] = 1.0
    learning_rate: PositiveFloat = 1e-3
    epochs: PositiveFloat = 10.0

    def rows(self, problems: Problems) -> list[Row]:
        """One row per demonstration, as in `sft`."""
        return self._shown.rows(problems)

    def check(self, problems: Problems, eval_problems: Problems = ()) -> None:
        """Also refuse demonstrations of none of the problems; see `Method.check`."""
        super().check(problems, eval_problems)
        self._shown.check(problems)

    def train(
        self, base: str, problems: Problems, *, out: str | Path, eval_problems: Problems = ()
    ) -> TrainedModel:
        """Train; see `Method.train`.

        Raises:
            ModelError: Also if the assistant has no local weights, or a prompt does not fit its context.
        """
        self.check(problems, eval_problems)
        from twofold.methods.trl.runner import TrlRunner

        rows = self.rows(problems)
        runner = TrlRunner(self, base, rows, out=Path(out), eval_problems=eval_problems)
        if runner.finished is not None:
            return runner.finished
        trainable: Any = runner.trainable
        kind, data = trainable.trainer(self, rows)
        return runner.run(runner.trainer(kind, lambda: data))

    def trainable(self, base: str) -> "SoftTrainable":
        """The projection, beside both frozen models."""
        from twofold.methods.softcot.trainable import SoftTrainable

        return SoftTrainable(
            base, self.assistant, n_slots=self.n_slots, n_thoughts=self.n_thoughts, seed=self.seed
        )

    def configuration(self) -> tuple[type, dict[str, object]]:
        """See `Stepped.configuration`."""
        from trl.trainer.sft_config import SFTConfig

        return SFTConfig, self.shared_settings() | {
            "num_train_epochs": self.epochs,
            "remove_unused_columns": False,
            "gradient_checkpointing": False,  # there is one layer
        }

    @cached_property
    def _shown(self) -> Sft:
        """The demonstrations, which `sft` reads in the same way."""
        return Sft(
            demonstrations=self.demonstrations,
            instructions=self.instructions,
            reward=self.reward,
            at_least=self.at_least,
            seed=self.seed,
        )
