"""What is a training method? The base class, and the result of training."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, ClassVar, final

from pydantic import Field

from twofold.errors import TwofoldError
from twofold.storage.jsonl import Row
from twofold.types import Problem

Problems = Sequence[Problem]


# A seed: numpy and torch take no more than 32 bits.
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class TrainingError(TwofoldError):
    """A training run cannot start or continue: settings, data, or a loss that is not finite."""


@final
@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """A trained model on disk; give its Hugging Face or PEFT folder to `twofold audit`."""

    folder: Path
    base: str
    method: str
    n_steps: int


class Method(ABC):
    """A training method; its fields are its settings.

    Subclasses are `@final @dataclass(frozen=True, kw_only=True)` and import heavy packages only
    when they train, so that a wrong setting is reported at once.
    """

    name: ClassVar[str]  # as in `twofold train NAME`
    # Settings that came after a release, and the value at which they change nothing. At it they are left
    # out of what a run or a study is bound to, so that one that was begun before goes on.
    later: ClassVar[Mapping[str, object]] = {}

    # Settings without a default, each with what it may be, which is asked for in words.
    asks: ClassVar[Mapping[str, str]] = {}

    @final
    def bound_to(self) -> dict[str, object]:
        """The settings that decide the result, by name."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}  # type: ignore[arg-type]
        return {k: v for k, v in values.items() if k not in self.later or v != self.later[k]}

    @abstractmethod
    def rows(self, problems: Problems) -> list[Row]:
        """The training rows that follow from the problems alone; `--dry-run` prints them."""

    def check(self, problems: Problems, eval_problems: Problems = ()) -> None:
        """Refuse what would fail later, before a model is loaded; a study asks every arm first.

        Args:
            problems: Training problems.
            eval_problems: Held-out problems.

        Raises:
            TrainingError: If a setting is invalid, or there is nothing to train on.
        """
        if not problems:
            raise TrainingError(f"{self.name} has no problems; check --problems")

    @abstractmethod
    def train(
        self, base: str, problems: Problems, *, out: str | Path, eval_problems: Problems = ()
    ) -> TrainedModel:
        """Train `base` on `problems` and write the model to `out`.

        The same call resumes an interrupted run, and does nothing if the run is finished.

        Args:
            base: A MODEL with local weights; see `twofold.models.resolve`.
            problems: Training problems, at least one.
            out: Folder for the model and its checkpoints.
            eval_problems: Held-out problems; accuracy, compliance and length on them are logged.

        Raises:
            TrainingError: If a setting is invalid, there is no data, the loss is not finite, or
                `out` holds another run.
            ModelError: If the base cannot be loaded or has no chat template.
        """
