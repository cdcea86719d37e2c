"""What else is in a study's folder: training curves, floors, and replies to show."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from twofold.report.findings import read_findings
from twofold.storage.jsonl import Row, read_lines
from twofold.study.cell import Cell
from twofold.types import ALL, Measure, Problem

FOLLOWED = "eval/"


def curve(cell: Cell, out: Path) -> list[Row]:
    """The scores on the held-out problems while a cell was trained, one row for each checkpoint.

    Rejection sampling trains its last round from the base again; the curve is that round's.
    """
    file = cell.folder(out) / "model" / "trainer_state.json"
    if not file.exists():
        return []
    history = json.loads(file.read_text(encoding="utf-8"))["log_history"]
    return [
        {"arm": cell.arm, "seed": cell.seed, "step": row["step"]}
        | {key.removeprefix(FOLLOWED): value for key, value in row.items() if FOLLOWED in key}
        for row in history
        if any(FOLLOWED in key for key in row)
    ]


def floors(audit: Path) -> list[Measure]:
    """What trivial replies score on the problems of an audit; the role is the floor's name."""
    (joint, *_), _ = read_findings(audit / "findings.json")
    return [
        replace(measure, condition="constrained")
        for measure in joint.measures
        if measure.role != "model" and measure.slice == ALL and measure.metric != "sacc"
    ]


def samples(problems: Sequence[Problem], audits: Mapping[str, Path]) -> dict[str, Row]:
    """One reply of each arm to the same problem, as the model wrote it.

    The problem is the first on which the arms differ most in being right and obedient, so it is not
    a typical one.

    Args:
        problems: Of the split.
        audits: An audit of each arm on it.
    """
    said = {arm: _replies(folder) for arm, folder in audits.items()}
    if not said:
        return {}

    def variety(problem: Problem) -> int:
        rows = [replies.get(problem.id) for replies in said.values()]
        return len({(row["correct"], *row["parts"].values()) for row in rows if row is not None})

    bound = [problem for problem in problems if problem.constraints] or list(problems)
    shown = max(bound, key=variety)
    about = {
        "question": shown.question,
        "answer": shown.answer,
        "instructions": list(shown.wordings or [c.instruction() for c in shown.constraints]),
    }
    return {
        arm: {"problem": about, **replies[shown.id]}
        for arm, replies in said.items()
        if shown.id in replies
    }


def _replies(audit: Path) -> dict[str, Row]:
    """The first reply to each problem with its constraints in the prompt, and its scores."""
    found: dict[str, Row] = {}
    for row in read_lines(audit / "responses.jsonl"):
        if row["condition"] == "constrained" and row["sample"] == 0:
            found[row["problem"]] = {"raw": row["raw"], "correct": None, "parts": {}}
    for row in read_lines(audit / "joint.jsonl"):
        if row["role"] == "model" and row["condition"] == "constrained" and row["sample"] == 0:
            found[row["problem"]] |= {"correct": row.get("correct"), "parts": row["parts"]}
    return found
