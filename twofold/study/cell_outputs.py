"""What else does a study's page show? Floors, and sample replies."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from twofold.report.findings import read_findings
from twofold.storage.jsonl import Row, read_lines
from twofold.types import ALL, Measure, Problem

# Of compliance, a study shows the share of replies that meet all constraints.
_NO_FLOOR = ("sacc", "instruction_accuracy")


def floors(audit: Path) -> list[Measure]:
    """What trivial replies score on the problems of an audit; role = the floor's name."""
    (joint, *_), _ = read_findings(audit / "findings.json")
    return [
        replace(measure, condition="constrained")
        for measure in joint.measures
        if measure.role != "model" and measure.slice == ALL and measure.metric not in _NO_FLOOR
    ]


def samples(problems: Sequence[Problem], audits: Mapping[str, Path]) -> dict[str, Row]:
    """One reply of each arm to the same problem: the first on which the scores differ most."""
    replies = {arm: _replies(folder) for arm, folder in audits.items()}

    def variety(problem: Problem) -> int:
        rows = [found[problem.id] for found in replies.values() if problem.id in found]
        return len({(row["correct"], *row["parts"].values()) for row in rows})

    bound = [problem for problem in problems if problem.constraints] or list(problems)
    shown = max(bound, key=variety)
    about = {
        "question": shown.question,
        "answer": shown.answer,
        "instructions": list(shown.wordings or [c.instruction() for c in shown.constraints]),
    }
    return {
        arm: {"problem": about, **found[shown.id]}
        for arm, found in replies.items()
        if shown.id in found
    }


def _replies(audit: Path) -> dict[str, Row]:
    """The first constrained reply to each problem, with its scores."""
    found: dict[str, Row] = {}
    for row in read_lines(audit / "responses.jsonl"):
        if row["condition"] == "constrained" and row["sample"] == 0:
            found[row["problem"]] = {"raw": row["raw"], "correct": None, "parts": {}}
    for row in read_lines(audit / "joint.jsonl"):
        if row["role"] == "model" and row["condition"] == "constrained" and row["sample"] == 0:
            found[row["problem"]] |= {"correct": row.get("correct"), "parts": row["parts"]}
    return found
