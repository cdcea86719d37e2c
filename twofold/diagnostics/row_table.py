"""The rows of one diagnostic as columns, and columns as records of a finding.

A column holds one value for each unit (a problem, an instance); two columns are compared on the units
that both have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, final

from twofold.errors import StatsError
from twofold.stats import change, corrected, mean, paired
from twofold.storage.jsonl import Row
from twofold.types import ALL, Comparison, Contrast, Estimate, Measure, Slice


@final
@dataclass(frozen=True)
class Column:
    """A value for each scored unit, and all units that were asked."""

    values: Mapping[Any, float]
    asked: AbstractSet[Any]

    @classmethod
    def of(cls, scores: Mapping[Any, float | None]) -> Column:
        """From a score for each unit that was asked; None = unscored."""
        scored = {unit: float(score) for unit, score in scores.items() if score is not None}
        return cls(scored, scores.keys())


@final
@dataclass(frozen=True)
class RowTable:
    """Saved rows of `model`, `baseline` or both."""

    rows: Sequence[Row]
    by: str = "condition"  # the key of the condition: how the model was asked
    unit: str = "problem"  # the key of the unit that values are paired by
    seed: int = 0

    def roles(self) -> list[str]:
        """The roles with rows, `model` first."""
        return sorted({row["role"] for row in self.rows}, reverse=True)

    @property
    def is_pair(self) -> bool:
        """Whether model and baseline both have rows."""
        return set(self.roles()) == {"model", "baseline"}

    def select(self, role: str, condition: str | None = None) -> list[Row]:
        """The rows of a role, under one condition or all."""
        rows = [row for row in self.rows if row["role"] == role]
        return [row for row in rows if condition is None or row[self.by] == condition]

    def column(self, role: str, condition: str, field: str) -> Column:
        """A field of the rows by unit; a list is averaged over its scored values."""
        return Column.of(
            {row[self.unit]: _mean(row.get(field)) for row in self.select(role, condition)}
        )

    def measure(
        self,
        role: str,
        condition: str,
        metric: str,
        column: Column,
        *,
        slice: Slice = ALL,
        estimator: Callable[..., Estimate] = mean,
    ) -> Iterator[Measure]:
        """The mean of a column, if there is one.

        `estimator` is `stats.mean` for values in [0, 1], `stats.average` for any numbers.
        """
        lost, values = len(column.asked) - len(column.values), [*column.values.values()]
        try:
            estimate = estimator(values, n_unscored=lost)
        except StatsError:
            return
        yield from filed(role, metric, estimate, condition=condition, slice=slice)

    def contrast(
        self,
        names: tuple[str, str, str, str],
        before: Column,
        after: Column,
        *,
        slice: Slice = ALL,
        test: Callable[..., Comparison] = paired,
    ) -> Iterator[Contrast]:
        """`after - before` on the units that both have, if there are enough.

        `names` are role, versus, condition and metric. `test` is `stats.paired` for values in [0, 1],
        `stats.change` for any numbers.
        """
        shared = sorted(before.values.keys() & after.values.keys())
        try:
            comparison = test(
                [before.values[unit] for unit in shared],
                [after.values[unit] for unit in shared],
                n_unscored=len(before.asked & after.asked) - len(shared),
                seed=self.seed,
            )
        except StatsError:
            return
        role, versus, condition, metric = names
        yield from compared(role, versus, metric, comparison, condition=condition, slice=slice)

    def within(
        self, role: str, versus: str, condition: str, metric: str, field: str = ""
    ) -> Iterator[Contrast]:
        """One condition minus another in the same role; `field` is the rows' name of the metric."""
        old, new = (self.column(role, each, field or metric) for each in (versus, condition))
        return self.contrast((role, versus, condition, metric), old, new)

    def between(self, condition: str, metric: str) -> Iterator[Contrast]:
        """Model minus baseline under one condition."""
        old, new = (self.column(role, condition, metric) for role in ("baseline", "model"))
        return self.contrast(("model", "baseline", condition, metric), old, new)

    def changed(
        self, condition: str, metric: str, column: Callable[[str], Column]
    ) -> Iterator[Contrast]:
        """Model minus baseline of a column that is computed for each role."""
        old, new = either(column("baseline"), column("model"))
        return self.contrast(("model", "baseline", condition, metric), old, new, test=change)

    def minus(self, role: str, first: str, second: str, field: str, *, asked: str) -> Column:
        """One condition minus another by unit, for the units asked under the condition `asked`."""
        left, right = (self.column(role, each, field).values for each in (first, second))
        values = {unit: left[unit] - right[unit] for unit in left if unit in right}
        return Column(values, self.column(role, asked, field).asked)

    def unscored(self, role: str, field: str, conditions: Iterable[str]) -> Iterator[str]:
        """A caveat that names the conditions with rows but without a scored one."""
        columns = {each: self.column(role, each, field) for each in conditions}
        lost = {name: len(each.asked) for name, each in columns.items() if not each.values}
        return unscored_caveat(role, lost)


def either(first: Column, second: Column) -> tuple[Column, Column]:
    """Both columns, counting as asked what was asked on either side."""
    asked = first.asked | second.asked
    return Column(first.values, asked), Column(second.values, asked)


def _mean(value: Any) -> float | None:
    if not isinstance(value, list):
        return None if value is None else float(value)
    scored = [each for each in value if each is not None]
    return sum(scored) / len(scored) if scored else None


def unscored_caveat(role: str, lost: Mapping[str, int]) -> Iterator[str]:
    """Names what has rows but no number; nothing if `lost`, the rows of each, is empty or 0.

    Example:
        >>> list(unscored_caveat("model", {"empty": 3, "first": 0}))
        ['model: no number could be computed for empty (of 3 rows); these are left out, not zero.']
    """
    names = [f"{name} (of {n} rows)" for name, n in lost.items() if n]
    if names:
        yield (
            f"{role}: no number could be computed for {', '.join(names)}; these are left out, not zero."
        )


def filed(
    role: str, metric: str, estimate: Estimate | None, *, condition: str = "", slice: Slice = ALL
) -> Iterator[Measure]:
    """The measure, or nothing without an estimate."""
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
    """The contrast, or nothing without a comparison."""
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
    """A family of contrasts with Holm's correction in each `p_adjusted`."""
    family = list(contrasts)
    adjusted = corrected({i: each.comparison for i, each in enumerate(family)})
    return [replace(each, comparison=adjusted[i]) for i, each in enumerate(family)]
