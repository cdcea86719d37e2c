"""How certain is a number that is no mean: a median, a share of a total? A bootstrap over problems."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twofold.errors import StatsError
from twofold.stats.coverage import N_DRAWS
from twofold.stats.proportions import LEVEL
from twofold.types import Estimate

Drawn = NDArray[np.int64]  # the places of the drawn problems, shape (problems,)

# Of 2, 3, 4 and 5 skewed values the interval held the median in 47, 75, 86 and 93 % of 1,500 trials.
LEAST_PROBLEMS = 5


def resampled(
    value: Callable[[Drawn], float], n: int, *, seed: int = 0, n_unscored: int = 0
) -> Estimate:
    """A number of n problems, with the percentile interval over problems that are drawn again.

    Args:
        value: The number of some problems, given by their places from 0 to n - 1, with repetitions.
        n: How many problems there are.
        seed: Of the draws.
        n_unscored: Problems left out, for the estimate.

    Raises:
        StatsError: With fewer than five problems, of which the interval would be far too narrow, or where
            the number of all of them is not finite. Draws that have no number are left out.

    Source:
        Efron 1979, "Bootstrap methods: another look at the jackknife"; percentile interval, 2,000 draws.

    Example:
        >>> lengths = np.array([3.0, 4.0, 5.0, 9.0, 30.0])
        >>> print(resampled(lambda at: float(np.median(lengths[at])), 5))
        5.000 [3.000, 30.000] (n=5)
    """
    if n < LEAST_PROBLEMS:
        raise StatsError(
            f"an interval over problems that are drawn again needs {LEAST_PROBLEMS} of them, not {n}; "
            "measure more, or leave this out"
        )
    whole = value(np.arange(n))
    if not np.isfinite(whole):
        raise StatsError("the number is not finite; leave it out")
    rng = np.random.default_rng(seed)
    draws: NDArray[Any] = np.array([value(rng.integers(n, size=n)) for _ in range(N_DRAWS)])
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(draws[np.isfinite(draws)], [tail, 1 - tail], method="inverted_cdf")
    return Estimate(
        value=whole,
        low=min(float(low), whole),
        high=max(float(high), whole),
        n=n,
        n_unscored=n_unscored,
        method=f"bootstrap over problems, {N_DRAWS} draws",
    )
