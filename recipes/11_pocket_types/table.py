"""`python -m recipes.11_pocket_types.table OUT`: obedience on trained, near and far types, by arm.

A type is named by its distance to the types that *the run* trained on, which differ between seeds. `held-out`
are the twelve types that no run trains on, the same for all rows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray

from twofold import study
from twofold.problems.drawn import distance
from twofold.report.study_file import ACCURACY, OBEDIENCE, Key
from twofold.report.wording import spread
from twofold.stats import outcome
from twofold.study.cell import Cell
from twofold.study.plan import BASE, Plan
from twofold.study.scores import SIGNED, Scores, difference, estimate
from twofold.types import Comparison, Outcome

from .__main__ import ARMS, n_types, written
from .rules import held, trained

GROUPS = ("trained", "near", "far", "held-out")

Masks = NDArray[np.bool_]


class Row(NamedTuple):
    """What came out on one group of types: the arm minus the base, paired by problem."""

    arm: str
    group: str
    seeds: int
    accuracy: Comparison
    obedience: Comparison

    @property
    def verdict(self) -> Outcome:
        """Whether both rose on these types; not corrected for the number of rows."""
        return outcome(self.accuracy, self.obedience)


def masks(types: Sequence[str], n: int, seeds: Sequence[int], group: str) -> Masks:
    """Which problems are of a group for the run of each seed, shape `(seeds, problems)`."""
    if group == "all":
        return np.ones((len(seeds), len(types)), dtype=np.bool_)
    if group == "held-out":
        return np.tile([held(name) != "pool" for name in types], (len(seeds), 1))
    return np.array([[distance(t, trained(n, seed)) == group for t in types] for seed in seeds])


def rows(plan: Plan, out: Path) -> Iterator[Row]:
    """The rows of the finished arms, on all types and then on each group."""
    problems = plan.problems("test")
    types = [problem.tags["type"] for problem in problems]
    done = {
        name: [s for s in plan.seeds if Cell(name, s).is_finished(plan, out)]
        for name in (BASE, *(arm.name for arm in plan.arms))
    }

    def scores(arm: str) -> Scores:
        return Scores.read(problems, {s: Cell(arm, s).folder(out) / "test" for s in done[arm]})

    base = scores(BASE)
    for arm, seeds in done.items():
        if arm == BASE or not seeds:
            continue
        found, n = scores(arm), n_types(arm)
        for group in ("all", *GROUPS):
            mask = masks(types, n, seeds, group)
            sides = (
                compared(base, found, key, done[BASE], seeds, mask) for key in (ACCURACY, OBEDIENCE)
            )
            accuracy, obedience = sides
            if accuracy and obedience:
                yield Row(arm, group, len(seeds), accuracy, obedience)


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


def main(out: Path) -> None:
    """Print the base and the table of a folder of `recipes.11_pocket_types`."""
    plan = everything(out)
    out /= "study"
    print("| arm | types | seeds | accuracy | obedience | verdict |\n|---|---|---|---|---|---|")
    problems = plan.problems("test")
    seeds = [s for s in plan.seeds if Cell(BASE, s).is_finished(plan, out)]
    base = Scores.read(problems, {s: Cell(BASE, s).folder(out) / "test" for s in seeds})
    all_asked = np.ones(len(problems), dtype=np.bool_)
    pool = np.array([held(problem.tags["type"]) == "pool" for problem in problems])
    for name, asked in (("all", all_asked), ("pool", pool), ("held-out", ~pool)):
        cells = []
        for key, limits in ((ACCURACY, None), (OBEDIENCE, SIGNED)):
            values = np.where(asked, base.matrix(key, seeds), np.nan)
            found = estimate(values, asked, is_trained=False, limits=limits)
            cells.append(spread(found) if found else "")
        print(f"| base | {name} | {len(seeds)} | {cells[0]} | {cells[1]} | |")
    for row in rows(plan, out):
        told = [spread(each.difference, sign=True) for each in (row.accuracy, row.obedience)]
        print(
            f"| {row.arm} | {row.group} | {row.seeds} | {told[0]} | {told[1]} | {row.verdict.value} |"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
