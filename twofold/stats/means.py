"""What is the mean score, and how precise is it, with several samples a problem?"""

import numpy as np
from numpy.typing import ArrayLike

from twofold.stats.clusters import FloatArray, cluster_sums, ratio, scores
from twofold.stats.proportions import proportion, wilson_bounds
from twofold.stats.spread import effective_n
from twofold.types import Estimate


def mean(values: ArrayLike, clusters: ArrayLike | None = None, *, n_unscored: int = 0) -> Estimate:
    """The mean over samples, its interval clustered by problem.

    It is Wilson's interval: for 0/1 scores, one a problem, on the number of problems; otherwise on
    the number of such problems that would tell as much.

    Args:
        values: Scores in [0, 1], shape `(samples,)`, unscored ones left out.
        clusters: The problem of each sample, integers; None = one sample a problem.
        n_unscored: Problems left out because none of their samples could be judged.

    Raises:
        StatsError: No value, a value outside [0, 1], or `clusters` of another length.

    Source:
        Miller 2024, "Adding error bars to evals", section 2.2, for clustering by question; Dean and
        Pagano 2015, "Evaluating confidence interval methods for binomial proportions in clustered
        surveys", for Wilson's interval with an effective n.

    Example:
        >>> print(mean([1, 0, 1, 1, 1, 1], clusters=[0, 0, 1, 1, 2, 2]))
        0.833 [0.191, 0.999] (n=3)
    """
    samples = scores(values)
    rows = cluster_sums(samples, clusters)
    if is_binary(rows):
        return proportion(int(rows[:, 0].sum()), len(rows), n_unscored=n_unscored)
    value = float(ratio(rows.sum(axis=0)))
    n = effective_n(samples, rows, value * (1 - value))
    low, high = wilson_bounds(value, n)
    return Estimate(
        value=value,
        low=low,
        high=high,
        n=len(rows),
        n_unscored=n_unscored,
        method="modified wilson on the effective number of problems",
    )


def is_binary(rows: FloatArray) -> bool:
    """Whether every problem of `cluster_sums` has one sample, and it is 0 or 1."""
    return bool((rows[:, -1] == 1).all() and np.isin(rows[:, :-1], (0.0, 1.0)).all())
