"""How is a count compared with a threshold?

The parts that counting constraints share: valid thresholds, the verdict, the pair of witnesses.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, final, get_args

from twofold.errors import ProblemError
from twofold.types import Profile, Verdict

# The two relations of the published data; `less than` is strict.
Relation = Literal["less than", "at least"]
RELATIONS: tuple[Relation, ...] = get_args(Relation)

# The largest threshold: no reply is that long, and its witness would fill the memory.
MOST = 100_000


def require_threshold(
    wanted: int, relation: Relation, argument: str, profile: Profile, *, least: int = 0
) -> None:
    """Reject a threshold that no reply could meet; `least` is the smallest count of a non-blank reply.

    `official` takes such a threshold all the same: the published checkers judge by it, and fail every reply.

    Raises:
        ProblemError: If `wanted` is negative or above `MOST`; under `fixed`, if it is `less than` at most
            `least`; or if `relation` is unknown. The message says what is valid.
    """
    if relation not in get_args(Relation):
        raise ProblemError(f"relation is {relation!r}; it must be 'less than' or 'at least'")
    if not 0 <= wanted <= MOST:
        raise ProblemError(f"{argument} is {wanted}; it must lie in 0 to {MOST}")
    if profile == "fixed" and relation == "less than" and wanted <= least:
        raise ProblemError(f"{argument}: no reply is below {wanted}; give at least {least + 1}")


def require_counts(least: int = 0, **arguments: int) -> None:
    """Reject arguments below `least`; the published code draws others at random in their place.

    Raises:
        ProblemError: Names the argument and what is valid.
    """
    for argument, value in arguments.items():
        if not least <= value <= MOST:
            raise ProblemError(f"{argument} is {value}; it must lie in {least} to {MOST}")


@final
@dataclass(frozen=True)
class Bound:
    """How often something has to be there: `exactly`, `at least` or `less than` n times."""

    relation: Relation | Literal["exactly"]
    n: int

    def holds(self, count: int) -> bool:
        """Whether `count` is within the bound."""
        if self.relation == "exactly":
            return count == self.n
        return count < self.n if self.relation == "less than" else count >= self.n

    @property
    def wanted(self) -> int:
        """The count that just meets the bound."""
        return self.n - 1 if self.relation == "less than" else self.n

    def verdict(self, count: int, what: str, *, most: int | None = None) -> Verdict:
        """The verdict on a count of `what`, or on `count` to `most`; unscored if it depends on which."""
        wanted = f"{self.relation} {self.n} wanted"
        readings = range(count, (count if most is None else most) + 1)
        shown = [readings[0], readings[-1], *([self.n] if self.n in readings else [])]
        if len({self.holds(each) for each in shown}) > 1:
            return Verdict(None, f"{count} to {most} {what} by the reading, {wanted}")
        low = self.n if self.relation != "less than" else None
        high = {"exactly": self.n, "less than": self.n - 1}.get(self.relation)
        return within(count, low, high, f"{count} {what}, {wanted}")


def hold(count: int, relation: Relation, wanted: int, what: str) -> Verdict:
    """The verdict on a count of `what`."""
    return Bound(relation, wanted).verdict(count, what)


def exactly(count: int, wanted: int, what: str) -> Verdict:
    """The verdict on a count of `what` that must be `wanted`."""
    return Bound("exactly", wanted).verdict(count, what)


def within(count: float, low: float | None, high: float | None, reason: str) -> Verdict:
    """The verdict on a count that must lie in `low` to `high`, graded by the gap to the nearer bound.

    Example:
        >>> within(6, 8, None, "6 words, at least 8 wanted").distance
        0.25
    """
    gap, bound = 0.0, 1.0
    if low is not None and count < low:
        gap, bound = low - count, low
    elif high is not None and count > high:
        gap, bound = count - high, high
    return graded(gap / max(abs(bound), 1.0), reason)


def graded(distance: float, reason: str) -> Verdict:
    """The verdict at `distance` from meeting a rule: 0 meets it, 1 and more is as far as can be."""
    return Verdict(float(distance == 0), reason, distance=min(distance, 1.0))


def absent(count: int, reason: str) -> Verdict:
    """The verdict on something that must not occur: ten times and more is as far as can be.

    Example:
        >>> absent(3, "3 commas").distance
        0.3
    """
    return graded(count / 10, reason)


def share(bad: int, of: int, reason: str) -> Verdict:
    """The verdict on parts of which none may be bad, graded by the share that is.

    Example:
        >>> share(1, 4, "missing: river").distance
        0.25
    """
    return graded(bad / of if of else 0.0, reason)


def every(good: Sequence[bool], what: str, *, least: int = 0) -> Verdict:
    """The verdict on a rule about each part, graded by the share of the parts that break it.

    Args:
        good: Whether each part keeps the rule.
        what: What they are said to be, e.g. `words start with a vowel`.
        least: With fewer parts the rule is broken.

    Example:
        >>> found = every([True, False], "lines start with a dash")
        >>> found.score, found.distance, found.reason
        (0.0, 0.5, '1 of 2 lines start with a dash')
    """
    reason = f"{sum(good)} of {len(good)} {what}"
    if len(good) < least:
        return Verdict(0.0, f"{reason}; at least {least} wanted", distance=1.0)
    return graded(1.0 - sum(good) / len(good) if good else 0.0, reason)


def both_sides(
    wanted: int, relation: Relation, text: Callable[[int], str], *, least: int = 0
) -> tuple[str, str]:
    """A text that obeys and one that breaks the threshold, right at the boundary.

    `text` writes a non-blank text that counts exactly its argument, which is at least `least`.
    """
    below = text(wanted - 1) if wanted > least else ""
    at = text(max(wanted, least))
    return (below, at) if relation == "less than" else (at, below)


def plural(n: int, noun: str) -> str:
    """The number and its noun, e.g. `1 comma` or `2 commas`."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
