"""Which difference could a comparison have detected? The smallest one found with 80 % power."""

import math

from scipy.optimize import brentq
from scipy.stats import norm

from twofold.errors import StatsError
from twofold.stats.proportions import Z

POWER = 0.8
Z_POWER = float(norm.ppf(POWER))


def detectable_flips(discordance: float, n: int) -> float | None:
    """Smallest difference of two paired 0/1 rates that McNemar's test detects with 80 % power.

    Solves `n d^2 = (z_a sqrt(psi) + z_b sqrt(psi - d^2))^2` for d, where psi is the share of
    problems that change. A difference needs at least as many changes, so psi is never below d:
    without a discordant pair the answer is about 7.8/n, not 0.

    None if even a change of every problem would be missed.

    Args:
        discordance: Share of problems that went up or down, in [0, 1].
        n: Problems, at least 1.

    Source:
        Connor 1987, "Sample size for testing differences in proportions for the paired-sample
        design", Biometrics 43, equation 1, a normal approximation. Departs: solved for the
        difference; psi at least d.

    Example:
        >>> round(detectable_flips(0.2, 200), 3)
        0.088
    """
    if n < 1 or not 0 <= discordance <= 1:
        raise StatsError(f"discordance {discordance} of {n} problems; it must lie in [0, 1]")

    def surplus(d: float) -> float:
        psi = max(discordance, d)
        return math.sqrt(n) * d - Z * math.sqrt(psi) - Z_POWER * math.sqrt(psi - d * d)

    return None if surplus(1.0) < 0 else float(brentq(surplus, 1e-12, 1.0))


def detectable_shift(standard_error: float) -> float:
    """Smallest difference of means detected with 80 % power: `(z_a + z_b)`, or 2.8, standard errors.

    Source:
        Miller 2024, "Adding error bars to evals", section 5.

    Example:
        >>> round(detectable_shift(0.01), 4)
        0.028
    """
    if not standard_error > 0:
        raise StatsError("the standard error is 0, so nothing varied; use detectable_flips instead")
    return (Z + Z_POWER) * standard_error
