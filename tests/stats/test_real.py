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
    assert (found.n, found.n_unscored, found.method) == (3, 2, "Student's t over problems")


def test_samples_of_one_problem_are_one_problem() -> None:
    found = average([1.0, 3.0, 5.0], [4, 4, 7])
    half = 12.706205 * 1.5  # means 2 and 5: standard error 3 / 2; t with 1 degree of freedom
    assert (found.value, found.n) == (3, 2)
    assert (found.low, found.high) == pytest.approx((3 - half, 3 + half), abs=1e-4)


def test_many_problems_are_resampled_and_equal_ones_are_not() -> None:
    values = np.random.default_rng(0).normal(10, 2, 400)
    found = average(values)
    half = 1.96 * values.std(ddof=1) / 20
    assert "bootstrap" in found.method.lower()
    assert (found.low, found.high) == pytest.approx(
        (found.value - half, found.value + half), abs=0.03
    )
    assert average(values[:30]).method == found.method
    assert average(values[:29]).method == "Student's t over problems"
    assert average([2.0] * 50).method == "Student's t over problems"


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
    assert found.minimum_detectable_effect == pytest.approx((1.959964 + 0.841621) * error, rel=1e-4)
    # Of the 32 sign patterns the sums 6 (all up) and 5 (this one) and their mirrors are as far out.
    assert found.p == 4 / 32


def test_a_change_of_several_samples_a_problem_is_by_problem() -> None:
    found = change([0.0] * 4, [1.0, 3.0, 5.0, 7.0], [2, 2, 9, 9])
    assert (found.difference.value, found.difference.n) == (4, 2)
    assert (found.n_improved, found.n_regressed, found.p) == (2, 0, 0.5)
    assert found.minimum_detectable_effect == pytest.approx(
        (1.959964 + 0.841621) * 2, rel=1e-4
    )  # means 2 and 6


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
    """Student's t on normal numbers is exact; BCa on exponential ones, long to one side, nearly."""
    rng, held, repetitions = np.random.default_rng(n), 0, 400
    for seed in range(repetitions):
        drawn = rng.normal(1, 2, n) if n < 30 else rng.exponential(1, n)
        found = average(drawn)
        held += found.low <= 1 <= found.high
    noise = 2.5 * (0.95 * 0.05 / repetitions) ** 0.5
    assert least - noise <= held / repetitions <= 0.95 + noise
