"""Did scores rise on the same problems? Paired difference, test and power."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest

from twofold.errors import StatsError
from twofold.stats.clusters import ALMOST, FloatArray, cluster_sums, n_unlike, ratio, scores
from twofold.stats.means import is_binary, mean
from twofold.stats.power import Rates, detectable_flips, detectable_shift
from twofold.stats.proportions import paired_bounds
from twofold.stats.spread import MIN_UNLIKE, Spread, effective_n
from twofold.types import Comparison, Estimate

OVER_PROBLEMS = "student's t over problems"
N_DRAWS = 2000  # of a permutation test
_MAX_EXACT = 16  # problems that changed, up to which all 2^k sign flips are counted
_MANY_DISTINCT = 256  # up to this number of distinct changes, drawing by counts is faster


def paired(
    before: ArrayLike,
    after: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    n_unscored: int = 0,
    seed: int = 0,
) -> Comparison:
    """The paired difference `after - before` on the same problems.

    - 0/1 scores, one a problem: Tango's score interval, exact McNemar test.
    - otherwise Student's t over the problems' changes, and sign flips by problem (exact up to 16
      problems that changed, then random draws). If under 5 problems differ from the most common
      change, Tango's interval on the number of 0/1 problems that would tell as much.

    Args:
        before: Scores in [0, 1], shape `(samples,)`; samples unscored on either side left out.
        after: The same samples in the same order.
        clusters: The problem of each sample, integers; None = one sample a problem.
        n_unscored: Problems left out because none of their pairs could be judged.
        seed: Of the random sign flips.

    Raises:
        StatsError: No pair, a score outside [0, 1], or unequal lengths.

    Source:
        Miller 2024, "Adding error bars to evals", section 4 (pairing); McNemar 1947; Tango 1998.

    Example:
        >>> c = paired([0] * 8 + [1] * 12, [1] * 8 + [1] * 12)
        >>> print(c.difference, c.n_improved, c.n_regressed, round(c.p, 4), c.test)
        0.400 [0.174, 0.613] (n=20) 8 0 0.0078 exact McNemar
    """
    old, new = scores(before), scores(after)
    if len(old) != len(new):
        raise StatsError(f"{len(old)} scores before, {len(new)} after; pair them sample by sample")
    rows = cluster_sums(np.column_stack([old, new]), clusters)
    change = _change(rows)
    gained, lost = int((change > 0).sum()), int((change < 0).sum())
    if is_binary(rows):
        p = float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
        test = "exact McNemar"
    else:
        p, test = sign_flip(change, seed=seed)
    return Comparison(
        difference=difference(old, new, clusters, n_unscored=n_unscored),
        before=mean(old, clusters, n_unscored=n_unscored),
        after=mean(new, clusters, n_unscored=n_unscored),
        n_improved=gained,
        n_regressed=lost,
        p=p,
        minimum_detectable_effect=_detectable(rows),
        test=test,
    )


def sign_flip(change: FloatArray, *, seed: int = 0) -> tuple[float, str]:
    """Two-sided p-value of no change under random signs, and the name of the test.

    `change` is the sum of after - before of each problem. p is the share of sign patterns whose total is
    at least as far from 0.

    Source:
        Fisher 1935, "The Design of Experiments", section 21; `(b + 1) / (m + 1)` for drawn
        patterns: Phipson and Smyth 2010, equation 2.

    Example:
        >>> sign_flip(np.array([0.5, 0.5, 0.5]))  # of 8 patterns, 2 are as far from 0
        (0.25, 'exact sign-flip test by problem')
    """
    sizes = np.abs(change[np.abs(change) > ALMOST])
    reach = abs(float(change.sum())) - ALMOST * max(1, len(change))
    if len(sizes) <= _MAX_EXACT:
        totals = np.zeros(1)
        for size in sizes:
            totals = np.concatenate([totals + size, totals - size])
        return float((np.abs(totals) >= reach).mean()), "exact sign-flip test by problem"
    totals = _flipped_totals(sizes, np.random.default_rng(seed))
    b = int((np.abs(totals) >= reach).sum())
    return (b + 1) / (N_DRAWS + 1), f"sign-flip test by problem, {N_DRAWS} draws"


def _flipped_totals(sizes: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Totals of `sizes` under random signs, shape `(N_DRAWS,)`; equal sizes flip together."""
    distinct, counts = np.unique(np.round(sizes, 9), return_counts=True)
    if len(distinct) <= _MANY_DISTINCT:
        up = rng.binomial(counts, 0.5, size=(N_DRAWS, len(counts)))
        return np.asarray((2 * up - counts) @ distinct)
    totals = np.empty(N_DRAWS)
    for i in range(N_DRAWS):  # one random bit a problem, one draw in memory
        bits = np.frombuffer(rng.bytes((len(sizes) + 7) // 8), dtype=np.uint8)
        bits_up = np.unpackbits(bits, count=len(sizes))
        totals[i] = 2 * float(bits_up @ sizes) - float(sizes.sum())
    return totals


def _change(rows: FloatArray) -> FloatArray:
    """Sum of after - before a problem; exactly 0 for rounding errors."""
    change = rows[:, 1] - rows[:, 0]
    return np.where(np.abs(change) <= ALMOST, 0.0, change)


def changes(rows: FloatArray) -> FloatArray:
    """Sums of after - before and numbers of samples, from sums before, sums after and numbers."""
    return np.column_stack([_change(rows), rows[:, 2]])


def difference(
    old: FloatArray, new: FloatArray, clusters: ArrayLike | None = None, *, n_unscored: int = 0
) -> Estimate:
    """The mean of new - old with its interval, for checked scores in the same order."""
    rows, moves = cluster_sums(np.column_stack([old, new]), clusters), new - old
    change = changes(rows)
    before, after, weight = rows.sum(axis=0)
    value = float((after - before) / weight)
    if is_binary(rows) or n_unlike(ratio(change)) < MIN_UNLIKE:
        up, down = (float(np.maximum(side * moves, 0).mean()) for side in (1, -1))
        n = len(rows) if is_binary(rows) else effective_n(moves, change, up + down - value**2)
        low, high = paired_bounds(n * up, n * down, n)
        method = "tango" if is_binary(rows) else "tango on the effective number of problems"
    else:
        reach = Spread.over_problems(change).reach
        low, high, method = max(-1.0, value - reach), min(1.0, value + reach), OVER_PROBLEMS
    return Estimate(
        value=value,
        low=min(low, value),
        high=max(high, value),
        n=len(rows),
        n_unscored=n_unscored,
        method=method,
    )


def _detectable(rows: FloatArray) -> float | None:
    """The smallest difference detected with 80 % power; None if there is none."""
    change, n = changes(rows), rows[:, 2].sum()
    rates = Rates(float(rows[:, 0].sum() / n), float(rows[:, 1].sum() / n), len(rows))
    if is_binary(rows) or n_unlike(ratio(change)) < MIN_UNLIKE:
        return detectable_flips(float(np.abs(change[:, 0]).sum() / n), rates)
    effect = detectable_shift(Spread.over_problems(change), rates)
    # The sums of whole changes under flipped signs are 2 apart, of which a test loses half.
    step = 1 / n if np.array_equal(change, np.round(change)) else 0.0
    return None if effect is None else float(effect + step)
