"""Best of k by enumeration of all sets, crossovers by hand, support by its four cells."""

from itertools import combinations

import numpy as np
import pytest

from twofold.errors import StatsError
from twofold.stats.coverage import (
    Support,
    best_at_k,
    covers,
    crossover,
    highest_rate,
    solves,
    support,
)


def by_sets(values, k):
    best = [max(chosen) for chosen in combinations(values, k)]
    return sum(best) / len(best)


@pytest.mark.parametrize("k", [1, 2, 3, 6])
@pytest.mark.parametrize(
    "values", [[0] * 6, [1] * 6, [1, 0, 0, 0, 0, 1], [0.5, 0, 1, 0.5, 0.25, 0.5]]
)
def test_the_best_of_k_is_the_mean_over_all_sets_of_k(values, k):
    assert best_at_k(values, k) == pytest.approx(by_sets(values, k))


def test_pass_at_k_by_hand():
    # 1 of 4 right: pass@1 = 1/4, pass@2 = 1 - C(3, 2) / C(4, 2) = 1 - 3/6, pass@4 = 1
    assert [best_at_k([0, 1, 0, 0], k) for k in (1, 2, 4)] == pytest.approx([0.25, 0.5, 1.0])
    # 3 of 200 right at k = 64: 1 - (136 * 135 * 134) / (200 * 199 * 198)
    assert best_at_k([1] * 3 + [0] * 197, 64) == pytest.approx(
        1 - (136 * 135 * 134) / (200 * 199 * 198)
    )


def test_the_naive_formula_is_biased_and_this_one_is_not():
    """Of 4 tries at a true rate of .3, mean over all outcomes: exactly 1 - .7^2 at k = 2."""
    rate, expected, naive = 0.3, 0.0, 0.0
    for outcome in np.ndindex(2, 2, 2, 2):
        weight = float(np.prod([rate if each else 1 - rate for each in outcome]))
        expected += weight * best_at_k(outcome, 2)
        naive += weight * (1 - (1 - sum(outcome) / 4) ** 2)
    assert expected == pytest.approx(1 - 0.7**2)
    assert abs(naive - (1 - 0.7**2)) > 0.04


@pytest.mark.parametrize("k", [0, 3])
def test_more_tries_than_there_are_scores_are_refused(k):
    with pytest.raises(StatsError, match="scored tries"):
        best_at_k([1, 0], k)


def curves(rates, ks):
    return [[1 - (1 - rate) ** k for k in ks] for rate in rates]


KS = (1, 2, 4, 8)


def test_curves_cross_where_the_sharper_one_falls_behind():
    # The base solves all 40 at .2; the tuned model 20 at .6 and the rest never:
    # gains .3 - .2, .42 - .36, .4872 - .5904 at k = 1, 2, 4.
    found = crossover(curves([0.2] * 40, KS), curves([0.6] * 20 + [0] * 20, KS), KS)
    assert found.k == 4 and found.share == 1.0
    assert found.low in (1, 2) and found.high in (4, 8)


def test_a_model_that_is_ahead_everywhere_has_no_crossover():
    found = crossover(curves([0.2] * 40, KS), curves([0.6] * 40, KS), KS)
    assert (found.k, found.low, found.high, found.share, found.largest) == (
        None,
        None,
        None,
        0.0,
        8,
    )


def test_the_same_curves_meet_at_once():
    same = curves([0.1, 0.5, 0.9], KS)
    found = crossover(same, same, KS)
    assert (found.k, found.low, found.high) == (1, 1, 1)


def test_the_crossover_is_paired_by_problem():
    """Ahead by .01 on every problem: no resampled set can lose it, however much problems differ."""
    rng = np.random.default_rng(0)
    before = rng.random((30, 1)) * 0.9
    assert crossover(before, before + 0.01, (1,)).share == 0.0
    shuffled = rng.permutation(before + 0.01)
    assert crossover(before, shuffled, (1,)).share > 0.2


def test_problems_with_too_few_tries_are_left_out_only_where_they_are_too_few():
    before, after = curves([0.2, 0.2], (1, 2)), curves([0.3, 0.3], (1, 2))
    after[0][1] = float("nan")
    found = crossover(before, after, (1, 2))
    assert found.k is None and found.n == 2
    with pytest.raises(StatsError, match="at some k"):
        crossover([[0.1, float("nan")]], [[0.1, 0.2]], (1, 2))
    with pytest.raises(StatsError, match="shapes"):
        crossover([[0.1, 0.2]], [[0.1]], (1, 2))


def test_cover_is_at_least_the_share_whatever_the_rounding():
    thirds = [1, 1, 1] + [0] * 6
    assert covers(thirds, 1 / 3) and not covers(thirds, 0.34)
    assert covers([1] + [0] * 15, 1 / 16) and not covers([0] * 16, 1 / 16)


def test_nothing_is_found_before_the_base_was_asked_again():
    assert support(solves([0, 0], []), solves([1, 0], [])) is None
    assert support(solves([0, 0], [0] * 8), solves([1, 0], [])) is Support.found
    assert support(solves([0, 0], [0] * 7 + [1]), solves([1, 0], [])) is Support.kept
    assert support(solves([1, 0], []), solves([0, 0], [0] * 8)) is Support.lost
    assert support(solves([0, 0], [0]), solves([0, 0], [0])) is Support.neither
    assert solves([], []) is None  # nothing was scored


def test_the_highest_rate_leaves_five_in_a_hundred():
    for n in (1, 16, 256):
        assert (1 - highest_rate(n)) ** n == pytest.approx(0.05)
    with pytest.raises(StatsError):
        highest_rate(0)


@pytest.mark.parametrize("n", [50, 200])
def test_the_interval_of_a_crossover_holds_it_95_times_in_100(n):
    """A quarter of the problems is lost, the rest sharpened by four; 16 samples; the curves cross at 5."""

    def world(rng, size):
        base = rng.beta(0.6, 1.2, size)
        kept = rng.random(size) < 0.75
        return base, np.where(kept, 1 - (1 - base) ** 4, 0.02 * base)

    ks = range(1, 17)
    base, tuned = world(np.random.default_rng(1), 10**6)
    gains = [((1 - base) ** k - (1 - tuned) ** k).mean() for k in ks]
    true = next(k for k, gain in zip(ks, gains, strict=True) if gain <= 0)
    assert true == 5
    table = np.array([[best_at_k([1] * c + [0] * (16 - c), k) for k in ks] for c in range(17)])
    rng, held = np.random.default_rng(n), 0
    for seed in range(200):
        found = crossover(
            *(table[rng.binomial(16, side)] for side in world(rng, n)), [*ks], seed=seed
        )
        low, high = (float("inf") if end is None else end for end in (found.low, found.high))
        held += low <= true <= high
    assert 0.90 <= held / 200 <= 0.995
