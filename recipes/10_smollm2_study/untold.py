"""`python -m recipes.10_smollm2_study.untold STUDY`: how much of compliance is obedience, how much habit?

Habit: a constraint that is met in replies to prompts that do not state it. For each arm and split: met when
stated minus met when not stated (obedience), and its gain over the base. p is not corrected.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from twofold import study
from twofold.stats.crossed import crossed_paired
from twofold.storage.jsonl import read_lines
from twofold.study.plan import BASE, Plan
from twofold.study.scores import Matrix, pooled
from twofold.types import Estimate


def met(place: Path, arm: str, split: str, seeds: tuple[int, ...], condition: str) -> Matrix:
    """Whether all constraints of each problem were met, one row for each seed; NaN = unscored."""
    rows = []
    for seed in seeds:
        lines = read_lines(place / "arms" / arm / f"seed-{seed}" / split / "joint.jsonl")
        found = {
            line["problem"]: _all(line["parts"].values())
            for line in lines
            if line["role"] == "model" and line["condition"] == condition
        }
        rows.append([found[problem] for problem in sorted(found)])
    return np.array(rows, dtype=np.float64)


def _all(parts: object) -> float:
    scores = [np.nan if part is None else part for part in parts]  # type: ignore[attr-defined]
    return float(np.prod(scores))


def gained(before: Matrix, after: Matrix) -> tuple[Estimate, float]:
    """The paired change of differences that lie in [-1, 1], and its p."""
    found = crossed_paired((before + 1) / 2, (after + 1) / 2)  # it takes scores in [0, 1]
    change = found.difference
    twice = [2 * value for value in (change.value, change.low, change.high)]
    told = Estimate(
        value=twice[0],
        low=twice[1],
        high=twice[2],
        n=change.n,
        n_unscored=change.n_unscored,
        level=change.level,
        method=change.method,
    )
    return told, found.p


def table(plan: Plan, place: Path) -> str:
    """One row for each split and arm."""
    lines = [
        "| split | arm | obedience: constrained minus unconstrained | gain over the base | p |",
        "|---|---|---|---|---|",
    ]
    arms = [BASE, *(arm.name for arm in plan.arms)]
    for split in plan.splits:
        base: Matrix | None = None
        for arm in arms:
            untold, stated = (
                met(place, arm, split, plan.seeds, condition)
                for condition in ("unconstrained", "constrained")
            )
            row = f"| {split} | {arm} | {crossed_paired(untold, stated).difference}"
            if base is None:
                base = pooled(stated - untold, len(plan.seeds))
                lines.append(f"{row} | | |")
            else:
                change, p = gained(base, stated - untold)
                lines.append(f"{row} | {change} | {p:.3f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/smollm2/cpu/study")
    print(table(study.read(folder / "study.yaml"), folder))
