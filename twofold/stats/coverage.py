"""What can a model do if it may try k times? Best of k, where two curves cross, what is kept and found.

One reply a problem mixes what a model can do with how often it does it. Training that only makes a good
reply likelier raises the rate at one try and leaves, or lowers, the rate at many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import comb, inf, isfinite
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from twofold.errors import StatsError
from twofold.stats.clusters import ALMOST, FloatArray, scores

N_DRAWS = 2000  # of a bootstrap over problems


def best_at_k(values: ArrayLike, k: int) -> float:
    """The expected best of k tries at one problem, without bias, from n scored tries.

    It is the mean of the best over all sets of k of the n scores. For 0/1 scores, c of them 1, that is
    pass@k: 1 - C(n - c, k) / C(n, k).

    Args:
        values: The scores of one problem's tries in [0, 1], unscored ones left out.
        k: How many tries, from 1 to the number of scores.

    Raises:
        StatsError: If there are fewer than k scores: no set of k can be drawn.

    Source:
        Chen et al. 2021, "Evaluating large language models trained on code", arXiv 2107.03374, equation
        1. Departs: any scores in [0, 1], by order statistics.

    Example:
        >>> best_at_k([1, 0, 0, 0], 2)  # three of the six pairs hold the right one
        0.5
        >>> round(best_at_k([0.2, 0.6, 1.0], 2), 3)  # (0.6 + 1 + 1) / 3
        0.867
    """
    ordered = np.sort(scores(values))
    n = len(ordered)
    if not 1 <= k <= n:
        raise StatsError(f"best of {k} from {n} scored tries; take k between 1 and that number")
    # The i-th smallest is the best of C(i, k - 1) sets: those whose others are smaller.
    sets = comb(n, k)
    return float(sum(comb(i, k - 1) / sets * value for i, value in enumerate(ordered.tolist())))


def covers(values: ArrayLike, share: float) -> bool:
    """Whether a problem is solved in at least this share of its scored tries.

    The share is the observed one: near its edge a problem falls on either side by chance, with few tries
    more often. A difference of two models with equally many tries is still fair to both.

    Source:
        Cover@tau, arXiv 2510.08325.

    Example:
        >>> covers([1, 0, 0, 1], 0.5), covers([1, 0, 0, 0], 0.5)
        (True, False)
    """
    return float(scores(values).mean()) >= share - ALMOST


@final
@dataclass(frozen=True, kw_only=True)
class Crossover:
    """The smallest k at which a model is no longer ahead of its base.

    Args:
        k: That number of tries; None = ahead at every k that was looked at, which is not "for ever".
        low: The end of the 95 % interval; None = it, too, is beyond `largest`.
        high: The other end; None = beyond `largest`.
        share: The share of resampled problem sets in which the curves meet at all.
        largest: The largest k.
        n: Problems with a value on both sides at some k.
    """

    k: int | None
    low: int | None
    high: int | None
    share: float
    largest: int
    n: int


def crossover(
    before_PK: ArrayLike, after_PK: ArrayLike, ks: Sequence[int], *, seed: int = 0
) -> Crossover:
    """Where the curve of `before` meets that of `after`: the smallest k with mean(after - before) <= 0.

    Args:
        before_PK: Best of k of each problem, shape `(problems, len(ks))`; NaN = fewer than k tries.
        after_PK: The same problems for the other model.
        ks: The numbers of tries, ascending.
        seed: Of the bootstrap.

    Returns:
        The crossover with a percentile interval: problems are drawn again, in pairs, 2,000 times.

    Raises:
        StatsError: If the shapes do not fit, or at some k no problem has both values.

    Source:
        Yue et al. 2025, "Does reinforcement learning really incentivize reasoning capacity", arXiv
        2504.13837, figure 1, for the curves; the interval is ours.

    Example:
        >>> before = [[0.5, 1.0], [0.0, 0.0]] * 10
        >>> after = [[1.0, 1.0], [0.0, 0.0]] * 10
        >>> found = crossover(before, after, (1, 2))
        >>> found.k, found.share
        (2, 1.0)
    """
    before, after = np.asarray(before_PK, dtype=float), np.asarray(after_PK, dtype=float)
    if before.shape != after.shape or before.ndim != 2 or before.shape[1] != len(ks):
        raise StatsError(
            f"curves of the shapes {before.shape} and {after.shape} for {len(ks)} numbers of tries; "
            "give both as (problems, numbers of tries)"
        )
    gain = after - before
    there = ~np.isnan(gain)
    if not ks or not there.any(axis=0).all():
        raise StatsError("at some k no problem has enough tries on both sides; take a smaller k")
    sums = np.where(there, gain, 0.0)
    weights = np.vstack([np.ones(len(gain)), _drawn(len(gain), seed)])
    counts = weights @ there.astype(float)
    # A draw without any problem at some k says nothing there, so it does not meet there.
    means = np.where(counts > 0, (weights @ sums) / np.maximum(counts, 1), inf)
    meets = means <= ALMOST
    at = np.where(meets.any(axis=1), np.asarray(ks, dtype=float)[meets.argmax(axis=1)], inf)
    ends = np.quantile(at[1:], [0.025, 0.975], method="inverted_cdf")
    found = [float(each) for each in (at[0], min(ends[0], at[0]), max(ends[1], at[0]))]
    k, low, high = (int(each) if isfinite(each) else None for each in found)
    return Crossover(
        k=k,
        low=low,
        high=high,
        share=float(np.isfinite(at[1:]).mean()),
        largest=max(ks),
        n=int(there.any(axis=1).sum()),
    )


def _drawn(n: int, seed: int) -> FloatArray:
    """How often each problem is in each bootstrap sample, shape `(N_DRAWS, n)`."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n, np.full(n, 1 / n), size=N_DRAWS).astype(float)


class Support(StrEnum):
    """What became of a problem between two models."""

    kept = "kept"  # both solve it
    lost = "lost"  # only the base does
    found = "found"  # only the tuned model does
    neither = "neither"


def solves(first: Sequence[float], more: Sequence[float]) -> bool | None:
    """Whether a model ever solves a problem.

    Args:
        first: The scores of its tries, unscored ones left out.
        more: The scores of further tries, which are made only where none of the first is right.

    Returns:
        None where nothing is right and no further try was scored: that is no reason to say "never".

    Example:
        >>> solves([0, 1], []), solves([0, 0], [0, 0, 0]), solves([0, 0], [0, 1]), solves([0, 0], [])
        (True, False, True, None)
    """
    if any(score == 1 for score in (*first, *more)):
        return True
    return False if more else None


def support(before: bool | None, after: bool | None) -> Support | None:
    """Kept, lost, found or neither, from `solves` of the base and of the tuned model; None if unsure.

    Example:
        >>> support(False, True).value, support(True, False).value, support(None, True)
        ('found', 'lost', None)
    """
    if before is None or after is None:
        return None
    if before:
        return Support.kept if after else Support.lost
    return Support.found if after else Support.neither


def highest_rate(n: int) -> float:
    """The rate of success that n failures in a row still allow: with it, none of n is right in 5 %.

    Source:
        Hanley and Lippman-Hand 1983, "If nothing goes wrong, is everything all right?"

    Example:
        >>> round(highest_rate(80), 4)
        0.0368
    """
    if n < 1:
        raise StatsError(f"{n} tries allow every rate; give at least one")
    return float(1 - 0.05 ** (1 / n))
