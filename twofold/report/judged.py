"""Tables of judged checklists: each share beside its floors, each judge beside its own errors.

Nothing is computed here: every number is an `Estimate` or a `Comparison` of the finding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from twofold.problems.floors import FLOORS
from twofold.types import ALL, Comparison, Estimate, Finding, Slice

SHARES = {
    "mean": "Criteria met, weighted mean",
    "all": "All criteria met",
    "decided": "Criteria with a rule, by the judge",
    "decided_exact": "Criteria with a rule, by the rule",
    "open": "Criteria without a rule, by the judge",
    "open_corrected": "Criteria without a rule, corrected for the judge's errors",
    "healthbench_score": "HealthBench score",
    "followbench_hsr": "FollowBench HSR, all levels",
    "followbench_ssr": "FollowBench SSR, all levels",
    "followbench_csl": "FollowBench CSL, consecutive levels met (0 to 5)",
}
"""The metrics of a judge's shares, in the order of the page; categories come after the first two."""

ERRORS = {
    "sensitivity": "True-positive rate (sensitivity): met criteria that the judge marks met",
    "specificity": "True-negative rate (specificity): unmet criteria that the judge marks unmet",
    "kappa": "Agreement beyond chance (Cohen's kappa)",
}
"""The metrics of a judge's own errors."""


@dataclass(frozen=True)
class JudgedShare:
    """One share that a judge reports.

    Args:
        label: Its name.
        estimates: By role.
        floors: By the floor's name: the same share of a trivial reply, by the same judge.
        comparison: Model minus baseline.
    """

    label: str
    estimates: Mapping[str, Estimate]
    floors: Mapping[str, Estimate]
    comparison: Comparison | None


@dataclass(frozen=True)
class JudgeSection:
    """All of one judge.

    Args:
        judge: Its label.
        shares: What it reports.
        errors: Its errors on criteria that a rule decides, by description; empty where there are none.
    """

    judge: str
    shares: Sequence[JudgedShare]
    errors: Mapping[str, Estimate]


def sections(finding: Finding, roles: Sequence[str]) -> list[JudgeSection]:
    """The judges of a `checklist` finding.

    Args:
        finding: The finding.
        roles: The roles of the run, in the order of the page.
    """
    judges = [m.condition for m in finding.measures if m.role in roles and m.metric == "mean"]
    return [_section(finding, judge, roles) for judge in dict.fromkeys(judges)]


def _section(finding: Finding, judge: str, roles: Sequence[str]) -> JudgeSection:
    categories = [
        m.slice
        for m in finding.measures
        if (m.role, m.condition, m.metric) == (roles[-1], judge, "met")
    ]
    wanted = [(metric, ALL, label) for metric, label in SHARES.items()]
    wanted[2:2] = [("met", part, f"{part.value.capitalize()} criteria") for part in categories]
    shares = []
    for metric, part, label in wanted:
        if found := _by_role(finding, judge, metric, part, roles):
            floors = _by_role(finding, judge, metric, part, FLOORS)
            named = {name.replace("_", " "): e for name, e in floors.items()}
            change = finding.comparison(metric, condition=judge, slice=part)
            shares.append(JudgedShare(label, found, named, change))
    errors = {
        label: e
        for metric, label in ERRORS.items()
        if (e := finding.estimate(metric, role="judge", condition=judge))
    }
    return JudgeSection(judge, shares, errors)


def _by_role(
    finding: Finding, judge: str, metric: str, part: Slice, roles: Sequence[str]
) -> dict[str, Estimate]:
    return {
        role: e
        for role in roles
        if (e := finding.estimate(metric, role=role, condition=judge, slice=part))
    }
