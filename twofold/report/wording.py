"""How are numbers and verdicts said? The words of the page, the text file and the terminal.

The words are chosen once, here, so that the page, the text file and the terminal say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from twofold.types import Comparison, Contrast, Estimate, Measure, Outcome

_OUTCOMES = {
    Outcome.both_rise: ("Both rose", "The gain in capability was not paid for in compliance."),
    Outcome.trade_off: ("A trade-off", "What was won on one side was paid for on the other."),
    Outcome.one_rises: ("One rose", "The other shows no change that these problems can prove."),
    Outcome.none_rises: ("Neither rose", "A rise worth having is ruled out."),
    Outcome.worse: ("Worse", "At least one side fell and none rose."),
    Outcome.underpowered: (
        "Too few problems to tell",
        "No change is proven, and one worth having could have been missed.",
    ),
    Outcome.unfinished: (
        "Cannot be told: too many replies were never finished",
        "The verdict changes when thoughts that never ended are counted as wrong.",
    ),
}


@dataclass(frozen=True)
class Statement:
    """A verdict: the headline, one sentence with its numbers, and what follows from it."""

    title: str
    numbers: str
    meaning: str


def spread(estimate: Estimate, *, sign: bool = False) -> str:
    """Value and interval, without n: `0.620 [0.550, 0.690]`, or with signs for a difference.

    Example:
        >>> spread(Estimate(value=0.1, low=-0.02, high=0.2, n=9, method="paired"), sign=True)
        '+0.100 [−0.020, +0.200]'
    """
    value, low, high = (number(x, sign=sign) for x in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"


def number(value: float, *, sign: bool = False) -> str:
    """Three decimals, with a true minus sign and never a negative zero.

    Example:
        >>> number(-0.25), number(-0.0001), number(0.5, sign=True)
        ('−0.250', '0.000', '+0.500')
    """
    text = f"{value:+.3f}" if sign else f"{value:.3f}"
    if text.strip("+-") == "0.000":
        return "0.000"
    return text.replace("-", "−")


def units(estimate: Estimate) -> str:
    """What the number rests on: `n = 200, 3 unscored`. The zero is said too.

    Example:
        >>> units(Estimate(value=1, low=0.2, high=1, n=3, method="wilson"))
        'n = 3, 0 unscored'
    """
    return f"n = {estimate.n}, {estimate.n_unscored} unscored"


def p_value(p: float | None) -> str:
    """A p-value with the digits that it can bear.

    Example:
        >>> p_value(0.0301), p_value(0.00001), p_value(None)
        ('0.030', '< 0.001', '–')
    """
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def filed_under(record: Measure | Contrast) -> str:
    """What a record is of, in a line.

    Example:
        >>> half = Estimate(value=0.5, low=0.2, high=0.8, n=6, method="wilson")
        >>> from twofold.types import Slice
        >>> part = Slice("type", "punctuation:no_comma")
        >>> filed_under(Measure(role="model", metric="met", slice=part, estimate=half))
        'met · model · type punctuation:no_comma'
    """
    whose = record.role
    if isinstance(record, Contrast):
        whose += f" − {record.versus}"
    part = " ".join(record.slice) if record.slice.by else ""
    return " · ".join(filter(None, (record.metric, record.condition, whose, part)))


def statement(outcome: Outcome, comparisons: Mapping[str, Comparison]) -> Statement:
    """An outcome in words, with the differences that it rests on.

    Args:
        outcome: The verdict over capability and compliance.
        comparisons: `capability`, `compliance` and perhaps `joint`; others are passed over.
    """
    title, meaning = _OUTCOMES[outcome]
    moved = {k: comparisons[k] for k in ("capability", "compliance", "joint") if k in comparisons}
    if outcome in (Outcome.one_rises, Outcome.trade_off, Outcome.worse):
        title = _who_moved(moved, outcome)
    if outcome is Outcome.underpowered:
        seen = [
            f"{key} {number(each.minimum_detectable_effect)}"
            for key, each in moved.items()
            if each.minimum_detectable_effect is not None
        ]
        if seen:
            meaning += f" The smallest detectable difference (80 % power): {', '.join(seen)}."
    said = ", ".join(f"{key} {spread(each.difference, sign=True)}" for key, each in moved.items())
    return Statement(title, f"{said}.".capitalize(), meaning)


def _who_moved(moved: Mapping[str, Comparison], outcome: Outcome) -> str:
    sure = {
        key: each.difference
        for key, each in moved.items()
        if key != "joint" and each.p < 1 - each.difference.level
    }
    up = [key for key, difference in sure.items() if difference.low > 0]
    down = [key for key, difference in sure.items() if difference.high < 0]
    if outcome is Outcome.one_rises and len(up) == 1:
        return f"Only {up[0]} rose"
    if outcome is Outcome.trade_off and len(up) == len(down) == 1:
        return f"A trade-off: {up[0]} rose, {down[0]} fell"
    if outcome is Outcome.worse and down:
        return f"Worse: {' and '.join(down)} fell"
    return _OUTCOMES[outcome][0]
