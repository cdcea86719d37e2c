"""What is a training method? The base type, and what training leaves behind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, final

from twofold.errors import TwofoldError
from twofold.storage.jsonl import Row
from twofold.types import Problem


class TrainingError(TwofoldError):
    """A training run cannot start or go on: settings, data, or numbers that are no numbers."""


@final
@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """A trained model on disk: a Hugging Face folder, or a PEFT adapter's.

    Args:
        folder: Give it to `twofold audit`, or to `twofold.models.resolve`.
        base: What was trained, as it was asked for.
        method: The name of the method.
        n_steps: Optimiser steps made, over all rounds.
    """

    folder: Path
    base: str
    method: str
    n_steps: int


class Method(ABC):
    """A way to train; its fields are its settings.

    Subclasses are `@final @dataclass(frozen=True, kw_only=True)` and import what is heavy when they
    train, so that a wrong setting is told at once.
    """

    name: ClassVar[str]  # what `twofold train NAME` calls it

    @abstractmethod
    def rows(self, problems: Sequence[Problem]) -> list[Row]:
        """The data set that training reads, from the problems alone; what `--dry-run` shows."""

    @abstractmethod
    def train(
        self,
        base: str,
        problems: Sequence[Problem],
        *,
        out: Path,
        eval_problems: Sequence[Problem] = (),
    ) -> TrainedModel:
        """Train `base` on `problems` and write the model to `out`.

        The same call again goes on where the last one was stopped, and does nothing if it is done.

        Args:
            base: A MODEL with local weights; see `twofold.models.resolve`.
            problems: What is trained on, at least one.
            out: Where the model and the checkpoints on the way go.
            eval_problems: Problems of their own that accuracy, compliance and length are followed on.

        Raises:
            TrainingError: If a setting does not fit, there is no data, the loss is no number, or
                `out` holds another run.
            ModelError: If the base cannot be loaded or has no chat template.
        """
