"""Are the curves of a study read from its cells, with means over seeds by hand?"""

import json
from pathlib import Path

import numpy as np
import pytest

from twofold.constraints import from_spec
from twofold.methods.trl import evaluation
from twofold.report import study_file
from twofold.stats import crossed_mean
from twofold.storage.jsonl import Row
from twofold.study.cell import Cell
from twofold.study.training_curves import curve, means
from twofold.types import Problem

QUOTED = from_spec("startend:quotation", None, profile="fixed")
KEY = "startend:quotation"
PROBLEMS = [
    Problem(question=f"{i} + 1 = ?", answer=str(i + 1), constraints=(QUOTED,)) for i in range(6)
]

# By seed and problem: right untold, met told, met untold.
RIGHT = [[1, 1, 0, 0, 1, 0], [1, 0, 0, 0, 1, None]]
TOLD = [[1, 1, 1, 0, 0, 1], [1, 1, None, 0, 1, 1]]
UNTOLD = [[0, 1, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]]


def rows(seed: int) -> list[Row]:
    found = []
    for i, problem in enumerate(PROBLEMS):
        about = {"role": "model", "problem": problem.id, "sample": 0, "finish_reason": "answered"}
        told = {"condition": "constrained", "correct": 0, "parts": {KEY: TOLD[seed][i]}}
        untold = {"condition": "unconstrained", "correct": RIGHT[seed][i]}
        found += [about | told, about | untold | {"parts": {KEY: UNTOLD[seed][i]}}]
    return found


def trained(out: Path, seed: int, log: list[Row], *, saved: tuple[int, ...]) -> list[Row]:
    """A cell with a log, and the scores of some steps; its curve."""
    cell = Cell("arm", seed)
    model = cell.folder(out) / "model"
    model.mkdir(parents=True)
    (model / "trainer_state.json").write_text(json.dumps({"log_history": log}))
    for step in saved:
        evaluation.write(model, step, rows(seed))
    return curve(cell, out)


def gained(step: int, low: float) -> Row:
    names = ("accuracy_gain", "obedience_gain")
    gains = {f"eval/{name}{end}": low for name in names for end in ("", "_low")}
    return {"step": step, "eval/correct": 0.5} | gains


def test_the_rows_are_those_of_the_log_with_the_last_step_above_the_base(tmp_path: Path) -> None:
    log: list[Row] = [{"step": 0, "eval/correct": 0.25}, {"step": 1, "loss": 2.0}]
    found = trained(tmp_path, 0, [*log, gained(20, 0.1), gained(40, -0.1)], saved=())
    assert found[0] == {"arm": "arm", "seed": 0, "step": 0, "correct": 0.25}
    assert [(row["step"], row.get("frontier", False)) for row in found] == [
        (0, False),
        (20, True),
        (40, False),
    ]
    assert not any("frontier" in row for row in trained(tmp_path, 1, log, saved=()))
    assert curve(Cell("base", 0), tmp_path) == []


def test_the_means_are_over_problems_and_seeds(tmp_path: Path) -> None:
    log = [{"step": step, "eval/correct": 0.5} for step in (0, 20)]
    made = [row for seed in (0, 1) for row in trained(tmp_path, seed, log, saved=(20,))]
    (found,) = means("arm", made, [*PROBLEMS, PROBLEMS[0]], tmp_path)
    assert (found.arm, found.step, found.seeds) == ("arm", 20, [0, 1])
    assert found.accuracy is not None and found.hacc is not None and found.obedience is not None
    right = np.array([[np.nan if each is None else each for each in of] for of in RIGHT])
    assert found.accuracy.value == pytest.approx(5 / 11)
    assert found.accuracy.low == pytest.approx(crossed_mean(right).low)
    assert found.hacc.value == pytest.approx(8 / 11)
    # 1 0 1 0 -1 1 and 1 1 ? 0 1 0: 5 over 11
    assert found.obedience.value == pytest.approx(5 / 11)
    effect = np.array([[1, 0, 1, 0, -1, 1], [1, 1, np.nan, 0, 1, 0]])
    high = 2 * crossed_mean((effect + 1) / 2).high - 1
    assert found.obedience.high == pytest.approx(high)
    assert means("arm", made, PROBLEMS, tmp_path / "elsewhere") == []


def test_a_study_file_of_before_has_no_means(tmp_path: Path) -> None:
    shape = study_file.schema()
    assert "curve_means" in shape["properties"] and "curve_means" not in shape["required"]
