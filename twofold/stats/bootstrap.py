"""How much would a mean vary with other problems? The BCa bootstrap over problems.

A resample draws problems, with all their samples, with replacement. Equal rows are drawn together
(one multinomial draw a resample), and leaving one problem out is a subtraction.
"""

from collections.abc import Callable

import numpy as np
from scipy.stats import norm

from twofold.stats.clusters import FloatArray, n_unlike
from twofold.stats.proportions import LEVEL

Statistic = Callable[[FloatArray], FloatArray]  # column totals (..., columns) to (...)

N_RESAMPLES = 2000  # of a bootstrap, and draws of a permutation test
BCA = f"bca bootstrap over problems, {N_RESAMPLES} resamples"

MIN_PROBLEMS = 30  # with fewer, a bootstrap interval is too short (93 % coverage at 20)
MIN_UNLIKE = 5  # problems that differ from the most common value
MANY_DISTINCT = 256  # up to this number of distinct rows, drawing by counts is faster


def is_varied(means: FloatArray) -> bool:
    """Whether a bootstrap over these problems is reliable; otherwise a score interval is used."""
    return len(means) >= MIN_PROBLEMS and n_unlike(means) >= MIN_UNLIKE


def resampled_totals(rows: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The column totals of each resample, `(N_RESAMPLES, columns)`; one in memory at a time."""
    n = len(rows)
    distinct, counts = np.unique(rows, axis=0, return_counts=True)
    if len(distinct) <= MANY_DISTINCT:
        return np.asarray(rng.multinomial(n, counts / n, size=N_RESAMPLES) @ distinct)
    totals = np.empty((N_RESAMPLES, rows.shape[1]))
    for total in totals:
        drawn = np.bincount(rng.integers(n, size=n, dtype=np.int32), minlength=n)
        total[:] = drawn @ rows
    return totals


def bca(rows: FloatArray, statistic: Statistic, *, seed: int) -> tuple[float, float]:
    """The bias-corrected and accelerated bootstrap interval, which contains the estimate.

    Resamples that tie with the estimate count half in the bias correction: scores are coarse. `rows`
    are those of `cluster_sums`; the statistic of the column totals must be finite on every resample.

    Source:
        Efron 1987, "Better bootstrap confidence intervals"; Efron and Tibshirani 1993, equations
        14.9-14.15. Departs: ties count half.

    Example:
        >>> rows = np.column_stack([np.arange(50) % 2, np.ones(50)])
        >>> low, high = bca(rows, lambda t: t[..., 0] / t[..., 1], seed=0)
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
    z = bias + norm.ppf([0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    low, high = np.quantile(drawn, norm.cdf(bias + z / (1 - skew * z)))
    return min(float(low), seen), max(float(high), seen)
