"""`python -m recipes.the_answer.table [OUT] [OTHER ...]`: every method in one table, as changes to the base.

OTHER: studies of the same base and problems, such as `runs/types/reluctant/study`, whose arms with the other
rewards are shown too.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from twofold.problems import load
from twofold.report.study_file import ACCURACY, HACC, JOINT, OBEDIENCE, TOKENS, Key
from twofold.report.wording import spread
from twofold.stats import corrected, outcome
from twofold.study.plan import BASE
from twofold.study.scores import SIGNED, Scores, difference, estimate
from twofold.types import Comparison, Problem

from . import costs
from .arms import OOD as OOD_PROBLEMS

rules = import_module("recipes.11_pocket_types.rules")
types = import_module("recipes.11_pocket_types.problems")
others = import_module("recipes.11_pocket_types.table")

Mask = NDArray[np.bool_]

TEST, OOD = "test", "ood"  # the splits

# Columns: a title, the split, the measure, and the rules that count: all, the 16 trained types, or the others
COLUMNS: tuple[tuple[str, str, Key, str], ...] = (
    ("accuracy", TEST, ACCURACY, "all"),
    ("compliance", TEST, HACC, "all"),
    ("obedience: trained", TEST, OBEDIENCE, "trained"),
    ("held out", TEST, OBEDIENCE, "held out"),
    ("right and obedient", TEST, JOINT, "all"),
    ("ood: accuracy", OOD, ACCURACY, "all"),
    ("ood: obedience", OOD, OBEDIENCE, "all"),
)
# Verdicts: a title, and the two columns behind each
VERDICTS = (("both rise: trained", (0, 2)), ("held out", (0, 3)), ("ood", (5, 6)))
JOINT_AT = 4  # the column of what is right and obedient
OTHER_REWARDS = ("soft_gate_16", "graded_16", "contrast_16")

# Arms that are no method: what a method is compared with
CONTROLS = ("zero", "random", "untrained", "hints", "control", "bias_only")
APART = "both, not together"  # accuracy and obedience rise, and right and obedient does not

HEAD = ["arm", "runs", *(title for title, *_ in COLUMNS), *(title for title, _ in VERDICTS)]
HEAD += ["tokens", "weights changed", "minutes", "unscored"]


def mask(problems: Sequence[Problem], group: str) -> Mask:
    """Which problems are of a group, shape `(problems,)`."""
    if group == "all":
        return np.ones(len(problems), dtype=np.bool_)
    pool = [rules.held(problem.tags["type"]) == "pool" for problem in problems]
    return np.array(pool) == (group == "trained")


def changes(
    scores: Mapping[str, Scores], base: Scores, key: Key, group: str
) -> dict[str, Comparison]:
    """Every arm minus the base on a group of problems."""
    asked = mask(base.problems, group)
    before = base.matrix(key, [*base.tables])
    limits = SIGNED if key == OBEDIENCE else None
    found = {}
    for arm, mine in scores.items():
        after = np.where(asked, mine.matrix(key, [*mine.tables]), np.nan)
        change = difference(before, after, asked, limits=limits)
        if change is not None:
            found[arm] = change
    return found


def table(folders: Sequence[Path], costs_of: Mapping[str, list[costs.Cost]], n_weights: int) -> str:
    """The base as measured, then the arms of all folders minus the base of the first."""
    asked = {TEST: types.test(), OOD: load(OOD_PROBLEMS, profile="fixed")}
    base = {split: scores_of(of, folders[0], BASE, split) for split, of in asked.items()}
    arms = {
        path.name: folder
        for folder in reversed(folders)
        for path in sorted((folder / "arms").glob("*"))
        if path.name in OTHER_REWARDS or (folder == folders[0] and path.name != BASE)
        if others.finished(folder, path.name)
    }
    scores = {
        split: {
            arm: scores_of(of, folder, arm, split)
            for arm, folder in arms.items()
            if split == TEST or folder == folders[0]
        }
        for split, of in asked.items()
    }
    found = [changes(scores[split], base[split], key, group) for _, split, key, group in COLUMNS]
    lines = [HEAD, ["---"] * len(HEAD), _base(base)]
    methods = [{a: c for a, c in column.items() if not a.endswith(CONTROLS)} for column in found]
    for arm in sorted(arms, key=lambda each: _order(each, arms, folders)):
        cells = [_said(column.get(arm)) for column in found]
        verdicts = [_verdict(arm, [methods[at] for at in sides]) for _, sides in VERDICTS]
        if (joint := found[JOINT_AT].get(arm)) is None or joint.difference.low <= 0:
            verdicts = [APART if each == "both_rise" else each for each in verdicts]
        of = costs_of.get(arm, [])
        minutes = [each.minutes for each in of if each.minutes is not None]
        mine = scores[TEST][arm]
        lines.append(
            [
                *(arm, str(len(mine.tables)), *cells, *verdicts, _tokens(mine)),
                *(_share(of, n_weights), f"{mean(minutes):.1f}" if minutes else "–"),
                others.unscored(mine),
            ]
        )
    return "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in lines)


def scores_of(problems: Sequence[Problem], out: Path, arm: str, split: str) -> Scores:
    """The scores of an arm with every finished seed."""
    folders = {s: out / "arms" / arm / f"seed-{s}" / split for s in others.finished(out, arm)}
    return Scores.read(problems, folders)


def _base(base: Mapping[str, Scores]) -> list[str]:
    cells = []
    for _, split, key, group in COLUMNS:
        asked = mask(base[split].problems, group)
        values = np.where(asked, base[split].matrix(key, [*base[split].tables]), np.nan)
        limits = SIGNED if key == OBEDIENCE else None
        one = estimate(values, asked, is_trained=False, limits=limits)
        cells.append("–" if one is None else spread(one))
    empty = ["" for _ in VERDICTS]
    mine = base[TEST]
    row = [BASE, str(len(mine.tables)), *cells, *empty, _tokens(mine), "0", "0"]
    return [*row, others.unscored(mine)]


def _verdict(arm: str, sides: Sequence[Mapping[str, Comparison]]) -> str:
    """The outcome of two columns, p by Holm over all methods and both; controls are none."""
    both = {(each, i): change for i, side in enumerate(sides) for each, change in side.items()}
    adjusted = corrected(both)
    found = [adjusted[arm, i].with_adjusted_p() for i in range(len(sides)) if (arm, i) in adjusted]
    return outcome(*found).value if len(found) == len(sides) else "–"


def _said(change: Comparison | None) -> str:
    return "–" if change is None else spread(change.difference, sign=True)


def _tokens(scores: Scores) -> str:
    values = scores.matrix(TOKENS, [*scores.tables])
    return f"{float(np.nanmean(values)):.0f}"


def _share(of: Sequence[costs.Cost], n_weights: int) -> str:
    if not of:
        return "–"
    changed, added = (mean(getattr(each, name) for each in of) for name in ("changed", "added"))
    share = f"{changed / n_weights:.0%}" if changed else "0"
    return f"{share} (+{added:,.0f})" if added else share


def _order(arm: str, arms: Mapping[str, Path], folders: Sequence[Path]) -> tuple[int, int, str]:
    """Arms of the first folder first, in the order in which they were made."""
    at = folders.index(arms[arm])
    return at, (arms[arm] / "arms" / arm).stat().st_ctime_ns if at == 0 else 0, arm


if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("runs/the_answer")
    from .arms import BASE as MODEL

    shown = [out / "study", *map(Path, sys.argv[2:])]
    costs.note(MODEL, out)
    print(table(shown, costs.read(out), costs.n_weights(MODEL)))
