import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from twofold.errors import StatsError
from twofold.stats import proportion
from twofold.stats.proportions import paired_bounds, wilson_bounds


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10), (81, 263), (1, 1)])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_wilson_agrees_with_scipy(k: int, n: int, level: float) -> None:
    theirs = binomtest(k, n).proportion_ci(level, method="wilson")
    ours = proportion(k, n, level=level)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert ours.value == k / n
    assert (ours.n, ours.level, ours.method) == (n, level, "wilson")


def test_unscored_are_counted_and_change_nothing_else() -> None:
    assert proportion(4, 9, n_unscored=3).n_unscored == 3
    assert proportion(4, 9, n_unscored=3).low == proportion(4, 9).low


@pytest.mark.parametrize(("k", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_what_is_no_share_is_refused(k: int, n: int) -> None:
    with pytest.raises(StatsError, match="at least one scored problem"):
        proportion(k, n)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, float("nan")])
def test_level_is_a_coverage(level: float) -> None:
    with pytest.raises(StatsError, match=r"e\.g\. 0\.95"):
        proportion(1, 2, level=level)


@given(st.floats(0, 1), st.floats(0.5, 1e6), st.floats(0.5, 0.999))
def test_wilson_stays_in_range_around_the_rate(rate: float, n: float, level: float) -> None:
    low, high = wilson_bounds(rate, n, level)
    assert 0 <= low <= rate <= high <= 1
    assert low < high


def likeliest_lost(b: int, c: int, n: int, d: float) -> float:
    """The share of lost problems that maximises the likelihood at difference `d`, by search."""
    q = np.linspace(max(0.0, -d), (1 - d) / 2, 20_001)[1:-1]
    loglik = b * np.log(q + d) + c * np.log(q) + (n - b - c) * np.log(1 - 2 * q - d)
    return float(q[np.argmax(loglik)])


@pytest.mark.parametrize(("b", "c", "n"), [(8, 0, 20), (3, 9, 30), (20, 20, 40), (0, 5, 100)])
def test_tangos_ends_are_where_the_score_test_just_accepts(b: int, c: int, n: int) -> None:
    for d in paired_bounds(b, c, n, 0.95):
        q = likeliest_lost(b, c, n, d)
        z = (b - c - n * d) / np.sqrt(n * (2 * q + d - d * d))
        assert abs(z) == pytest.approx(1.959964, abs=0.01)


def test_no_discordant_pair_is_no_certainty() -> None:
    z2 = 1.959964**2
    assert paired_bounds(0, 0, 50, 0.95) == pytest.approx((-z2 / (50 + z2), z2 / (50 + z2)))


@given(st.integers(1, 400), st.data())
def test_tango_stays_in_range_around_the_difference(n: int, data: st.DataObject) -> None:
    b = data.draw(st.integers(0, n))
    c = data.draw(st.integers(0, n - b))
    low, high = paired_bounds(b, c, n, 0.95)
    assert -1 <= low <= (b - c) / n <= high <= 1
    assert low < high
    assert paired_bounds(c, b, n, 0.95) == pytest.approx((-high, -low), abs=1e-9)
