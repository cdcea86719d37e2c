"""`python -m recipes.20_qwen_obedience.figure OUT`: the planes of accuracy and obedience, by kind of types.

Writes `trained.svg` and `near.svg` into the recipe's folder: every finished model on the types that training
showed, and on those that it did not.
"""

from __future__ import annotations

import sys
from pathlib import Path

from twofold.report.plane import Plane, PlanePoint
from twofold.report.study import standalone
from twofold.report.study_file import ACCURACY, OBEDIENCE, Key
from twofold.study.scores import SIGNED, Scores, estimate
from twofold.types import Estimate

from .claims import ARMS, MODELS, matrix, scores

DRAWN = ("trained", "near")

HERE = Path(__file__).parent


def measured(of: Scores, key: Key, *, is_trained: bool) -> Estimate:
    """A measure of an arm over its training runs."""
    asked = of.asked(key, sorted(of.tables))
    limits = SIGNED if key == OBEDIENCE else None
    found = estimate(matrix(of, key), asked, is_trained=is_trained, limits=limits)
    assert found is not None
    return found


def plane(out: Path, split: str) -> Plane:
    """The arms that are audited on a split; the released model first."""
    points = []
    for arm in ARMS:
        if (mine := scores(out, arm, split)) is not None:
            sides = (
                measured(mine, key, is_trained=arm not in MODELS) for key in (ACCURACY, OBEDIENCE)
            )
            points.append(PlanePoint("warm-up" if arm == "base" else arm, *sides))
    return Plane(points, floors={}, axis="obedience")


def drawn(out: Path, folder: Path = HERE) -> None:
    """Write the figures."""
    for split in DRAWN:
        text = standalone(plane(out, split).svg())
        (folder / f"{split}.svg").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    drawn(Path(sys.argv[1]))
