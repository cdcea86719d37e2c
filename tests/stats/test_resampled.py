"""The bootstrap: every draw of five by enumeration, and a mean's interval against the normal one."""

from itertools import product

import numpy as np
import pytest

from twofold.errors import StatsError
from twofold.stats import resampled
from twofold.stats.coverage import N_DRAWS


def test_the_ends_are_those_of_every_draw():
    """Of five values the 3,125 draws have known medians; the lowest comes up in 181, above 2.5 %."""
    values = np.array([1.0, 2.0, 3.0, 4.0, 10.0])
    medians = [np.median(each) for each in product(values, repeat=5)]
    assert medians.count(1.0) == medians.count(10.0) == 181  # 10 * 16 + 5 * 4 + 1
    found = resampled(lambda at: float(np.median(values[at])), 5, seed=4, n_unscored=2)
    assert (found.value, found.low, found.high) == (3.0, 1.0, 10.0)
    assert (found.n, found.n_unscored) == (5, 2)


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution():
    values = np.random.default_rng(0).normal(5, 2, size=400)
    found = resampled(lambda at: float(values[at].mean()), 400)
    half = 1.96 * values.std(ddof=1) / 20
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_the_seed_decides_the_draws_and_draws_without_a_number_are_left_out():
    seen = []

    def only_if_first_is_in(at):
        seen.append(tuple(at))
        return 1.0 if 0 in at else float("nan")

    first = resampled(only_if_first_is_in, 5, seed=1)
    assert (first.low, first.high) == (1.0, 1.0) and len(seen) == N_DRAWS + 1
    assert any(0 not in at for at in seen)
    before, seen[:] = [*seen], []
    resampled(only_if_first_is_in, 5, seed=1)
    assert seen == before
    seen.clear()
    resampled(only_if_first_is_in, 5, seed=2)
    assert seen != before


def test_what_has_no_interval_is_refused():
    for n in range(5):
        with pytest.raises(StatsError, match=f"needs 5 of them, not {n}"):
            resampled(lambda at: 1.0, n)
    with pytest.raises(StatsError, match="not finite"):
        resampled(lambda at: float("nan"), 5)
