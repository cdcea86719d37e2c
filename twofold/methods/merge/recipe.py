"""What is a way of merging? It gives a tensor's new rows from those of the three models."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

import torch

from twofold.errors import ModelError
from twofold.methods.merge.weights import Weights

if TYPE_CHECKING:
    from twofold.models.checkpoint import Checkpoint

# Numbers of a tensor that are in memory at once, of each model.
BLOCK = 1 << 20


@final
@dataclass(frozen=True)
class Trio:
    """One tensor of the three models: blocks of its rows, in float32.

    All methods raise a `ModelError` if a number is not finite: a way of merging might lose it.
    """

    name: str
    of_reasoner: Weights
    of_instruct: Weights
    of_base: Weights

    def reasoner(self, start: int, stop: int) -> torch.Tensor:
        """Rows of the reasoner's tensor."""
        return self._rows(self.of_reasoner, start, stop)

    def reasoner_change(self, start: int, stop: int) -> torch.Tensor:
        """What training made of the base in the reasoner: its task vector."""
        return self.reasoner(start, stop).sub_(self.base(start, stop))

    def instruct_change(self, start: int, stop: int) -> torch.Tensor:
        """What training made of the base in the instruct model."""
        return self._rows(self.of_instruct, start, stop).sub_(self.base(start, stop))

    def base(self, start: int, stop: int) -> torch.Tensor:
        """Rows of the base's tensor."""
        return self._rows(self.of_base, start, stop)

    def _rows(self, of: Weights, start: int, stop: int) -> torch.Tensor:
        found = of.rows(self.name, start, stop)
        if not bool(torch.isfinite(found).all()):
            raise ModelError(f"{self.name} of {of.spec} is not finite; copy that model again")
        return found

    def blocks(self) -> Iterator[tuple[int, int]]:
        """The rows in blocks of about `BLOCK` numbers; none where there is no number."""
        n_rows, width = self.of_reasoner.tensors[self.name].matrix
        if not width:
            return iter(())
        step = max(1, BLOCK // width)
        return ((start, min(start + step, n_rows)) for start in range(0, n_rows, step))


# New rows of a tensor; None where the reasoner's tensor stays as it is.
Rows = Callable[[int, int], torch.Tensor]
Combine = Callable[[Trio], Rows | None]


@dataclass(frozen=True, kw_only=True)
class Recipe(ABC):
    """A way of merging; subclasses are `@final @dataclass(frozen=True)`, their fields are its settings.

    Args:
        weight: How much of the instruct model's change is added; 0 gives the reasoner, except in TIES.
    """

    name: ClassVar[str]
    keeps_embeddings: ClassVar[bool] = False  # then tokens of the chat format may differ
    weight: float = 1.0

    def settings(self) -> dict[str, Any]:
        """What decides the result besides the models, as JSON values."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {"method": self.name, **values}

    @abstractmethod
    def prepared(self, reasoner: Checkpoint, folder: Path) -> Combine:
        """What merges one tensor after the other; what took long to find is kept in `folder`.

        Raises:
            ModelError: If the models cannot be merged so.
        """
