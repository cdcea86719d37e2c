"""Which rows do the tables of judged checklists have? Each share, and the errors of each judge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from twofold.report.tables import MeasureRow, by_role, floors
from twofold.types import ALL, Estimate, Finding

# The shares of a judge, in the order of the page; categories come after the first two.
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

# A judge's own errors, on the criteria that a rule decides.
ERRORS = {
    "sensitivity": "True-positive rate (sensitivity): met criteria that the judge marks met",
    "specificity": "True-negative rate (specificity): unmet criteria that the judge marks unmet",
    "kappa": "Agreement beyond chance (Cohen's kappa)",
}


@dataclass(frozen=True)
class JudgeSection:
    """The shares that one judge reports, and its errors by description."""

    judge: str
    shares: Sequence[MeasureRow]
    errors: Mapping[str, Estimate]


def sections(finding: Finding, roles: Sequence[str]) -> list[JudgeSection]:
    """The judges of a `checklist` finding, for the roles of the run in the order of the page."""
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
    shares = [
        MeasureRow(
            label,
            by_role(finding, metric, roles, condition=judge, part=part),
            finding.comparison(metric, condition=judge, slice=part),
            floors(finding, metric, condition=judge, part=part),
        )
        for metric, part, label in wanted
    ]
    errors = {
        label: e
        for metric, label in ERRORS.items()
        if (e := finding.estimate(metric, role="judge", condition=judge))
    }
    return JudgeSection(judge, [row for row in shares if row.estimates], errors)
