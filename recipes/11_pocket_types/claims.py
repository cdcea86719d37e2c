"""`python -m recipes.11_pocket_types.claims OUT`: what does being told cost, and what is kept of a gain?

*Told − untold* is accuracy with the rule stated minus accuracy without, of the same problems.
*Interference* is the same over the problems whose rule is met unasked: there is nothing to change, so a
loss is the price of being told. Both are read from greedy replies, where a model that is asked again says
the same, so that the untold reply is its own control. *Kept* compares an arm with 95 % of what
`answer_only_16` gained over the base.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from twofold.report.study_file import ACCURACY, CONSTRAINED_ACCURACY, HACC
from twofold.report.wording import spread
from twofold.study.plan import BASE
from twofold.study.scores import SIGNED, Matrix, Scores, difference, estimate, pooled
from twofold.types import Estimate, Problem

from .__main__ import ARMS
from .confirm import N_NEW
from .problems import N_PER_TYPE, test
from .table import finished, scores_of

SHARE = 0.95
"""The share of the gain of `answer_only_16` that an arm should keep."""

YARDSTICK = "answer_only_16"

HEAD = ["arm", "told − untold", "change", "interference", "change", "kept, sampled", "kept, greedy"]


def told(scores: Scores, *, met: bool) -> Matrix:
    """Right told minus right untold, shape `(seeds, problems)`; `met`: only where the rule is met unasked."""
    seeds = [*scores.tables]
    change = scores.matrix(CONSTRAINED_ACCURACY, seeds) - scores.matrix(ACCURACY, seeds)
    if met:
        unasked = scores.matrix((HACC[0], ACCURACY[1]), seeds)
        change = np.where(unasked == 1, change, np.nan)
    return change


def kept(base: Scores, yardstick: Scores, arm: Scores) -> Estimate:
    """The arm's accuracy untold minus that of the base plus 95 % of the yardstick's gain.

    At or above 0 the arm keeps that share. Both are several training runs, which the interval covers.
    """
    before, full, mine = (s.matrix(ACCURACY, [*s.tables]) for s in (base, yardstick, arm))
    aim = SHARE * full + (1 - SHARE) * pooled(before, len(full))
    asked = yardstick.asked(ACCURACY, [*yardstick.tables])
    found = difference(aim, mine, asked, base_is_trained=True, limits=(0.0, 1.0))
    assert found is not None
    return found.difference


def verdict(found: Estimate) -> str:
    """What the interval says of a value that should not be below 0."""
    return "yes" if found.low >= 0 else "no" if found.high < 0 else "open"


def table(problems: Sequence[Problem], out: Path) -> str:
    """The table of a base's confirmed arms."""
    rows = [HEAD, ["---"] * len(HEAD), *_rows(problems, out)]
    return "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in rows)


def _rows(problems: Sequence[Problem], out: Path) -> Iterator[list[str]]:
    greedy, sampled = out / "greedy", out / "sampled"
    base = scores_of(problems, greedy, BASE)
    for arm in (BASE, *ARMS):
        if not finished(greedy, arm):
            continue
        mine = scores_of(problems, greedy, arm)
        cells = [arm]
        for met in (False, True):
            values = told(mine, met=met)
            asked = ~np.isnan(values).all(axis=0)
            found = estimate(values, asked, is_trained=arm != BASE, limits=SIGNED)
            cells.append("–" if found is None else f"{spread(found, sign=True)} (n={found.n})")
            change = None
            if arm != BASE:
                change = difference(told(base, met=met), values, asked, limits=SIGNED)
            cells.append("" if change is None else spread(change.difference, sign=True))
        for folder in (sampled, greedy):
            enough = arm not in (BASE, YARDSTICK) and len(finished(folder, arm)) > 1
            if enough and len(finished(folder, YARDSTICK)) > 1:
                sides = (scores_of(problems, folder, each) for each in (BASE, YARDSTICK, arm))
                margin = kept(*sides)
                cells.append(f"{verdict(margin)}: {spread(margin, sign=True)}")
            else:
                cells.append("")
        yield cells


if __name__ == "__main__":
    print(table(test(N_PER_TYPE, N_NEW), Path(sys.argv[1])))
