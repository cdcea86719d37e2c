"""What does a finding compare? Its contrasts as rows, the largest difference first."""

from dataclasses import dataclass

from twofold.report.wording import filed_under
from twofold.types import Comparison, Estimate, Finding


@dataclass(frozen=True)
class SideBySide:
    """One measure on two sides; a side without a score, or a pair without common units, is None."""

    label: str
    before: Estimate | None
    after: Estimate | None
    comparison: Comparison | None


def sides(finding: Finding) -> tuple[str, str]:
    """The names of both sides."""
    return ("official", "fixed") if finding.diagnostic == "profiles" else ("before", "after")


def pairs(finding: Finding) -> list[SideBySide]:
    """Everything that a finding compares; what was scored on one side only comes last."""
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
    """Each constraint type and the answer grader, under both profiles."""
    rows = []
    for metric, part in dict.fromkeys((m.metric, m.slice) for m in finding.measures):
        before, after = (
            finding.estimate(metric, condition=profile, slice=part)
            for profile in ("official", "fixed")
        )
        comparison = finding.comparison(metric, versus="official", condition="fixed", slice=part)
        rows.append(SideBySide(part.value or "answer (grader)", before, after, comparison))
    return rows
