import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.errors import StatsError
from twofold.stats import mean
from twofold.stats.clusters import cluster_sums, kish
from twofold.stats.spread import effective_n


def test_binary_one_sample_a_problem_is_wilson() -> None:
    e = mean([1, 1, 0, 1])
    assert e.method.startswith("modified wilson; so few")
    assert (e.value, e.n) == (0.75, 4)


def test_the_mean_is_over_samples_and_n_counts_problems() -> None:
    e = mean([1, 1, 1, 0], clusters=[5, 5, 5, -2], n_unscored=1)
    assert e.value == 0.75  # over problems it would be 0.5
    assert (e.n, e.n_unscored) == (2, 1)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("k", [1, 5, 200])
def test_equal_scores_give_no_interval_of_no_width(value: float, k: int) -> None:
    e = mean([value] * (3 * k), clusters=np.repeat(np.arange(k), 3))
    assert e.value == value
    assert e.high - e.low > 1 / (k + 4)


def test_more_samples_of_the_same_problems_are_not_more_problems() -> None:
    few = mean([1.0, 0.0] * 5, clusters=np.arange(10))
    many = mean([1.0, 0.0] * 5 * 8, clusters=np.tile(np.arange(10), 8))
    assert (many.low, many.high) == pytest.approx((few.low, few.high))


def test_kishs_effective_number_by_hand() -> None:
    assert kish(np.array([1.0, 3.0])) == pytest.approx(16 / 10)


def test_cluster_sums_do_not_depend_on_the_order_of_samples() -> None:
    values, of = np.array([0.25, 0.5, 1.0, 0.0]), np.array([3, 1, 3, 1])
    assert cluster_sums(values, of).tolist() == [[0.5, 2.0], [1.25, 2.0]]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=150), st.data())
def test_the_interval_holds_the_value_within_the_range(
    values: list[float], data: st.DataObject
) -> None:
    problems = st.integers(0, 60)
    of = data.draw(st.lists(problems, min_size=len(values), max_size=len(values)))
    e = mean(values, of)
    assert 0 <= e.low <= e.value <= e.high <= 1
    assert e.low < e.high


@pytest.mark.parametrize("values", [[], [0.5, float("nan")], [1.5], [None, 1.0], [[0.5]], ["a"]])
def test_what_is_no_score_is_refused(values: list[object]) -> None:
    with pytest.raises(StatsError):
        mean(values)  # type: ignore[arg-type]


@pytest.mark.parametrize("clusters", [[0], [0.5, 1.0], ["a", "b"]])
def test_clusters_are_one_integer_a_score(clusters: list[object]) -> None:
    with pytest.raises(StatsError, match="one integer problem index"):
        mean([0.0, 1.0], clusters)  # type: ignore[arg-type]


def test_the_effective_number_of_problems_by_hand() -> None:
    # 6 problems of 2 samples: means 1, 1, 1, .5, 0, 0; mean 7/12. Squared distances of the means:
    # 3 (5/12)^2 + (1/12)^2 + 2 (7/12)^2 = 174/144.
    values, of = np.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0.0]), np.repeat(np.arange(6), 2)
    unit = 7 / 12 * 5 / 12
    # With Student's t of 5 degrees of freedom, 2.5706, instead of 1.96: fewer than the 6 problems.
    assert unit / (174 / 144 / 5 / 6) * (1.959964 / 2.570582) ** 2 < 6
    assert effective_n(values, cluster_sums(values, of), unit) == 6
    # 60 such problems: variance 10 x 174/144 / 59 / 60, t of 59 degrees of freedom 2.0010
    many, of = np.tile(values, 10), np.repeat(np.arange(60), 2)
    expected = unit / (10 * 174 / 144 / 59 / 60) * (1.959964 / 2.000995) ** 2
    found = effective_n(many, cluster_sums(many, of), unit)
    assert found == pytest.approx(expected, rel=1e-5)
    assert 60 < found < 120  # between the problems and the samples


def test_samples_that_scatter_within_problems_are_no_more_than_the_samples() -> None:
    values, of = np.tile([1.0, 0.0], 30), np.repeat(np.arange(30), 2)  # each problem is half right
    found = effective_n(values, cluster_sums(values, of), 0.25)
    assert found == pytest.approx(59 * (1.959964 / 2.000995) ** 2, rel=1e-5)  # 60 samples


def test_scores_that_hardly_vary_tell_no_more_than_problems() -> None:
    values = np.r_[np.full(36, 0.5), np.ones(4)]  # 4 of 40 differ
    assert effective_n(values, cluster_sums(values, None), 0.2475) == 40
    values = np.r_[np.full(35, 0.5), np.ones(5)]
    assert effective_n(values, cluster_sums(values, None), 0.246) > 100


def test_a_narrow_interval_at_twenty_problems_with_four_samples() -> None:
    """It was as wide as if each problem had one sample."""
    rng = np.random.default_rng(0)
    values, of = (rng.random(80) < 0.5).astype(float), np.repeat(np.arange(20), 4)
    e = mean(values, of)
    assert 0.18 < e.high - e.low < 0.27  # 1.96 x 2 x .5 / sqrt(80) is .219
