"""What could this comparison have seen? The smallest difference it finds with 80 % power."""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.stats import norm

from twofold.errors import StatsError
from twofold.stats.proportions import z_two_sided

POWER = 0.8
"""The chance of seeing the `minimum_detectable_effect` difference."""


def detectable_flips(discordance: float, n: int, *, level: float = 0.95) -> float | None:
    """Smallest difference of two paired 0/1 rates that McNemar's test sees with 80 % power.

    Solves `n d^2 = (z_a sqrt(psi) + z_b sqrt(psi - d^2))^2` for d, where psi is the share of
    problems that change. A difference needs at least as many changes, so psi is never below d:
    with no discordant pair seen, the answer is about 7.8/n and not 0.

    Args:
        discordance: Share of problems that went up or down, in [0, 1].
        n: Problems, at least 1.
        level: 1 - alpha of the two-sided test.

    Returns:
        In (0, 1]; None where even a change of every problem would be missed.

    Raises:
        StatsError: If `discordance` is outside [0, 1] or `n` below 1.

    Source:
        Connor 1987, "Sample size for testing differences in proportions for the paired-sample
        design", Biometrics 43, equation 1. Departs: solved for the difference; psi at least d.
        It is the formula of the normal approximation; the exact test needs slightly more.

    Example:
        >>> round(detectable_flips(0.2, 200), 3)
        0.088
    """
    if n < 1 or not 0 <= discordance <= 1:
        raise StatsError(f"discordance {discordance} of {n} problems; it must lie in [0, 1]")
    z_alpha, z_beta = z_two_sided(level), float(norm.ppf(POWER))

    def surplus(d: float) -> float:
        psi = max(discordance, d)
        return math.sqrt(n) * d - z_alpha * math.sqrt(psi) - z_beta * math.sqrt(psi - d * d)

    if surplus(1.0) < 0:
        return None
    return float(brentq(surplus, 1e-12, 1.0))


def detectable_shift(standard_error: float, *, level: float = 0.95) -> float:
    """Smallest difference of means that a test with this standard error sees with 80 % power.

    `(z_a + z_b) x stderr`, 2.8 standard errors at level 0.95.

    Args:
        standard_error: Of the paired difference, clustered by problem, above 0.
        level: 1 - alpha of the two-sided test.

    Raises:
        StatsError: If the standard error is not above 0, which is no knowledge but lack of it.

    Source:
        Miller 2024, "Adding error bars to evals", section 5.

    Example:
        >>> round(detectable_shift(0.01), 4)
        0.028
    """
    if not standard_error > 0:
        raise StatsError("a standard error of 0 tells nothing; use detectable_flips instead")
    return (z_two_sided(level) + float(norm.ppf(POWER))) * standard_error
