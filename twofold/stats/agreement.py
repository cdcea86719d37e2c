"""How reliable is a judge, and what is the true share of passes once its errors are known?

`judged` is the judge's verdict, `truth` the true one (of a program or a person), each 0 or 1 or a score
that counts as 1 from `THRESHOLD` on; both without unscored items. Items of one problem are one cluster.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twofold.errors import StatsError
from twofold.stats.clusters import FloatArray, cluster_sums, kish, n_unlike, scores
from twofold.stats.means import mean
from twofold.stats.proportions import Z, wilson_bounds
from twofold.stats.spread import MIN_UNLIKE, Spread
from twofold.types import Estimate

THRESHOLD = 0.5
# Problems from which the variance over them replaces the number of problems.
_MIN_PROBLEMS = 30


def sensitivity(
    judged: ArrayLike, truth: ArrayLike, clusters: ArrayLike | None = None, *, n_unscored: int = 0
) -> Estimate:
    """The share of truly passing items that the judge passes; `n` counts their problems.

    Args:
        judged: The judge's scores, shape `(items,)`, unscored ones left out.
        truth: The true scores, in the same order.
        clusters: The problem of each item, integers; None = each is its own.
        n_unscored: Problems left out because the judge gave no verdict on them.

    Raises:
        StatsError: If no item is true, or the two lists differ in length.

    Example:
        >>> print(sensitivity([1, 1, 0, 1], [1, 1, 1, 0]))
        0.667 [0.118, 0.983] (n=3)
    """
    passed, true, of = _pairs(judged, truth, clusters)
    if not true.any():
        raise StatsError("no item is true; calibrate on items of both kinds")
    return mean(passed[true], of[true], n_unscored=n_unscored)


def specificity(
    judged: ArrayLike, truth: ArrayLike, clusters: ArrayLike | None = None, *, n_unscored: int = 0
) -> Estimate:
    """The share of truly failing items that the judge fails; otherwise as `sensitivity`.

    Example:
        >>> print(specificity([1, 1, 0, 1], [1, 1, 0, 0]))
        0.500 [0.026, 0.974] (n=2)
    """
    passed, true, of = _pairs(judged, truth, clusters)
    if true.all():
        raise StatsError("every item is true; calibrate on items of both kinds")
    return mean(1 - passed[~true], of[~true], n_unscored=n_unscored)


def kappa(
    judged: ArrayLike, truth: ArrayLike, clusters: ArrayLike | None = None, *, n_unscored: int = 0
) -> Estimate:
    """Cohen's kappa, the agreement beyond chance: 1 = always, 0 = as often as by chance.

    The interval is Wilson's for the agreement with the chance agreement held fixed, on the number of
    items that makes it as wide as the variance of kappa over problems; or, if under 5 problems differ
    from the others, on the number of problems. It has a width even at full agreement. Arguments as in
    `sensitivity`; the two sides may be exchanged.

    Raises:
        StatsError: If both sides give one and the same verdict on every item.

    Source:
        Cohen 1960, "A coefficient of agreement for nominal scales"; variance: the linearised kappa, as
        Fleiss, Cohen and Everitt 1969, clustered. Departs: Wilson's interval.

    Example:
        >>> print(kappa([1, 1, 0, 0], [1, 1, 0, 1]))
        0.500 [-0.591, 0.974] (n=4)
    """
    passed, true, of = _pairs(judged, truth, clusters)
    rows = cluster_sums(np.column_stack([passed * true, passed, true]), of)
    chance = float(_chance(rows.sum(axis=0)))
    if chance >= 1:
        raise StatsError(
            "both sides say the same of every item, so chance alone agrees fully; compare them on items "
            "of both kinds"
        )
    value = float(_kappa(rows.sum(axis=0)))
    rate = min(1.0, max(0.0, chance + value * (1 - chance)))
    n = kish(rows[:, 3])
    if _n_unlike_rows(rows) >= MIN_UNLIKE and 0 < rate < 1:
        n = _kappa_spread(rows, value, chance).effective_n(rate * (1 - rate))
    low, high = ((end - chance) / (1 - chance) for end in wilson_bounds(rate, n))
    low, high = min(max(low, -1.0), value), max(min(high, 1.0), value)
    return Estimate(
        value=value, low=low, high=high, n=len(rows), n_unscored=n_unscored, method=_KAPPA
    )


_KAPPA = "modified wilson for the agreement at fixed chance agreement"


@final
@dataclass(frozen=True, eq=False)
class Calibration:
    """Judged items whose true verdict is known, of both kinds; fields as in `sensitivity`."""

    judged: ArrayLike
    truth: ArrayLike
    clusters: ArrayLike | None = None


def corrected_share(
    judged: ArrayLike,
    calibration: Calibration,
    clusters: ArrayLike | None = None,
    *,
    n_unscored: int = 0,
) -> Estimate:
    """The true share of passes, corrected for the judge's errors and clipped to [0, 1].

    A judge with sensitivity Se and specificity Sp passes the share a = p·Se + (1 - p)·(1 - Sp), solved
    here for p. The interval covers the uncertainty of all three numbers.

    Arguments as in `sensitivity`. The judge must err on the items of `calibration` as on those in
    question, which fails for a policy that was trained against the judge.

    Raises:
        StatsError: If the calibration lacks a kind or does not show the judge to be better than chance
            (Se + Sp - 1 above 0), or if no true share could give the observed one, so that the judge
            errs differently on these items.

    Source:
        Rogan and Gladen 1978, "Estimating prevalence from the results of a screening test"; interval:
        Lang and Reiczigel 2014, "Confidence limits for prevalence of disease adjusted for estimated
        sensitivity and specificity". Departs: n is the effective number of items by the clusters'
        variance; refused if the calibration's interval for Se + Sp - 1 reaches 0.

    Example:
        >>> known = Calibration([1] * 90 + [0] * 10 + [1] * 20 + [0] * 80, [1] * 100 + [0] * 100)
        >>> print(corrected_share([1] * 55 + [0] * 45, known))
        0.500 [0.339, 0.653] (n=100)
    """
    passed, true, of = _pairs(calibration.judged, calibration.truth, calibration.clusters)
    if true.all() or not true.any():
        raise StatsError("the calibration has one kind of item only; add items of the other kind")
    items = _pairs(judged, judged, clusters)[0]
    observed = _Share.of(items, clusters)
    raw = (_Share.of(passed[true], of[true]), _Share.of(1 - passed[~true], of[~true]))
    share = observed.widened(Z * Z / 2)
    sens, spec = (each.widened(1) for each in raw)
    better = sens.rate + spec.rate - 1
    error = math.sqrt(sens.variance + spec.variance)
    if better - Z * error <= 0:
        raise StatsError(
            f"the judge is not shown to be better than chance: Se + Sp - 1 is {better:.2f} ± "
            f"{Z * error:.2f}; calibrate on more items, or take another judge"
        )
    p = (share.rate + spec.rate - 1) / better
    spread = share.variance + p**2 * sens.variance + (1 - p) ** 2 * spec.variance
    moved = 2 * Z * Z * (p * sens.variance - (1 - p) * spec.variance)
    low, high = (p + moved + side * Z * math.sqrt(spread) / better for side in (-1, 1))
    if low >= 1 or high <= 0:
        raise StatsError(
            f"the judge passes {observed.rate:.0%} of these items, which its calibration (passes "
            f"{raw[0].rate:.0%} of the true items and {1 - raw[1].rate:.0%} of the others) does not "
            "allow; it errs differently here, so calibrate on items like these"
        )
    plain = raw[0].rate + raw[1].rate - 1
    value = min(1.0, max(0.0, (observed.rate + raw[1].rate - 1) / plain))
    return Estimate(
        value=value,
        low=min(max(0.0, low), value),
        high=max(min(1.0, high), value),
        n=len(cluster_sums(items, clusters)),
        n_unscored=n_unscored,
        method="rogan-gladen, interval of lang and reiczigel",
    )


@final
@dataclass(frozen=True)
class _Share:
    """A rate and its effective number of items."""

    rate: float
    n: float

    @classmethod
    def of(cls, values: FloatArray, clusters: ArrayLike | None) -> _Share:
        """A share of 0/1 items, with their effective number by the variance over problems.

        It is at least the effective number of problems (used if they are few or all alike).
        """
        rows = cluster_sums(values, clusters)
        n_items, n_problems = float(rows[:, 1].sum()), kish(rows[:, 1])
        rate = float(rows[:, 0].sum() / n_items)
        off = rows[:, 0] - rate * rows[:, 1]
        variance = float((off**2).sum()) * len(rows) / max(1, len(rows) - 1) / n_items**2
        if len(rows) < _MIN_PROBLEMS or not 0 < rate < 1 or not variance:
            return cls(rate, n_problems)
        return cls(rate, min(n_items, max(n_problems, rate * (1 - rate) / variance)))

    def widened(self, pseudo: float) -> _Share:
        """With pseudo-counts of passes and failures, which keep 0 and 1 from being certain."""
        n = self.n + 2 * pseudo
        return _Share((self.rate * self.n + pseudo) / n, n)

    @property
    def variance(self) -> float:
        return self.rate * (1 - self.rate) / self.n


def _pairs(
    judged: ArrayLike, truth: ArrayLike, clusters: ArrayLike | None
) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.int64]]:
    """Passes as 0/1, truth as yes/no, and problems, checked."""
    passed, true = (scores(values) >= THRESHOLD for values in (judged, truth))
    if len(passed) != len(true):
        raise StatsError(
            f"{len(passed)} verdicts for {len(true)} true ones; pair them item by item"
        )
    of = np.arange(len(passed)) if clusters is None else np.asarray(clusters)
    cluster_sums(true.astype(np.float64), of)  # raises if the clusters do not fit
    return passed.astype(np.float64), true, of


def _chance(totals: FloatArray) -> FloatArray:
    """The agreement of two independent sides with these shares of passes."""
    a, b = totals[..., 1] / totals[..., 3], totals[..., 2] / totals[..., 3]
    return np.asarray(a * b + (1 - a) * (1 - b))


def _kappa(totals: FloatArray) -> FloatArray:
    """Of the totals (both pass, one passes, the other passes, items); 0 if chance agrees fully."""
    agree = 1 - (totals[..., 1] + totals[..., 2] - 2 * totals[..., 0]) / totals[..., 3]
    chance = _chance(totals)
    open_ = np.where(chance < 1, 1 - chance, 1.0)
    return np.asarray(np.where(chance < 1, (agree - chance) / open_, 0.0))


def _n_unlike_rows(rows: FloatArray) -> int:
    """How many problems differ from the most common one in agreement, or in either side's passes."""
    both, judged, true, n = rows.T
    sides = (judged / n, true / n, (n - judged - true + 2 * both) / n)
    return min(map(n_unlike, sides))


def _kappa_spread(rows: FloatArray, value: float, chance: float) -> Spread:
    """The spread of the agreement, less what moves the chance agreement with it."""
    both, judged, true, n = rows.T
    a, b = judged.sum() / n.sum(), true.sum() / n.sum()
    agree = n - judged - true + 2 * both
    moved = (2 * b - 1) * judged + (2 * a - 1) * true
    return Spread.over_problems(np.column_stack([agree - (1 - value) * moved, n]))
