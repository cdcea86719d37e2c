"""`python -m recipes.11_pocket_types.figure STUDY FILE ARM ...`: the plane on types never trained."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from twofold.report.plane import Plane, PlanePoint
from twofold.report.study import standalone
from twofold.report.study_file import ACCURACY, OBEDIENCE, Key
from twofold.study.plan import BASE
from twofold.study.scores import SIGNED, estimate
from twofold.types import Estimate, Problem

from .confirm import N_NEW
from .problems import N_PER_TYPE, test
from .rules import held
from .table import finished, scores_of


def measured(problems: list[Problem], out: Path, arm: str, key: Key) -> Estimate:
    """A measure of an arm on the types that no run trains on."""
    unseen = np.array([held(problem.tags["type"]) != "pool" for problem in problems])
    values = scores_of(problems, out, arm).matrix(key, finished(out, arm))
    limits = SIGNED if key == OBEDIENCE else None
    values = np.where(unseen, values, np.nan)
    found = estimate(values, unseen, is_trained=arm != BASE, limits=limits)
    assert found is not None
    return found


def main() -> None:
    """Draw the base and the arms, as `confirm` audited them."""
    parser = argparse.ArgumentParser(prog="python -m recipes.11_pocket_types.figure")
    parser.add_argument("study", type=Path, help="the folder of an audit of `confirm`")
    parser.add_argument("file", type=Path, help="the SVG file to write")
    parser.add_argument("arms", nargs="+", metavar="ARM")
    asked = parser.parse_args()
    problems = test(N_PER_TYPE, N_NEW)
    points = [
        PlanePoint(
            arm, *(measured(problems, asked.study, arm, key) for key in (ACCURACY, OBEDIENCE))
        )
        for arm in (BASE, *asked.arms)
    ]
    plane = Plane(points, floors={}, axis="obedience")
    asked.file.write_text(standalone(plane.svg()), encoding="utf-8")


if __name__ == "__main__":
    main()
