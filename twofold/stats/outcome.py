"""Did both capability and compliance rise?"""

from twofold.types import Comparison, Outcome

MARGIN = 0.05  # the smallest rise worth having: 5 points


def outcome(capability: Comparison, compliance: Comparison) -> Outcome:
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
    sides = (capability, compliance)
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
