"""`python -m recipes.11_pocket_types.figure OUT FILE ARM ...`: the plane on types never trained."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from twofold.report.plane import Plane, PlanePoint
from twofold.report.study import standalone
from twofold.report.study_file import ACCURACY, OBEDIENCE, Key
from twofold.study.cell import Cell
from twofold.study.plan import BASE
from twofold.study.scores import SIGNED, Scores, estimate
from twofold.types import Estimate

from .rules import held
from .table import everything


def main() -> None:
    """Draw the base and the arms on the types that no run trained on."""
    parser = argparse.ArgumentParser(prog="python -m recipes.11_pocket_types.figure")
    parser.add_argument("out", type=Path, help="a folder of `recipes.11_pocket_types`")
    parser.add_argument("file", type=Path, help="the SVG file to write")
    parser.add_argument("arms", nargs="+", metavar="ARM")
    asked = parser.parse_args()
    out, plan = asked.out / "study", everything(asked.out)
    problems = plan.problems("test")
    unseen = np.array([held(problem.tags["type"]) != "pool" for problem in problems])

    def measured(scores: Scores, key: Key, seeds: list[int], is_trained: bool) -> Estimate:
        values = np.where(unseen, scores.matrix(key, seeds), np.nan)
        limits = SIGNED if key == OBEDIENCE else None
        found = estimate(values, unseen, is_trained=is_trained, limits=limits)
        assert found is not None
        return found

    points = []
    for arm in (BASE, *asked.arms):
        seeds = [s for s in plan.seeds if Cell(arm, s).is_finished(plan, out)]
        scores = Scores.read(problems, {s: Cell(arm, s).folder(out) / "test" for s in seeds})
        sides = (measured(scores, key, seeds, arm != BASE) for key in (ACCURACY, OBEDIENCE))
        points.append(PlanePoint(arm, *sides))
    plane = Plane(points, floors={}, axis="obedience")
    asked.file.write_text(standalone(plane.svg()), encoding="utf-8")


if __name__ == "__main__":
    main()
