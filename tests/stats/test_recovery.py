"""The share of a gain: by hand, by scanning the paired t test, and refused where there is no gain."""

import numpy as np
import pytest
from scipy.stats import norm, t

from twofold.errors import StatsError
from twofold.stats import recovery

BASE = [0] * 40
TUNED = [1] * 20 + [0] * 20


def scanned(base, tuned, arm):
    """The shares that a paired t test does not reject, one by one."""
    reached, gained = np.subtract(arm, base), np.subtract(tuned, base)
    n, kept = len(base), []
    for share in np.linspace(-2, 3, 5001):
        moved = reached - share * gained
        if abs(moved.mean()) <= t.ppf(0.975, n - 1) * moved.std(ddof=1) / n**0.5:
            kept.append(share)
    return min(kept), max(kept)


def test_the_interval_is_what_the_t_test_does_not_reject():
    rng = np.random.default_rng(3)
    ease = rng.random(80)
    base, tuned, arm = ((rng.random(80) < ease**e).astype(float) for e in (2, 0.5, 1))
    found = recovery(base, tuned, arm)
    assert found.value == pytest.approx((arm - base).mean() / (tuned - base).mean())
    assert (found.low, found.high) == pytest.approx(scanned(base, tuned, arm), abs=0.002)


def test_it_is_not_cut_off():
    assert recovery(BASE, TUNED, [1] * 30 + [0] * 10).value == 1.5
    worse = recovery([1] * 10 + [0] * 30, [1] * 30 + [0] * 10, [0] * 40)
    assert worse.value == -0.5 and worse.low < -0.5


def test_an_arm_that_changes_nothing_still_has_a_width():
    """No variance is seen; Tango's interval of 0 of 40 is +- z^2 / (40 + z^2) = .088, over a gain of .5."""
    for arm, at in ((BASE, 0.0), (TUNED, 1.0)):
        found = recovery(BASE, TUNED, arm)
        assert found.value == at
        assert (found.low, found.high) == pytest.approx((at - 0.1753, at + 0.1753), abs=1e-3)


@pytest.mark.parametrize(
    "tuned",
    [
        [0] * 40,  # no gain
        [1] * 2 + [0] * 38,  # 5 points, and its interval includes 0
        [0] * 39 + [1],
    ],
)
def test_without_a_gain_no_share_of_it_is_defined(tuned):
    with pytest.raises(StatsError, match="no share of it is defined"):
        recovery(BASE, tuned, BASE)


def test_a_certain_gain_below_three_points_and_a_loss_are_refused():
    n = 1000
    with pytest.raises(StatsError, match="no share of it is defined"):
        recovery([0] * n, [1] * 25 + [0] * (n - 25), [0] * n)  # 2.5 points, p < 1e-7
    with pytest.raises(StatsError, match="no share of it is defined"):
        recovery(TUNED, BASE, BASE)
    assert recovery([0] * n, [1] * 31 + [0] * (n - 31), [0] * n).value == 0.0


def test_scores_that_are_no_pairs_are_refused():
    with pytest.raises(StatsError, match="pair them"):
        recovery([0, 1], [1], [0, 0])
    with pytest.raises(StatsError, match="one problem"):
        recovery([0], [1], [0])


REPETITIONS = 400
NOISE = 2.5 * (0.95 * 0.05 / REPETITIONS) ** 0.5  # 0.027


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("n", "gain"), [(60, 0.3), (200, 0.1), (200, 0.3)])
def test_the_interval_holds_the_share_95_times_in_100(n, gain, share):
    """Problems of one ease for all three; where the gain is not significant there is no interval."""
    rng, held, defined = np.random.default_rng(round(100 * gain) + n), 0, 0

    def drawn(rate):
        return (0.8 * ease + 0.6 * rng.normal(size=n) < norm.ppf(rate)).astype(float)

    for _ in range(REPETITIONS):
        ease = rng.normal(size=n)
        base, tuned, arm = (drawn(0.5 + gain * part) for part in (0.0, 1.0, share))
        try:
            found = recovery(base, tuned, arm)
        except StatsError:
            continue
        defined += 1
        held += found.low <= share <= found.high
    assert defined > 0.5 * REPETITIONS
    assert 0.93 - NOISE / 2 <= held / defined <= 0.97 + NOISE
