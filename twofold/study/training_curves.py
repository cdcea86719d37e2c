"""How did the trainings of a study go? The evaluations of every cell, and their means over the seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from twofold.methods.trl import evaluation
from twofold.methods.trl.evaluation import EVALUATED
from twofold.methods.trl.frontier import frontier_step
from twofold.report.study_file import (
    ACCURACY,
    CONSTRAINED_ACCURACY,
    HACC,
    OBEDIENCE,
    CurveRecord,
    Key,
)
from twofold.storage.jsonl import Row
from twofold.storage.reading import InputFile, Kind, kind_of
from twofold.study.cell import Cell
from twofold.study.plan import StudyError
from twofold.study.scores import SIGNED, Scores, estimate
from twofold.types import Estimate, Problem


class _State(TypedDict):
    """What is read of `trainer_state.json`."""

    log_history: list[Row]


_STATE = TypeAdapter(_State)


def curve(cell: Cell, out: Path) -> list[Row]:
    """The scores on the evaluation problems while a cell was trained, one row per checkpoint.

    `frontier` marks the last step at which accuracy and obedience were both above the base's. Rejection
    sampling trains every round from the base; the curve is that of the last round.
    """
    file = _model(cell, out) / "trainer_state.json"
    if kind_of(file) is Kind.missing:
        return []
    remedy = "restore it from a copy, or train the cell again with another --out"
    history = InputFile(file, StudyError, remedy, is_ours=True).json(_STATE)["log_history"]
    last = frontier_step(history)
    return [
        {"arm": cell.arm, "seed": cell.seed, "step": row["step"]}
        | {key.removeprefix(EVALUATED): value for key, value in row.items() if EVALUATED in key}
        | ({"frontier": True} if row["step"] == last else {})
        for row in history
        if any(EVALUATED in key for key in row) and "step" in row
    ]


def means(
    arm: str, rows: Sequence[Row], problems: Sequence[Problem], out: Path
) -> list[CurveRecord]:
    """The means of an arm over its seeds at each step of its curves, from the scores by problem.

    Steps whose scores were not saved, as by older versions, have none.
    """
    problems = list({problem.id: problem for problem in problems}.values())
    found = []
    for step in sorted({row["step"] for row in rows}):
        read = {
            row["seed"]: evaluation.read(_model(Cell(arm, row["seed"]), out), step, problems)
            for row in rows
            if row["step"] == step
        }
        tables = {seed: each.table for seed, each in read.items() if each is not None}
        if tables:
            found.append(_record(arm, step, Scores(problems, tables)))
    return found


def _model(cell: Cell, out: Path) -> Path:
    return cell.folder(out) / "model"


def _record(arm: str, step: int, scores: Scores) -> CurveRecord:
    untold = scores.was_asked("unconstrained")
    keys: Mapping[str, Key] = {
        "accuracy": ACCURACY if untold else CONSTRAINED_ACCURACY,
        "hacc": HACC,
        "obedience": OBEDIENCE,
    }
    seeds = list(scores.tables)
    sides: dict[str, Estimate | None] = {
        name: estimate(
            scores.matrix(key, seeds),
            scores.asked(key, seeds),
            is_trained=True,
            limits=SIGNED if key == OBEDIENCE else None,
        )
        for name, key in keys.items()
    }
    return CurveRecord(arm=arm, step=step, seeds=seeds, **sides)
