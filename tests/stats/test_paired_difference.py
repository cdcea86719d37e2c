import itertools
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import permutation_test

from twofold.errors import StatsError
from twofold.stats import paired
from twofold.stats.paired_difference import sign_flip


def test_mcnemar_by_hand() -> None:
    # 7 gained, 1 lost: 2 x P(X <= 1), X ~ Binomial(8, 1/2) = 2 x (1 + 8) / 256
    before = [0] * 7 + [1] + [1] * 6
    after = [1] * 7 + [0] + [1] * 6
    c = paired(before, after)
    assert (c.n_improved, c.n_regressed, c.test) == (7, 1, "exact McNemar")
    assert c.p == pytest.approx(2 * (1 + 8) / 256)
    assert c.difference.value == pytest.approx(6 / 14)
    assert (c.before.value, c.after.value) == pytest.approx((7 / 14, 13 / 14))


def test_no_change_at_all_is_no_certainty() -> None:
    for clusters in (None, np.repeat(np.arange(20), 2)):
        c = paired([0.0, 1.0] * 20, [0.0, 1.0] * 20, clusters, n_unscored=2)
        assert c.p == 1
        assert c.difference.low == -c.difference.high < -0.05
        assert c.difference.n_unscored == c.before.n_unscored == 2
        assert c.minimum_detectable_effect is not None and c.minimum_detectable_effect > 0.1


def test_every_problem_rising_by_the_same_is_no_certainty() -> None:
    c = paired([0.25] * 50, [0.5] * 50)
    assert c.difference.value == 0.25
    assert c.difference.high - c.difference.low > 0.1
    assert c.p < 0.001


def brute_force_p(change: list[float]) -> float:
    seen = abs(sum(change))
    flips = list(itertools.product((-1, 1), repeat=len(change)))
    far = [abs(sum(s * d for s, d in zip(f, change, strict=True))) >= seen - 1e-9 for f in flips]
    return sum(far) / len(flips)


@given(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 1 / 3, 0.75]), min_size=1, max_size=9))
def test_sign_flips_count_every_pattern(change: list[float]) -> None:
    p, test = sign_flip(np.array(change))
    assert p == pytest.approx(brute_force_p(change))
    assert test.startswith("exact")


def test_sign_flips_agree_with_scipy() -> None:
    change = np.random.default_rng(5).normal(0.3, 1, size=10)
    theirs = permutation_test((change,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(change)[0] == pytest.approx(theirs.pvalue)


@pytest.mark.parametrize("n", [40, 300])
def test_drawn_flips_agree_with_the_binomial_and_never_give_zero(n: int) -> None:
    # Equal sizes: the test is the sign test, whose p is a binomial tail.
    up = n // 2 + int(0.9 * n**0.5)
    exact = 2 * sum(comb(n, k) for k in range(up, n + 1)) / 2**n
    p, test = sign_flip(np.r_[np.ones(up), -np.ones(n - up)], seed=1)
    assert "2000 draws" in test
    assert p == pytest.approx(exact, abs=4 * (exact / 2000) ** 0.5)
    assert sign_flip(np.ones(n))[0] == 1 / 2001


def test_drawn_flips_of_all_distinct_sizes() -> None:
    change = np.random.default_rng(2).normal(0.08, 1, size=700)
    z = change.sum() / np.sqrt((change**2).sum())
    p, _ = sign_flip(change, seed=3)
    normal = permutation_p_of_normal(z)
    assert p == pytest.approx(normal, abs=0.02)


def permutation_p_of_normal(z: float) -> float:
    draws = np.random.default_rng(0).normal(size=200_000)
    return float((np.abs(draws) >= abs(z)).mean())


def test_samples_of_one_problem_flip_together() -> None:
    # One problem that gained in all of its 8 samples is one gain, not eight.
    c = paired([0.0] * 8 + [1.0] * 8, [1.0] * 8 + [1.0] * 8, [0] * 8 + [1] * 8)
    assert (c.p, c.n_improved, c.difference.n) == (1.0, 1, 2)
    assert c.difference.low < 0


def test_swapping_before_and_after_mirrors_the_result() -> None:
    rng = np.random.default_rng(0)
    x, y, of = rng.random(120), rng.random(120), np.repeat(np.arange(40), 3)
    there, back = paired(x, y, of), paired(y, x, of)
    assert there.difference.value == pytest.approx(-back.difference.value)
    assert there.difference.low == pytest.approx(-back.difference.high, abs=0.01)
    assert (there.n_improved, there.n_regressed) == (back.n_regressed, back.n_improved)
    assert there.p == back.p


def test_rounding_is_no_change() -> None:
    thirds = [1 / 3, 1 / 3, 1 / 3, 0.1, 0.2, 0.3]
    other = [1.0, 0.0, 0.0, 0.3, 0.2, 0.1]
    c = paired(thirds, other, [0, 0, 0, 1, 1, 1])
    assert (c.n_improved, c.n_regressed, c.p) == (0, 0, 1.0)


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(StatsError, match="pair them sample by sample"):
        paired([1.0], [1.0, 0.0])


def test_one_pair_can_say_nothing_about_power() -> None:
    c = paired([0.0], [1.0])
    assert c.minimum_detectable_effect is None
    assert c.difference.low == pytest.approx((1 - 3.8415) / 4.8415, abs=1e-4)
    assert c.p == 1


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from([0.0, 0.5, 1.0])] * 2), min_size=1, max_size=90))
def test_the_interval_holds_the_difference(pairs: list[tuple[float, float]]) -> None:
    x, y = zip(*pairs, strict=True)
    d = paired(x, y).difference
    assert -1 <= d.low <= d.value <= d.high <= 1
    assert d.low < d.high
