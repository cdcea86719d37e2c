"""How is a count held against a threshold, and which texts stand on its two sides?

Five constraints count something and want `less than` or `at least` so many of it. What they share
is here once: which thresholds can be used, the verdict, and the pair of texts at the boundary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from twofold.errors import ProblemError
from twofold.types import Verdict

Relation = Literal["less than", "at least"]
"""The two relations of the published data: strictly below, or equal and above."""

MOST = 100_000
"""No threshold lies above this: no reply is that long, and its witness would fill the memory."""


def require_threshold(wanted: int, relation: Relation, argument: str, *, least: int = 0) -> None:
    """Refuse a threshold that no reply could meet.

    Args:
        wanted: The threshold; 0 is legal with `at least` and then always met.
        relation: How the count is held against it.
        argument: The argument's name, for the message.
        least: The smallest count that a reply with any text has (a text has at least 1 sentence).

    Raises:
        ProblemError: If `wanted` is negative, above `MOST`, or `less than` at most `least`; or if
            `relation` is another. The message names what would be right.

    Example:
        >>> require_threshold(0, "less than", "num_words")
        Traceback (most recent call last):
        twofold.errors.ProblemError: num_words: no reply has less than 0; give at least 1
    """
    if relation not in ("less than", "at least"):
        raise ProblemError(f"relation is {relation!r}; it must be 'less than' or 'at least'")
    if not 0 <= wanted <= MOST:
        raise ProblemError(f"{argument} is {wanted}; it must lie in 0 to {MOST}")
    if relation == "less than" and wanted <= least:
        raise ProblemError(
            f"{argument}: no reply has less than {wanted}; give at least {least + 1}"
        )


def hold(count: int, relation: Relation, wanted: int, what: str) -> Verdict:
    """The verdict on a count.

    Args:
        count: What was found.
        relation: How it is held against `wanted`.
        wanted: The threshold.
        what: What was counted, for the reason, e.g. `"words"`.

    Example:
        >>> hold(2, "at least", 3, "words")
        Verdict(score=0.0, reason='2 words, at least 3 wanted', parts={})
    """
    holds = count < wanted if relation == "less than" else count >= wanted
    return Verdict(float(holds), f"{count} {what}, {relation} {wanted} wanted")


def both_sides(
    wanted: int, relation: Relation, text: Callable[[int], str], *, least: int = 0
) -> tuple[str, str]:
    """A text that obeys and one that breaks the threshold, right at the boundary.

    Args:
        wanted: The threshold.
        relation: How the count is held against it.
        text: Writes a text that is not blank and counts exactly its argument.
        least: The smallest count `text` can write; below it only a blank reply is left.

    Example:
        >>> both_sides(2, "less than", lambda n: "a" * n)
        ('a', 'aa')
    """
    below = text(wanted - 1) if wanted > least else ""
    at = text(max(wanted, least))
    return (below, at) if relation == "less than" else (at, below)
