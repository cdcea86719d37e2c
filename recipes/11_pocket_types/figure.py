"""`python -m recipes.11_pocket_types.figure STUDY FILE ARM ...`: the plane on types never trained."""

from __future__ import annotations

import argparse
from pathlib import Path

from twofold.report.plane import Plane, PlanePoint
from twofold.report.study import standalone
from twofold.study.plan import BASE

from .confirm import N_NEW
from .problems import N_PER_TYPE, test
from .table import SIDES, estimated


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
            arm, *(estimated(problems, asked.study, arm, key, ("near", "far")) for key in SIDES)
        )
        for arm in (BASE, *asked.arms)
    ]
    plane = Plane(points, floors={}, axis="obedience")
    asked.file.write_text(standalone(plane.svg()), encoding="utf-8")


if __name__ == "__main__":
    main()
