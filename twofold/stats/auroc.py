"""How well does a number tell two kinds apart? The area under the ROC curve, with its doubt."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm, rankdata

from twofold.errors import StatsError
from twofold.types import Estimate


def auroc(
    positive: ArrayLike, negative: ArrayLike, *, n_unscored: int = 0, level: float = 0.95
) -> Estimate:
    """The chance that a random positive has the larger number than a random negative; a tie is half.

    Args:
        positive: Numbers of the items that should have the larger ones, shape `(items,)`.
        negative: Numbers of the others.
        n_unscored: Items of either kind that have no number.
        level: Coverage, in (0, 1).

    Returns:
        The estimate; 0.5 is chance. The interval is Newcombe's, which stays inside [0, 1] and has a
        width where the two kinds are wholly apart, as DeLong's has not.

    Raises:
        StatsError: If either kind has no item or a number is not finite.

    Source:
        Mann and Whitney 1947 for the area; Newcombe 2006, method 5, for the interval (the Hanley and
        McNeil variance at the bound itself, with N* = (m + n) / 2 - 1).

    Example:
        >>> print(auroc([3, 4, 5], [1, 2, 3]))
        0.944 [0.448, 0.997] (n=6)
    """
    high, low = (np.asarray(x, dtype=np.float64) for x in (positive, negative))
    if not (high.size and low.size):
        raise StatsError("both kinds need at least one item; leave this number out")
    if not (np.isfinite(high).all() and np.isfinite(low).all()):
        raise StatsError("a number is not finite; leave out what is unscored and count it")
    ranks = rankdata(np.concatenate([high, low]))
    m, n = high.size, low.size
    area = float((ranks[:m].sum() - m * (m + 1) / 2) / (m * n))
    bounds = [_bound(area, m, n, side * norm.ppf((1 + level) / 2)) for side in (-1, 1)]
    return Estimate(
        value=area,
        low=bounds[0],
        high=bounds[1],
        n=m + n,
        n_unscored=n_unscored,
        level=level,
        method="Mann-Whitney, Newcombe's interval (method 5)",
    )


def _bound(area: float, m: int, n: int, z: float) -> float:
    """Where the area lies z standard errors of that place away, found by halving."""

    def error(theta: float) -> float:
        star = (m + n) / 2 - 1
        spread = 1 + star * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return float(np.sqrt(max(0.0, theta * (1 - theta) * spread / (m * n))))

    inside, outside = area, 0.0 if z < 0 else 1.0
    for _ in range(60):
        middle = (inside + outside) / 2
        if abs(middle - area) <= abs(z) * error(middle):
            inside = middle
        else:
            outside = middle
    return inside
