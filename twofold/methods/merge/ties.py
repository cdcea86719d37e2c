"""TIES: only the largest changes of either model, and where they disagree in sign, one side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, final

import torch

from twofold.errors import ModelError
from twofold.methods.merge.recipe import Combine, Recipe, Rows, Trio

if TYPE_CHECKING:
    from twofold.models.checkpoint import Checkpoint

_HALF = 1 << 15  # values of the upper 16 bits of a float32 that is not negative


@final
@dataclass(frozen=True, kw_only=True)
class Ties(Recipe):
    """Base + weight · the merged changes: trimmed, one sign elected, the mean of those that agree.

    Args:
        density: The share of each tensor's numbers that is kept of either model's change, the largest.

    Source:
        Yadav et al. 2023, "TIES-Merging", arXiv 2306.01708, algorithm 1. Departs: trimmed within each
        tensor, not over all of them; numbers that tie with the smallest kept are kept, too.

    Raises:
        ModelError: If the density is not in (0, 1].
    """

    name: ClassVar[str] = "ties"
    density: float = 0.2

    def __post_init__(self) -> None:
        if not 0 < self.density <= 1:
            raise ModelError(f"density is {self.density}; keep a share in (0, 1], such as 0.2")

    def prepared(self, reasoner: Checkpoint, folder: Path) -> Combine:
        """Nothing has to be found beforehand; the thresholds are found tensor by tensor."""
        return self._combined

    def _combined(self, trio: Trio) -> Rows:
        n_rows, width = trio.of_reasoner.tensors[trio.name].matrix
        kept = max(1, round(self.density * n_rows * width))
        # most tensors are one block, which is then read once
        changes = [lru_cache(maxsize=1)(of) for of in (trio.reasoner_change, trio.instruct_change)]

        @cache
        def least() -> list[float]:
            return [threshold(partial(_every, trio, of), kept) for of in changes]

        def rows(start: int, stop: int) -> torch.Tensor:
            trimmed = [
                torch.where(change.abs() >= low, change, 0.0)
                for low, change in zip(least(), (of(start, stop) for of in changes), strict=True)
            ]
            return trio.base(start, stop).add_(agreed(trimmed), alpha=self.weight)

        return rows


def _every(trio: Trio, of: Rows) -> Iterator[torch.Tensor]:
    return (of(*at) for at in trio.blocks())


def agreed(changes: list[torch.Tensor]) -> torch.Tensor:
    """At each place the mean of the changes that have the sign of their sum and are not 0.

    Example:
        >>> one, other = torch.tensor([3.0, 2.0, 0.0, 1.0]), torch.tensor([1.0, -4.0, 5.0, -1.0])
        >>> agreed([one, other]).tolist()
        [2.0, -4.0, 5.0, 0.0]
    """
    sign = torch.sign(torch.stack(changes).sum(dim=0))
    total = torch.zeros_like(sign)
    count = torch.zeros_like(sign)
    for each in changes:
        agrees = (torch.sign(each) == sign) & (sign != 0)
        total += torch.where(agrees, each, 0.0)
        count += agrees
    return total / count.clamp(min=1)


def threshold(blocks: Callable[[], Iterable[torch.Tensor]], kept: int) -> float:
    """The `kept`-th largest absolute value, exactly, from blocks that are read twice.

    The bits of absolute values are ordered as the values are. So a count by the upper half of the bits finds
    the place, and a second one by the lower half within it, the value; all numbers are never in memory.

    Args:
        blocks: Called, it gives the blocks of float32 anew.
        kept: How many numbers are at least as large; at least 1.

    Example:
        >>> numbers = torch.tensor([0.5, -3.0, 2.0, -1.0])
        >>> [threshold(lambda: iter([numbers[:2], numbers[2:]]), k) for k in (1, 2, 4)]
        [3.0, 2.0, 0.5]
    """
    upper, left = _place(_bits(blocks()), kept, shift=16)
    inside = (bits[bits >> 16 == upper] & 0xFFFF for bits in _bits(blocks()))
    lower, _ = _place(inside, left, shift=0)
    bits = torch.tensor([(upper << 16) | lower], dtype=torch.int32)
    return float(bits.view(torch.float32))


def _bits(blocks: Iterable[torch.Tensor]) -> Iterable[torch.Tensor]:
    return (block.abs().view(-1).view(torch.int32) for block in blocks)


def _place(values: Iterable[torch.Tensor], kept: int, *, shift: int) -> tuple[int, int]:
    """The bin that holds the `kept`-th largest value, and how many of it are still to be kept."""
    counts = torch.zeros(2 * _HALF, dtype=torch.int64)
    for each in values:
        counts += torch.bincount(each >> shift, minlength=2 * _HALF)
    from_above = counts.flip(0).cumsum(0)
    at = int(torch.searchsorted(from_above, kept))
    found = 2 * _HALF - 1 - at
    return found, kept - (int(from_above[at]) - int(counts[found]))
