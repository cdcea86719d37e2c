"""What is the mean of an unbounded number (nats, tokens, seconds), and how did it change?"""

import numpy as np
from numpy.typing import ArrayLike

from twofold.errors import StatsError
from twofold.stats.clusters import FloatArray, cluster_sums, ratio
from twofold.stats.paired_difference import OVER_PROBLEMS, sign_flip
from twofold.stats.power import detectable_shift
from twofold.stats.spread import Spread
from twofold.types import Comparison, Estimate

# Problems from which their skewness is known well enough to correct for it.
_MIN_SKEWED = 10


def average(
    values: ArrayLike, clusters: ArrayLike | None = None, *, n_unscored: int = 0
) -> Estimate:
    """The mean of real values, its interval clustered by problem.

    It is Student's t over problems, from 10 problems on corrected for their skewness: a few long
    replies among many short ones pull the mean further than the plain t interval reaches.

    Arguments as in `mean`, but any finite numbers.

    Raises:
        StatsError: No value, one that is not finite, or a single problem, whose variance is unknown.

    Source:
        Hall 1992, "On the removal of skewness by transformation", equation 2.4.

    Example:
        >>> print(average([1.0, 2.0, 3.0]))
        2.000 [-0.484, 4.484] (n=3)
    """
    rows = cluster_sums(_finite(values), clusters)
    if len(rows) < 2:
        raise StatsError("one problem has no interval; measure at least two, or leave this out")
    value, spread = float(ratio(rows.sum(axis=0))), Spread.over_problems(rows)
    residual = rows[:, 0] - value * rows[:, 1]
    squares = float((residual**2).sum())
    is_skewed = squares > 0 and len(rows) >= _MIN_SKEWED
    skewness = float((residual**3).sum()) / squares**1.5 if is_skewed else 0.0
    low, high = (
        value - _unskewed(end, skewness) * spread.error
        for end in (spread.critical, -spread.critical)
    )
    return Estimate(
        value=value,
        low=min(low, value),
        high=max(high, value),
        n=len(rows),
        n_unscored=n_unscored,
        method=f"{OVER_PROBLEMS}, corrected for skewness" if is_skewed else OVER_PROBLEMS,
    )


def _unskewed(t: float, k: float) -> float:
    """The t statistic whose cubic transformation `t + k (t^2 / 3 + 1 / 6) + k^2 t^3 / 27` is `t`.

    `k` is the skewness of the problems, divided by the root of their number.
    """
    return t if abs(k) < 1e-9 else float(3 / k * (np.cbrt(1 + k * (t - k / 6)) - 1))


def change(
    before: ArrayLike,
    after: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    n_unscored: int = 0,
    seed: int = 0,
) -> Comparison:
    """The paired difference `after - before` of real values, tested by sign flips by problem.

    Arguments as in `paired`, but any finite numbers.

    Raises:
        StatsError: No pair, unequal lengths, a value that is not finite, or a single problem.

    Example:
        >>> c = change([1.0, 2.0, 3.0, 4.0], [2.0, 3.5, 4.0, 6.0])
        >>> round(c.difference.value, 3), c.n_improved, c.test
        (1.375, 4, 'exact sign-flip test by problem')
    """
    old, new = _finite(before), _finite(after)
    if len(old) != len(new):
        raise StatsError(f"{len(old)} values before, {len(new)} after; pair them sample by sample")
    difference, first, second = (
        average(values, clusters, n_unscored=n_unscored) for values in (new - old, old, new)
    )
    rows = cluster_sums(new - old, clusters)
    p, test = sign_flip(rows[:, 0], seed=seed)
    means, spread = ratio(rows), Spread.over_problems(rows)
    return Comparison(
        difference=difference,
        before=first,
        after=second,
        n_improved=int((means > 0).sum()),
        n_regressed=int((means < 0).sum()),
        p=p,
        minimum_detectable_effect=detectable_shift(spread) if spread.variance > 0 else None,
        test=test,
    )


def _finite(values: ArrayLike) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise StatsError("there is no value, or not a flat list; leave this number out")
    if not np.isfinite(array).all():
        raise StatsError("a value is not finite; leave out unscored values and count them")
    return array
