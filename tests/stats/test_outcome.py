import pytest

from twofold.stats import explain, outcome
from twofold.types import Comparison, Estimate, Outcome

UP, DOWN, TIGHT, WIDE = (0.02, 0.10), (-0.10, -0.02), (-0.03, 0.03), (-0.20, 0.20)


def comparison(interval: tuple[float, float], detectable: float | None = 0.12) -> Comparison:
    low, high = interval
    e = Estimate(value=(low + high) / 2, low=low, high=high, n=100, method="by hand")
    return Comparison(
        difference=e,
        before=e,
        after=e,
        n_gained=0,
        n_lost=0,
        p=0.5,
        detectable=detectable,
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
        (TIGHT, WIDE, Outcome.powerless),
        (WIDE, WIDE, Outcome.powerless),
        ((0.0, 0.04), (0.0, 0.04), Outcome.none_rises),  # an end at zero is no rise
        ((-0.04, 0.0), (-0.04, 0.0), Outcome.none_rises),  # and no fall
        ((0.0, 0.05), TIGHT, Outcome.powerless),  # the margin itself is not ruled out
    ],
)
def test_every_verdict_and_it_does_not_depend_on_the_side(
    one: tuple[float, float], other: tuple[float, float], verdict: Outcome
) -> None:
    assert outcome(comparison(one), comparison(other)) is verdict
    assert outcome(comparison(other), comparison(one)) is verdict


def test_the_margin_decides_what_is_worth_having() -> None:
    assert outcome(comparison(TIGHT), comparison(TIGHT), margin=0.02) is Outcome.powerless


def test_the_sentence_carries_the_numbers() -> None:
    text = explain(comparison(UP), comparison(DOWN))
    assert text == (
        "Trade-off: capability rose by 6.0 points [2.0, 10.0], "
        "compliance fell by 6.0 points [-10.0, -2.0]."
    )


def test_powerless_says_what_could_have_been_seen() -> None:
    text = explain(comparison(WIDE), comparison(TIGHT, detectable=None))
    assert "5.0 points is not ruled out" in text
    assert "capability 12.0 points, compliance none at all" in text


def test_none_rises_says_what_is_ruled_out() -> None:
    assert explain(comparison(TIGHT), comparison(TIGHT)).endswith(
        "a rise of 5.0 points is ruled out for both."
    )
