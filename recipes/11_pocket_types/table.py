"""`python -m recipes.11_pocket_types.table OUT`: obedience on trained, near and far types, by arm.

A type is named by its distance to the types that *the run* trained on, which differ between seeds. `held-out`
are the twelve types that no run trains on, the same for all rows.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from twofold import study
from twofold.problems.drawn import distance
from twofold.report.study_file import ACCURACY, OBEDIENCE, Key
from twofold.report.wording import spread
from twofold.stats import corrected, outcome
from twofold.study.cell import Cell
from twofold.study.plan import BASE, Plan
from twofold.study.scores import SIGNED, Scores, difference, estimate
from twofold.types import Comparison, Problem

from .__main__ import ARMS, n_types, written
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


def differences(plan: Plan, out: Path, group: str) -> dict[tuple[str, Key], Comparison]:
    """The finished arms minus the base on a group of types; p by Holm over the arms and both sides."""
    problems = plan.problems("test")
    types = [problem.tags["type"] for problem in problems]
    names = (BASE, *(arm.name for arm in plan.arms))
    done = {name: finished(plan, out, name) for name in names}
    scores = {name: read(problems, out, name, done[name]) for name in names}
    found = {}
    for arm, seeds in done.items():
        if arm == BASE or not seeds:
            continue
        mask = masks(types, n_types(arm), seeds, group)
        for key in SIDES:
            change = compared(scores[BASE], scores[arm], key, done[BASE], seeds, mask)
            if change is not None:
                found[arm, key] = change
    return corrected(found)


def finished(plan: Plan, out: Path, arm: str) -> list[int]:
    """The seeds of an arm that are trained and audited."""
    return [seed for seed in plan.seeds if Cell(arm, seed).is_finished(plan, out)]


def read(problems: Sequence[Problem], out: Path, arm: str, seeds: Sequence[int]) -> Scores:
    """The scores of an arm."""
    return Scores.read(problems, {s: Cell(arm, s).folder(out) / "test" for s in seeds})


def compared(
    base: Scores,
    arm: Scores,
    key: Key,
    base_seeds: Sequence[int],
    seeds: Sequence[int],
    mask: Masks,
) -> Comparison | None:
    """The arm minus the base on the masked problems."""
    after = np.where(mask, arm.matrix(key, seeds), np.nan)
    limits = SIGNED if key == OBEDIENCE else None
    return difference(base.matrix(key, base_seeds), after, mask.any(axis=0), limits=limits)


def everything(out: Path) -> Plan:
    """The plan of all arms and seeds that a folder of `recipes.11_pocket_types` has finished."""
    there = [*(out / "study" / "arms").glob("*/seed-*/cell.json")]
    arms = [arm for arm in ARMS if any(file.parents[1].name == arm for file in there)]
    seeds = sorted({int(file.parent.name.removeprefix("seed-")) for file in there})
    base = yaml.safe_load((out / "plan.yaml").read_text(encoding="utf-8"))["base"]
    return study.read(written(out / "everything.yaml", base, arms, seeds))


def base_row(plan: Plan, out: Path) -> list[str]:
    """The base: accuracy on all types, obedience on the pool and on the types never trained."""
    problems = plan.problems("test")
    seeds = finished(plan, out, BASE)
    scores = read(problems, out, BASE, seeds)
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


def printed(plan: Plan, out: Path) -> None:
    """Print the table of a study: the base, then the arms minus the base."""
    by_group = {group: differences(plan, out, group) for group in GROUPS}
    rows = [HEAD, ["---"] * len(HEAD), base_row(plan, out)]
    for arm in (arm.name for arm in plan.arms):
        cells = [arm, str(len(finished(plan, out, arm)))]
        for group, key in COLUMNS:
            change = by_group[group].get((arm, key))
            cells.append(spread(change.difference, sign=True) if change else "–")
        sides = (by_group["held-out"][arm, key] for key in SIDES)
        rows.append([*cells, outcome(*sides).value])
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    printed(everything(folder), folder / "study")
