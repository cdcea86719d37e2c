import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from twofold.errors import StatsError
from twofold.stats import proportion
from twofold.stats.proportions import paired_bounds, wilson_bounds


@pytest.mark.parametrize(("k", "n"), [(4, 10), (5, 10), (81, 263)])
def test_wilson_agrees_with_scipy(k: int, n: int) -> None:
    theirs = binomtest(k, n).proportion_ci(0.95, method="wilson")
    ours = proportion(k, n)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert ours.value == k / n
    assert (ours.n, ours.level) == (n, 0.95)


def test_the_near_end_of_few_passes_is_that_of_a_poisson_count() -> None:
    # The mean at which a count of 1, 2, 3 or more has a chance of 5 %: exp(-m) = .95; and
    # (1 + m) exp(-m) = .95 at m = .3554; (1 + m + m^2 / 2) exp(-m) = .95 at m = .8177
    for k, mean in ((1, 0.05129), (2, 0.35536), (3, 0.81769)):
        assert proportion(k, 100).low == pytest.approx(mean / 100, abs=1e-6)
        assert proportion(100 - k, 100).high == pytest.approx(1 - mean / 100, abs=1e-6)
    assert proportion(0, 100).low == 0
    assert proportion(100, 100).high == 1


def covered(n: int, rates: np.ndarray) -> np.ndarray:
    """The exact coverage of a proportion's interval at each rate: a sum of binomial chances."""
    ends = np.array([(proportion(k, n).low, proportion(k, n).high) for k in range(n + 1)])
    held = (ends[:, 0] <= rates[:, None]) & (rates[:, None] <= ends[:, 1])
    return np.asarray((held * binom.pmf(np.arange(n + 1), n, rates[:, None])).sum(axis=1))


@pytest.mark.parametrize("n", [20, 50, 100, 200, 500])
def test_a_proportion_covers_what_it_says_whatever_the_rate(n: int) -> None:
    """Wilson's own interval covers 84 % at a rate of .176 / n, and 92.2 % of .02 at n = 50."""
    rates = np.r_[np.geomspace(1e-4, 0.01, 60), np.linspace(0.01, 0.99, 197)]
    found, expected = covered(n, rates), n * np.minimum(rates, 1 - rates)
    assert found.min() > 0.925
    assert found[expected >= 5].max() < 0.976
    assert found[expected >= 1].max() < 0.996


def test_few_passes_or_failures_are_said() -> None:
    said = "so few pass or fail that it covers 93 to 99 %"
    assert [said in proportion(k, 40).method for k in (0, 4, 5, 35, 36, 40)] == [
        *(True, True, False, False, True, True)
    ]


def test_unscored_are_counted_and_change_nothing_else() -> None:
    assert proportion(4, 9, n_unscored=3).n_unscored == 3
    assert proportion(4, 9, n_unscored=3).low == proportion(4, 9).low


@pytest.mark.parametrize(("k", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_impossible_counts_are_refused(k: int, n: int) -> None:
    with pytest.raises(StatsError, match="at least one scored problem"):
        proportion(k, n)


@given(st.floats(0, 1), st.floats(0.5, 1e6))
def test_wilson_stays_in_range_around_the_rate(rate: float, n: float) -> None:
    low, high = wilson_bounds(rate, n)
    assert 0 <= low <= rate <= high <= 1
    assert low < high


def maximum_likelihood_lost(b: int, c: int, n: int, d: float) -> float:
    """The share of lost problems that maximises the likelihood at difference `d`, by search."""
    q = np.linspace(max(0.0, -d), (1 - d) / 2, 20_001)[1:-1]
    loglik = b * np.log(q + d) + c * np.log(q) + (n - b - c) * np.log(1 - 2 * q - d)
    return float(q[np.argmax(loglik)])


@pytest.mark.parametrize(("b", "c", "n"), [(8, 0, 20), (3, 9, 30), (20, 20, 40), (0, 5, 100)])
def test_tango_interval_ends_where_the_score_test_rejects(b: int, c: int, n: int) -> None:
    for d in paired_bounds(b, c, n):
        q = maximum_likelihood_lost(b, c, n, d)
        z = (b - c - n * d) / np.sqrt(n * (2 * q + d - d * d))
        assert abs(z) == pytest.approx(1.959964, abs=0.01)


def test_no_discordant_pair_is_no_certainty() -> None:
    z2 = 1.959964**2
    assert paired_bounds(0, 0, 50) == pytest.approx((-z2 / (50 + z2), z2 / (50 + z2)))


@given(st.integers(1, 400), st.data())
def test_tango_stays_in_range_around_the_difference(n: int, data: st.DataObject) -> None:
    b = data.draw(st.integers(0, n))
    c = data.draw(st.integers(0, n - b))
    low, high = paired_bounds(b, c, n)
    assert -1 <= low <= (b - c) / n <= high <= 1
    assert low < high
    assert paired_bounds(c, b, n) == pytest.approx((-high, -low), abs=1e-9)
