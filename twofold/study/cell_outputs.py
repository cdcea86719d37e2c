"""What else does a study's page show? Training curves, floors, and sample replies."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from twofold.report.findings import read_findings
from twofold.storage.jsonl import Row, read_lines
from twofold.storage.reading import InputFile, Kind, kind_of
from twofold.study.cell import Cell
from twofold.study.plan import StudyError
from twofold.types import ALL, Measure, Problem


class _State(TypedDict):
    """What is read of `trainer_state.json`."""

    log_history: list[Row]


_STATE = TypeAdapter(_State)

EVALUATED = "eval/"  # prefix of the keys in the trainer's log


def curve(cell: Cell, out: Path) -> list[Row]:
    """The scores on the evaluation problems while a cell was trained, one row per checkpoint.

    Rejection sampling trains every round from the base; the curve is that of the last round.
    """
    file = cell.folder(out) / "model" / "trainer_state.json"
    if kind_of(file) is Kind.missing:
        return []
    remedy = "restore it from a copy, or train the cell again with another --out"
    history = InputFile(file, StudyError, remedy, is_ours=True).json(_STATE)["log_history"]
    return [
        {"arm": cell.arm, "seed": cell.seed, "step": row["step"]}
        | {key.removeprefix(EVALUATED): value for key, value in row.items() if EVALUATED in key}
        for row in history
        if any(EVALUATED in key for key in row) and "step" in row
    ]


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
