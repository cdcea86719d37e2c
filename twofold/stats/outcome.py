"""Did both rise? The verdict over capability and compliance, and the sentence that explains it."""

from __future__ import annotations

from twofold.types import Comparison, Estimate, Outcome

MARGIN = 0.05
"""A rise worth having: 5 points. Smaller ones may be ruled out without loss."""


def outcome(capability: Comparison, compliance: Comparison, *, margin: float = MARGIN) -> Outcome:
    """The verdict over the two paired differences to the base.

    A side rises when its whole interval is above zero and falls when it is below. Without either,
    "nothing happened" is said only if both intervals end below `margin`; else the data were too
    few to say.

    Args:
        capability: How much more is right.
        compliance: How much more is obeyed.
        margin: The smallest rise worth having, in score units.

    Example:
        >>> from twofold.stats import paired
        >>> up = paired([0] * 50, [1] * 20 + [0] * 30)
        >>> same = paired([0, 1] * 25, [0, 1] * 25)
        >>> outcome(up, up).value, outcome(up, same).value, outcome(same, same).value
        ('both_rise', 'one_rises', 'powerless')
    """
    differences = (capability.difference, compliance.difference)
    rises = [d.low > 0 for d in differences]
    falls = [d.high < 0 for d in differences]
    if all(rises):
        return Outcome.both_rise
    if any(rises):
        return Outcome.trade_off if any(falls) else Outcome.one_rises
    if any(falls):
        return Outcome.worse
    if all(d.high < margin for d in differences):
        return Outcome.none_rises
    return Outcome.powerless


def explain(capability: Comparison, compliance: Comparison, *, margin: float = MARGIN) -> str:
    """The verdict in plain words, with the numbers it rests on.

    Args:
        capability: How much more is right.
        compliance: How much more is obeyed.
        margin: The smallest rise worth having, in score units.

    Example:
        >>> from twofold.stats import paired
        >>> up = paired([0] * 50, [1] * 20 + [0] * 30)
        >>> down = paired([1] * 50, [1] * 30 + [0] * 20)
        >>> explain(up, down)
        'Trade-off: capability rose by 40.0 points [27.6, 53.8], compliance fell by 40.0 points \
[-53.8, -27.6].'
    """
    verdict = outcome(capability, compliance, margin=margin)
    sides = ", ".join(
        f"{name} {_movement(side.difference)}"
        for name, side in (("capability", capability), ("compliance", compliance))
    )
    return f"{_OPENING[verdict]}: {sides}{_consequence(verdict, capability, compliance, margin)}."


_OPENING = {
    Outcome.both_rise: "Both rose",
    Outcome.trade_off: "Trade-off",
    Outcome.one_rises: "One rose",
    Outcome.none_rises: "Neither rose",
    Outcome.worse: "Worse",
    Outcome.powerless: "Too few problems to say",
}


def _movement(difference: Estimate) -> str:
    points = f"{100 * abs(difference.value):.1f} points"
    interval = f"[{100 * difference.low:+.1f}, {100 * difference.high:+.1f}]".replace("+", "")
    if difference.low > 0:
        return f"rose by {points} {interval}"
    if difference.high < 0:
        return f"fell by {points} {interval}"
    return f"shows no change ({100 * difference.value:.1f} points {interval})"


def _consequence(
    verdict: Outcome, capability: Comparison, compliance: Comparison, margin: float
) -> str:
    """What the interval rules out, or could have missed, where nothing rose."""
    worth = f"{100 * margin:.1f} points"
    if verdict is Outcome.none_rises:
        return f"; a rise of {worth} is ruled out for both"
    if verdict is not Outcome.powerless:
        return ""
    missed = ", ".join(
        f"{name} {100 * side.detectable:.1f} points"
        if side.detectable is not None
        else f"{name} none at all"
        for name, side in (("capability", capability), ("compliance", compliance))
    )
    return f"; a rise of {worth} is not ruled out. Seen with 80 % power would have been: {missed}"
