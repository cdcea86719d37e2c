"""What holds for other problems *and* another training run? Seeds crossed with problems.

Every seed of an arm answers the same problems, so a score varies over problems and over training runs.
An interval over the problems alone is too narrow by the variance between seeds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from twofold.errors import StatsError
from twofold.stats.bootstrap import is_varied
from twofold.stats.clusters import FloatArray
from twofold.stats.means import mean
from twofold.stats.paired_difference import paired
from twofold.stats.power import detectable_shift
from twofold.stats.proportions import LEVEL
from twofold.types import Comparison, Estimate


def crossed_mean(values_SP: ArrayLike, *, seed: int = 0) -> Estimate:
    """The mean score of an arm that was trained from several seeds.

    Args:
        values_SP: Scores in [0, 1], shape `(seeds, problems)`; NaN = unscored.
        seed: Of the resampling used with one seed or few problems.

    Returns:
        The mean over all scored cells; `n` counts problems. With one seed it is `mean`, whose
        interval does not cover another training run, and `method` says so.

    Raises:
        StatsError: If no cell is scored or one is outside [0, 1].

    Source:
        Two-way clustered variance: Cameron, Gelbach and Miller 2011, "Robust inference with
        multiway clustering", equation 2.11. Departs: its degrees of freedom are Satterthwaite's
        (1946) over the two parts instead of the smaller number of clusters less one, which with two
        seeds that agree would make every interval six times too wide; and the variance is never
        below the larger of its two parts.

    Example:
        >>> scores = np.tile([1.0, 0.0, 1.0, 1.0], (3, 10))
        >>> print(crossed_mean(scores))
        0.750 [0.610, 0.890] (n=40)
    """
    values = _scored_problems(values_SP)
    value, plain = float(np.nanmean(values)), mean(_by_problem(values), seed=seed)
    plain = replace(plain, value=value, n_unscored=_n_lost(values_SP))
    if len(values) == 1:
        return replace(plain, method=f"{plain.method}; one seed, which is not covered")
    spread = _Spread.of(values - np.nanmean(values))
    return _widened(plain, spread, len(values), clip=(0.0, 1.0), rows=_by_problem(values))


def crossed_paired(before_SP: ArrayLike, after_SP: ArrayLike, *, seed: int = 0) -> Comparison:
    """The difference `after - before` of an arm to its base, paired by problem and seed.

    Args:
        before_SP: Scores in [0, 1], shape `(seeds, problems)`; NaN = unscored.
        after_SP: The same cells after training.
        seed: Of the resampling used with one seed or few problems.

    Returns:
        The comparison over the cells that both have; with one seed it is `paired`.

    Raises:
        StatsError: If the shapes differ or no cell is scored on both sides.

    Source:
        As `crossed_mean`; p from the same t statistic.

    Example:
        >>> before = np.tile([0.0, 0.0, 1.0, 1.0], (2, 10))
        >>> after = np.tile([1.0, 0.0, 1.0, 1.0], (2, 10))
        >>> print(crossed_paired(before, after).difference)
        0.250 [0.110, 0.390] (n=40)
    """
    before, after = np.asarray(before_SP, dtype=float), np.asarray(after_SP, dtype=float)
    if before.shape != after.shape or before.ndim != 2:
        raise StatsError(
            f"scores before have the shape {before.shape}, after {after.shape}; give both as "
            "(seeds, problems)"
        )
    lost = np.isnan(before) | np.isnan(after)
    before, after = (_scored_problems(np.where(lost, np.nan, side)) for side in (before, after))
    found = paired(_by_problem(before), _by_problem(after), seed=seed)
    plain, value = found.difference, float(np.nanmean(after - before))
    plain = replace(
        plain,
        value=value,
        low=min(plain.low, value),
        high=max(plain.high, value),
        n_unscored=int(lost.all(axis=0).sum()),
    )
    found = replace(
        found,
        difference=plain,
        before=crossed_mean(before, seed=seed),
        after=crossed_mean(after, seed=seed),
    )
    if len(before) == 1:
        return found
    change = after - before
    spread = _Spread.of(change - value)
    wide = _widened(plain, spread, len(before), clip=(-1.0, 1.0), rows=_by_problem(change))
    if spread.variance == 0:
        return replace(found, difference=wide)
    reach = abs(value) / spread.variance**0.5
    return replace(
        found,
        difference=wide,
        p=max(found.p, float(2 * student.sf(reach, spread.df))),
        minimum_detectable_effect=detectable_shift(spread.variance**0.5),
        test="t, two-way clustered by problem and seed; never below the test by problem alone",
    )


def retained(before_SP: ArrayLike, reference_SP: ArrayLike, after_SP: ArrayLike) -> Estimate:
    """The share of one arm's gain over the base that another arm keeps.

    Returns:
        (after - before) / (reference - before) over the cells that all three have, each of shape
        `(seeds, problems)` with NaN = unscored; above 1 if the arm gained more.

    Raises:
        StatsError: If the reference's gain is not significantly above zero. Take a reference that
            gained, or more problems.

    Source:
        Linearised ratio: Cochran 1977, "Sampling Techniques", equation 6.13, with the variance of
        `crossed_mean`.

    Example:
        >>> base = np.tile([0.0, 0.0, 1.0, 1.0], (2, 20))
        >>> best = np.tile([1.0, 0.0, 1.0, 1.0], (2, 20))
        >>> print(retained(base, best, best).value)
        1.0
    """
    stack = np.stack([np.asarray(a, dtype=float) for a in (before_SP, reference_SP, after_SP)])
    stack = np.where(np.isnan(stack).any(axis=0), np.nan, stack)
    before, reference, after = (_scored_problems(values) for values in stack)
    gain = crossed_paired(before, reference).difference
    if not gain.low > 0:
        raise StatsError(
            f"the reference gained {gain}, not significantly above zero, so there is no share "
            "of it to keep; take an arm that gained, or more problems"
        )
    share = float(np.nanmean(after - before)) / gain.value
    spread = _Spread.of(((after - before) - share * (reference - before)) / gain.value)
    return Estimate(
        value=share,
        low=share - spread.reach,
        high=share + spread.reach,
        n=before.shape[1],
        n_unscored=_n_lost(stack[0]),
        method=f"linearised ratio, {_COVERED.format(len(before))}",
    )


_COVERED = "two-way clustered by problem and {} seeds"


@final
@dataclass(frozen=True)
class _Spread:
    """Variance of a mean over cells, and its degrees of freedom."""

    variance: float
    df: float

    @classmethod
    def of(cls, residuals_SP: FloatArray) -> _Spread:
        """From the cells' distances to the mean, NaN = unscored."""
        n_seeds, n_problems = residuals_SP.shape
        filled = np.nan_to_num(residuals_SP)
        n = int((~np.isnan(residuals_SP)).sum())
        by_problem = _cluster_variance(filled.sum(axis=0), n_problems, n)
        by_seed = _cluster_variance(filled.sum(axis=1), n_seeds, n)
        by_cell = _cluster_variance(filled.ravel(), n, n)
        parts = [(part, k) for part, k in ((by_problem, n_problems), (by_seed, n_seeds)) if k > 1]
        variance = max(by_problem + by_seed - by_cell, *(part for part, _ in parts), 0.0)
        doubt = sum(part**2 / (k - 1) for part, k in parts)
        return cls(variance, variance**2 / doubt if doubt > 0 else 1.0)

    @property
    def reach(self) -> float:
        """Half the width of the t interval."""
        return float(student.ppf((1 + LEVEL) / 2, self.df) * self.variance**0.5)


