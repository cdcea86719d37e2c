"""What does a gate see? What both models make of the reply so far, and where in it each row is."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import final

import torch

from twofold.diagnostics.elicitation.hybrid.reader import Reading
from twofold.errors import ModelError


@final
@dataclass(frozen=True, eq=False)
class Step:
    """The next token of each row, before it is drawn.

    Args:
        base: What the base makes of the reply so far.
        tuned: What the tuned model makes of it; None if it was not asked.
        seeds: The seed of each row's noise.
        n_new: How many tokens each row has.
    """

    base: Reading
    tuned: Reading | None
    seeds: Sequence[int]
    n_new: Sequence[int]

    @property
    def both_BV(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The logits of base and tuned model, without rows of the vocabulary that one of them lacks."""
        base_BV, tuned_BV = self.base.logits_BV, self.of_tuned.logits_BV
        n = min(base_BV.shape[1], tuned_BV.shape[1])
        return base_BV[:, :n], tuned_BV[:, :n]

    @property
    def of_tuned(self) -> Reading:
        """What the tuned model makes of the reply so far."""
        if self.tuned is None:
            raise ModelError("this gate or action reads the tuned model; give one as `tuned`")
        return self.tuned

    def uniform_B(self, *purpose: object) -> torch.Tensor:
        """A number in [0, 1) for each row, from its seed and its place in the reply alone."""
        drawn = [
            int.from_bytes(sha256(repr((*purpose, seed, n)).encode()).digest()[:6], "big") / 2**48
            for seed, n in zip(self.seeds, self.n_new, strict=True)
        ]
        return torch.tensor(drawn, dtype=torch.float64, device=self.base.logits_BV.device)
