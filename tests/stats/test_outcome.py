import pytest

from twofold.stats import outcome, with_habit
from twofold.types import Comparison, Estimate, Outcome

UP, DOWN, TIGHT, WIDE = (0.02, 0.10), (-0.10, -0.02), (-0.03, 0.03), (-0.20, 0.20)


def comparison(interval: tuple[float, float], p: float | None = None) -> Comparison:
    low, high = interval
    e = Estimate(value=(low + high) / 2, low=low, high=high, n=100, method="by hand")
    return Comparison(
        difference=e,
        before=e,
        after=e,
        n_improved=0,
        n_regressed=0,
        p=(0.5 if low <= 0 <= high else 0.01) if p is None else p,
        test="none",
    )


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        (UP, UP, Outcome.both_rise),
        (UP, DOWN, Outcome.trade_off),
        (UP, TIGHT, Outcome.one_rises),
        (UP, WIDE, Outcome.one_rises),
        (DOWN, DOWN, Outcome.worse),
        (DOWN, TIGHT, Outcome.worse),
        (DOWN, WIDE, Outcome.worse),
        (TIGHT, TIGHT, Outcome.none_rises),
        (TIGHT, WIDE, Outcome.underpowered),
        (WIDE, WIDE, Outcome.underpowered),
        ((0.0, 0.04), (0.0, 0.04), Outcome.none_rises),  # an end at zero is no rise
        ((-0.04, 0.0), (-0.04, 0.0), Outcome.none_rises),  # and no fall
        ((0.0, 0.05), TIGHT, Outcome.underpowered),  # the margin itself is not ruled out
    ],
)
def test_every_verdict_and_it_does_not_depend_on_the_side(
    one: tuple[float, float], other: tuple[float, float], verdict: Outcome
) -> None:
    assert outcome(comparison(one), comparison(other)) is verdict
    assert outcome(comparison(other), comparison(one)) is verdict


def test_an_interval_above_zero_without_a_significant_test_is_no_rise() -> None:
    edge = comparison(UP, p=0.06)
    assert outcome(edge, edge) is Outcome.underpowered
    assert outcome(comparison(UP), edge) is Outcome.one_rises


@pytest.mark.parametrize(
    ("high", "wanted"), [(0.0499, Outcome.none_rises), (0.05, Outcome.underpowered)]
)
def test_a_rise_is_ruled_out_only_below_five_points(high: float, wanted: Outcome) -> None:
    side = comparison((-0.2, high))
    assert outcome(side, side) is wanted
    assert outcome(comparison((-0.2, 0.01)), side) is wanted


@pytest.mark.parametrize(
    ("capability", "obedience", "compliance", "wanted"),
    [
        (UP, UP, UP, Outcome.both_rise),
        (UP, TIGHT, UP, Outcome.habit),
        (TIGHT, TIGHT, UP, Outcome.habit),
        (UP, TIGHT, TIGHT, Outcome.one_rises),
        (UP, TIGHT, DOWN, Outcome.one_rises),
        # A loss says more than a habit does.
        (DOWN, TIGHT, UP, Outcome.worse),
        (UP, DOWN, UP, Outcome.trade_off),
        (TIGHT, DOWN, UP, Outcome.worse),
    ],
)
def test_a_habit_is_a_rise_of_compliance_alone(
    capability: tuple, obedience: tuple, compliance: tuple, wanted: Outcome
) -> None:
    sides = (comparison(each) for each in (capability, obedience, compliance))
    assert with_habit(*sides) is wanted


@pytest.mark.parametrize(
    ("capability", "wanted"), [(UP, Outcome.one_rises), (TIGHT, Outcome.underpowered)]
)
def test_obedience_that_a_correction_makes_insignificant_is_no_sign_of_a_habit(
    capability: tuple, wanted: Outcome
) -> None:
    edge = comparison(UP, p=0.06)
    assert with_habit(comparison(capability), edge, comparison(UP)) is wanted
