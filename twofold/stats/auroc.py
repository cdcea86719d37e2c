"""How well does a score separate two classes? The area under the ROC curve, with its interval."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, rankdata

from twofold.errors import StatsError
from twofold.stats.proportions import LEVEL
from twofold.types import Estimate

Floats = NDArray[np.float64]


def auroc(
    positive: ArrayLike, negative: ArrayLike, *, paired: bool = False, n_unscored: int = 0
) -> Estimate:
    """The probability that a random positive scores above a random negative; ties count half.

    Newcombe's interval stays in [0, 1] and, unlike DeLong's, has a width for perfect separation.

    Args:
        positive: Scores of the one class.
        negative: Scores of the other.
        paired: Whether scores at the same place are of one item, which then counts once in n. Pairs that
            vary against each other make the interval wider; pairs that vary together leave it as it is.
        n_unscored: Items without a score, for the estimate.

    Raises:
        StatsError: If either class is empty, a score is not finite, or pairs do not match.

    Source:
        Mann and Whitney 1947 for the area; Newcombe 2006, method 5, for the interval (the Hanley and
        McNeil variance at the bound itself, with N* = (m + n) / 2 - 1); pairs by the placements of
        DeLong et al. 1988, ours in using them to widen Newcombe's interval.

    Example:
        >>> print(auroc([3, 4, 5], [1, 2, 3]))
        0.944 [0.448, 0.997] (n=6)
    """
    high, low = (np.asarray(x, dtype=np.float64) for x in (positive, negative))
    if not (high.size and low.size):
        raise StatsError("both classes need at least one item; leave this number out")
    if paired and high.size != low.size:
        raise StatsError(f"{high.size} and {low.size} scores make no pairs; give one of each item")
    if not (np.isfinite(high).all() and np.isfinite(low).all()):
        raise StatsError("a score is not finite; leave out unscored items and count them")
    ranks = rankdata(np.concatenate([high, low]))
    m, n = high.size, low.size
    area = float((ranks[:m].sum() - m * (m + 1) / 2) / (m * n))
    wider = _dependence(high, low, ranks) if paired else 1.0
    lower, upper = (
        _bound(area, m / wider, n / wider, side * norm.ppf((1 + LEVEL) / 2)) for side in (-1, 1)
    )
    method = "Mann-Whitney, Newcombe's interval (method 5)" + (", by pairs" if paired else "")
    n_items = m if paired else m + n
    return Estimate(
        value=area, low=lower, high=upper, n=n_items, n_unscored=n_unscored, method=method
    )


def _dependence(high: Floats, low: Floats, ranks: Floats) -> float:
    """By how much pairs raise the variance of the area, at least 1."""
    m, n = high.size, low.size
    above = (ranks[:m] - rankdata(high)) / n  # the share of the other class below each score
    below = 1 - (ranks[m:] - rankdata(low)) / m
    apart = float(above.var() + below.var())
    return max(1.0, float((above + below).var()) / apart) if apart else 1.0


def _bound(area: float, m: float, n: float, z: float) -> float:
    """The value that is z of its own standard errors from the area, by bisection."""

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
