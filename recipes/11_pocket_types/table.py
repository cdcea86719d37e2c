"""`python -m recipes.11_pocket_types.table OUT`: obedience on trained, near and far types, by arm.

A type is named by its distance to the types that *the run* trained on, which differ between seeds. `held-out`
are the twelve types that no run trains on, the same for all rows.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twofold.problems.drawn import distance
from twofold.report.study_file import ACCURACY, HACC, OBEDIENCE, Key
from twofold.report.wording import spread
from twofold.stats import corrected, outcome
from twofold.study.plan import BASE
from twofold.study.scores import SIGNED, Scores, difference, estimate
from twofold.types import Comparison, Estimate, Problem

from .__main__ import ARMS, N_TYPES, REWARDS, n_types
from .problems import test
from .rules import held, trained

KINDS = ("pool", "near", "far")

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
HEAD += ["held-out types: accuracy", "obedience", "both rise there?", "unscored"]

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


def estimated(
    problems: Sequence[Problem], out: Path, arm: str, key: Key, kinds: Sequence[str]
) -> Estimate:
    """A measure of the base or an arm on the types that are held out as `kinds` say."""
    asked = np.array([held(problem.tags["type"]) in kinds for problem in problems])
    values = np.where(asked, scores_of(problems, out, arm).matrix(key, finished(out, arm)), np.nan)
    limits = SIGNED if key == OBEDIENCE else None
    found = estimate(values, asked, is_trained=arm != BASE, limits=limits)
    assert found is not None
    return found


def differences(
    scores: Mapping[str, Scores], base: Scores, group: str
) -> dict[tuple[str, Key], Comparison]:
    """The arms minus the base on a group of types; p by Holm over the arms and both sides."""
    types = [problem.tags["type"] for problem in base.problems]
    found = {}
    for arm, mine in scores.items():
        mask = masks(types, n_types(arm), [*mine.tables], group)
        for key in SIDES:
            after = np.where(mask, mine.matrix(key, [*mine.tables]), np.nan)
            limits = SIGNED if key == OBEDIENCE else None
            before = base.matrix(key, [*base.tables])
            change = difference(before, after, mask.any(axis=0), limits=limits)
            if change is not None:
                found[arm, key] = change
    return corrected(found)


def unscored(scores: Scores) -> str:
    """How many replies have no score, of all: answers when not told, and constraints when told."""
    lost = [scores.n_lost(key, [*scores.tables]) for key in (ACCURACY, HACC)]
    return f"{sum(n for n, _ in lost)} of {sum(of for _, of in lost)}"


def base_row(problems: Sequence[Problem], out: Path) -> list[str]:
    """The base: accuracy on all types, obedience on the pool and on the types never trained."""
    columns = (
        (ACCURACY, KINDS),
        *((OBEDIENCE, (kind,)) for kind in KINDS),
        *((key, ("near", "far")) for key in SIDES),
    )
    cells = [spread(estimated(problems, out, BASE, key, kinds)) for key, kinds in columns]
    return ["base", str(len(finished(out, BASE))), *cells, ""]


def table(problems: Sequence[Problem], out: Path, base_out: Path | None = None) -> str:
    """The table of a study: the base (of another study, if given), then the arms minus the base."""
    base_out = base_out or out
    base = scores_of(problems, base_out, BASE)
    scores = {arm: scores_of(problems, out, arm) for arm in ARMS if finished(out, arm)}
    by_group = {group: differences(scores, base, group) for group in GROUPS}
    rows = [HEAD, ["---"] * len(HEAD), [*base_row(problems, base_out), unscored(base)]]
    for arm, mine in scores.items():
        found = [by_group[group].get((arm, key)) for group, key in COLUMNS]
        cells = [spread(each.difference, sign=True) if each else "–" for each in found]
        sides = (by_group["held-out"][arm, key].with_adjusted_p() for key in SIDES)
        verdict = outcome(*sides).value
        rows.append([arm, str(len(mine.tables)), *cells, verdict, unscored(mine)])
    return "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in rows)


def grid(problems: Sequence[Problem], out: Path) -> str:
    """Obedience on held-out types minus the base's, by reward and number of trained types."""
    base = scores_of(problems, out, BASE)
    scores = {arm: scores_of(problems, out, arm) for arm in ARMS if finished(out, arm)}
    found = differences(scores, base, "held-out")
    rows = [["reward", *map(str, N_TYPES)], ["---"] * (1 + len(N_TYPES))]
    for reward in REWARDS:
        cells = [found.get((f"{reward}_{n}", OBEDIENCE)) for n in N_TYPES]
        rows.append(
            [reward, *(spread(each.difference, sign=True) if each else "–" for each in cells)]
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    place = Path(sys.argv[1]) / "study"
    print(f"{table(test(), place)}\n\n{grid(test(), place)}")
