"""`python -m recipes.20_qwen_obedience.reach OUT`: what kind of rules does training teach?

Rules that an edit at one or two places meets (`edits`), or rules that ask for something throughout? By kind:
obedience of each arm minus that of the released model. By type: at how many places an edit changes a reply,
in how many edited replies `sft_applied` was shown the type, in how many prompts the first run of some models
meets it, and in how many at least one of all models does. A rule that no model meets, not even where training
shows it, says nothing of what carries over.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twofold import problems as problem_files
from twofold.diagnostics.joint.obedience import Effects, obedience
from twofold.report.wording import spread
from twofold.storage.jsonl import read_lines
from twofold.study.scores import SIGNED, Matrix, Scores, difference

from .claims import ARMS, scores
from .edits import Edit, edits
from .more_pairs import PAIRS, PROBLEMS
from .rules import NEAR, TRAINED

NAMED = ("released", "base", "sft_applied", "sft_types")
SPLITS = ("trained", "near")
HEAD = ["types", "rule", "places", "shown", "n", *NAMED, "any model, told", "any model, untold"]
KINDS = {True: "local", False: "throughout"}

Names = NDArray[np.object_]


def met(of: Scores, seed: int) -> tuple[Names, Effects]:
    """The type of each rule of all prompts, and how often it is met told and untold."""
    table = of.tables[seed]
    told, untold = (table.block("model", each) for each in ("constrained", "unconstrained"))
    assert told is not None and untold is not None
    units = obedience(told, untold)
    return np.asarray(table.slot_types()[units.problem, units.slot], dtype=object), units


def shown_types(place: Path) -> Counter[str]:
    """In how many edited replies `sft_applied` is shown each type."""
    asked = {p.id: p for p in problem_files.load(str(place / "data" / PROBLEMS), profile="fixed")}
    shown = [asked[row["problem"]].constraints for row in read_lines(place / PAIRS)]
    return Counter(rule.name for rules in shown for rule in rules)


def obeyed(of: Scores, names: set[str]) -> Matrix:
    """Obedience to the rules of some types by question, shape (runs, questions); NaN = not asked."""
    rows = []
    for seed in sorted(of.tables):
        types, units = met(of, seed)
        keep = np.isin(types, [*names]) & ~np.isnan(units.effect)
        total, count = (
            np.bincount(units.problem[keep], weights=values, minlength=len(of.problems))
            for values in (units.effect[keep], np.ones(keep.sum()))
        )
        rows.append(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    return np.array(rows)


def stated(of: Scores, names: set[str]) -> NDArray[np.bool_]:
    """The questions that are asked with a rule of some types, shape (questions,)."""
    return np.array([any(c.name in names for c in p.constraints) for p in of.problems])


def with_lost(n: int, lost: int) -> str:
    """How many are scored, and how many are not, if any."""
    return f"{n} ({lost} unscored)" if lost else str(n)


def by_kind(split: str, found: Mapping[str, Scores], how: Mapping[str, Edit]) -> list[str]:
    """Each arm minus the released model, on rules that are local and on those that are not."""
    lines = []
    for is_local, kind in KINDS.items():
        names = {name for name, edit in how.items() if edit.is_local == is_local}
        before, asked = obeyed(found["released"], names), stated(found["released"], names)
        for arm in NAMED[1:]:
            change = difference(before, obeyed(found[arm], names), asked, limits=SIGNED)
            cell = "–" if change is None else spread(change.difference, sign=True)
            lost = 0 if change is None else change.difference.n_unscored
            n = with_lost(0 if change is None else change.difference.n, lost)
            lines.append(f"| {split} | {kind} | {arm} | {cell} | {n} |")
    return lines


def by_type(
    split: str, found: Mapping[str, Scores], how: Mapping[str, Edit], n_shown: Mapping[str, int]
) -> list[str]:
    """A row for each type of a split, those with the fewest places first."""
    units = {arm: met(mine, min(mine.tables)) for arm, mine in found.items()}
    types, _ = next(iter(units.values()))
    told, untold = (
        {arm: getattr(each, side) for arm, (_, each) in units.items()}
        for side in ("told", "untold")
    )
    scored = ~np.isnan([*told.values(), *untold.values()]).any(axis=0)
    lines = []
    for name in sorted(dict.fromkeys(types), key=lambda name: (how[name].places, name)):
        of = (types == name) & scored
        n = with_lost(of.sum(), (types == name).sum() - of.sum())
        cells = [f"{how[name].places:g}", n_shown.get(name, 0), n]
        cells += [(told[arm][of] == 1).sum() for arm in NAMED]
        cells += [(np.array([*s.values()])[:, of] == 1).any(axis=0).sum() for s in (told, untold)]
        lines.append(f"| {split} | {name} | {' | '.join(map(str, cells))} |")
    return lines


def tables(out: Path) -> str:
    """Trained and near types by kind, and by type."""
    how = edits(out, (*TRAINED, *NEAR))
    kinds = [
        "| types | rules | arm | obedience minus the released model | n |",
        "|---|---|---|---|---|",
    ]
    types = [f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|"]
    for split in SPLITS:
        found = {arm: mine for arm in ARMS if (mine := scores(out, arm, split)) is not None}
        if {*NAMED} <= {*found}:
            kinds += by_kind(split, found, how)
            types += by_type(split, found, how, shown_types(out))
    return "\n\n".join("\n".join(lines) for lines in (kinds, types))


if __name__ == "__main__":
    print(tables(Path(sys.argv[1])))
