"""`python -m recipes.11_pocket_types.table OUT`: obedience on trained, near and far types, by arm.

A type is named by its distance to the types that *the run* trained on, which differ between seeds. `held-out`
are the twelve types that no run trains on, the same for all rows.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twofold.problems.drawn import distance
from twofold.report.study_file import ACCURACY, OBEDIENCE, Key
from twofold.report.wording import spread
from twofold.stats import corrected, outcome
from twofold.study.plan import BASE
from twofold.study.scores import SIGNED, Scores, difference, estimate
from twofold.types import Comparison, Problem

from .__main__ import ARMS, n_types
from .problems import test
from .rules import held, trained

GROUPS = ("all", "trained", "near", "far", "held-out")

SIDES = (ACCURACY, OBEDIENCE)

COLUMNS = (
    ("all", ACCURACY),
    ("trained", OBEDIENCE),
    ("near", OBEDIENCE),
    ("far", OBEDIENCE),
    ("held-out", ACCURACY),
    ("held-out", OBEDIENCE),
)

HEAD = ["arm", "seeds", "accuracy", "obedience: trained", "near", "far"]
HEAD += ["held-out types: accuracy", "obedience", "both rise there?"]

Masks = NDArray[np.bool_]


def masks(types: Sequence[str], n: int, seeds: Sequence[int], group: str) -> Masks:
    """Which problems are of a group for the run of each seed, shape `(seeds, problems)`."""
    if group == "all":
        return np.ones((len(seeds), len(types)), dtype=np.bool_)
    if group == "held-out":
        return np.tile([held(name) != "pool" for name in types], (len(seeds), 1))
    return np.array([[distance(t, trained(n, seed)) == group for t in types] for seed in seeds])


def finished(out: Path, arm: str) -> list[int]:
    """The seeds of an arm that are trained and audited in the folder of a study."""
    return sorted(int(f.parent.name[5:]) for f in (out / "arms" / arm).glob("seed-*/cell.json"))


def scores_of(problems: Sequence[Problem], out: Path, arm: str) -> Scores:
    """The scores of an arm with every finished seed."""
    folders = {s: out / "arms" / arm / f"seed-{s}" / "test" for s in finished(out, arm)}
    return Scores.read(problems, folders)


def differences(
    problems: Sequence[Problem], out: Path, base_out: Path, group: str
) -> dict[tuple[str, Key], Comparison]:
    """The finished arms minus the base on a group of types; p by Holm over the arms and both sides."""
    types = [problem.tags["type"] for problem in problems]
    base, base_seeds = scores_of(problems, base_out, BASE), finished(base_out, BASE)
    found = {}
    for arm in ARMS:
        if not (seeds := finished(out, arm)):
            continue
        scores, mask = scores_of(problems, out, arm), masks(types, n_types(arm), seeds, group)
        for key in SIDES:
            after = np.where(mask, scores.matrix(key, seeds), np.nan)
            limits = SIGNED if key == OBEDIENCE else None
            before = base.matrix(key, base_seeds)
            change = difference(before, after, mask.any(axis=0), limits=limits)
            if change is not None:
                found[arm, key] = change
    return corrected(found)


def base_row(problems: Sequence[Problem], out: Path) -> list[str]:
    """The base: accuracy on all types, obedience on the pool and on the types never trained."""
    seeds, scores = finished(out, BASE), scores_of(problems, out, BASE)
    kinds = np.array([held(problem.tags["type"]) for problem in problems])
    cells = []
    for key, asked in (
        (ACCURACY, kinds != ""),
        (OBEDIENCE, kinds == "pool"),
        (OBEDIENCE, kinds == "near"),
        (OBEDIENCE, kinds == "far"),
        (ACCURACY, kinds != "pool"),
        (OBEDIENCE, kinds != "pool"),
    ):
        values = np.where(asked, scores.matrix(key, seeds), np.nan)
        limits = SIGNED if key == OBEDIENCE else None
        cells.append(spread(estimate(values, asked, is_trained=False, limits=limits)))
    return ["base", str(len(seeds)), *cells, ""]


def table(problems: Sequence[Problem], out: Path, base_out: Path | None = None) -> str:
    """The table of a study: the base (of another study, if given), then the arms minus the base."""
    base_out = base_out or out
    by_group = {group: differences(problems, out, base_out, group) for group in GROUPS}
    rows = [HEAD, ["---"] * len(HEAD), base_row(problems, base_out)]
    for arm in ARMS:
        if seeds := finished(out, arm):
            found = [by_group[group].get((arm, key)) for group, key in COLUMNS]
            cells = [spread(each.difference, sign=True) if each else "–" for each in found]
            sides = (by_group["held-out"][arm, key] for key in SIDES)
            rows.append([arm, str(len(seeds)), *cells, outcome(*sides).value])
    return "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in rows)


if __name__ == "__main__":
    print(table(test(), Path(sys.argv[1]) / "study"))
