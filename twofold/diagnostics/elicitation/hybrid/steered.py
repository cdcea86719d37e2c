"""What does the base do if a vector is added to it at a few tokens? The hybrid, and its controls.

Recovery means nothing without them: vectors of the same length in random directions, a random category,
random positions, one plain vector for all, and the tuned model's own token at the same positions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal, final

import yaml

from twofold.diagnostics.elicitation.hybrid.actions import Action, Steer, TakeTuned
from twofold.diagnostics.elicitation.hybrid.categories import Labelling, OneLabel, RandomLabel
from twofold.diagnostics.elicitation.hybrid.gates import AtRandom
from twofold.diagnostics.elicitation.hybrid.routed import Routed
from twofold.diagnostics.elicitation.hybrid.routed_decode import Route
from twofold.diagnostics.elicitation.hybrid.vectors import Vectors
from twofold.errors import ModelError
from twofold.models.composed import name_beside
from twofold.storage.os_errors import os_errors
from twofold.storage.writing import replaced

FILE = "hybrid.yaml"
Control = Literal[
    "none", "random_vectors", "random_category", "random_positions", "bias_only", "token_injection"
]
# What a hybrid has to beat. The tuned model's own token is no such floor, but the ceiling of the gate.
FLOORS: tuple[Control, ...] = ("random_vectors", "random_category", "random_positions", "bias_only")
CEILING: Control = "token_injection"


@final
@dataclass(frozen=True, eq=False)
class Hybrid(Routed):
    """The base, with a vector added at one layer's output wherever the gate fires.

    The shift concerns one position and one token: its keys and values are put back afterwards.

    Args:
        base: The model that writes.
        tuned: The model that the gate, or the labelling, reads; None if neither does.
        gate: Where is steered.
        budget: How often at most.
        vectors: What is added; see `fit`.
        labelling: What names the category of a position.
        control: What to do in place of it, one part at a time.
        control_seed: Of a random control.
        rate: For `random_positions`: the share of tokens that the gate steered.
        bias: For `bias_only`: one vector without an MLP, fitted alike.

    Source:
        The code of arXiv 2510.07364 (ICML version). Departs: the gate is a setting; only the layers above
        the steered one are run again.
    """

    name: ClassVar[str] = "hybrid"
    vectors: Vectors | None = None
    labelling: Labelling = field(default_factory=OneLabel)
    control: Control = "none"
    control_seed: int = 0
    rate: float | None = None
    bias: Vectors | None = None

    def __post_init__(self) -> None:
        if self.vectors is None:
            raise ModelError("a hybrid has no vectors; add `vectors`, the file that a fit wrote")
        if self.vectors.n != self.labelling.n:
            raise ModelError(
                f"there are vectors for {self.vectors.n} categories, and the labelling has "
                f"{self.labelling.n}; take those that were fitted together"
            )
        if self.control == "random_positions" and self.rate is None:
            raise ModelError(
                "random_positions needs `rate`, the share of tokens that the gate steered"
            )
        if self.control == "bias_only" and self.bias is None:
            raise ModelError(
                "bias_only needs `bias`, vectors of one category that were fitted alike"
            )
        super().__post_init__()

    def route(self) -> Route:
        """Gate and action, with the part that the control replaces."""
        assert self.gate is not None
        gate = self.gate
        if self.control == "random_positions":
            gate = AtRandom(rate=self.rate or 0.0, seed=self.control_seed)
        return Route(gate, self._action, self.budget)

    @cached_property
    def _action(self) -> Action:
        vectors, labelling = self.vectors, self.labelling
        assert vectors is not None
        if self.control == "token_injection":
            return TakeTuned()
        if self.control == "bias_only":
            assert self.bias is not None
            return Steer(self.bias, OneLabel())
        if self.control == "random_vectors":
            return Steer(vectors.randomised(self.control_seed), labelling)
        if self.control == "random_category":
            return Steer(vectors, RandomLabel(labelling.n, self.control_seed))
        return Steer(vectors, labelling)

    def controls(self, *, rate: float, seed: int = 0) -> Mapping[Control, "Hybrid"]:
        """Every control that can be had: of one category, a random one is the same; a bias is fitted apart.

        Args:
            rate: The share of tokens that this hybrid steered.
            seed: Of the random ones.
        """
        can_be_had = {
            "random_category": self.labelling.n > 1,
            "bias_only": self.bias is not None,
            "token_injection": self.tuned is not None,
        }
        return {
            name: replace(self, control=name, rate=rate, control_seed=seed)
            for name in (*FLOORS, CEILING)
            if can_be_had.get(name, True)
        }

    def save(self, folder: Path) -> Path:
        """Write `hybrid.yaml`, which is a MODEL, with its vectors beside it.

        Returns:
            The YAML file.
        """
        with os_errors(folder, "write", ModelError):
            folder.mkdir(parents=True, exist_ok=True)
        assert self.vectors is not None and self.gate is not None
        file = folder / FILE
        values: dict[str, object] = {"kind": self.name, "base": name_beside(file, self.base)}
        if self.tuned is not None:
            values["tuned"] = name_beside(file, self.tuned)
        values |= {
            "gate": self.gate.described(folder),
            "budget": self.budget.described(folder),
            "vectors": self.vectors.described(folder),
            "labelling": self.labelling.described(folder),
            "control": self.control,
            "control_seed": self.control_seed,
        }
        if self.rate is not None:
            values["rate"] = self.rate
        if self.bias is not None:
            self.bias.save(folder / "bias.safetensors")
            values["bias"] = "bias.safetensors"
        with replaced(file) as out:
            yaml.safe_dump(values, out, sort_keys=False, allow_unicode=True)
        return file