def _cluster_variance(totals: FloatArray, n_clusters: int, n: int) -> float:
    """Variance of a mean of `n` cells from the totals of its clusters' residuals."""
    if n_clusters < 2:
        return 0.0
    return float((totals**2).sum()) / n**2 * n_clusters / (n_clusters - 1)


def _widened(
    plain: Estimate, spread: _Spread, n_seeds: int, *, clip: tuple[float, float], rows: FloatArray
) -> Estimate:
    """The interval over problems and seeds.

    With few problems, or scores that hardly differ, it is at least as wide as that over problems alone.
    """
    low, high = max(plain.value - spread.reach, clip[0]), min(plain.value + spread.reach, clip[1])
    if not is_varied(rows) or spread.variance == 0:
        low, high = min(low, plain.low), max(high, plain.high)
    return replace(plain, low=low, high=high, method=_COVERED.format(n_seeds))


def _scored_problems(values_SP: ArrayLike) -> FloatArray:
    """Without the problems that no seed has a score for."""
    values = np.asarray(values_SP, dtype=float)
    if values.ndim != 2:
        raise StatsError(f"scores have the shape {values.shape}; give them as (seeds, problems)")
    kept = values[:, ~np.isnan(values).all(axis=0)]
    if kept.size == 0:
        raise StatsError("no score to average: every cell is unscored; leave this measure out")
    return kept


def _n_lost(values_SP: ArrayLike) -> int:
    """Problems that no seed has a score for."""
    return int(np.isnan(np.asarray(values_SP, dtype=float)).all(axis=0).sum())


def _by_problem(values_SP: FloatArray) -> FloatArray:
    """Each problem's mean over the seeds that have a score for it."""
    return np.asarray(np.nanmean(values_SP, axis=0))
