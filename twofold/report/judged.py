"""What is on the page about judged checklists? Shares, the judges' errors, and what judges said.

Nothing is computed here: numbers come from the finding, verdicts and words from `checklist.jsonl`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from twofold.diagnostics.checklist.table import EXACT
from twofold.diagnostics.diagnostic import standing
from twofold.judges.parse_verdict import SAMPLE
from twofold.problems import io
from twofold.report.examples import clipped
from twofold.report.tables import MeasureRow, by_role, floors
from twofold.storage.jsonl import Row, read_lines
from twofold.types import ALL, Estimate, Finding, Item, Problem

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


# Replies of each judge and role that are shown with the judge's words.
MOST_JUDGED = 12


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


@dataclass(frozen=True)
class CriterionView:
    """What a judge made of one criterion: score, reason, and its own words, sample by sample."""

    text: str
    pitfall: bool
    score: float | None
    reason: str
    words: Sequence[tuple[float | None, str]]


@dataclass(frozen=True)
class JudgedView:
    """One judged reply on the page; `number` is the problem's position in its file."""

    judge: str
    role: str
    number: int
    sample: int
    question: str
    reply: str
    score: float | None
    reason: str
    criteria: tuple[CriterionView, ...]


def views(run_dir: Path) -> list[JudgedView]:
    """The judged replies that are shown: of each judge and role, from the lowest to the highest score.

    Rules are left out, whose reasons stand beside the replies, and so are rows of an older twofold,
    which did not keep what a judge said.
    """
    table = run_dir / "checklist.jsonl"
    if not table.exists():
        return []
    problems = io.read(run_dir / "problems.jsonl", profile="fixed")
    numbered = {problem.id: (i, problem) for i, problem in enumerate(problems, 1)}
    rows: dict[tuple[str, str], list[Row]] = {}
    for row in standing(partial(read_lines, table)):
        if (
            row["problem"] in numbered
            and row.get("parts")
            and "floor" not in row
            and row["judge"] != EXACT
        ):
            rows.setdefault((row["judge"], row["role"]), []).append(row)
    shown = [row for of in rows.values() for row in _spread(of)]
    replies = _replies(run_dir, shown, numbered)
    return [
        _view(row, *numbered[row["problem"]], replies.get(_at(row), ""))
        for row in sorted(
            shown, key=lambda row: (row["judge"], row["role"], numbered[row["problem"]][0])
        )
    ]


def _spread(rows: list[Row]) -> list[Row]:
    """At most `MOST_JUDGED` rows, the unscored first, then evenly spaced by score."""
    rows = sorted(rows, key=lambda row: (-1 if row["score"] is None else row["score"], row["key"]))
    if len(rows) <= MOST_JUDGED:
        return rows
    return [rows[round(i * (len(rows) - 1) / (MOST_JUDGED - 1))] for i in range(MOST_JUDGED)]


def _at(row: Mapping[str, Any]) -> tuple[str, str, int]:
    return row["role"], row["problem"], row["sample"]


def _replies(
    run_dir: Path, shown: Sequence[Row], numbered: Mapping[str, tuple[int, Problem]]
) -> dict[tuple[str, str, int], str]:
    """The replies that were judged."""
    wanted = {
        Item(role, "constrained" if numbered[problem][1].is_bound else "unconstrained", problem, g)
        for role, problem, g in map(_at, shown)
    }
    return {
        _at(row): row.get("reply", "")
        for row in read_lines(run_dir / "responses.jsonl")
        if Item.of(row) in wanted
    }


def _view(row: Row, number: int, problem: Problem, reply: str) -> JudgedView:
    return JudgedView(
        judge=row["judge"],
        role=row["role"],
        number=number,
        sample=row["sample"],
        question=clipped(problem.question),
        reply=clipped(reply),
        score=row["score"],
        reason=row.get("reason", ""),
        criteria=tuple(_criteria(row, problem)),
    )


def _criteria(row: Row, problem: Problem) -> Iterator[CriterionView]:
    if problem.checklist is None or problem.checklist.digest != row["checklist"]:
        return  # the checklist has changed since
    for key, criterion in zip(problem.checklist.keys, problem.checklist.criteria, strict=True):
        if part := row["parts"].get(key):
            yield CriterionView(
                text=criterion.text,
                pitfall=criterion.pitfall,
                score=part["score"],
                reason=part.get("reason", ""),
                words=tuple(_words(part)),
            )


def _words(part: Mapping[str, Any]) -> Iterator[tuple[float | None, str]]:
    """A judge's samples, also those inside a blend of judges."""
    for name, inner in part.get("parts", {}).items():
        if name.startswith(SAMPLE):
            yield inner["score"], inner.get("reason", "")
        else:
            yield from _words(inner)
