"""Judged checklists on the page: each share beside its floors, each judge beside its own errors.

Nothing is computed here: every number of a row is an `Estimate` or a `Comparison` of the finding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from twofold.types import Comparison, Estimate, Finding

SHARES = {
    "mean": "Criteria met, by weight",
    "all": "Every criterion met",
    "decided": "Criteria that a rule decides, as judged",
    "decided_exact": "the same, as they are",
    "open": "Criteria that no rule decides, as judged",
    "open_corrected": "the same, if the judge errs there as on the others",
    "healthbench/score": "HealthBench score",
    "followbench/all/hsr/overall": "FollowBench HSR, all levels",
    "followbench/all/ssr/overall": "FollowBench SSR, all levels",
    "followbench/all/csl": "FollowBench CSL, levels in a row (0 to 5)",
}
"""The shares of a judge, in the order of the page; categories stand behind the first two."""

ERRORS = {
    "sensitivity": "Met, and passed (sensitivity)",
    "specificity": "Not met, and failed (specificity)",
    "kappa": "Agreement beyond chance (Cohen's kappa)",
}


@dataclass(frozen=True)
class Line:
    """One share that a judge reports.

    Args:
        label: What it is.
        estimates: By role.
        floors: By the floor's name: what does nothing for it gets as much from this judge.
        comparison: Model minus baseline.
    """

    label: str
    estimates: Mapping[str, Estimate]
    floors: Mapping[str, Estimate]
    comparison: Comparison | None


@dataclass(frozen=True)
class Section:
    """All of one judge.

    Args:
        judge: What it was asked for by.
        lines: Its shares.
        errors: How it does where a rule knows, by the measure's words; empty where none does.
    """

    judge: str
    lines: Sequence[Line]
    errors: Mapping[str, Estimate]


def sections(finding: Finding, roles: Sequence[str]) -> list[Section]:
    """The judges of a `checklist` finding.

    Args:
        finding: The finding; a judge's name may hold slashes.
        roles: The roles of the run, in the order of the page.
    """
    judges = dict.fromkeys(
        key.removeprefix(f"{role}/").removesuffix("/mean")
        for role in roles
        for key in finding.estimates
        if key.startswith(f"{role}/") and key.endswith("/mean")
    )
    return [_section(finding, judge, roles) for judge in judges]


def _section(finding: Finding, judge: str, roles: Sequence[str]) -> Section:
    head = f"{roles[-1]}/{judge}/category/"
    categories = [k.removeprefix(head) for k in finding.estimates if k.startswith(head)]
    shares = list(SHARES.items())
    shares[2:2] = [(f"category/{name}", f"{name.capitalize()} criteria") for name in categories]
    lines = []
    for key, label in shares:
        found = {r: e for r in roles if (e := finding.estimates.get(f"{r}/{judge}/{key}"))}
        floors = {
            name.replace("_", " "): e
            for name in ("bare_answer", "constant")
            if (e := finding.estimates.get(f"floor/{judge}/{name}/{key}"))
        }
        if found:
            lines.append(Line(label, found, floors, finding.comparisons.get(f"{judge}/{key}")))
    errors = {
        words: e
        for name, words in ERRORS.items()
        if (e := finding.estimates.get(f"judge/{judge}/{name}"))
    }
    return Section(judge, lines, errors)
