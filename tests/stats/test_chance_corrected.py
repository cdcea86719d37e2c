import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from twofold.errors import StatsError
from twofold.stats import chance_corrected


def test_by_hand() -> None:
    e = chance_corrected([1, 1, 1, 0], [1, 0, 0, 0], n_unscored=1)
    assert e.value == pytest.approx((0.75 - 0.25) / (1 - 0.25))
    assert (e.n, e.n_unscored) == (4, 1)
    # Donner and Zou with limits [.0128, .6994] of 1/4 and [.3006, .9872] of 3/4: the near ends are
    # those of a Poisson count of 1, .0513 / 4
    assert (e.low, e.high) == pytest.approx((1 - 1.8866, 1 - 0.0170), abs=2e-3)


def test_a_null_rate_of_one_has_no_lift() -> None:
    with pytest.raises(StatsError, match="null rate is 1"):
        chance_corrected([1, 0], [1, 1])


def test_problems_scored_on_one_side_only_are_left_out() -> None:
    e = chance_corrected([1, 0, 0, 0], [0, 1, 1], clusters=([1, 1, 2, 3], [1, 2, 9]))
    # Problem 1: half met, null 0. Problem 2: 0, null 1. p = 1/3, null = 1/2.
    assert e.n == 2
    assert e.value == pytest.approx((1 / 3 - 1 / 2) / (1 / 2))


def test_nothing_in_common_is_refused() -> None:
    with pytest.raises(StatsError, match="both stated and unstated"):
        chance_corrected([1], [0], clusters=([1], [2]))
    with pytest.raises(StatsError, match="give `clusters`"):
        chance_corrected([1], [0, 1])


def test_the_logarithm_of_the_ratio_by_hand() -> None:
    stated, null = np.arange(60) % 4 > 0, np.arange(60) % 2 > 0  # 15 and 30 of 60 fail
    e = chance_corrected(stated, null)
    # A problem moves the logarithm of the ratio by (fails / 15 - null fails / 30), less its share:
    # +1/30 for the 15 that fail both, -1/30 for the 15 that fail unasked only, 0 for the others.
    error = (30 / 30**2 * 60 / 59) ** 0.5
    reach = 2.000995 * error  # t of 59 degrees of freedom
    assert e.value == pytest.approx(0.5)
    assert (e.low, e.high) == pytest.approx(
        (1 - 0.5 * np.exp(reach), 1 - 0.5 * np.exp(-reach)), abs=1e-5
    )
    assert "logarithm of the ratio" in e.method


def test_with_hardly_a_failure_the_sides_are_taken_as_independent() -> None:
    null = np.arange(60) % 2 > 0
    assert chance_corrected(np.ones(60), null).method == "ratio of wilson intervals"  # never varies
    for n_fail, how in ((5, "logarithm"), (4, "wilson")):  # five that differ are enough
        assert how in chance_corrected(np.arange(60) >= n_fail, null).method


@pytest.mark.parametrize("n", [5, 100])
def test_always_met_is_no_certainty(n: int) -> None:
    e = chance_corrected(np.ones(n), np.arange(n) % 2)
    assert e.value == e.high == 1
    assert e.low < 1 - 1 / n


def test_the_same_as_unasked_is_no_certainty() -> None:
    scores = np.arange(100) % 2
    e = chance_corrected(scores, scores)
    assert e.value == 0
    assert e.low < -0.1 and e.high > 0.1


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from([0.0, 0.5, 1.0])] * 2), min_size=1, max_size=90))
def test_finite_and_around_the_value(pairs: list[tuple[float, float]]) -> None:
    stated, null = zip(*pairs, strict=True)
    assume(min(null) < 1)
    e = chance_corrected(stated, null)
    assert -np.inf < e.low <= e.value <= e.high <= 1
    assert e.low < e.high
