"""What is the mean of a number that has no ceiling (nats, tokens, seconds)?

The unit is the problem, as everywhere: values of one problem are averaged with their number as
weight, and intervals are made over problems. With too few problems for a bootstrap, Student's t
on the problems' means, whose width owns up to how few they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from twofold.errors import StatsError
from twofold.stats.bootstrap import BCA, MIN_PROBLEMS, MIN_UNLIKE, bca
from twofold.stats.clusters import FloatArray, cluster_sums, n_unlike
from twofold.stats.paired_difference import sign_flip
from twofold.types import Comparison, Estimate


def average(
    values: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    n_unscored: int = 0,
    level: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """The mean of real values, its interval clustered by problem.

    Args:
        values: Any finite numbers, shape `(samples,)`, unscored ones left out.
        clusters: The problem of each sample, integers; None = one sample a problem.
        n_unscored: Problems left out because nothing of theirs could be scored.
        level: Coverage, in (0, 1).
        seed: Decides the bootstrap's resamples.

    Returns:
        The estimate. From 30 problems on, BCa over problems; below, Student's t on their means.

    Raises:
        StatsError: No value, one that is not finite, or a single problem (whose spread nobody knows).

    Example:
        >>> print(average([1.0, 2.0, 3.0]))
        2.000 [-0.484, 4.484] (n=3)
    """
    rows = cluster_sums(_finite(values), clusters)
    if len(rows) < 2:
        raise StatsError("one problem has no interval; measure at least two, or leave this out")
    value = float(_mean(rows.sum(axis=0)))
    means = rows[:, 0] / rows[:, 1]
    if len(rows) >= MIN_PROBLEMS and n_unlike(means) >= MIN_UNLIKE:
        low, high = bca(rows, _mean, level=level, seed=seed)
        method = BCA
    else:
        half = float(student.ppf((1 + level) / 2, len(rows) - 1) * means.std(ddof=1))
        half /= float(np.sqrt(len(rows)))
        low, high, method = value - half, value + half, "Student's t over problems"
    return Estimate(
        value=value,
        low=low,
        high=high,
        n=len(rows),
        n_unscored=n_unscored,
        level=level,
        method=method,
    )


def change(
    before: ArrayLike,
    after: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    n_unscored: int = 0,
    level: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """The paired difference `after - before` of real values on the same problems.

    Args:
        before: Any finite numbers, shape `(samples,)`; samples unscored on either side left out.
        after: The same samples in the same order.
        clusters: The problem of each sample, integers; None = one sample a problem.
        n_unscored: Problems left out because no pair of theirs could be scored.
        level: Coverage.
        seed: Decides resamples and random sign flips.

    Returns:
        The comparison, its test the sign flip by problem. `minimum_detectable_effect` is 2.8
        standard errors of
        the difference (80 % power at 5 %), for other levels in proportion.

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
    moved = cluster_sums(new - old, clusters)
    p, test = sign_flip(moved[:, 0], seed=seed)
    difference = average(new - old, clusters, n_unscored=n_unscored, level=level, seed=seed)
    means = moved[:, 0] / moved[:, 1]
    error = float(means.std(ddof=1) / np.sqrt(len(means)))
    normal = float(student.ppf((1 + level) / 2, 10**6) + student.ppf(0.8, 10**6))
    return Comparison(
        difference=difference,
        before=average(old, clusters, n_unscored=n_unscored, level=level, seed=seed),
        after=average(new, clusters, n_unscored=n_unscored, level=level, seed=seed),
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
        raise StatsError("a value is not finite; leave out what is unscored and count it")
    return array


def _mean(totals: FloatArray) -> FloatArray:
    return np.asarray(totals[..., 0] / totals[..., 1])
