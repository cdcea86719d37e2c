"""Which share of a gain does something else reach? A ratio of two paired differences."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from twofold.errors import StatsError
from twofold.stats.clusters import n_unlike, scores
from twofold.stats.paired_difference import difference
from twofold.stats.proportions import LEVEL
from twofold.stats.spread import MIN_UNLIKE
from twofold.types import Estimate

LEAST_GAP = 0.03  # a gain below 3 points is too small a denominator


def recovery(
    base: ArrayLike,
    tuned: ArrayLike,
    arm: ArrayLike,
    *,
    beyond: ArrayLike | None = None,
    n_unscored: int = 0,
) -> Estimate:
    """The share of the tuned model's gain that an arm reaches: (arm - base) / (tuned - base).

    It is not cut off: below 0 the arm is worse than the base, above 1 better than the tuned model.

    Args:
        base: One score in [0, 1] for each problem.
        tuned: Those of the tuned model on the same problems.
        arm: Those of the base, asked or decoded in another way.
        beyond: Those of a control, in place of the base's above the line: (arm - control) / (tuned - base).
        n_unscored: Problems left out because one of the scores is unscored.

    Raises:
        StatsError: If the gain is below 3 points or its interval includes 0: there is then nothing to
            have a share of.

    Source:
        Fieller 1954, "Some problems in interval estimation": the shares that a paired t test would not
        reject. Departs: where under 5 problems differ, at least as wide as Tango's interval of the arm's
        difference, divided by the gain.

    Example:
        >>> base, tuned, arm = [0] * 40, [1] * 20 + [0] * 20, [1] * 10 + [0] * 30
        >>> print(recovery(base, tuned, arm))
        0.500 [0.258, 0.742] (n=40)
    """
    old, new, other = (scores(each) for each in (base, tuned, arm))
    start = old if beyond is None else scores(beyond)
    if not len(old) == len(new) == len(other) == len(start):
        raise StatsError(f"{len(old)}, {len(new)} and {len(other)} scores; pair them by problem")
    gap = difference(old, new)
    reached, gained = other - start, new - old
    n, mean = len(old), float(gained.mean())
    if n < 2:
        raise StatsError("one problem has no interval; measure at least two, or leave this out")
    covariance = np.cov(np.stack([reached, gained])) / n
    t2 = float(stdtrit(n - 1, 0.5 + LEVEL / 2)) ** 2
    # The shares r with a t statistic of mean(reached - r gained) below t: a r^2 - 2 b r + c <= 0.
    a = mean**2 - t2 * float(covariance[1, 1])
    if gap.value < LEAST_GAP or gap.low <= 0 or a <= 0:
        raise StatsError(
            f"the gain is {gap}, below {LEAST_GAP:.0%} or not above zero, so no share of it is defined; "
            "take more problems, or a model that gained"
        )
    b = mean * float(reached.mean()) - t2 * float(covariance[0, 1])
    c = float(reached.mean()) ** 2 - t2 * float(covariance[0, 0])
    reach = max(b * b - a * c, 0.0) ** 0.5
    value = float(reached.mean()) / mean
    ends = [value, (b - reach) / a, (b + reach) / a]
    for each, at in ((start, 0.0), (new, 1.0)) if beyond is None else ((start, 0.0),):
        if n_unlike(other - each) < MIN_UNLIKE:
            few = difference(each, other)
            ends += [at + few.low / mean, at + few.high / mean]
    return Estimate(
        value=value,
        low=min(ends),
        high=max(ends),
        n=n,
        n_unscored=n_unscored,
        method="fieller, paired by problem",
    )
