import numpy as np
import pytest

from twofold.errors import StatsError
from twofold.stats.power import detectable_flips, detectable_shift


@pytest.mark.parametrize(("discordance", "n"), [(0.2, 200), (0.1, 1000), (0.5, 150)])
def test_the_detectable_difference_is_found_four_times_in_five(discordance: float, n: int) -> None:
    d = detectable_flips(discordance, n)
    assert d is not None
    shares = [(discordance + d) / 2, (discordance - d) / 2, 1 - discordance]
    up, down, _ = np.random.default_rng(0).multinomial(n, shares, size=20_000).T
    found = np.abs(up - down) >= 1.959964 * np.sqrt(np.maximum(up + down, 1))
    assert found.mean() == pytest.approx(0.8, abs=0.03)


def test_formula_by_hand() -> None:
    # n = 100, psi = .3: at d = .15119: 10 d = 1.96 x .54772 + .84162 x sqrt(.3 - .02286)
    assert detectable_flips(0.3, 100) == pytest.approx(0.1517, abs=2e-4)


def test_no_discordant_pair_still_leaves_something_to_miss() -> None:
    d = detectable_flips(0.0, 100)
    assert d is not None
    assert 100 * d == pytest.approx((1.959964 + 0.841621 * (1 - d) ** 0.5) ** 2, rel=1e-5)


@pytest.mark.parametrize("n", [1, 3])
def test_with_too_few_problems_nothing_would_be_seen(n: int) -> None:
    assert detectable_flips(1.0, n) is None


def test_shift_is_two_point_eight_standard_errors() -> None:
    assert detectable_shift(0.5) == pytest.approx(0.5 * (1.959964 + 0.841621), rel=1e-5)


def test_no_knowledge_is_refused() -> None:
    with pytest.raises(StatsError, match="detectable_flips"):
        detectable_shift(0.0)
    with pytest.raises(StatsError):
        detectable_flips(1.5, 10)
