"""What is held against what? The rows of a finding that measures everything in two ways.

Nothing is computed here: every number of a row is an `Estimate` or a `Comparison` of the finding.
"""

from __future__ import annotations

from dataclasses import dataclass

from twofold.types import Comparison, Estimate, Finding


@dataclass(frozen=True)
class Pair:
    """One thing measured in two ways or at two times, beside each other.

    Args:
        key: Its path in the finding.
        label: What it is called.
        before: The first side on all that it scored; None where it scored nothing.
        after: The second side, likewise.
        comparison: The paired difference; None where no unit was scored on both sides.
    """

    key: str
    label: str
    before: Estimate | None
    after: Estimate | None
    comparison: Comparison | None


def sides(finding: Finding) -> tuple[str, str]:
    """What a finding's rows hold against each other: the two names that end its keys.

    Returns:
        Both names for the profiles, whose keys all end in one of two, else before and after.

    Example:
        >>> share = Estimate(value=0.5, low=0.2, high=0.8, n=6, method="wilson")
        >>> both = {"type/a/official": share, "type/b/fixed": share}
        >>> sides(Finding(diagnostic="profiles", question="?", estimates=both))
        ('official', 'fixed')
    """
    names = list(dict.fromkeys(key.rpartition("/")[2] for key in finding.estimates))
    by_name = finding.diagnostic == "profiles" and len(names) == 2
    return (names[0], names[1]) if by_name else ("before", "after")


def pairs(finding: Finding) -> list[Pair]:
    """Everything that a finding holds against each other, the largest difference first.

    What was scored on one side only has a row too (the last ones), and so has what did not differ:
    a reader cannot tell a row that is not there from one that was never made.

    Returns:
        One row for each thing; none if the finding compares nothing.
    """
    first, second = sides(finding)
    there = (key.rpartition("/") for key in finding.estimates)
    keys = dict.fromkeys(key for key, _, name in there if name in (first, second))
    rows = []
    for key in dict.fromkeys([*keys, *finding.comparisons]):
        each = finding.comparisons.get(key)
        before = finding.estimates.get(f"{key}/{first}", each.before if each else None)
        after = finding.estimates.get(f"{key}/{second}", each.after if each else None)
        label = "answer (grader)" if key == "answer" else key.removeprefix("type/")
        rows.append(Pair(key, label, before, after, each))
    return sorted(
        rows, key=lambda row: -abs(row.comparison.difference.value) if row.comparison else 1
    )
