"""The area under the curve: pairs counted one by one, and how often its interval holds the truth."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import norm

from twofold.errors import StatsError
from twofold.stats.auroc import auroc

REPETITIONS = 400


@pytest.mark.parametrize("seed", range(5))
def test_the_area_is_the_share_of_pairs_in_the_right_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    high, low = rng.integers(0, 8, 11).tolist(), rng.integers(0, 6, 7).tolist()
    pairs = [1.0 if h > lo else 0.5 if h == lo else 0.0 for h, lo in product(high, low)]
    found = auroc(high, low, n_unscored=2)
    assert found.value == pytest.approx(sum(pairs) / 77)
    assert found.low < found.value < found.high
    assert (found.n, found.n_unscored) == (18, 2)


def test_perfect_separation_has_an_interval() -> None:
    best, worst = auroc([3, 4, 5], [0, 1, 2]), auroc([0, 1, 2], [3, 4, 5])
    assert (best.value, best.high, worst.value, worst.low) == (1, 1, 0, 0)
    assert best.low == pytest.approx(1 - worst.high) and best.low < 0.8
    assert auroc(range(50, 100), range(50)).low > best.low


def test_empty_classes_are_refused() -> None:
    for high, low in (([], [1.0]), ([1.0], [])):
        with pytest.raises(StatsError, match="both classes need at least one item"):
            auroc(high, low)
    with pytest.raises(StatsError, match="not finite"):
        auroc([1.0], [np.nan])


@pytest.mark.parametrize(("n", "shift"), [(20, 0.0), (25, 1.0), (40, 2.0)])
def test_the_interval_holds_the_truth_as_often_as_it_says(n: int, shift: float) -> None:
    rng, truth = np.random.default_rng(n), float(norm.cdf(shift / 2**0.5))
    held = 0
    for _ in range(REPETITIONS):
        found = auroc(rng.normal(shift, 1, n), rng.normal(0, 1, n))
        held += found.low <= truth <= found.high
    assert held / REPETITIONS == pytest.approx(0.95, abs=2.5 * (0.95 * 0.05 / REPETITIONS) ** 0.5)


@pytest.mark.parametrize("n", [12, 40])
@pytest.mark.parametrize("together", [-0.9, -0.5, 0.0, 0.9])
@pytest.mark.parametrize("shift", [0.0, 1.5])
def test_pairs_cost_no_coverage(n: int, together: float, shift: float) -> None:
    """Two readings of one item may vary together (then it is cautious) or against each other."""
    rng, truth = np.random.default_rng(n), float(norm.cdf(shift / 2**0.5))
    held = 0
    for _ in range(200):
        high, other = rng.normal(size=(2, n))
        low = together * high + (1 - together**2) ** 0.5 * other
        found = auroc(high + shift, low, paired=True)
        held += found.low <= truth <= found.high
    assert held / 200 >= 0.915  # 0.95 less two standard errors


def test_a_pair_is_one_item() -> None:
    found = auroc([1, 2, 3], [1, 2, 3], paired=True, n_unscored=1)
    assert (found.value, found.n, found.n_unscored) == (0.5, 3, 1)
    assert found.low < 0.5 < found.high
    rising = [1, 2, 3, 4, 5, 6]
    alike, against = (
        auroc(rising, [3, *rising[1:]], paired=True),
        auroc(rising, rising[::-1], paired=True),
    )
    assert against.high - against.low > alike.high - alike.low
    single = auroc(rising, [3, *rising[1:]])
    assert (alike.low, alike.high) == (single.low, single.high)
    with pytest.raises(StatsError, match="make no pairs"):
        auroc([1, 2], [1], paired=True)
