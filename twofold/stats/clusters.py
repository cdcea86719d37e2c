"""Which numbers belong to one problem? Samples of one problem are not independent; problems are.

Everything that is resampled, permuted or counted as `n` here is a row of `cluster_sums`: the sums
of one problem's values, and how many values it has. A mean over samples is then a ratio of two
column totals, which is what makes bootstrap and jackknife cheap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twofold.errors import StatsError

FloatArray = NDArray[np.float64]
"""An array of doubles."""

ALMOST = 1e-9
"""Scores lie in [0, 1]; sums of them closer than this are equal (1/3 + 1/3 + 1/3 is 1)."""


def scores(values: ArrayLike) -> FloatArray:
    """`values` as doubles, checked: at least one, each in [0, 1].

    Args:
        values: Scores in [0, 1], shape `(samples,)`, unscored ones already left out.

    Raises:
        StatsError: No value, another shape, or a value outside [0, 1] (NaN included): leave out
            what is unscored and pass its count as `n_unscored`.

    Example:
        >>> scores([1, 0, 0.5])
        array([1. , 0. , 0.5])
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise StatsError(
            f"scores must be numbers ({error}); leave out what is unscored and count it in "
            "`n_unscored`"
        ) from error
    if array.ndim != 1:
        raise StatsError(f"scores have shape {array.shape}; pass one flat list, one value a sample")
    if array.size == 0:
        raise StatsError("there is no scored value at all; leave this number out of the finding")
    if not ((array >= 0) & (array <= 1)).all():
        raise StatsError(
            "a score lies outside [0, 1] or is NaN; leave out what is unscored and count it in "
            "`n_unscored`"
        )
    return array


def cluster_sums(columns: FloatArray, clusters: ArrayLike | None) -> FloatArray:
    """The sums of each problem's values, and their number.

    Args:
        columns: Shape `(samples,)` or `(samples, columns)`.
        clusters: The problem of each sample, shape `(samples,)`, any integers; None = every
            sample is a problem of its own.

    Returns:
        Shape `(problems, columns + 1)`, the last column the number of samples, at least 1. Rows
        are in the order of the sorted problem indices.

    Raises:
        StatsError: If `clusters` is not as long as `columns`, or holds other than integers.

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


def effective_n(sizes: FloatArray) -> float:
    """How many equally big problems carry the weight of these: `(sum m)^2 / sum m^2`.

    Args:
        sizes: Samples of each problem, shape `(problems,)`, none negative, not all zero.

    Returns:
        Between 1 and the number of problems; the latter when all are equally big.

    Source:
        Kish 1965, "Survey Sampling", section 11.7.

    Example:
        >>> effective_n(np.array([4.0, 4.0, 4.0]))
        3.0
    """
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def n_unlike(means: FloatArray) -> int:
    """How many problems differ from the most common one: what a resampling can learn from.

    With none, every resample is the same and a bootstrap would be certain of what it cannot know.

    Args:
        means: One value a problem, shape `(problems,)`.

    Example:
        >>> n_unlike(np.array([1.0, 1.0, 0.5, 1.0]))
        1
    """
    counts = np.unique(np.round(means, 9), return_counts=True)[1]
    return len(means) - int(counts.max())
