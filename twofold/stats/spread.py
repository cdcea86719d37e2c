"""How precisely is a mean known? Its variance, with the degrees of freedom of that estimate.

A variance estimated from few problems or few training runs is itself uncertain: Student's t allows for
that. For shares, `effective_n` turns both into the number of independent 0/1 problems that would tell
as much, to be used in a score interval, which stays in its range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.special import stdtrit

from twofold.stats.clusters import FloatArray, kish, n_unlike, ratio
from twofold.stats.proportions import LEVEL, Z

# Problems that must differ from the most common value before their variance is relied on.
MIN_UNLIKE = 5


@final
@dataclass(frozen=True)
class Spread:
    """The variance of a mean, and the degrees of freedom of its estimate."""

    variance: float
    df: float

    @classmethod
    def over_problems(cls, rows: FloatArray) -> Spread:
        """Of a mean over samples, clustered by problem; `rows` are the sums and numbers of each.

        Source:
            Cochran 1977, "Sampling Techniques", equation 6.13; Kish's effective number of problems
            less one as degrees of freedom.
        """
        n, weight = len(rows), float(rows[:, -1].sum())
        if n < 2:
            return cls(0.0, 1.0)
        residual = rows[:, 0] - ratio(rows.sum(axis=0)) * rows[:, 1]
        variance = float((residual**2).sum()) * n / (n - 1) / weight**2
        return cls(variance, max(1.0, kish(rows[:, -1]) - 1))

    @classmethod
    def over_problems_and_seeds(cls, residuals_SP: FloatArray) -> Spread:
        """Of a mean over cells, from their distances to it, NaN = unscored.

        The variance is that of the problems plus that of the seeds, counting once the part of single
        cells that both contain (two-way analysis of variance); that of the seeds is never below the
        part of single cells, which is there even if the seeds happen to agree.

        Source:
            Searle, Casella and McCulloch 1992, "Variance components", section 4.7.d. Departs: the
            reciprocal degrees of freedom are averaged by the share of each part in the variance.
            Satterthwaite (1946) averages by the squared share, which is too optimistic here: a part
            known from two to five runs is often far too small by chance (coverage 85 to 93 %).
        """
        runs, by_cell = _of_runs(residuals_SP)
        by_problem = _cluster_variance(np.nan_to_num(residuals_SP).sum(axis=0), _n(residuals_SP))
        return cls._added(by_problem - by_cell, residuals_SP.shape[1], runs)

    @classmethod
    def over_problems_and_both_runs(cls, before_SP: FloatArray, after_TP: FloatArray) -> Spread:
        """Of the difference of two means over cells, each side with training runs of its own.

        The problems are the same on both sides, so their part is that of each problem's change; the
        parts of the runs add up. A side with a single run adds nothing: its runs cannot be seen to differ.

        Args:
            before_SP: Distances of the cells to their mean, NaN = unscored.
            after_TP: The same of the other side, whose runs are others.

        Source:
            As `over_problems_and_seeds`; the runs of both sides are one part, whose degrees of freedom
            are Welch's (1947). Averaging their reciprocals, too, gave 0 to 2 % alarms for 5 %.
        """
        sides = (before_SP, after_TP)
        old, new = (np.nan_to_num(side).sum(axis=0) / _n(side) for side in sides)
        by_problem = _cluster_variance(new - old, 1)
        found = [_of_runs(side) for side in sides if len(side) > 1]
        by_cell = sum(each for _, each in found)
        parts = [runs for runs, _ in found]
        runs = sum(part for part, _ in parts)
        df = runs**2 / sum(part**2 / df for part, df in parts) if runs > 0 else 1.0
        return cls._added(by_problem - by_cell, before_SP.shape[1], (runs, df))

    @classmethod
    def _added(cls, of_problems: float, n_problems: int, runs: tuple[float, float]) -> Spread:
        """The parts of the problems and of the runs, with the degrees of freedom of their sum."""
        parts = [(max(of_problems, 0.0), max(1, n_problems - 1)), runs]
        variance = sum(part for part, _ in parts)
        if not variance > 0:
            return cls(0.0, 1.0)
        return cls(variance, 1 / sum(part / variance / df for part, df in parts))

    @property
    def error(self) -> float:
        """The standard error."""
        return float(self.variance**0.5)

    @property
    def critical(self) -> float:
        """Student's t of the interval."""
        return float(stdtrit(self.df, (1 + LEVEL) / 2))

    @property
    def reach(self) -> float:
        """Half the width of the t interval."""
        return self.critical * self.error

    def effective_n(self, unit_variance: float) -> float:
        """How many independent problems of this variance tell as much, lowered for Student's t.

        Source:
            Korn and Graubard 1998, "Confidence intervals for proportions with small expected number
            of positive counts estimated from survey data"; Dean and Pagano 2015 with Wilson's.
        """
        return unit_variance / self.variance * (Z / self.critical) ** 2


def effective_n(values: FloatArray, rows: FloatArray, unit_variance: float) -> float:
    """How many problems with one 0/1 sample each would tell as much about the mean of `values`.

    It is never below the number of problems, as if all samples of a problem were alike: that is used
    if nothing varies, or if hardly a problem differs and the values are not all 0 or 1 (or -1).

    Args:
        values: The samples.
        rows: Their sums and numbers by problem.
        unit_variance: The variance of a single 0/1 problem at this mean.
    """
    least = kish(rows[:, -1])
    is_coarse = bool(np.isin(values, (-1.0, 0.0, 1.0)).all())
    if unit_variance <= 0 or (not is_coarse and n_unlike(ratio(rows)) < MIN_UNLIKE):
        return least
    by_sample = Spread.over_problems(np.column_stack([values, np.ones(len(values))]))
    spread = max(Spread.over_problems(rows), by_sample, key=lambda each: each.variance)
    return max(least, spread.effective_n(unit_variance)) if spread.variance > 0 else least


def _of_runs(residuals_SP: FloatArray) -> tuple[tuple[float, int], float]:
    """The part of the runs with its degrees of freedom, and the part of single cells."""
    n_runs, n_problems = residuals_SP.shape
    filled, there, n = np.nan_to_num(residuals_SP), ~np.isnan(residuals_SP), _n(residuals_SP)
    by_run = _cluster_variance(filled.sum(axis=1), n)
    cells = filled - _means(filled, there, 0) - _means(filled, there, 1) + filled.sum() / n
    df = n - n_runs - n_problems + 1
    by_cell = float((cells[there] ** 2).sum()) / df / n if df > 0 else 0.0
    return (max(by_run, by_cell), max(1, n_runs - 1)), by_cell


def _n(values: FloatArray) -> int:
    """How many cells are scored."""
    return int((~np.isnan(values)).sum())


def _cluster_variance(totals: FloatArray, n: int) -> float:
    """Variance of a mean of `n` cells from the totals of its clusters' residuals."""
    k = len(totals)
    return float((totals**2).sum()) / n**2 * k / (k - 1) if k > 1 else 0.0


def _means(filled: FloatArray, there: FloatArray, axis: int) -> FloatArray:
    """The means over the scored cells along an axis."""
    return np.asarray(
        filled.sum(axis=axis, keepdims=True) / np.maximum(there.sum(axis=axis, keepdims=True), 1)
    )
