"""Did both rise? The verdict over capability and compliance."""

from __future__ import annotations

from twofold.types import Comparison, Outcome

MARGIN = 0.05
"""A rise worth having: 5 points. Smaller ones may be ruled out without loss."""


def outcome(capability: Comparison, compliance: Comparison, *, margin: float = MARGIN) -> Outcome:
    """The verdict over the two paired differences to the base.

    A side rises when its whole interval is above zero and its test agrees, and falls when it is
    below; interval and test are two methods and can differ by a hair at the edge. Without either,
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
        ('both_rise', 'one_rises', 'underpowered')
    """
    sides = (capability, compliance)
    moves = [side.p < 1 - side.difference.level for side in sides]
    rises = [side.difference.low > 0 and move for side, move in zip(sides, moves, strict=True)]
    falls = [side.difference.high < 0 and move for side, move in zip(sides, moves, strict=True)]
    if all(rises):
        return Outcome.both_rise
    if any(rises):
        return Outcome.trade_off if any(falls) else Outcome.one_rises
    if any(falls):
        return Outcome.worse
    if all(side.difference.high < margin for side in sides):
        return Outcome.none_rises
    return Outcome.underpowered
