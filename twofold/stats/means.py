"""What is the mean score, and how precise is it, with several samples a problem?"""

import numpy as np
from numpy.typing import ArrayLike

from twofold.stats.bootstrap import BCA, bca, is_varied
from twofold.stats.clusters import FloatArray, cluster_sums, effective_n, ratio, scores
from twofold.stats.proportions import proportion, wilson_bounds
from twofold.types import Estimate


def mean(
    values: ArrayLike, clusters: ArrayLike | None = None, *, n_unscored: int = 0, seed: int = 0
) -> Estimate:
    """The mean over samples, its interval clustered by problem.

    - 0/1 scores, one a problem: Wilson's interval.
    - 30 problems or more, of which 5 differ from the most common value: BCa bootstrap over problems.
    - otherwise Wilson with the effective number of problems, which is conservative.

    Args:
        values: Scores in [0, 1], shape `(samples,)`, unscored ones left out.
        clusters: The problem of each sample, integers; None = one sample a problem.
        n_unscored: Problems left out because none of their samples could be judged.
        seed: Of the bootstrap.

    Raises:
        StatsError: No value, a value outside [0, 1], or `clusters` of another length.

    Source:
        Miller 2024, "Adding error bars to evals", section 2.2, for clustering by question; Dean
        and Pagano 2015 for Wilson with an effective n. Departs: bootstrap instead of a clustered
        standard error, so the interval stays in [0, 1] and may be asymmetric.

    Example:
        >>> print(mean([1, 0, 1, 1, 1, 1], clusters=[0, 0, 1, 1, 2, 2]))
        0.833 [0.310, 0.982] (n=3)
    """
    rows = cluster_sums(scores(values), clusters)
    if is_binary(rows):
        return proportion(int(rows[:, 0].sum()), len(rows), n_unscored=n_unscored)
    value = float(ratio(rows.sum(axis=0)))
    if is_varied(ratio(rows)):
        (low, high), method = bca(rows, ratio, seed=seed), BCA
    else:
        low, high = wilson_bounds(value, effective_n(rows[:, 1]))
        method = "wilson on the effective number of problems"
    return Estimate(
        value=value, low=low, high=high, n=len(rows), n_unscored=n_unscored, method=method
    )


def is_binary(rows: FloatArray) -> bool:
    """Whether every problem of `cluster_sums` has one sample, and it is 0 or 1."""
    return bool((rows[:, -1] == 1).all() and np.isin(rows[:, :-1], (0.0, 1.0)).all())
