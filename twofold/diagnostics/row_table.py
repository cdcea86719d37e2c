"""The rows of one diagnostic as columns: what every analysis computes from.

A column holds one value for each unit (a problem, an instance); what is unscored is left out of it and
counted beside it. Columns are compared on the units that both have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import final

from twofold.errors import StatsError
from twofold.stats import corrected, mean, paired
from twofold.storage.jsonl import Row
from twofold.types import ALL, Comparison, Contrast, Estimate, Measure, Slice

Column = dict[str, float]
"""A value for each unit that has one."""


@final
@dataclass(frozen=True)
class RowTable:
    """Saved rows with `role` and the unit that they are paired by.

    Args:
        rows: As a diagnostic's `collect` yielded them.
        unit: The key that names the unit.
        seed: Of the resampling.
    """

    rows: Sequence[Row]
    unit: str = "problem"
    seed: int = 0

    def roles(self) -> list[str]:
        """Who answered, `model` first."""
        return sorted({row["role"] for row in self.rows}, reverse=True)

    @property
    def is_pair(self) -> bool:
        """Whether model and baseline both have rows."""
        return set(self.roles()) == {"model", "baseline"}

    def select(self, role: str, **where: str) -> Iterator[Row]:
        """The rows of a role whose other fields are as wanted."""
        for row in self.rows:
            if row["role"] == role and all(row.get(key) == value for key, value in where.items()):
                yield row

    def asked(self, role: str, **where: str) -> set[str]:
        """The units with a row, scored or not."""
        return {row[self.unit] for row in self.select(role, **where)}

    def column(self, measure: str, role: str, **where: str) -> Column:
        """A measure by unit; a list is averaged over what is scored in it."""
        found: Column = {}
        for row in self.select(role, **where):
            value = row.get(measure)
            if isinstance(value, list):
                scored = [each for each in value if each is not None]
                value = sum(scored) / len(scored) if scored else None
            if value is not None:
                found[row[self.unit]] = float(value)
        return found

    def mean(self, column: Column, n_asked: int) -> Estimate | None:
        """The mean of a column in [0, 1]; None if nothing is scored."""
        if not column:
            return None
        return mean([*column.values()], n_unscored=n_asked - len(column), seed=self.seed)

    def paired(
        self,
        before: Column,
        after: Column,
        n_asked: int,
        test: Callable[..., Comparison] = paired,
    ) -> Comparison | None:
        """`after - before` on the units that both have; None if there are too few.

        Args:
            before: One side.
            after: The other.
            n_asked: Units that were asked on both sides.
            test: `stats.paired` for values in [0, 1], `stats.change` for any numbers.
        """
        shared = sorted(before.keys() & after.keys())
        try:
            return test(
                [before[unit] for unit in shared],
                [after[unit] for unit in shared],
                n_unscored=n_asked - len(shared),
                seed=self.seed,
            )
        except StatsError:
            return None


def filed(
    role: str,
    metric: str,
    estimate: Estimate | None,
    *,
    condition: str = "",
    slice: Slice = ALL,
) -> Iterator[Measure]:
    """The measure, or nothing where there is no estimate."""
    if estimate is not None:
        yield Measure(role=role, condition=condition, metric=metric, slice=slice, estimate=estimate)


def compared(
    role: str,
    versus: str,
    metric: str,
    comparison: Comparison | None,
    *,
    condition: str = "",
    slice: Slice = ALL,
) -> Iterator[Contrast]:
    """The contrast, or nothing where there is no comparison."""
    if comparison is not None:
        yield Contrast(
            role=role,
            versus=versus,
            condition=condition,
            metric=metric,
            slice=slice,
            comparison=comparison,
        )


def holm_corrected(contrasts: Iterable[Contrast]) -> list[Contrast]:
    """Contrasts with Holm's correction over all of them in each `p_adjusted`."""
    family = list(contrasts)
    adjusted = corrected({i: each.comparison for i, each in enumerate(family)})
    return [replace(each, comparison=adjusted[i]) for i, each in enumerate(family)]
