"""Task arithmetic: the reasoner, plus what instruction tuning changed in the base."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, final

from twofold.methods.merge.recipe import Combine, Recipe, Rows, Trio

if TYPE_CHECKING:
    from twofold.models.checkpoint import Checkpoint


@final
@dataclass(frozen=True, kw_only=True)
class Arithmetic(Recipe):
    """Reasoner + weight · (instruct − base), number by number.

    Source:
        Ilharco et al. 2023, "Editing models with task arithmetic", arXiv 2212.04089. Departs: the weight of
        the reasoner's own vector is 1.

    Example:
        >>> Arithmetic(weight=0.5).settings()
        {'method': 'arithmetic', 'weight': 0.5}
    """

    name: ClassVar[str] = "arithmetic"

    def prepared(self, reasoner: Checkpoint, folder: Path) -> Combine:
        """Nothing has to be found beforehand."""
        return self._combined

    def _combined(self, trio: Trio) -> Rows:
        return lambda start, stop: trio.reasoner(start, stop).add_(
            trio.instruct_change(start, stop), alpha=self.weight
        )
