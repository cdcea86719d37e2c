"""Did both capability and obedience rise?"""

from twofold.types import Comparison, Outcome

MARGIN = 0.05  # the smallest rise worth having: 5 points


def with_habit(capability: Comparison, obedience: Comparison, compliance: Comparison) -> Outcome:
    """The verdict on capability and obedience, or `habit` where compliance rises and obedience does not.

    A habit is named only where neither side falls (a loss says more), and where the interval of obedience
    includes zero: one above zero that a correction makes insignificant is no sign of a habit.

    Example:
        >>> from twofold.stats import paired
        >>> up = paired([0] * 50, [1] * 20 + [0] * 30)
        >>> same = paired([0, 1] * 25, [0, 1] * 25)
        >>> with_habit(up, same, up).value, with_habit(up, up, up).value
        ('habit', 'both_rise')
    """
    verdict = outcome(capability, obedience)
    nothing_fell = verdict in (Outcome.one_rises, Outcome.none_rises, Outcome.underpowered)
    if nothing_fell and _rises(compliance) and obedience.difference.low <= 0:
        return Outcome.habit
    return verdict


def _rises(side: Comparison) -> bool:
    """Whether a side's rise is significant, by its interval and its test."""
    return side.difference.low > 0 and side.p < 1 - side.difference.level


def outcome(capability: Comparison, obedience: Comparison) -> Outcome:
    """The verdict over the two paired differences to the base.

    A side rises if its interval is above zero and its test is significant (the two can disagree at
    the edge), and falls if the interval is below. Without either, the verdict is `none_rises` if
    both intervals end below `MARGIN`, and otherwise `underpowered`.

    Example:
        >>> from twofold.stats import paired
        >>> up = paired([0] * 50, [1] * 20 + [0] * 30)
        >>> same = paired([0, 1] * 25, [0, 1] * 25)
        >>> outcome(up, up).value, outcome(up, same).value, outcome(same, same).value
        ('both_rise', 'one_rises', 'underpowered')
    """
    sides = (capability, obedience)
    significant = [side.difference for side in sides if side.p < 1 - side.difference.level]
    n_rises = sum(difference.low > 0 for difference in significant)
    n_falls = sum(difference.high < 0 for difference in significant)
    if n_rises == len(sides):
        return Outcome.both_rise
    if n_rises:
        return Outcome.trade_off if n_falls else Outcome.one_rises
    if n_falls:
        return Outcome.worse
    if all(side.difference.high < MARGIN for side in sides):
        return Outcome.none_rises
    return Outcome.underpowered
