"""How precise is a share? Score intervals for a proportion and for a paired difference of two.

A score interval holds the true rates that a test would not reject. It has a width at 0 of n and n of
n, where `p +- 2 stderr` has none.
"""

import math

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaincinv, ndtri

from twofold.errors import StatsError
from twofold.stats.clusters import ALMOST
from twofold.types import Estimate

LEVEL = 0.95  # the coverage of every interval
Z = float(ndtri(0.5 + LEVEL / 2))

# Passes or failures up to which an end is a Poisson count's: Wilson's undercovers there.
_FEW_COUNTS = 3
# Passes or failures below which no interval covers close to 95 %: a count moves it too far.
_FEW = 5
# What is then said beside the number.
IF_FEW = "; so few pass or fail that it covers 93 to 99 %"


def wilson_bounds(rate: float, n: float) -> tuple[float, float]:
    """The modified Wilson score interval of a rate in [0, 1], with `rate` between its ends.

    With up to 3 passes (or failures) the near end is that of a Poisson count: Wilson's own excludes
    the truth too often there (coverage 84 % at its worst). For 20 problems or more it covers 92.5 to
    97.5 % if 5 passes and 5 failures are expected, and 92.5 to 99.5 % otherwise, whatever the rate.

    `n`, above 0, need not be whole: with `effective_n` it serves means of scores in [0, 1].

    Source:
        Wilson 1927, "Probable inference, the law of succession, and statistical inference"; Brown, Cai
        and DasGupta 2001, "Interval estimation for a binomial proportion", section 4.1.1. Departs: 3
        counts for every n, where they modify 2 up to n = 50.

    Example:
        >>> low, high = wilson_bounds(1.0, 10)
        >>> round(low, 3), high
        (0.722, 1.0)
    """
    z2 = Z**2
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (rate * (1 - rate) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    low = min(max(0.0, centre - half), _of_few(rate, n))
    high = max(min(1.0, centre + half), 1 - _of_few(1 - rate, n))
    return min(low, rate), max(high, rate)


def _of_few(rate: float, n: float) -> float:
    """The lower end of a rate by the Poisson distribution of its count; 1 for more than a few."""
    count = rate * n
    if count <= 0:
        return 0.0
    return float(gammaincinv(count, 1 - LEVEL)) / n if count <= _FEW_COUNTS + ALMOST else 1.0


def proportion(successes: int, n: int, *, n_unscored: int = 0) -> Estimate:
    """A share of problems with its modified Wilson score interval.

    Raises:
        StatsError: If `n` is below 1 or `successes` is not within `[0, n]`.

    Example:
        >>> print(proportion(8, 10))
        0.800 [0.490, 0.964] (n=10)
    """
    if n < 1 or not 0 <= successes <= n:
        raise StatsError(
            f"{successes} of {n} is not a share; it needs at least one scored problem and successes "
            "between 0 and n (leave the number out if nothing was scored)"
        )
    low, high = wilson_bounds(successes / n, n)
    few = min(successes, n - successes) < _FEW
    return Estimate(
        value=successes / n,
        low=low,
        high=high,
        n=n,
        n_unscored=n_unscored,
        method=f"modified wilson{IF_FEW if few else ''}",
    )


def paired_bounds(gained: float, lost: float, n: float) -> tuple[float, float]:
    """Tango's score interval of `(gained - lost) / n`, the difference of two paired rates.

    Each end is the difference that a score test would just not reject, at the maximum-likelihood
    share of lost problems. Without any discordant pair it is `+- z^2 / (n + z^2)`, about 4/n.

    `gained` and `lost` count the problems that rose and fell, out of `n`. Sums of changes in [0, 1] need
    not be whole, and the interval is then conservative.

    Source:
        Tango 1998, "Equivalence test and confidence interval for the difference in proportions
        for the paired-sample design", Statistics in Medicine 17, equation 11.

    Example:
        >>> low, high = paired_bounds(0, 0, 20)
        >>> round(low, 3), round(high, 3)
        (-0.161, 0.161)
    """
    seen = float((gained - lost) / n)

    def variance(delta: float) -> float:
        b = (2 * n - gained + lost) * delta - gained - lost
        root = math.sqrt(max(0.0, b * b + 8 * n * lost * delta * (1 - delta)))
        return max(0.0, (root - b) / (2 * n) + delta * (1 - delta))

    def end(side: int) -> float:
        def gap(delta: float) -> float:
            return side * (seen - delta) + Z * math.sqrt(variance(delta) / n)

        inner = seen + side * 1e-12  # a step off the estimate, where the gap may be 0
        if (abs(seen) >= 1 and side * seen > 0) or gap(inner) <= 0:
            return seen
        return float(np.clip(brentq(gap, inner, float(side)), -1.0, 1.0))

    return min(end(-1), seen), max(end(1), seen)
