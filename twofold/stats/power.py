"""Which difference could a comparison have detected? The smallest one found with 80 % power.

That is: if the truth were this difference, a repetition of the comparison would be significant (p < .05
before any correction for many tests) in 80 of 100 cases. The test is the one that gave `p`.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import bdtr, betaincinv, chdtri, gammaln, ndtr, stdtrit, xlog1py, xlogy

from twofold.errors import StatsError
from twofold.stats.clusters import FloatArray
from twofold.stats.proportions import LEVEL, Z
from twofold.stats.spread import Spread

POWER = 0.8
# Quantiles of a distribution that is averaged over: of standard errors and of discordances.
_N_QUANTILES, _N_SHARES = 64, 5


@final
@dataclass(frozen=True)
class Rates:
    """The mean scores before and after, whose variance depends on them: it is largest at 1/2.

    A true difference moves the rate after to where the variance is larger, so that a rise and a fall of
    that size are both detected. The rates are those of one passed and one failed problem more.
    """

    before: float
    after: float
    n: int

    def variance(self, seen: FloatArray, effect: float) -> FloatArray:
        """The variance of a problem's change if the truth is `effect`, from those `seen`.

        The effects on single problems are taken to range evenly from none to twice the mean.
        """
        return seen * max(1.0, self._growth(effect)) + effect**2 / 3

    def _growth(self, effect: float) -> float:
        before, after = ((rate * self.n + 1) / (self.n + 2) for rate in (self.before, self.after))
        moved = before + effect if before <= 0.5 else before - effect
        moved = min(max(moved, 0.0), 1.0)
        return (_unit(before) + _unit(moved)) / (_unit(before) + _unit(after))


def _unit(rate: float) -> float:
    return rate * (1 - rate)


def detectable_flips(discordance: float, rates: Rates) -> float | None:
    """Smallest difference of two paired 0/1 rates that the exact McNemar test detects.

    The power is exact, summed over all numbers of changed problems and of rises among them, and
    averaged over what the true share of changed problems may be, given the observed one. None if even
    a change of every problem would be missed.

    Args:
        discordance: Share of problems that went up or down, in [0, 1].
        rates: The rates, of at least one problem.

    Source:
        Duffy 1984, "Asymptotic and exact power for the McNemar test and its analogue with R controls
        per case", Biometrics 40. Departs: solved for the difference; Jeffreys' distribution of the
        discordance.

    Example:
        >>> round(detectable_flips(0.2, Rates(0.5, 0.5, 200)), 3)
        0.094
    """
    n, seen = rates.n, rates.after - rates.before
    if n < 1 or not 0 <= discordance <= 1:
        raise StatsError(f"discordance {discordance} of {n} problems; it must lie in [0, 1]")
    at = (np.arange(_N_SHARES) + 0.5) / _N_SHARES
    shares = betaincinv(discordance * n + 0.5, (1 - discordance) * n + 0.5, at)
    variances = np.maximum(shares - seen**2, 0.0)

    def surplus(effect: float) -> float:
        changed = np.clip(rates.variance(variances, effect) + effect**2, effect, 1.0)
        return float(mcnemar_power(changed, effect, n).mean()) - POWER

    return None if surplus(1.0) < 0 else float(brentq(surplus, 0.0, 1.0, xtol=1e-4))


def mcnemar_power(changed: FloatArray, effect: float, n: int) -> FloatArray:
    """How often the exact McNemar test is significant.

    Args:
        changed: Shares of `n` problems that go up or down, `(shares,)`.
        effect: The share that goes up less that which goes down.
        n: Problems.

    Example:
        >>> mcnemar_power(np.array([0.3]), 0.3, 20).round(3)  # at least 6 of 20 must rise
        array([0.584])
    """
    spread = 6 * (n * changed * (1 - changed)) ** 0.5 + 1
    lowest, highest = (n * changed - spread).min(), (n * changed + spread).max()
    m = np.arange(max(1, int(lowest)), min(n, int(highest)) + 1)
    few, share = _significantly_few(n)[m], np.maximum(changed, 1e-12)[:, None]
    up = (1 + effect / share) / 2
    found = _at_most(few, m, up) + _at_most(few, m, 1 - up)
    ways = gammaln(n + 1) - gammaln(m + 1) - gammaln(n - m + 1)
    chance = np.exp(ways + xlogy(m, share) + xlog1py(n - m, -share))
    return np.asarray((chance * found).sum(axis=1))


@lru_cache(maxsize=16)
def _significantly_few(n: int) -> FloatArray:
    """Up to how many rises among 0, 1, ... n changes are significant; -1 = none."""
    m, tail = np.arange(n + 1), (1 - LEVEL) / 2
    few = np.minimum(m, np.floor(m / 2 - Z / 2 * np.sqrt(m)) + 1)  # at most 2 too many
    for _ in range(3):
        few -= _at_most(few, m, 0.5) > tail
    return np.asarray(few)


def _at_most(k: FloatArray, m: NDArray[np.int64], p: float | FloatArray) -> FloatArray:
    """The chance of at most `k` of `m`; 0 for a negative `k`."""
    return np.where(k < 0, 0.0, bdtr(np.maximum(k, 0), m, p))


def detectable_shift(spread: Spread, rates: Rates | None = None) -> float | None:
    """Smallest difference of means that a t test detects; None if scores in [0, 1] have no room.

    With the standard error known it is 2.8 of them. Both the observed one and that of the repetition
    are uncertain, with the degrees of freedom of the spread; the power is the average over both.

    Args:
        spread: Of the observed difference.
        rates: The mean scores; None = numbers without bounds.

    Example:
        >>> [round(detectable_shift(Spread(0.01**2, df)), 4) for df in (1000, 20, 2)]
        [0.0281, 0.0307, 0.0877]
    """
    if not spread.variance > 0:
        raise StatsError("the standard error is 0, so nothing varied; use detectable_flips instead")
    factor = _standard_errors(round(spread.df, 1))
    if rates is None:
        return factor * spread.error

    def surplus(effect: float) -> float:
        variance = rates.variance(np.array(spread.variance * rates.n), effect) / rates.n
        return effect - factor * float(np.sqrt(variance))

    return None if surplus(1.0) < 0 else float(brentq(surplus, 0.0, 1.0, xtol=1e-5))


@lru_cache
def _standard_errors(df: float) -> float:
    """How many standard errors a difference must be to be found with 80 % power."""
    at = (np.arange(_N_QUANTILES) + 0.5) / _N_QUANTILES
    error: FloatArray = np.sqrt(chdtri(df, at) / df)  # an observed error, in true ones
    bar = float(stdtrit(df, (1 + LEVEL) / 2)) * error

    def surplus(factor: float) -> float:
        return float(np.mean(ndtr(factor * error[:, None] - bar[None, :]))) - POWER

    return float(brentq(surplus, 0.0, 1000.0, xtol=1e-4))
