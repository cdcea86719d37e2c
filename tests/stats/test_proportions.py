import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from twofold.errors import StatsError
from twofold.stats import proportion
from twofold.stats.proportions import paired_bounds, wilson_bounds


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10), (81, 263), (1, 1)])
def test_wilson_agrees_with_scipy(k: int, n: int) -> None:
    theirs = binomtest(k, n).proportion_ci(0.95, method="wilson")
    ours = proportion(k, n)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert ours.value == k / n
    assert (ours.n, ours.level, ours.method) == (n, 0.95, "wilson")


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
