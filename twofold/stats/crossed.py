"""What holds for other problems *and* for another training run? Seeds crossed with problems.

Every seed of an arm answers the same problems, so a score has two sources of chance: which problems
were asked, and how that training happened to go. An interval over the problems alone is too narrow
by as much as the seeds differ; with three or five of them that is often most of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from twofold.errors import StatsError
from twofold.stats.bootstrap import MIN_PROBLEMS, MIN_UNLIKE
from twofold.stats.clusters import FloatArray, n_unlike
from twofold.stats.means import mean
from twofold.stats.paired_difference import paired
from twofold.stats.power import detectable_shift
from twofold.types import Comparison, Estimate


def crossed_mean(values_SP: ArrayLike, *, level: float = 0.95, seed: int = 0) -> Estimate:
    """The mean score of an arm that was trained from several seeds.

    Args:
        values_SP: Scores in [0, 1], shape `(seeds, problems)`; NaN = unscored.
        level: Coverage, in (0, 1).
        seed: Of the resampling that one seed, or few problems, fall back to.

    Returns:
        The mean over all scored cells; `n` counts problems. With one seed it is `mean`, whose
        interval does not cover another training run, and `method` says so.

    Raises:
        StatsError: If no cell is scored or one is outside [0, 1].

    Source:
        Two-way clustered variance: Cameron, Gelbach and Miller 2011, "Robust inference with
        multiway clustering", equation 2.11. Departs: its degrees of freedom are Satterthwaite's
        (1946) over the two parts instead of the smaller number of clusters less one, which for two
        seeds would make every interval six times too wide where the seeds agree; and the variance
        is never below the larger of its two parts.

    Example:
        >>> scores = np.tile([1.0, 0.0, 1.0, 1.0], (3, 10))
        >>> print(crossed_mean(scores))
        0.750 [0.610, 0.890] (n=40)
    """
    values = _scored_problems(values_SP)
    plain = mean(_by_problem(values), level=level, seed=seed)
    plain = replace(plain, value=float(np.nanmean(values)), n_unscored=_n_lost(values_SP))
    spread = _Spread.of(values - np.nanmean(values))
    if len(values) == 1:
        return replace(plain, method=f"{plain.method}; one seed, which is not covered")
    return _widened(plain, spread, len(values), clip=(0.0, 1.0), rows=_by_problem(values))


def crossed_paired(
    before_SP: ArrayLike, after_SP: ArrayLike, *, level: float = 0.95, seed: int = 0
) -> Comparison:
    """The difference `after - before` of an arm to its base, paired by problem and seed.

    Args:
        before_SP: Scores in [0, 1], shape `(seeds, problems)`; NaN = unscored.
        after_SP: The same cells after training.
        level: Coverage; `minimum_detectable_effect` uses alpha = 1 - level.
        seed: Of the resampling that one seed, or few problems, fall back to.

    Returns:
        The comparison over the cells that both have. `n_improved` and `n_regressed` count the problems
        whose mean over the seeds went up and down. With one seed it is `paired`.

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
    before, after = np.where(lost, np.nan, before), np.where(lost, np.nan, after)
    n_lost = _n_lost(before)
    before, after = _scored_problems(before), _scored_problems(after)
    found = paired(_by_problem(before), _by_problem(after), level=level, seed=seed)
    value = float(np.nanmean(after - before))
    difference = replace(found.difference, value=value, n_unscored=n_lost)
    difference = replace(
        difference, low=min(difference.low, value), high=max(difference.high, value)
    )
    found = replace(
        found,
        difference=difference,
        before=crossed_mean(before, level=level, seed=seed),
        after=crossed_mean(after, level=level, seed=seed),
    )
    if len(before) == 1:
        return found
    change = after - before
    spread = _Spread.of(change - value)
    wide = _widened(difference, spread, len(before), clip=(-1.0, 1.0), rows=_by_problem(change))
    if spread.variance == 0:
        return replace(found, difference=wide)
    reach = abs(value) / spread.variance**0.5
    return replace(
        found,
        difference=wide,
        p=max(found.p, float(2 * student.sf(reach, spread.df))),
        minimum_detectable_effect=detectable_shift(spread.variance**0.5, level=level),
        test="t, two-way clustered by problem and seed; never below the test by problem alone",
    )


def retained(
    before_SP: ArrayLike, reference_SP: ArrayLike, after_SP: ArrayLike, *, level: float = 0.95
) -> Estimate:
    """Which share of one arm's gain over the base does another arm have, too?

    Args:
        before_SP: The base's scores, shape `(seeds, problems)`, NaN = unscored.
        reference_SP: The arm whose gain counts as 1.
        after_SP: The arm that is asked about.
        level: Coverage.

    Returns:
        (after - before) / (reference - before) over the cells that all three have; above 1 where
        the arm gained more. The interval is the ratio's linearisation.

    Raises:
        StatsError: If the reference's gain is not clearly above zero: a share of nothing is no
            number. Take a reference that gained, or more problems.

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
    gain = crossed_paired(before, reference, level=level)
    if not gain.difference.low > 0:
        raise StatsError(
            f"the reference gained {gain.difference}, not clearly above zero, so there is no share "
            "of it to keep; take an arm that gained, or more problems"
        )
    share = float(np.nanmean(after - before)) / gain.difference.value
    linear = ((after - before) - share * (reference - before)) / gain.difference.value
    spread = _Spread.of(linear)
    reach = float(student.ppf((1 + level) / 2, spread.df)) * spread.variance**0.5
    return Estimate(
        value=share,
        low=share - reach,
        high=share + reach,
        n=before.shape[1],
        n_unscored=_n_lost(stack[0]),
        level=level,
        method=f"linearised ratio, {_COVERED.format(len(before))}",
    )


_COVERED = "two-way clustered by problem and {} seeds"


@final
@dataclass(frozen=True)
class _Spread:
    """Variance of a mean over cells, and the degrees of freedom that it is known with."""

    variance: float
    df: float

    @classmethod
    def of(cls, residuals_SP: FloatArray) -> _Spread:
        """From the cells' distances to the mean, NaN where a cell is not scored."""
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


def _cluster_variance(totals: FloatArray, n_clusters: int, n: int) -> float:
    """Variance of a mean of `n` cells from the totals of its clusters' residuals."""
    return (
        0.0 if n_clusters < 2 else float((totals**2).sum()) / n**2 * n_clusters / (n_clusters - 1)
    )


def _widened(
    plain: Estimate, spread: _Spread, n_seeds: int, *, clip: tuple[float, float], rows: FloatArray
) -> Estimate:
    """The interval over problems and seeds.

    With few problems, or scores that hardly differ, the normal form is not to be trusted, and the
    interval over problems alone (which errs on the wide side there) is its least extent.
    """
    reach = float(student.ppf((1 + plain.level) / 2, spread.df)) * spread.variance**0.5
    low, high = max(plain.value - reach, clip[0]), min(plain.value + reach, clip[1])
    if len(rows) < MIN_PROBLEMS or n_unlike(rows) < MIN_UNLIKE or spread.variance == 0:
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
