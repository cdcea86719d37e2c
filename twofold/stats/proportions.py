"""How sure is a share? Score intervals for one proportion and for a paired difference of two.

Score intervals ask which true rates would not be rejected by the data, so they never shrink to a
point at 0 of n or n of n, where the textbook's `p +- 2 stderr` claims certainty.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from twofold.errors import StatsError
from twofold.types import Estimate


def z_two_sided(level: float) -> float:
    """The standard normal quantile that a two-sided interval of this coverage reaches to.

    Args:
        level: Coverage, in (0, 1).

    Raises:
        StatsError: If `level` is not strictly between 0 and 1.

    Example:
        >>> round(z_two_sided(0.95), 3)
        1.96
    """
    if not 0 < level < 1:
        raise StatsError(f"level is {level}; give a coverage between 0 and 1, e.g. 0.95")
    return float(norm.ppf(0.5 + level / 2))


def wilson_bounds(rate: float, n: float, level: float) -> tuple[float, float]:
    """The Wilson score interval of a rate.

    `n` need not be whole: with an effective number of problems it serves means of scores in
    [0, 1] too. It is then on the wide side, since no such score varies more than a 0/1 one of
    the same mean.

    Args:
        rate: Observed rate in [0, 1].
        n: Independent units, above 0.
        level: Coverage, in (0, 1).

    Returns:
        Lower and upper end, in [0, 1], with `rate` between them.

    Source:
        Wilson 1927, "Probable inference, the law of succession, and statistical inference".

    Example:
        >>> low, high = wilson_bounds(1.0, 10, 0.95)
        >>> round(low, 3), high
        (0.722, 1.0)
    """
    z2 = z_two_sided(level) ** 2
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (rate * (1 - rate) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    low = 0.0 if rate <= 0 else max(0.0, centre - half)
    high = 1.0 if rate >= 1 else min(1.0, centre + half)
    return min(low, rate), max(high, rate)


def proportion(successes: int, n: int, *, n_unscored: int = 0, level: float = 0.95) -> Estimate:
    """A share of problems with its Wilson score interval.

    Args:
        successes: Problems that passed, in `[0, n]`.
        n: Scored problems, at least 1.
        n_unscored: Problems left out because they could not be judged.
        level: Coverage, in (0, 1).

    Raises:
        StatsError: If `n` is below 1 or `successes` is not within `[0, n]`.

    Source:
        Wilson 1927; see `wilson_bounds`.

    Example:
        >>> print(proportion(8, 10))
        0.800 [0.490, 0.943] (n=10)
    """
    if n < 1 or not 0 <= successes <= n:
        raise StatsError(
            f"{successes} of {n} is no share; it needs at least one scored problem and successes "
            "between 0 and n (leave the number out where nothing was scored)"
        )
    rate = successes / n
    low, high = wilson_bounds(rate, n, level)
    return Estimate(
        value=rate,
        low=low,
        high=high,
        n=n,
        n_unscored=n_unscored,
        level=level,
        method="wilson",
    )


def paired_bounds(gained: float, lost: float, n: float, level: float) -> tuple[float, float]:
    """Tango's score interval of `(gained - lost) / n`, the difference of two paired rates.

    Each end is the difference that a score test would just not reject, with the share of lost
    problems at its likeliest value under that difference. With no discordant pair at all it is
    `+- z^2 / (n + z^2)`, about 4/n, and not a point.

    Args:
        gained: Problems that failed before and passed after; a sum of rises in [0, 1] need not be
            whole, and the interval is then on the wide side.
        lost: The reverse.
        n: Problems, above 0, at least `gained + lost`.
        level: Coverage, in (0, 1).

    Returns:
        Lower and upper end, in [-1, 1], with the observed difference between them.

    Source:
        Tango 1998, "Equivalence test and confidence interval for the difference in proportions
        for the paired-sample design", Statistics in Medicine 17, equation 11.

    Example:
        >>> low, high = paired_bounds(0, 0, 20, 0.95)
        >>> round(low, 3), round(high, 3)
        (-0.161, 0.161)
    """
    z = z_two_sided(level)
    seen = float((gained - lost) / n)

    def variance(delta: float) -> float:
        b = (2 * n - gained + lost) * delta - gained - lost
        root = math.sqrt(max(0.0, b * b + 8 * n * lost * delta * (1 - delta)))
        return max(0.0, (root - b) / (2 * n) + delta * (1 - delta))

    def end(side: int) -> float:
        def gap(delta: float) -> float:
            return side * (seen - delta) + z * math.sqrt(variance(delta) / n)

        inner = seen + side * 1e-12  # a step off the estimate, where the gap may be 0
        if (abs(seen) >= 1 and side * seen > 0) or gap(inner) <= 0:
            return seen
        return float(np.clip(brentq(gap, inner, float(side)), -1.0, 1.0))

    return min(end(-1), seen), max(end(1), seen)
