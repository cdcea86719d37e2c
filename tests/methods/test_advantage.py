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


def test_wrong_settings_and_incomplete_groups() -> None:
    with pytest.raises(ScoringError, match="min_std"):
        AdvantageNormalizer(min_std=1.0)
    with pytest.raises(ScoringError, match="saturation is -1"):
        AdvantageNormalizer(order="normalize_then_sum", saturation=-1)
    with pytest.raises(ScoringError, match="needs normalize_then_sum"):
        AdvantageNormalizer(saturation=0.5)
    with pytest.raises(ScoringError, match="whole number of groups"):
        GDPO(NOISY, size=3)
