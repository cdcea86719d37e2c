"""How groups are compared, by hand: the cases of the research note, rounded to two digits there."""

import numpy as np
import pytest

from twofold.errors import ScoringError
from twofold.methods.trl.advantage import AdvantageNormalizer

NOISY = np.array([[1, 0.70], [0, 0.72], [1, 0.69], [0, 0.71]])
GDPO = AdvantageNormalizer(order="normalize_then_sum")


def whitened(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / values.std(ddof=1)


def test_gdpo_lets_noise_flip_the_sign_of_being_right_and_min_std_stops_it() -> None:
    assert whitened(GDPO(NOISY, size=4)) == pytest.approx([1.05, 0.63, -0.63, -1.05], abs=0.01)
    floored = AdvantageNormalizer(order="normalize_then_sum", min_std=0.1)(NOISY, size=4)
    assert floored == pytest.approx([0.82, -0.72, 0.72, -0.82], abs=0.01)


def test_balanced_binary_parts_are_the_same_decoupled() -> None:
    cells = np.array([[1.0, 1], [1, 0], [0, 1], [0, 0]])
    assert whitened(GDPO(cells, size=4)) == pytest.approx([1.22, 0, 0, -1.22], abs=0.01)


def test_min_std_flattens_a_single_reward_that_hardly_varies() -> None:
    floor = AdvantageNormalizer(min_std=0.1)
    tiny = np.array([[0.99], [1.0], [0.99], [0.98]])
    # deviations 0, .01, 0, -.01 over max(0.008, 0.1)
    assert floor(tiny, size=4) == pytest.approx([0, 0.1, 0, -0.1], abs=1e-3)
    wide = np.array([[1.0], [0.0]])  # deviations ±.5 over the spread .7071
    assert floor(wide, size=2) == pytest.approx([0.707, -0.707], abs=1e-3)


def test_groups_are_compared_with_themselves_only() -> None:
    two = np.concatenate([NOISY, NOISY * 0.5])
    assert GDPO(two, size=4)[:4] == pytest.approx(GDPO(NOISY, size=4))


def test_a_half_judged_reply_moves_nothing_and_does_not_count() -> None:
    scores = np.array([[1, 1.0], [0, np.nan], [0, 0.0], [np.nan, np.nan]])
    got = GDPO(scores, size=4)
    assert np.isnan(got[[1, 3]]).all()
    # the two that are left: deviations ±.5 over .7071 in both columns
    assert got[[0, 2]] == pytest.approx([1.414, -1.414], abs=1e-3)


def test_a_group_without_a_difference_or_with_one_reply_is_flat() -> None:
    flat = np.array([[1, 0.5]] * 2 + [[np.nan, 1], [1, 1]])
    assert np.nan_to_num(GDPO(flat, size=2)) == pytest.approx([0, 0, 0, 0])


def test_saturation_down_weights_what_is_nearly_always_earned() -> None:
    scores = np.array([[1, 1.0], [1, 0], [1, 0], [0, 0]])  # means .75 and .25
    plain = GDPO(scores, size=4)
    gone = AdvantageNormalizer(order="normalize_then_sum", saturation=0.5)(scores, size=4)
    z = (scores - scores.mean(axis=0)) / (scores.std(axis=0, ddof=1) + 1e-4)
    assert plain == pytest.approx(z.sum(axis=1))
    assert gone == pytest.approx(z[:, 0] * 0.25**0.5 + z[:, 1] * 0.75**0.5)


IN_ORDER = AdvantageNormalizer(order="lexicographic")


def test_the_second_part_counts_between_equals_in_the_first() -> None:
    cells = np.array([[1.0, 1], [1, 0], [0, 1], [0, 0]])
    # 1 and 0, with a half of ±.5 beside it: 1.25, .75, .25, -.25; mean .5, spread sqrt(1.25 / 3)
    spread = (1.25 / 3) ** 0.5 + 1e-4
    assert IN_ORDER(cells, size=4) == pytest.approx(
        [x / spread for x in (0.75, 0.25, -0.25, -0.75)]
    )
    # the three right replies are worth the same, however much the wrong one obeys
    cheap = np.array([[1.0, 0], [1, 0], [1, 0], [0, 1]])
    alone = AdvantageNormalizer(min_std=1e-9)(cheap[:, :1], size=4)
    assert IN_ORDER(cheap, size=4) == pytest.approx(alone)
    # a group that ties in the first is compared by the second alone, at full size
    tied = np.array([[0.5, 1], [0.5, 0], [0.5, 0], [0.5, 0]])
    second = AdvantageNormalizer(min_std=1e-9)(tied[:, 1:], size=4)
    assert IN_ORDER(tied, size=4) == pytest.approx(second)


def test_whatever_the_scores_the_order_is_that_of_the_pairs() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        first = rng.integers(0, 4, 6) / 3 * rng.choice([1, 0.1])
        scores = np.stack([first, rng.integers(0, 3, 6) / 2], axis=1)
        lost = rng.random(6) < 0.2
        scores[lost, rng.integers(0, 2)] = np.nan
        got = IN_ORDER(scores, size=6)
        assert np.isnan(got).tolist() == lost.tolist()
        kept = [
            (*pair, value)
            for pair, value in zip(scores.tolist(), got, strict=True)
            if value == value
        ]
        assert sum(value for *_, value in kept) == pytest.approx(0, abs=1e-6)
        for a, b, value in kept:
            for c, d, other in kept:
                if a > c + 1e-9 or (abs(a - c) < 1e-9 and b > d):
                    assert value > other
                elif abs(a - c) < 1e-9 and b == d:
                    assert value == pytest.approx(other)


def test_a_lost_reply_ties_with_nobody() -> None:
    scores = np.array([[1, 1.0], [1, 0.0], [1, np.nan], [0, 0.5]])
    got = IN_ORDER(scores, size=4)
    alone = IN_ORDER(scores[[0, 1, 3]], size=3)
    assert got[[0, 1, 3]] == pytest.approx(alone) and np.isnan(got[2])


def test_wrong_settings_and_incomplete_groups() -> None:
    with pytest.raises(ScoringError, match="min_std"):
        AdvantageNormalizer(min_std=1.0)
    with pytest.raises(ScoringError, match="saturation is -1"):
        AdvantageNormalizer(order="normalize_then_sum", saturation=-1)
    with pytest.raises(ScoringError, match="needs normalize_then_sum"):
        AdvantageNormalizer(saturation=0.5)
    with pytest.raises(ScoringError, match="whole number of groups"):
        GDPO(NOISY, size=3)
