"""What else does a study's folder tell: how training went, what replies look like, what nothing gets?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from twofold.jsonl import Row, read_lines
from twofold.report.findings import read_findings
from twofold.study.cell import Cell
from twofold.types import Estimate, Problem

FOLLOWED = "eval/"


def curve(cell: Cell, out: Path) -> list[Row]:
    """What the held-out problems showed while a cell was trained, a row a checkpoint.

    Rejection sampling trains its last round from the base again; the curve is that round's.
    """
    file = cell.folder(out) / "model" / "trainer_state.json"
    if not file.exists():
        return []
    history = json.loads(file.read_text(encoding="utf-8"))["log_history"]
    return [
        {"seed": cell.seed, "step": row["step"]}
        | {key.removeprefix(FOLLOWED): value for key, value in row.items() if FOLLOWED in key}
        for row in history
        if any(FOLLOWED in key for key in row)
    ]


def floors(audit: Path) -> dict[str, dict[str, Estimate]]:
    """What replies that do nothing for it get on the problems of an audit, by measure."""
    findings, _ = read_findings(audit / "findings.json")
    names = {"accuracy": "capability", "hacc": "compliance", "joint": "joint"}
    found: dict[str, dict[str, Estimate]] = {}
    for key, estimate in findings[0].estimates.items():
        kind, _, rest = key.partition("/")
        floor, _, measure = rest.partition("/")
        if kind == "floor" and measure in names:
            found.setdefault(names[measure], {})[floor.replace("_", " ")] = estimate
    return found


def samples(problems: Sequence[Problem], audits: Mapping[str, Path]) -> dict[str, Row]:
    """One reply of each arm to the same problem, as the model wrote it.

    The problem is the first on which the arms differ most in being right and obedient: one that all
    of them solve shows nothing. It is no typical one.

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
    """The first stated reply to each problem with its verdicts."""
    found: dict[str, Row] = {}
    for row in read_lines(audit / "responses.jsonl"):
        if row["condition"] == "constrained" and row["sample"] == 0:
            found[row["problem"]] = {"raw": row["raw"], "correct": None, "parts": {}}
    for row in read_lines(audit / "joint.jsonl"):
        if row["role"] == "model" and row["condition"] == "constrained" and row["sample"] == 0:
            found[row["problem"]] |= {"correct": row.get("correct"), "parts": row["parts"]}
    return found
