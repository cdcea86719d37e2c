"""Which values belong to one problem? Samples of one problem are dependent; problems are not.

Statistics here are functions of the column totals of `cluster_sums`, and their variance one of its rows.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twofold.errors import StatsError

FloatArray = NDArray[np.float64]

ALMOST = 1e-9  # sums of scores closer than this are equal (1/3 + 1/3 + 1/3 is 1)


def scores(values: ArrayLike) -> FloatArray:
    """`values` as a checked array: shape `(samples,)`, at least one, each in [0, 1].

    Raises:
        StatsError: No value, another shape, or a value outside [0, 1] (NaN included): leave out
            unscored samples and pass their count as `n_unscored`.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise StatsError(
            f"scores must be numbers ({error}); leave out unscored samples and count them in "
            "`n_unscored`"
        ) from error
    if array.ndim != 1:
        raise StatsError(f"scores have shape {array.shape}; pass one flat list, one value a sample")
    if array.size == 0:
        raise StatsError("there is no scored value at all; leave this number out of the finding")
    if not ((array >= 0) & (array <= 1)).all():
        raise StatsError(
            "a score is outside [0, 1] or NaN; leave out unscored samples and count them in "
            "`n_unscored`"
        )
    return array


def cluster_sums(columns: FloatArray, clusters: ArrayLike | None) -> FloatArray:
    """The sum of each problem's values, and in the last column their number; sorted by problem.

    Args:
        columns: Shape `(samples,)` or `(samples, columns)`.
        clusters: The problem of each sample, integers; None = one sample a problem.

    Raises:
        StatsError: If `clusters` is not as long as `columns`, or does not hold integers.

    Example:
        >>> cluster_sums(np.array([1.0, 0.0, 1.0]), [7, 7, 9])
        array([[1., 2.],
               [1., 1.]])
    """
    table = columns.reshape(len(columns), -1)
    table = np.column_stack([table, np.ones(len(table))])
    if clusters is None:
        return table
    problems = np.asarray(clusters)
    if problems.shape != (len(table),) or problems.dtype.kind not in "iu":
        raise StatsError(
            f"clusters have shape {problems.shape} and kind {problems.dtype} for {len(table)} "
            "scores; pass one integer problem index a score"
        )
    names, row = np.unique(problems, return_inverse=True)
    sums = [np.bincount(row, weights=column, minlength=len(names)) for column in table.T]
    return np.column_stack(sums)


def ratio(totals: FloatArray) -> FloatArray:
    """The mean over samples, from the column totals of one value and the number of samples."""
    return np.asarray(totals[..., 0] / totals[..., 1])


def kish(sizes: FloatArray) -> float:
    """The effective number of problems with these numbers of samples: `(sum m)^2 / sum m^2`.

    Source:
        Kish 1965, "Survey Sampling", section 11.7.
    """
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def n_unlike(means: FloatArray) -> int:
    """How many problems differ from the most common value."""
    counts = np.unique(np.round(means, 9), return_counts=True)[1]
    return len(means) - int(counts.max())
