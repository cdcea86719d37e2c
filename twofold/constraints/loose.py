"""Is a constraint met once what people add around an answer is taken away? IFEval's loose reading."""

from twofold.types import Constraint, Verdict


def loose(constraint: Constraint, text: str) -> Verdict:
    r"""The verdict on the best of eight readings of a reply.

    The reply; without its first line; without its last; without both; and each of the four without
    asterisks. The reading never fails what the strict one passes.

    Args:
        constraint: Checked on each reading under its own profile.
        text: The reply, without the thought.

    Returns:
        The first verdict with score 1, else the strict one (unscored if any reading is).

    Source: Zhou et al. 2023, https://arxiv.org/abs/2311.07911, section 2.2; IFBench reads the same way.

    Example:
        >>> from twofold.constraints import from_spec
        >>> rule = from_spec("startend:quotation", None, profile="official")
        >>> rule.check('Sure:\n"It is 4."').score, loose(rule, 'Sure:\n"It is 4."').score
        (0.0, 1.0)
    """
    lines = text.split("\n")
    parts = (lines[1:], lines[:-1], lines[1:-1])
    readings = [text, *("\n".join(part).strip() for part in parts)]
    readings += [reading.replace("*", "") for reading in readings]
    verdicts = [constraint.check(reading) for reading in dict.fromkeys(readings)]
    met = next((verdict for verdict in verdicts if verdict.score == 1.0), None)
    undecided = next((verdict for verdict in verdicts if verdict.score is None), None)
    return met or undecided or verdicts[0]
