"""What is the mean score, and how sure is it, when a problem was sampled several times?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from twofold.stats.bootstrap import BCA, MIN_PROBLEMS, MIN_UNLIKE, bca
from twofold.stats.clusters import FloatArray, cluster_sums, effective_n, n_unlike, scores
from twofold.stats.proportions import proportion, wilson_bounds
from twofold.types import Estimate


def mean(
    values: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    n_unscored: int = 0,
    level: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """The mean of per-sample scores, its interval clustered by problem.

    The mean is over samples: each scored sample weighs the same, so a problem with unscored
    samples weighs less, as a ratio of two sums over problems. Which interval:

    - 0/1 scores, one a problem: Wilson.
    - 30 problems or more of which 5 differ from the commonest: BCa bootstrap over problems.
    - else Wilson with the (effective) number of problems, which errs on the wide side. Equal
      scores throughout never give an interval of no width.

    Args:
        values: Scores in [0, 1], shape `(samples,)`, unscored ones left out.
        clusters: The problem of each sample, integers, shape `(samples,)`; None = one sample a
            problem.
        n_unscored: Problems left out because none of their samples could be judged.
        level: Coverage, in (0, 1).
        seed: Decides the bootstrap's resamples.

    Returns:
        The estimate; `n` is the number of problems with a scored sample.

    Raises:
        StatsError: No value, a value outside [0, 1], or `clusters` of another length.

    Source:
        Miller 2024, "Adding error bars to evals", section 2.2, for clustering by question; Dean
        and Pagano 2015 for Wilson with an effective n. Departs: bootstrap instead of a clustered
        standard error, so that the interval stays in [0, 1] and may be lopsided.

    Example:
        >>> print(mean([1, 0, 1, 1, 1, 1], clusters=[0, 0, 1, 1, 2, 2]))
        0.833 [0.310, 0.982] (n=3)
    """
    rows = cluster_sums(scores(values), clusters)
    if is_binary(rows):
        return proportion(int(rows[:, 0].sum()), len(rows), n_unscored=n_unscored, level=level)
    value = float(_ratio(rows.sum(axis=0)))
    if len(rows) >= MIN_PROBLEMS and n_unlike(rows[:, 0] / rows[:, 1]) >= MIN_UNLIKE:
        low, high = bca(rows, _ratio, level=level, seed=seed)
        method = BCA
    else:
        low, high = wilson_bounds(value, effective_n(rows[:, 1]), level)
        method = "wilson on the effective number of problems"
    return Estimate(
        value=value,
        low=low,
        high=high,
        n=len(rows),
        n_unscored=n_unscored,
        level=level,
        method=method,
    )


def is_binary(rows: FloatArray) -> bool:
    """Whether every problem has one sample, and it is 0 or 1.

    Args:
        rows: As `cluster_sums` gives them: sums, then the number of samples in the last column.

    Example:
        >>> is_binary(np.array([[1.0, 1.0], [0.0, 1.0]])), is_binary(np.array([[1.0, 2.0]]))
        (True, False)
    """
    return bool((rows[:, -1] == 1).all() and np.isin(rows[:, :-1], (0.0, 1.0)).all())


def _ratio(totals: FloatArray) -> FloatArray:
    return np.asarray(totals[..., 0] / totals[..., 1])
