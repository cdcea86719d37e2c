"""How much would a mean move with other problems? The BCa bootstrap over problems.

A resample draws problems, with all their samples, with replacement. Since every statistic here is
a function of column totals, equal rows are drawn together (one multinomial draw a resample), and
leaving one problem out is a subtraction.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import norm

from twofold.stats.clusters import FloatArray

Statistic = Callable[[FloatArray], FloatArray]
"""Column totals, shape `(..., columns)`, to the statistic, shape `(...)`."""

N_RESAMPLES = 2000
"""Resamples of a bootstrap and draws of a permutation test; named in every `method` and `test`."""

BCA = f"bca bootstrap over problems, {N_RESAMPLES} resamples"
"""What `Estimate.method` says of an interval made here."""

MIN_PROBLEMS = 30
"""With fewer problems a bootstrap interval is too short (93 % at 20); a score interval is used."""

MIN_UNLIKE = 5
"""With fewer problems that differ from the commonest one, the same."""

MANY_DISTINCT = 256
"""Up to so many distinct rows they are drawn by their counts, which is quicker than one by one."""


def resampled_totals(rows: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The column totals of each resample of the problems.

    One resample is held in memory at a time, so that 100,000 problems cost no more than a few MB.

    Args:
        rows: Shape `(problems, columns)`.
        rng: Source of all randomness.

    Returns:
        Shape `(N_RESAMPLES, columns)`.

    Example:
        >>> totals = resampled_totals(np.ones((7, 1)), np.random.default_rng(0))
        >>> totals.shape, bool((totals == 7).all())
        ((2000, 1), True)
    """
    n = len(rows)
    distinct, counts = np.unique(rows, axis=0, return_counts=True)
    if len(distinct) <= MANY_DISTINCT:
        return np.asarray(rng.multinomial(n, counts / n, size=N_RESAMPLES) @ distinct)
    totals = np.empty((N_RESAMPLES, rows.shape[1]))
    for total in totals:
        drawn = np.bincount(rng.integers(n, size=n, dtype=np.int32), minlength=n)
        total[:] = drawn @ rows
    return totals


def bca(rows: FloatArray, statistic: Statistic, *, level: float, seed: int) -> tuple[float, float]:
    """The bias-corrected and accelerated bootstrap interval, resampling problems.

    Resamples that tie with the estimate count half in the bias correction: scores are coarse, and
    without it an interval would lean to one side by how ties are counted.

    Args:
        rows: One row a problem, shape `(problems, columns)`; see `cluster_sums`.
        statistic: Of the column totals; must be finite on every resample.
        level: Coverage, in (0, 1).
        seed: Decides the resamples.

    Returns:
        Lower and upper end, with the estimate between them.

    Source:
        Efron 1987, "Better bootstrap confidence intervals"; Efron and Tibshirani 1993, equations
        14.9-14.15. Departs: ties count half.

    Example:
        >>> rows = np.column_stack([np.arange(50) % 2, np.ones(50)])
        >>> low, high = bca(rows, lambda t: t[..., 0] / t[..., 1], level=0.95, seed=0)
        >>> 0.34 <= low <= 0.38, 0.62 <= high <= 0.66
        (True, True)
    """
    total = rows.sum(axis=0)
    seen = float(statistic(total))
    drawn = np.sort(statistic(resampled_totals(rows, np.random.default_rng(seed))))
    below = (np.searchsorted(drawn, seen - 1e-12) + np.searchsorted(drawn, seen + 1e-12)) / 2
    bias = norm.ppf(np.clip(below, 0.5, len(drawn) - 0.5) / len(drawn))
    pull = statistic(total - rows)  # the jackknife, by subtraction
    pull = pull.mean() - pull
    spread = float((pull**2).sum())
    skew = float((pull**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    z = bias + norm.ppf([0.5 - level / 2, 0.5 + level / 2])
    low, high = np.quantile(drawn, norm.cdf(bias + z / (1 - skew * z)))
    return min(float(low), seen), max(float(high), seen)
