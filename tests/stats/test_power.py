"""The smallest detectable difference: by hand, by exact sums and by simulation."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest, multinomial

from twofold.errors import StatsError
from twofold.stats import paired
from twofold.stats.power import (
    Rates,
    _significantly_few,
    detectable_flips,
    detectable_shift,
    mcnemar_power,
)
from twofold.stats.spread import Spread


def test_the_power_of_mcnemars_test_by_brute_force() -> None:
    n, up, down = 12, 0.5, 0.1
    total = 0.0
    for rises in range(n + 1):
        for falls in range(n + 1 - rises):
            moved = rises + falls
            if moved and binomtest(rises, moved).pvalue <= 0.05:
                shares = [up, down, 1 - up - down]
                total += multinomial.pmf([rises, falls, n - moved], n, shares)
    assert mcnemar_power(np.array([up + down]), up - down, n)[0] == pytest.approx(total, abs=1e-6)


def test_up_to_how_many_rises_are_significant() -> None:
    few = _significantly_few(60)
    for m in range(61):
        assert few[m] < 0 or 2 * binom.cdf(few[m], m, 0.5) <= 0.05
        assert 2 * binom.cdf(few[m] + 1, m, 0.5) > 0.05
    assert (few[5], few[6]) == (-1, 0)


def test_no_discordant_pair_still_leaves_something_to_miss() -> None:
    d = detectable_flips(0.0, Rates(0.5, 0.5, 100))
    assert d is not None
    assert binom.sf(5, 100, d) == pytest.approx(0.8, abs=0.02)  # at least 6 must rise


@pytest.mark.parametrize("n", [1, 3, 5])
def test_with_too_few_problems_nothing_would_be_seen(n: int) -> None:
    assert detectable_flips(1.0, Rates(0.5, 0.5, n)) is None


def test_a_known_standard_error_needs_two_point_eight_of_it() -> None:
    assert detectable_shift(Spread(0.25, 1e6)) == pytest.approx(0.5 * 2.8016, rel=1e-3)


@pytest.mark.parametrize(("n", "bar"), [(4, 3.182446), (20, 2.093024)])
def test_a_standard_error_of_few_problems_needs_more(n: int, bar: float) -> None:
    """Both the observed error and that of the repetition vary."""
    rng, repetitions = np.random.default_rng(n), 20_000
    seen, again = rng.normal(0, 1, (2, repetitions, n))
    factor = detectable_shift(Spread(1.0, n - 1))
    assert factor is not None
    effect = factor * seen.std(axis=1, ddof=1) / n**0.5
    t = (again.mean(axis=1) + effect) / again.std(axis=1, ddof=1) * n**0.5
    assert (t > bar).mean() == pytest.approx(0.8, abs=0.015)


def test_an_effect_beyond_the_range_of_scores_cannot_be_detected() -> None:
    assert detectable_shift(Spread(0.25, 3), Rates(0.5, 0.5, 4)) is None


@pytest.mark.parametrize(("rate", "n", "n_samples"), [(0.3, 20, 1), (0.5, 50, 1), (0.5, 20, 4)])
def test_the_difference_is_found_four_times_in_five(rate: float, n: int, n_samples: int) -> None:
    """From the print of one comparison to the power of its repetition; it was .69 to .78."""
    rng, found, of = np.random.default_rng(7), 0, np.repeat(np.arange(n), n_samples)
    effects = []
    for _ in range(40):
        old, new = (rng.random((2, n * n_samples)) < rate).astype(float)
        effect = paired(old, new, of).minimum_detectable_effect
        effects.append(min(effect if effect is not None else 1.0, 1 - rate))
    for seed in range(400):
        old, new = rng.random((2, n * n_samples))
        moved = new < rate + effects[seed % 40]
        c = paired((old < rate).astype(float), moved.astype(float), of, seed=seed)
        found += c.p < 0.05
    assert 0.77 <= found / 400 <= 0.93  # 2 standard errors of the simulation are .04


def test_no_knowledge_is_refused() -> None:
    with pytest.raises(StatsError, match="detectable_flips"):
        detectable_shift(Spread(0.0, 1))
    with pytest.raises(StatsError):
        detectable_flips(1.5, Rates(0.5, 0.5, 10))
