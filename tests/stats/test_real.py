"""Means and changes of numbers without bounds, by hand."""

import numpy as np
import pytest
from scipy.stats import t as student

from twofold.errors import StatsError
from twofold.stats.unbounded import average, change


def test_a_mean_of_three_by_hand() -> None:
    found = average([1.0, 2.0, 6.0], n_unscored=2)
    half = 4.302653 * 7**0.5 / 3**0.5  # t with 2 degrees of freedom; variance (4 + 1 + 9) / 2 = 7
    assert found.value == 3
    assert (found.low, found.high) == pytest.approx((3 - half, 3 + half), abs=1e-4)
    assert (found.n, found.n_unscored, found.method) == (3, 2, "student's t over problems")


def test_samples_of_one_problem_are_one_problem() -> None:
    found = average([1.0, 3.0, 5.0], [4, 4, 7])
    # Residuals of the sums: 4 - 2 x 3 and 5 - 3: standard error sqrt(8 x 2) / 3; 1 degree of freedom
    half = 12.706205 * 4 / 3
    assert (found.value, found.n) == (3, 2)
    assert (found.low, found.high) == pytest.approx((3 - half, 3 + half), abs=1e-4)


def test_the_interval_of_many_problems() -> None:
    values = np.random.default_rng(0).normal(10, 2, 400)
    found = average(values)
    half = 1.96 * values.std(ddof=1) / 20
    assert found.method == "student's t over problems, corrected for skewness"
    assert (found.low, found.high) == pytest.approx(
        (found.value - half, found.value + half), abs=0.03
    )
    assert average(values[:10]).method == found.method
    assert average(values[:9]).method == average([2.0] * 50).method == "student's t over problems"


def test_a_skewed_mean_reaches_further_to_its_long_side() -> None:
    values = np.r_[np.zeros(18), 6.0, 8.0]  # mean .7
    found = average(values)
    spread = ((values - 0.7) ** 2).sum()
    k = ((values - 0.7) ** 3).sum() / spread**1.5  # skewness / sqrt(20)
    error = (spread / 19 / 20) ** 0.5
    for t, end in ((2.093024, found.low), (-2.093024, found.high)):
        g = (0.7 - end) / error  # the cubic of the end's own t statistic is t
        assert g + k * (g * g / 3 + 1 / 6) + k * k * g**3 / 27 == pytest.approx(t, abs=1e-4)
    assert found.high - 0.7 > 2 * (0.7 - found.low)


def test_a_change_by_hand() -> None:
    found = change([1.0, 2.0, 3.0, 4.0, 9.0], [2.0, 3.5, 4.0, 6.0, 8.5], n_unscored=3)
    moves = np.array([1, 1.5, 1, 2, -0.5])  # sum 5, squares about the mean 1: 0.25 + 1 + 2.25
    error = (3.5 / 4) ** 0.5 / 5**0.5
    half = float(student.ppf(0.975, 4)) * error
    assert found.difference.value == moves.mean() == 1
    assert (found.difference.low, found.difference.high) == pytest.approx((1 - half, 1 + half))
    assert (found.before.value, found.after.value) == (3.8, 4.8)
    assert {e.n_unscored for e in (found.difference, found.before, found.after)} == {3}
    assert (found.n_improved, found.n_regressed) == (4, 1)
    assert found.minimum_detectable_effect == pytest.approx(4.674 * error, rel=1e-3)  # 4 df
    # Of the 32 sign patterns the sums 6 (all up) and 5 (this one) and their mirrors are as far out.
    assert found.p == 4 / 32


def test_a_change_of_several_samples_a_problem_is_by_problem() -> None:
    found = change([0.0] * 4, [1.0, 3.0, 5.0, 7.0], [2, 2, 9, 9])
    assert (found.difference.value, found.difference.n) == (4, 2)
    assert (found.n_improved, found.n_regressed, found.p) == (2, 0, 0.5)
    assert found.minimum_detectable_effect == pytest.approx(39.1 * 2, rel=1e-3)  # 1 df; means 2, 6


def test_nothing_lost_is_counted_unless_it_is_told() -> None:
    assert average([1.0, 2.0]).n_unscored == 0
    assert change([1.0, 2.0], [2.0, 4.0]).difference.n_unscored == 0


def test_no_change_is_neither_gained_nor_lost() -> None:
    found = change([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert (found.n_improved, found.n_regressed, found.p) == (0, 0, 1.0)


def test_what_has_no_mean_is_refused() -> None:
    for values in ([], [[1.0, 2.0]]):
        with pytest.raises(StatsError, match="no value, or not a flat list"):
            average(values)
    with pytest.raises(StatsError, match="not finite"):
        average([1.0, np.nan])
    with pytest.raises(StatsError, match="one problem has no interval"):
        average([1.0, 2.0], [3, 3])
    with pytest.raises(StatsError, match="2 values before, 1 after"):
        change([1.0, 2.0], [1.0])


@pytest.mark.parametrize(("n", "least"), [(12, 0.95), (60, 0.94)])
def test_the_interval_of_a_mean_holds_the_truth_as_often_as_it_says(n: int, least: float) -> None:
    """Student's t on normal numbers is exact; corrected for skewness on exponential ones, nearly."""
    rng, held, repetitions = np.random.default_rng(n), 0, 400
    for _ in range(repetitions):
        drawn = rng.normal(1, 2, n) if n < 30 else rng.exponential(1, n)
        found = average(drawn)
        held += found.low <= 1 <= found.high
    noise = 2.5 * (0.95 * 0.05 / repetitions) ** 0.5
    assert least - noise <= held / repetitions <= 0.95 + noise
