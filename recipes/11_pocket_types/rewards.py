"""`python -m recipes.11_pocket_types.rewards OUT [ARM]`: which reward? An arm minus others of as many types.

Both are several training runs, so the intervals cover new runs of both. p by Holm over the other arms, for
each measure and group of types.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from twofold.report.wording import spread
from twofold.stats import corrected
from twofold.study.scores import SIGNED, Scores, difference
from twofold.types import Comparison, Problem

from .__main__ import REWARDS, n_types
from .problems import test
from .table import OBEDIENCE, SIDES, Key, finished, masks, scores_of

HEAD = "| minus | group | accuracy | p | obedience | p |\n| --- | --- | --- | --- | --- | --- |"
GROUPS = ("trained", "held-out")


def against(
    problems: Sequence[Problem], out: Path, arm: str, group: str
) -> dict[Key, dict[str, Comparison]]:
    """The arm minus every other of as many types that has two runs, by measure."""
    n = n_types(arm)
    others = [f"{reward}_{n}" for reward in REWARDS if f"{reward}_{n}" != arm]
    scores = {
        each: scores_of(problems, out, each)
        for each in (arm, *others)
        if len(finished(out, each)) > 1
    }
    found: dict[Key, dict[str, Comparison]] = {}
    for key in SIDES:
        values = {each: _values(its, n, group, key) for each, its in scores.items()}
        asked = ~np.isnan(values[arm]).all(axis=0)
        changes = {
            each: difference(
                values[each],
                values[arm],
                asked,
                limits=SIGNED if key == OBEDIENCE else None,
                base_is_trained=True,
            )
            for each in values
            if each != arm
        }
        found[key] = corrected({each: c for each, c in changes.items() if c is not None})
    return found


def _values(scores: Scores, n: int, group: str, key: Key) -> np.ndarray:
    types = [problem.tags["type"] for problem in scores.problems]
    seeds = [*scores.tables]
    return np.where(masks(types, n, seeds, group), scores.matrix(key, seeds), np.nan)


def table(problems: Sequence[Problem], out: Path, arm: str) -> str:
    """The differences, with p after Holm."""
    lines = [HEAD]
    for group in GROUPS:
        found = against(problems, out, arm, group)
        for other in found[OBEDIENCE]:
            cells = []
            for key in SIDES:
                change = found[key][other].with_adjusted_p()
                cells += [spread(change.difference, sign=True), f"{change.p:.3f}"]
            lines.append(f"| {other} | {group} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(test(), Path(sys.argv[1]) / "study", *(sys.argv[2:] or ["product_16"])))
