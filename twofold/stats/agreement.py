"""How far can a judge be trusted, and what does its share of passes say once its errors are known?

`judged` is what the judge says, `truth` what is so (a program's verdict, a person's), each 0 or 1 or
a score that counts as 1 from `THRESHOLD` on; both without what is unscored. The unit is the problem,
as everywhere: samples and criteria of one problem are one cluster.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twofold.errors import StatsError
from twofold.stats.bootstrap import BCA, MIN_PROBLEMS, MIN_UNLIKE, bca
from twofold.stats.clusters import FloatArray, cluster_sums, effective_n, n_unlike, scores
from twofold.stats.means import mean
from twofold.stats.proportions import wilson_bounds, z_two_sided
from twofold.types import Estimate

THRESHOLD = 0.5
"""The score from which on a verdict counts as a pass."""


def sensitivity(
    judged: ArrayLike,
    truth: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    n_unscored: int = 0,
    level: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """The share of what is so that the judge passes.

    Args:
        judged: The judge's scores, shape `(items,)`, unscored ones left out.
        truth: What is so, in the same order.
        clusters: The problem of each item, integers; None = each is its own.
        n_unscored: Problems left out because the judge said nothing of them.
        level: Coverage, in (0, 1).
        seed: Decides the bootstrap's resamples.

    Returns:
        As `mean` over the items that are so; `n` counts their problems.

    Raises:
        StatsError: If nothing is so, or the two lists do not fit.

    Example:
        >>> print(sensitivity([1, 1, 0, 1], [1, 1, 1, 0]))
        0.667 [0.208, 0.939] (n=3)
    """
    said, so, of = _pairs(judged, truth, clusters)
    if not so.any():
        raise StatsError("nothing is so in truth; calibrate on items of both kinds")
    return mean(said[so], of[so], n_unscored=n_unscored, level=level, seed=seed)


def specificity(
    judged: ArrayLike,
    truth: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    n_unscored: int = 0,
    level: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """The share of what is not so that the judge fails; arguments as in `sensitivity`.

    Raises:
        StatsError: If everything is so, or the two lists do not fit.

    Example:
        >>> print(specificity([1, 1, 0, 1], [1, 1, 0, 0]))
        0.500 [0.095, 0.905] (n=2)
    """
    said, so, of = _pairs(judged, truth, clusters)
    if so.all():
        raise StatsError("everything is so in truth; calibrate on items of both kinds")
    return mean(1 - said[~so], of[~so], n_unscored=n_unscored, level=level, seed=seed)


def kappa(
    judged: ArrayLike,
    truth: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    n_unscored: int = 0,
    level: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """Cohen's kappa: how much of the agreement that chance leaves open the two reach.

    Args:
        judged: One side's scores, shape `(items,)`; the two sides may be exchanged.
        truth: The other side's.
        clusters: The problem of each item, integers; None = each is its own.
        n_unscored: Problems left out because one side said nothing of them.
        level: Coverage, in (0, 1).
        seed: Decides the bootstrap's resamples.

    Returns:
        1 = they always agree, 0 = as often as chance. From 30 problems on the interval is BCa over
        problems; below, or where hardly a problem differs from the others, Wilson's for the agreement
        with the chance agreement held fixed, which has a width even where they always agree.

    Raises:
        StatsError: If both sides say one and the same throughout, so that chance leaves nothing open.

    Source:
        Cohen 1960, "A coefficient of agreement for nominal scales". Departs: the intervals.

    Example:
        >>> print(kappa([1, 1, 0, 0], [1, 1, 0, 1]))
        0.500 [-0.399, 0.909] (n=4)
    """
    said, so, of = _pairs(judged, truth, clusters)
    columns = np.column_stack([said * so, said, so])
    rows = cluster_sums(columns, of)
    chance = float(_chance(rows.sum(axis=0)))
    if chance >= 1:
        raise StatsError(
            "both sides say the same of every item, so chance alone agrees fully; compare them on items "
            "of both kinds"
        )
    value = float(_kappa(rows.sum(axis=0)))
    agree = (rows[:, 3] - rows[:, 1] - rows[:, 2] + 2 * rows[:, 0]) / rows[:, 3]
    if len(rows) >= MIN_PROBLEMS and min(n_unlike(agree), _n_unlike_rows(rows)) >= MIN_UNLIKE:
        low, high = bca(rows, _kappa, level=level, seed=seed)
        method = BCA
    else:
        rate = min(1.0, max(0.0, chance + value * (1 - chance)))
        ends = wilson_bounds(rate, effective_n(rows[:, 3]), level)
        low, high = ((end - chance) / (1 - chance) for end in ends)
        method = "wilson for the agreement at fixed chance agreement"
    return Estimate(
        value=value,
        low=min(max(low, -1.0), value),
        high=max(min(high, 1.0), value),
        n=len(rows),
        n_unscored=n_unscored,
        level=level,
        method=method,
    )


@final
@dataclass(frozen=True, eq=False)
class Calibration:
    """Items that the judge judged and of which the truth is known.

    Args:
        judged: The judge's scores, shape `(items,)`, unscored ones left out.
        truth: What is so, in the same order; both kinds have to occur.
        clusters: The problem of each item, integers; None = each is its own.
    """

    judged: ArrayLike
    truth: ArrayLike
    clusters: ArrayLike | None = None


def corrected_share(
    judged: ArrayLike,
    calibration: Calibration,
    clusters: ArrayLike | None = None,
    *,
    n_unscored: int = 0,
    level: float = 0.95,
) -> Estimate:
    """The true share of passes behind a judge's share, its errors taken out.

    A judge that passes Se of what is so and fails Sp of what is not so passes the share
    a = p·Se + (1 - p)·(1 - Sp); solved for p. The interval carries the doubt of all three numbers, so
    it is as wide as the calibration is small.

    Args:
        judged: The judge's scores of the items in question, shape `(items,)`.
        calibration: Other items, of which the truth is known too. The judge has to err on them as it
            does on those in question: a policy that learnt to please the judge breaks that.
        clusters: The problem of each item in `judged`, integers; None = each is its own.
        n_unscored: Problems left out because the judge said nothing of them.
        level: Coverage, in (0, 1).

    Returns:
        The estimate, clipped to [0, 1]; `n` counts the problems in question.

    Raises:
        StatsError: If the calibration lacks a kind, or does not show the judge to be better than
            chance: with Se + Sp - 1 near 0 its share says nothing of the true one. Also if no true
            share could give the one seen, as then the judge errs otherwise on these items.

    Source:
        Rogan and Gladen 1978, "Estimating prevalence from the results of a screening test"; interval:
        Lang and Reiczigel 2014, "Confidence limits for prevalence of disease adjusted for estimated
        sensitivity and specificity". Departs: n is the effective number of items by the clusters'
        variance; refused where the calibration's interval for Se + Sp - 1 reaches 0.

    Example:
        >>> known = Calibration([1] * 90 + [0] * 10 + [1] * 20 + [0] * 80, [1] * 100 + [0] * 100)
        >>> print(corrected_share([1] * 55 + [0] * 45, known))
        0.500 [0.339, 0.653] (n=100)
    """
    said, so, of = _pairs(calibration.judged, calibration.truth, calibration.clusters)
    if so.all() or not so.any():
        raise StatsError("the calibration has one kind of item only; add items of the other kind")
    z = z_two_sided(level)
    passed = (_pairs(judged, judged, clusters)[0], clusters)
    share = _Share.of(*passed).widened(z * z / 2)
    found = (_Share.of(said[so], of[so]), _Share.of(1 - said[~so], of[~so]))
    sens, spec = (each.widened(1) for each in found)
    better = sens.rate + spec.rate - 1
    error = math.sqrt(sens.variance + spec.variance)
    if better - z * error <= 0:
        raise StatsError(
            f"the judge is not shown to be better than chance: Se + Sp - 1 is {better:.2f}, give or take "
            f"{z * error:.2f}; calibrate on more items, or take another judge"
        )
    p = (share.rate + spec.rate - 1) / better
    spread = share.variance + p**2 * sens.variance + (1 - p) ** 2 * spec.variance
    moved = 2 * z * z * (p * sens.variance - (1 - p) * spec.variance)
    low, high = (p + moved + side * z * math.sqrt(spread) / better for side in (-1, 1))
    if low >= 1 or high <= 0:
        raise StatsError(
            f"the judge passes {_Share.of(*passed).rate:.0%} of these items, which its calibration (passes "
            f"{found[0].rate:.0%} of what is so, {1 - found[1].rate:.0%} of what is not) does not allow; "
            "it errs otherwise here, so calibrate on items like these"
        )
    plain = found[0].rate + found[1].rate - 1
    value = min(1.0, max(0.0, (_Share.of(*passed).rate + found[1].rate - 1) / plain))
    return Estimate(
        value=value,
        low=min(max(0.0, low), value),
        high=max(min(1.0, high), value),
        n=len(cluster_sums(passed[0], clusters)),
        n_unscored=n_unscored,
        level=level,
        method="rogan-gladen, interval of lang and reiczigel",
    )


@final
@dataclass(frozen=True)
class _Share:
    """A rate and how many independent items it is worth."""

    rate: float
    n: float

    @classmethod
    def of(cls, values: FloatArray, clusters: ArrayLike | None) -> _Share:
        """A share of 0/1 items; items of one problem that agree count as fewer.

        By the variance of the ratio of sums over problems against that of independent items; never
        more than the items and never less than the effective number of problems, which it is where
        the problems are too few to tell or all alike.
        """
        rows = cluster_sums(values, clusters)
        n_items, n_problems = float(rows[:, 1].sum()), effective_n(rows[:, 1])
        rate = float(rows[:, 0].sum() / n_items)
        off = rows[:, 0] - rate * rows[:, 1]
        variance = float((off**2).sum()) * len(rows) / max(1, len(rows) - 1) / n_items**2
        if len(rows) < MIN_PROBLEMS or not 0 < rate < 1 or not variance:
            return cls(rate, n_problems)
        return cls(rate, min(n_items, max(n_problems, rate * (1 - rate) / variance)))

    def widened(self, pseudo: float) -> _Share:
        """With so many passes and as many failures added, which keeps 0 and 1 from being certain."""
        n = self.n + 2 * pseudo
        return _Share((self.rate * self.n + pseudo) / n, n)

    @property
    def variance(self) -> float:
        return self.rate * (1 - self.rate) / self.n


def _pairs(
    judged: ArrayLike, truth: ArrayLike, clusters: ArrayLike | None
) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.int64]]:
    """Passes as 0/1, truth as yes/no, and problems, checked."""
    said, so = (scores(values) >= THRESHOLD for values in (judged, truth))
    if len(said) != len(so):
        raise StatsError(f"{len(said)} verdicts for {len(so)} truths; pair them item by item")
    of = np.arange(len(said)) if clusters is None else np.asarray(clusters)
    cluster_sums(so.astype(np.float64), of)  # refuses clusters that do not fit
    return said.astype(np.float64), so, of


def _chance(totals: FloatArray) -> FloatArray:
    """The agreement of two independent sides with these shares of passes."""
    a, b = totals[..., 1] / totals[..., 3], totals[..., 2] / totals[..., 3]
    return np.asarray(a * b + (1 - a) * (1 - b))


def _kappa(totals: FloatArray) -> FloatArray:
    """Of the totals of (both pass, one passes, the other passes, items); 0 where chance is all."""
    agree = 1 - (totals[..., 1] + totals[..., 2] - 2 * totals[..., 0]) / totals[..., 3]
    chance = _chance(totals)
    open_ = np.where(chance < 1, 1 - chance, 1.0)
    return np.asarray(np.where(chance < 1, (agree - chance) / open_, 0.0))


def _n_unlike_rows(rows: FloatArray) -> int:
    """How many problems differ from the commonest one in any respect."""
    counts = np.unique(rows, axis=0, return_counts=True)[1]
    return len(rows) - int(counts.max())
