"""How is a count compared with a threshold?

The parts that counting constraints share: valid thresholds, the verdict, the pair of witnesses.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, final, get_args

from twofold.errors import ProblemError
from twofold.types import Verdict

# The two relations of the published data; `less than` is strict.
Relation = Literal["less than", "at least"]

# The largest threshold: no reply is that long, and its witness would fill the memory.
MOST = 100_000


def require_threshold(wanted: int, relation: Relation, argument: str, *, least: int = 0) -> None:
    """Reject a threshold that no reply could meet; `least` is the smallest count of a non-blank reply.

    Raises:
        ProblemError: If `wanted` is negative, above `MOST`, or `less than` at most `least`; or if
            `relation` is unknown. The message says what is valid.
    """
    if relation not in get_args(Relation):
        raise ProblemError(f"relation is {relation!r}; it must be 'less than' or 'at least'")
    if not 0 <= wanted <= MOST:
        raise ProblemError(f"{argument} is {wanted}; it must lie in 0 to {MOST}")
    if relation == "less than" and wanted <= least:
        raise ProblemError(f"{argument}: no reply is below {wanted}; give at least {least + 1}")


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

    def verdict(self, count: int, what: str, *, most: int | None = None) -> Verdict:
        """The verdict on a count of `what`, or on `count` to `most`; unscored if it depends on which."""
        wanted = f"{self.relation} {self.n} wanted"
        readings = range(count, (count if most is None else most) + 1)
        shown = [readings[0], readings[-1], *([self.n] if self.n in readings else [])]
        if len({self.holds(each) for each in shown}) > 1:
            return Verdict(None, f"{count} to {most} {what} by the reading, {wanted}")
        return Verdict(float(self.holds(count)), f"{count} {what}, {wanted}")


def hold(count: int, relation: Relation, wanted: int, what: str) -> Verdict:
    """The verdict on a count of `what`."""
    return Bound(relation, wanted).verdict(count, what)


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
