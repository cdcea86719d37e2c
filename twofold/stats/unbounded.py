"""What is the mean of an unbounded number (nats, tokens, seconds), and how did it change?"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from twofold.errors import StatsError
from twofold.stats.bootstrap import BCA, bca, is_varied
from twofold.stats.clusters import FloatArray, cluster_sums, ratio
from twofold.stats.paired_difference import sign_flip
from twofold.stats.proportions import LEVEL
from twofold.types import Comparison, Estimate


def average(
    values: ArrayLike, clusters: ArrayLike | None = None, *, n_unscored: int = 0, seed: int = 0
) -> Estimate:
    """The mean of real values, its interval clustered by problem.

    From 30 problems on the interval is BCa over problems; below, Student's t on the problems' means.

    Arguments as in `mean`, but any finite numbers.

    Raises:
        StatsError: No value, one that is not finite, or a single problem, whose variance is unknown.

    Example:
        >>> print(average([1.0, 2.0, 3.0]))
        2.000 [-0.484, 4.484] (n=3)
    """
    rows = cluster_sums(_finite(values), clusters)
    if len(rows) < 2:
        raise StatsError("one problem has no interval; measure at least two, or leave this out")
    value, means = float(ratio(rows.sum(axis=0))), ratio(rows)
    if is_varied(means):
        (low, high), method = bca(rows, ratio, seed=seed), BCA
    else:
        half = float(student.ppf((1 + LEVEL) / 2, len(rows) - 1) * means.std(ddof=1))
        half /= float(np.sqrt(len(rows)))
        low, high, method = value - half, value + half, "Student's t over problems"
    return Estimate(
        value=value, low=low, high=high, n=len(rows), n_unscored=n_unscored, method=method
    )


def change(
    before: ArrayLike,
    after: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    n_unscored: int = 0,
    seed: int = 0,
) -> Comparison:
    """The paired difference `after - before` of real values, tested by sign flips by problem.

    `minimum_detectable_effect` is 2.8 standard errors of the difference (80 % power at 5 %).

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
        average(values, clusters, n_unscored=n_unscored, seed=seed)
        for values in (new - old, old, new)
    )
    rows = cluster_sums(new - old, clusters)
    p, test = sign_flip(rows[:, 0], seed=seed)
    means = ratio(rows)
    error = float(means.std(ddof=1) / np.sqrt(len(means)))
    normal = float(student.ppf((1 + LEVEL) / 2, 10**6) + student.ppf(0.8, 10**6))
    return Comparison(
        difference=difference,
        before=first,
        after=second,
        n_improved=int((means > 0).sum()),
        n_regressed=int((means < 0).sum()),
        p=p,
        minimum_detectable_effect=normal * error,
        test=test,
    )


def _finite(values: ArrayLike) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise StatsError("there is no value, or not a flat list; leave this number out")
    if not np.isfinite(array).all():
        raise StatsError("a value is not finite; leave out unscored values and count them")
    return array
