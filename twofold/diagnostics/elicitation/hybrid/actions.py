"""What is done where a gate fires? The tuned model's token is drawn, or the base's own step is steered."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

import torch

from twofold.diagnostics.elicitation.hybrid.categories import Labelling
from twofold.diagnostics.elicitation.hybrid.step import Step
from twofold.diagnostics.elicitation.hybrid.vectors import Vectors
from twofold.errors import ModelError


@dataclass(frozen=True, eq=False)
class Action(ABC):
    """What gives the logits of the next token of the rows that a gate chose."""

    needs_tuned: ClassVar[bool] = True

    @property
    def steered_layer(self) -> int | None:
        """The layer of the base whose output is changed, if any."""
        return None

    @property
    def tuned_layers(self) -> frozenset[int]:
        """Layers of the tuned model whose outputs are read."""
        return frozenset()

    @abstractmethod
    def logits(self, step: Step, fires_B: torch.Tensor) -> torch.Tensor:
        """The logits, shape (rows, vocabulary); only those of rows in `fires_B` count."""


@final
@dataclass(frozen=True, eq=False)
class TakeTuned(Action):
    """The tuned model's own token."""

    def logits(self, step: Step, fires_B: torch.Tensor) -> torch.Tensor:
        """The tuned model's logits."""
        return step.both_BV[1]


@final
@dataclass(frozen=True, eq=False)
class Steer(Action):
    """The base's own token, after `alpha(h, c) * V_c` was added at one layer's output, at this position only.

    Args:
        vectors: The vectors and how strongly each is added.
        labelling: What names the category c.
    """

    vectors: Vectors
    labelling: Labelling
    needs_tuned: ClassVar[bool] = False  # unless the labelling does

    @property
    def steered_layer(self) -> int | None:
        """That of the vectors."""
        return self.vectors.layer

    @property
    def tuned_layers(self) -> frozenset[int]:
        """That of the labelling."""
        layer = self.labelling.tuned_layer
        return frozenset() if layer is None else frozenset({layer})

    def logits(self, step: Step, fires_B: torch.Tensor) -> torch.Tensor:
        """The base's logits after the shift."""
        hidden_BD, steered = step.base.hidden[self.vectors.layer], step.base.steered
        assert steered is not None
        if hidden_BD.shape[1] != self.vectors.width:
            raise ModelError(
                f"the vectors are {self.vectors.width} wide, and layer {self.vectors.layer} is "
                f"{hidden_BD.shape[1]}; take the vectors that were fitted on this base"
            )
        self.vectors.to(hidden_BD.device)
        shift_BD = self.vectors.shift(hidden_BD, self.labelling.of(step))
        shift_BD = torch.where(fires_B[:, None], shift_BD, 0)
        return steered(hidden_BD + shift_BD.to(hidden_BD.dtype))
