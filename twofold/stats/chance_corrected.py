"""Which share of the room above chance was gained? A rate corrected for its null rate."""

import math

import numpy as np
from numpy.typing import ArrayLike

from twofold.errors import StatsError
from twofold.stats.clusters import FloatArray, cluster_sums, kish, n_unlike, ratio, scores
from twofold.stats.proportions import wilson_bounds
from twofold.stats.spread import MIN_UNLIKE, Spread
from twofold.types import Estimate


def chance_corrected(
    stated: ArrayLike,
    null: ArrayLike,
    clusters: tuple[ArrayLike, ArrayLike] | None = None,
    *,
    n_unscored: int = 0,
) -> Estimate:
    """`(p - null) / (1 - null)`: 1 = always met, 0 = as often as unstated, negative = less often.

    It equals `1 - fail / fail_null`, a ratio of two rates on the same problems. The interval is
    Student's t over problems for the logarithm of the ratio. If under 5 problems differ on a side, it
    is made of the two Wilson intervals as if the sides were independent, which is conservative.

    Args:
        stated: Scores in [0, 1] when the constraint was stated, shape `(samples,)`.
        null: Scores when it was not, shape `(other samples,)`.
        clusters: The problem of each sample, for `stated` and for `null`, numbered alike.
            None = one sample a problem on both sides, in the same order.
        n_unscored: Problems left out because they could not be judged.

    Raises:
        StatsError: If the null rate is 1 (leave the rate out and say so in a caveat), if no problem
            is scored on both sides, or if the scores cannot be used.

    Source:
        Cohen 1960 for the form (agreement beyond chance); Katz, Baptista, Azen and Pike 1978,
        "Obtaining confidence intervals for the risk ratio in cohort studies", for the logarithm, here
        with the variance of a linearised ratio over problems; Donner and Zou 2012, "Closed-form
        confidence intervals for functions of the normal mean and standard deviation", equations
        8-9, for the ratio of two rates from their intervals.

    Example:
        >>> print(chance_corrected([1, 1, 1, 0], [1, 0, 0, 0]))
        0.667 [-0.887, 0.983] (n=4)
    """
    rows = _fails(scores(stated), scores(null), clusters)
    if not rows[:, 2].sum() > 0:
        raise StatsError(
            "the null rate is 1: every reply meets the constraint unstated, so nothing can be gained; "
            "leave the rate out and say so in a caveat"
        )
    value = float(_chance_corrected(rows.sum(axis=0)))
    sides = ratio(rows[:, :2]), ratio(rows[:, 2:])
    if min(map(n_unlike, (*sides, sides[0] - sides[1]))) >= MIN_UNLIKE:
        (low, high), method = _log_bounds(rows), "student's t over problems, logarithm of the ratio"
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


def _log_bounds(rows: FloatArray) -> tuple[float, float]:
    """1 - ratio of failure rates, by Student's t for the logarithm of the ratio."""
    fails, null_fails = (ratio(rows[:, side].sum(axis=0)) for side in (slice(2), slice(2, None)))
    n, null_n = rows[:, 1].sum(), rows[:, 3].sum()
    change = rows[:, 0] / n / fails - rows[:, 2] / null_n / null_fails
    change -= rows[:, 1] / n - rows[:, 3] / null_n  # the numbers of samples vary too
    reach = Spread.over_problems(np.column_stack([change, np.full(len(rows), 1 / len(rows))])).reach
    share = float(fails / null_fails)
    return 1 - share * math.exp(reach), 1 - share * math.exp(-reach)


def _independent_bounds(rows: FloatArray) -> tuple[float, float]:
    """1 - ratio of failure rates, from their Wilson intervals (Donner and Zou's MOVER-R)."""
    a = float(rows[:, 0].sum() / rows[:, 1].sum())
    b = float(rows[:, 2].sum() / rows[:, 3].sum())
    a_low, a_high = wilson_bounds(a, kish(rows[:, 1]))
    b_low, b_high = wilson_bounds(b, kish(rows[:, 3]))

    def root(a_end: float, b_end: float) -> float:
        inside = (a * b) ** 2 - a_end * b_end * (2 * a - a_end) * (2 * b - b_end)
        return math.sqrt(max(0.0, inside))

    small = a_low * (2 * a - a_low) / (a * b + root(a_low, b_high)) if a > 0 else 0.0
    large = (a * b + root(a_high, b_low)) / (b_low * (2 * b - b_low))
    return 1 - large, 1 - small
