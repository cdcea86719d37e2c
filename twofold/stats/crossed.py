"""What holds for other problems *and* another training run? Seeds crossed with problems.

Every seed of an arm answers the same problems, so a score varies over problems and over training runs.
An interval over the problems alone is too narrow by the variance between seeds.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr

from twofold.errors import StatsError
from twofold.stats.clusters import FloatArray, n_unlike
from twofold.stats.means import mean
from twofold.stats.paired_difference import paired
from twofold.stats.power import Rates, detectable_shift
from twofold.stats.proportions import wilson_bounds
from twofold.stats.spread import MIN_UNLIKE, Spread
from twofold.types import Comparison, Estimate


def crossed_mean(values_SP: ArrayLike) -> Estimate:
    """The mean score of an arm that was trained from several seeds.

    Args:
        values_SP: Scores in [0, 1], shape `(seeds, problems)`; NaN = unscored.

    Returns:
        The mean over all scored cells; `n` counts problems. The interval is Wilson's on the effective
        number of problems. With one seed it is `mean`, whose interval does not cover another training
        run, and `method` says so.

    Raises:
        StatsError: If no cell is scored or one is outside [0, 1].

    Source:
        `Spread.over_problems_and_seeds`.

    Example:
        >>> scores = np.tile([1.0, 0.0, 1.0, 1.0], (3, 10))
        >>> print(crossed_mean(scores))
        0.750 [0.591, 0.862] (n=40)
    """
    values = _scored_problems(values_SP)
    value, plain = float(np.nanmean(values)), mean(_by_problem(values))
    plain = replace(plain, value=value, n_unscored=_n_lost(values_SP))
    if len(values) == 1:
        return replace(plain, method=f"{plain.method}; one seed, which is not covered")
    spread, unit = Spread.over_problems_and_seeds(values - value), value * (1 - value)
    if spread.variance == 0 or unit == 0:
        return replace(plain, method=_covered(len(values)))
    low, high = wilson_bounds(value, spread.effective_n(unit))
    return _at_least_as_wide(
        replace(plain, low=low, high=high, method=_covered(len(values))), plain, _by_problem(values)
    )


def crossed_paired(before_SP: ArrayLike, after_SP: ArrayLike, *, seed: int = 0) -> Comparison:
    """The difference `after - before` of an arm to its base, paired by problem and seed.

    Args:
        before_SP: Scores in [0, 1], shape `(seeds, problems)`; NaN = unscored.
        after_SP: The same cells after training.
        seed: Of the random sign flips.

    Returns:
        The comparison over the cells that both have; with one seed it is `paired`.

    Raises:
        StatsError: If the shapes differ or no cell is scored on both sides.

    Source:
        As `crossed_mean`; p from the same t statistic.

    Example:
        >>> before = np.tile([0.0, 0.0, 1.0, 1.0], (2, 10))
        >>> after = np.tile([1.0, 0.0, 1.0, 1.0], (2, 10))
        >>> print(crossed_paired(before, after).difference)
        0.250 [0.110, 0.390] (n=40)
    """
    before, after = np.asarray(before_SP, dtype=float), np.asarray(after_SP, dtype=float)
    if before.shape != after.shape or before.ndim != 2:
        raise StatsError(
            f"scores before have the shape {before.shape}, after {after.shape}; give both as "
            "(seeds, problems)"
        )
    lost = np.isnan(before) | np.isnan(after)
    before, after = (_scored_problems(np.where(lost, np.nan, side)) for side in (before, after))
    found = paired(_by_problem(before), _by_problem(after), seed=seed)
    plain, value = found.difference, float(np.nanmean(after - before))
    plain = replace(
        plain,
        value=value,
        low=min(plain.low, value),
        high=max(plain.high, value),
        n_unscored=int(lost.all(axis=0).sum()),
    )
    found = replace(found, difference=plain, before=crossed_mean(before), after=crossed_mean(after))
    if len(before) == 1:
        return found
    change = after - before
    spread = Spread.over_problems_and_seeds(change - value)
    return _over_runs(found, spread, _by_problem(change), _covered(len(before)))


def crossed_independent(before_SP: ArrayLike, after_TP: ArrayLike, *, seed: int = 0) -> Comparison:
    """The difference `after - before` of two recipes, each trained several times.

    The problems are the same, the training runs are not: run 0 before has nothing to do with run 0 after.
    So the difference is paired by problem only, and the runs of both sides widen its interval.

    Args:
        before_SP: Scores in [0, 1], shape `(runs, problems)`; NaN = unscored.
        after_TP: Those of the other recipe, shape `(its runs, problems)`.
        seed: Of the random sign flips.

    Returns:
        The comparison over the problems that each side has a score for. With one run a side it is
        `paired`; a side with a single run is taken as it is, and `method` says so.

    Raises:
        StatsError: If the numbers of problems differ, or no problem is scored on both sides.

    Source:
        `Spread.over_problems_and_both_runs`; p from the same t statistic.

    Example:
        >>> before = np.tile([0.0, 0.0, 1.0, 1.0], (2, 10))
        >>> after = np.tile([1.0, 0.0, 1.0, 1.0], (3, 10))
        >>> found = crossed_independent(before, after).difference
        >>> print(found, found.method)
        0.250 [0.110, 0.390] (n=40) student's t, two-way by problem and by 2 and 3 runs
    """
    before, after = np.asarray(before_SP, dtype=float), np.asarray(after_TP, dtype=float)
    if before.ndim != 2 or after.ndim != 2 or before.shape[1] != after.shape[1]:
        raise StatsError(
            f"scores before have the shape {before.shape}, after {after.shape}; give both as "
            "(runs, problems), with the same problems"
        )
    lost = np.isnan(before).all(axis=0) | np.isnan(after).all(axis=0)
    before, after = (_scored_problems(np.where(lost, np.nan, side)) for side in (before, after))
    old, new = _by_problem(before), _by_problem(after)
    found = paired(old, new, seed=seed)
    centre = float(np.nanmean(before)), float(np.nanmean(after))
    value, plain = centre[1] - centre[0], found.difference
    plain = replace(
        plain,
        value=value,
        low=min(plain.low, value),
        high=max(plain.high, value),
        n_unscored=int(lost.sum()),
    )
    found = replace(found, difference=plain, before=crossed_mean(before), after=crossed_mean(after))
    if len(before) == len(after) == 1:
        return found
    spread = Spread.over_problems_and_both_runs(before - centre[0], after - centre[1])
    return _over_runs(found, spread, new - old, _both_covered(len(before), len(after)))


def _over_runs(found: Comparison, spread: Spread, change: FloatArray, covered: str) -> Comparison:
    """A comparison by problem, widened by the spread over problems and runs."""
    plain = found.difference
    if spread.variance == 0:
        return replace(found, difference=replace(plain, method=covered))
    wide = replace(
        plain,
        low=max(plain.value - spread.reach, -1.0),
        high=min(plain.value + spread.reach, 1.0),
        method=f"student's t, {covered}",
    )
    rates = Rates(found.before.value, found.after.value, len(change))
    return replace(
        found,
        difference=_at_least_as_wide(wide, plain, change),
        p=max(found.p, float(2 * stdtr(spread.df, -abs(plain.value) / spread.error))),
        minimum_detectable_effect=detectable_shift(spread, rates),
        test="t, two-way clustered by problem and seed; never below the test by problem alone",
    )


def retained(before_SP: ArrayLike, reference_SP: ArrayLike, after_SP: ArrayLike) -> Estimate:
    """The share of one arm's gain over the base that another arm keeps.

    Returns:
        (after - before) / (reference - before) over the cells that all three have, each of shape
        `(seeds, problems)` with NaN = unscored; above 1 if the arm gained more.

    Raises:
        StatsError: If the reference's gain is not significantly above zero. Take a reference that
            gained, or more problems.

    Source:
        Linearised ratio: Cochran 1977, "Sampling Techniques", equation 6.13, with the variance of
        `crossed_mean`.

    Example:
        >>> base = np.tile([0.0, 0.0, 1.0, 1.0], (2, 20))
        >>> best = np.tile([1.0, 0.0, 1.0, 1.0], (2, 20))
        >>> print(retained(base, best, best).value)
        1.0
    """
    stack = np.stack([np.asarray(a, dtype=float) for a in (before_SP, reference_SP, after_SP)])
    stack = np.where(np.isnan(stack).any(axis=0), np.nan, stack)
    before, reference, after = (_scored_problems(values) for values in stack)
    gain = crossed_paired(before, reference).difference
    if not gain.low > 0:
        raise StatsError(
            f"the reference gained {gain}, not significantly above zero, so there is no share "
            "of it to keep; take an arm that gained, or more problems"
        )
    share = float(np.nanmean(after - before)) / gain.value
    spread = Spread.over_problems_and_seeds(
        ((after - before) - share * (reference - before)) / gain.value
    )
    return Estimate(
        value=share,
        low=share - spread.reach,
        high=share + spread.reach,
        n=before.shape[1],
        n_unscored=_n_lost(stack[0]),
        method=f"linearised ratio, student's t, {_covered(len(before))}",
    )


def _covered(n_seeds: int) -> str:
    """What an interval covers, and how well: few seeds show little of how far runs differ."""
    if n_seeds == 1:
        return "over problems; one seed, which is not covered"
    wide = "92 to 100" if n_seeds == 2 else "94 to 100"
    return f"two-way by problem and {n_seeds} seeds, covers {wide} %"


def _both_covered(n_before: int, n_after: int) -> str:
    """What an interval covers that has training runs on both sides."""
    one = "; a side with one run is taken as it is" if 1 in (n_before, n_after) else ""
    return f"two-way by problem and by {n_before} and {n_after} runs{one}"


def _at_least_as_wide(found: Estimate, plain: Estimate, means: FloatArray) -> Estimate:
    """At least as wide as over the problems alone, if hardly a problem differs from the others."""
    if n_unlike(means) >= MIN_UNLIKE:
        return found
    return replace(found, low=min(found.low, plain.low), high=max(found.high, plain.high))


def _scored_problems(values_SP: ArrayLike) -> FloatArray:
    """Without the problems that no seed has a score for."""
    values = np.asarray(values_SP, dtype=float)
    if values.ndim != 2:
        raise StatsError(f"scores have the shape {values.shape}; give them as (seeds, problems)")
    kept = values[:, ~np.isnan(values).all(axis=0)]
    if kept.size == 0:
        raise StatsError("no score to average: every cell is unscored; leave this measure out")
    return kept


def _n_lost(values_SP: ArrayLike) -> int:
    """Problems that no seed has a score for."""
    return int(np.isnan(np.asarray(values_SP, dtype=float)).all(axis=0).sum())


def _by_problem(values_SP: FloatArray) -> FloatArray:
    """Each problem's mean over the seeds that have a score for it."""
    return np.asarray(np.nanmean(values_SP, axis=0))
