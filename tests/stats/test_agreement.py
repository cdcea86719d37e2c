"""Agreement of a judge with the truth: by hand, on known cases, and by simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.errors import StatsError
from twofold.stats.agreement import Calibration, corrected_share, kappa, sensitivity, specificity

# 4 right passes, 1 missed; 3 right fails, 2 wrong passes
JUDGED = [1, 1, 1, 1, 0, 0, 0, 0, 1, 1]
TRUTH = [1, 1, 1, 1, 1, 0, 0, 0, 0, 0]


def test_by_hand() -> None:
    assert sensitivity(JUDGED, TRUTH).value == pytest.approx(4 / 5)
    assert specificity(JUDGED, TRUTH).value == pytest.approx(3 / 5)
    assert (sensitivity(JUDGED, TRUTH).n, specificity(JUDGED, TRUTH).n) == (5, 5)
    # agreement 7/10; chance .6 * .5 + .4 * .5 = .5; (.7 - .5) / .5
    assert kappa(JUDGED, TRUTH).value == pytest.approx(0.4)


def test_cohens_own_kind_of_table() -> None:
    # 50 items: 20 both pass, 15 both fail, 5 and 10 apart: p_o .7, p_e .6 * .5 + .4 * .5
    a = [1] * 20 + [1] * 5 + [0] * 10 + [0] * 15
    b = [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    assert kappa(a, b).value == kappa(b, a).value == pytest.approx(0.4)
    assert kappa(a, b).low < 0.4 < kappa(a, b).high
    assert "modified wilson" in kappa(a, b).method


def test_scores_pass_from_the_half_on() -> None:
    judged = [0.5, 0.9, 0.49, 0.5]
    assert sensitivity(judged, [1, 1, 1, 0]).value == pytest.approx(2 / 3)
    assert specificity(judged, [1, 1, 1, 0]).value == 0.0


@pytest.mark.parametrize("n", [4, 40])
def test_ends_of_kappa(n: int) -> None:
    both = [1, 0] * (n // 2)
    always = kappa(both, both)
    assert always.value == always.high == 1.0 and always.low < 0.95
    never = kappa(both, [1 - x for x in both])
    assert never.value == never.low == -1.0 and never.high > -0.95


def test_a_judge_that_passes_everything_agrees_by_chance_alone() -> None:
    found = kappa([1] * 10, TRUTH)
    assert found.value == 0.0 and found.low < 0 < found.high
    with pytest.raises(StatsError, match="both kinds"):
        kappa([1] * 10, [1] * 10)


def test_clusters_widen() -> None:
    judged, truth = JUDGED * 8, TRUTH * 8
    own = kappa(judged, truth)
    shared = kappa(judged, truth, np.tile(np.arange(10), 8))
    assert shared.value == own.value and shared.n == 10 and own.n == 80
    assert shared.high - shared.low > own.high - own.low
    assert sensitivity(judged, truth, np.tile(np.arange(10), 8)).n == 5


@pytest.mark.parametrize("measure", [sensitivity, specificity, kappa])
def test_unscored_is_passed_on_and_lengths_must_agree(measure) -> None:
    assert measure(JUDGED, TRUTH, n_unscored=3).n_unscored == 3
    with pytest.raises(StatsError):
        measure(JUDGED, TRUTH[:-1])
    with pytest.raises(StatsError):
        measure(JUDGED, TRUTH, [1, 2])
    with pytest.raises(StatsError):
        measure([], [])
    with pytest.raises(StatsError):
        measure([float("nan"), 1], [1, 0])


def test_a_kind_that_is_missing_is_named() -> None:
    with pytest.raises(StatsError, match="no item is true"):
        sensitivity([1, 0], [0, 0])
    with pytest.raises(StatsError, match="every item is true"):
        specificity([1, 0], [1, 1])


KNOWN = Calibration([1] * 90 + [0] * 10 + [1] * 20 + [0] * 80, [1] * 100 + [0] * 100)


@pytest.mark.parametrize(
    ("passed", "share"),
    [(20, 0.0), (90, 1.0), (55, 0.5), (34, 0.2), (15, 0.0), (95, 1.0)],  # a = .2 + .7 p
)
def test_errors_are_taken_out(passed: int, share: float) -> None:
    found = corrected_share([1] * passed + [0] * (100 - passed), KNOWN)
    assert found.value == pytest.approx(share)
    assert 0 <= found.low <= found.value <= found.high <= 1 and found.low < found.high


@pytest.mark.parametrize("passed", [0, 1, 100])
def test_a_share_that_the_calibration_does_not_allow_is_refused(passed: int) -> None:
    with pytest.raises(StatsError, match="errs differently here"):
        corrected_share([1] * passed + [0] * (100 - passed), KNOWN)


def test_the_interval_by_hand() -> None:
    """Lang and Reiczigel: 55 of 100; Se 90 of 100; Sp 80 of 100; z 1.959964.

    a' = 56.9207 / 103.8415 = .54815, Se' = 91 / 102 = .89216, Sp' = 81 / 102 = .79412, p' = .34227 /
    .68627 = .49873; variances .0023852, .00094326, .0016029; shift 2 z^2 (p' .00094326 - (1 - p')
    .0016029) = -.002559; half z sqrt(.0023852 + p'^2 .00094326 + (1 - p')^2 .0016029) / .68627 = .15701.
    """
    found = corrected_share([1] * 55 + [0] * 45, KNOWN)
    assert found.low == pytest.approx(0.49873 - 0.00256 - 0.15701, abs=2e-5)
    assert found.high == pytest.approx(0.49873 - 0.00256 + 0.15701, abs=2e-5)


def test_a_larger_calibration_narrows_it_and_never_below_the_judged_items() -> None:
    judged = [1] * 55 + [0] * 45
    widths = []
    for times in (1, 10, 1000):
        known = Calibration(list(KNOWN.judged) * times, list(KNOWN.truth) * times)
        found = corrected_share(judged, known)
        widths.append(found.high - found.low)
    assert widths[0] > widths[1] > widths[2]
    assert widths[2] > 2 * 1.95 * (0.55 * 0.45 / 104) ** 0.5 / 0.7


@pytest.mark.parametrize(
    "calibration",
    [
        Calibration([1, 0] * 50, [1] * 50 + [0] * 50),  # a coin
        Calibration([1] * 50 + [0] * 50, [0] * 50 + [1] * 50),  # always wrong
        Calibration([1] * 100, [1] * 50 + [0] * 50),  # passes all
        Calibration([1, 1, 0, 0], [1, 1, 0, 0]),  # right, but on four items
        Calibration([1, 1], [1, 1]),
        Calibration([0, 0], [0, 0]),
    ],
)
def test_a_judge_that_is_not_shown_to_judge_is_refused(calibration: Calibration) -> None:
    with pytest.raises(StatsError, match=r"calibrat|kind"):
        corrected_share([1, 0, 1], calibration)


@given(
    counts=st.tuples(*[st.integers(0, 30)] * 4),
    passed=st.integers(0, 20),
    failed=st.integers(0, 20),
)
@settings(max_examples=150, deadline=None)
def test_any_table_gives_an_interval_around_its_value_or_an_error(
    counts: tuple[int, int, int, int], passed: int, failed: int
) -> None:
    tp, fn, fp, tn = counts
    known = Calibration(
        [1] * tp + [0] * fn + [1] * fp + [0] * tn, [1] * (tp + fn) + [0] * (fp + tn)
    )
    try:
        found = corrected_share([1] * passed + [0] * failed, known)
    except StatsError:
        return
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


REPETITIONS = 600
NOISE = 2.5 * (0.95 * 0.05 / REPETITIONS) ** 0.5


def drawn(rng: np.random.Generator, truth: np.ndarray, se: float, sp: float) -> np.ndarray:
    return np.where(truth == 1, rng.random(truth.shape) < se, rng.random(truth.shape) >= sp) * 1.0


@pytest.mark.parametrize(
    ("share", "se", "sp", "n_known"),
    [(0.5, 0.9, 0.8, 100), (0.1, 0.8, 0.9, 60), (0.9, 0.95, 0.7, 200), (0.3, 1.0, 1.0, 40)],
)
def test_coverage_of_the_corrected_share(share: float, se: float, sp: float, n_known: int) -> None:
    rng, held = np.random.default_rng(5), 0
    known_truth = np.repeat([1.0, 0.0], n_known // 2)
    for _ in range(REPETITIONS):
        truth = (rng.random(150) < share) * 1.0
        known = Calibration(drawn(rng, known_truth, se, sp), known_truth)
        found = corrected_share(drawn(rng, truth, se, sp), known)
        held += found.low <= share <= found.high
    assert held / REPETITIONS >= 0.95 - NOISE  # on the wide side: 95 to 99 %


def test_coverage_with_several_samples_a_problem() -> None:
    rng, held, se, sp = np.random.default_rng(6), 0, 0.9, 0.8
    of = np.repeat(np.arange(60), 6)
    known_truth = np.tile([1.0, 0.0], 180)
    for _ in range(REPETITIONS):
        truth = (rng.random(360) < np.repeat(rng.beta(1, 1, 60), 6)) * 1.0
        known = Calibration(drawn(rng, known_truth, se, sp), known_truth, of)
        found = corrected_share(drawn(rng, truth, se, sp), known, of)
        held += found.low <= 0.5 <= found.high
    assert 0.95 - NOISE <= held / REPETITIONS <= 0.985


def test_without_the_correction_this_simulation_would_fail() -> None:
    rng, held = np.random.default_rng(5), 0
    for _ in range(100):
        truth = (rng.random(150) < 0.1) * 1.0
        low = drawn(rng, truth, 0.8, 0.8).mean() - 1.96 * (0.26 * 0.74 / 150) ** 0.5
        held += low <= 0.1
    assert held < 20


@pytest.mark.parametrize(("n", "n_samples"), [(20, 1), (60, 1), (60, 4)])
def test_coverage_of_kappa(n: int, n_samples: int) -> None:
    """Se .9, Sp .8, half are so: agreement .85, passes .55, chance .5, kappa .7."""
    rng, held, of = np.random.default_rng(7), 0, np.repeat(np.arange(n), n_samples)
    n_done = 400
    for _ in range(n_done):
        truth = (rng.random(n * n_samples) < np.repeat(rng.beta(2, 2, n), n_samples)) * 1.0
        found = kappa(drawn(rng, truth, 0.9, 0.8), truth, of)
        held += found.low <= 0.7 <= found.high
    assert held / n_done >= 0.95 - 2.5 * (0.95 * 0.05 / n_done) ** 0.5
