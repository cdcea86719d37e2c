"""Which share of the room above chance was gained? A rate corrected for its null rate."""

import math

import numpy as np
from numpy.typing import ArrayLike

from twofold.errors import StatsError
from twofold.stats.bootstrap import BCA, MIN_PROBLEMS, MIN_UNLIKE, bca
from twofold.stats.clusters import FloatArray, cluster_sums, effective_n, n_unlike, ratio, scores
from twofold.stats.proportions import wilson_bounds
from twofold.types import Estimate


def chance_corrected(
    stated: ArrayLike,
    null: ArrayLike,
    clusters: tuple[ArrayLike, ArrayLike] | None = None,
    *,
    n_unscored: int = 0,
    seed: int = 0,
) -> Estimate:
    """`(p - null) / (1 - null)`: 1 = always met, 0 = as often as unstated, negative = less often.

    It equals `1 - fail / fail_null`, a ratio of two rates on the same problems, so the bootstrap
    (BCa) draws problems with both their sides. With under 30 problems that fail unstated, or a side
    that hardly varies, the interval is made of the two Wilson intervals as if the sides were
    independent, which is conservative.

    Args:
        stated: Scores in [0, 1] when the constraint was stated, shape `(samples,)`.
        null: Scores when it was not, shape `(other samples,)`.
        clusters: The problem of each sample, for `stated` and for `null`, numbered alike.
            None = one sample a problem on both sides, in the same order.
        n_unscored: Problems left out because they could not be judged.
        seed: Of the bootstrap.

    Raises:
        StatsError: If the null rate is 1 (leave the rate out and say so in a caveat), if no problem
            is scored on both sides, or if the scores cannot be used.

    Source:
        Cohen 1960 for the form (agreement beyond chance); Donner and Zou 2012, "Closed-form
        confidence intervals for functions of the normal mean and standard deviation", equations
        8-9, for the ratio of two rates from their intervals.

    Example:
        >>> print(chance_corrected([1, 1, 1, 0], [1, 0, 0, 0]))
        0.667 [-0.331, 0.940] (n=4)
    """
    rows = _fails(scores(stated), scores(null), clusters)
    if not rows[:, 2].sum() > 0:
        raise StatsError(
            "the null rate is 1: every reply meets the constraint unstated, so nothing can be gained; "
            "leave the rate out and say so in a caveat"
        )
    value = float(_chance_corrected(rows.sum(axis=0)))
    stated_fails, null_fails = ratio(rows[:, :2]), ratio(rows[:, 2:])
    varied = min(n_unlike(stated_fails), n_unlike(stated_fails - null_fails)) >= MIN_UNLIKE
    if varied and (null_fails > 0).sum() >= MIN_PROBLEMS:  # no resample is without a failure
        (low, high), method = bca(rows, _chance_corrected, seed=seed), BCA
    else:
        (low, high), method = _independent_bounds(rows), "ratio of wilson intervals"
    low, high = min(low, value), max(high, value)
    return Estimate(
        value=value, low=low, high=high, n=len(rows), n_unscored=n_unscored, method=method
    )


def _fails(
    stated: FloatArray, null: FloatArray, clusters: tuple[ArrayLike, ArrayLike] | None
) -> FloatArray:
    """One row a problem: fails stated, samples stated, fails null, samples null."""
    if clusters is None:
        if len(stated) != len(null):
            raise StatsError(
                f"{len(stated)} stated and {len(null)} null scores; give `clusters` to pair them"
            )
        clusters = (np.arange(len(stated)), np.arange(len(null)))
    first, second = cluster_sums(1 - stated, clusters[0]), cluster_sums(1 - null, clusters[1])
    both, left, right = np.intersect1d(
        np.unique(clusters[0]), np.unique(clusters[1]), return_indices=True
    )
    if not len(both):
        raise StatsError("no problem is scored both stated and unstated; there is nothing to pair")
    return np.column_stack([first[left], second[right]])


def _chance_corrected(totals: FloatArray) -> FloatArray:
    return np.asarray(1 - ratio(totals[..., :2]) / ratio(totals[..., 2:]))


def _independent_bounds(rows: FloatArray) -> tuple[float, float]:
    """1 - ratio of failure rates, from their Wilson intervals (Donner and Zou's MOVER-R)."""
    a = float(rows[:, 0].sum() / rows[:, 1].sum())
    b = float(rows[:, 2].sum() / rows[:, 3].sum())
    a_low, a_high = wilson_bounds(a, effective_n(rows[:, 1]))
    b_low, b_high = wilson_bounds(b, effective_n(rows[:, 3]))

    def root(a_end: float, b_end: float) -> float:
        inside = (a * b) ** 2 - a_end * b_end * (2 * a - a_end) * (2 * b - b_end)
        return math.sqrt(max(0.0, inside))

    small = a_low * (2 * a - a_low) / (a * b + root(a_low, b_high)) if a > 0 else 0.0
    large = (a * b + root(a_high, b_low)) / (b_low * (2 * b - b_low))
    return 1 - large, 1 - small
