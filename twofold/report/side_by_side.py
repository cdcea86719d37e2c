"""What is compared with what? The contrasts of a finding as rows, the largest difference first."""

from __future__ import annotations

from dataclasses import dataclass

from twofold.report.wording import filed_under
from twofold.types import Comparison, Estimate, Finding


@dataclass(frozen=True)
class SideBySide:
    """One thing measured in two ways or at two times.

    Args:
        label: What it is called.
        before: The first side on all that it scored; None where it scored nothing.
        after: The second side, likewise.
        comparison: The paired difference; None where no unit was scored on both sides.
    """

    label: str
    before: Estimate | None
    after: Estimate | None
    comparison: Comparison | None


def sides(finding: Finding) -> tuple[str, str]:
    """The names of both sides: the two profiles, or before and after."""
    return ("official", "fixed") if finding.diagnostic == "profiles" else ("before", "after")


def pairs(finding: Finding) -> list[SideBySide]:
    """Everything that a finding compares, the largest difference first.

    What was scored on one side only has a row too, the last ones: a missing row could not be told from
    one that was never made.
    """
    rows = _profiles(finding) if finding.diagnostic == "profiles" else _contrasts(finding)
    return sorted(
        rows, key=lambda row: -abs(row.comparison.difference.value) if row.comparison else 1
    )


def _contrasts(finding: Finding) -> list[SideBySide]:
    return [
        SideBySide(filed_under(c), c.comparison.before, c.comparison.after, c.comparison)
        for c in finding.contrasts
    ]


def _profiles(finding: Finding) -> list[SideBySide]:
    """Each constraint type, and the grader of answers, under both profiles."""
    rows = []
    for metric, part in dict.fromkeys((m.metric, m.slice) for m in finding.measures):
        before, after = (
            finding.estimate(metric, condition=profile, slice=part)
            for profile in ("official", "fixed")
        )
        comparison = finding.comparison(metric, versus="official", condition="fixed", slice=part)
        rows.append(SideBySide(part.value or "answer (grader)", before, after, comparison))
    return rows
