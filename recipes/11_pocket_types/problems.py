"""What is a run trained on, and what are all asked? Pocket problems with constraints of the wider list.

A problem is a pure function of its seed and number. Training and test share no chain of moves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twofold.constraints import CONSTRAINTS, from_spec
from twofold.constraints.parts import clash
from twofold.problems.drawn import go_together
from twofold.problems.pocket import ASK
from twofold.problems.pocket.tale import SEEN_SKILLS, tell
from twofold.randomness import rng_for
from twofold.types import Constraint, Problem

from .rules import ALL, COMPETING, FAR, NEAR, POOL, held

N_TRAIN = 1000
N_PER_TYPE = 15

TWO_RULES = 1 / 3
"""How often a training problem has a second constraint, if the types have one that goes with the first."""


def constraints(
    rng: np.random.Generator, types: Sequence[str], first: str, n: int, n_steps: int
) -> tuple[Constraint, ...]:
    """One constraint of the type `first`, and up to `n - 1` more of `types` that go with it."""
    found = [from_spec(first, ALL[first](rng, n_steps), profile="fixed")]
    for name in rng.permutation(list(types)).tolist():
        if len(found) == n:
            break
        if not any(clash(name, rule.name) for rule in found):
            rule = from_spec(name, ALL[name](rng, n_steps), profile="fixed")
            if go_together((*found, rule)):
                found.append(rule)
    return tuple(found)


def train(types: Sequence[str], seed: int) -> list[Problem]:
    """The training problems of a run, equally many for each of its types."""
    found = []
    for index in range(N_TRAIN):
        rng = rng_for("11_pocket_types", "train", seed, index)
        first = types[index % len(types)]
        n = 2 if rng.random() < TWO_RULES else 1
        found.append(_problem(rng, index, "train", types, first, n))
    return found


def test(first_round: int = 0, n_rounds: int = N_PER_TYPE) -> list[Problem]:
    """What runs are audited on: one constraint each, one problem of every type in each round."""
    found = []
    for index in range(first_round * len(ALL), (first_round + n_rounds) * len(ALL)):
        rng = rng_for("11_pocket_types", "test", index)
        first = [*POOL, *NEAR, *FAR][index % len(ALL)]
        found.append(_problem(rng, index, "test", (), first, 1))
    return found


def _problem(
    rng: np.random.Generator, index: int, part: str, types: Sequence[str], first: str, n: int
) -> Problem:
    skill = SEEN_SKILLS[int(rng.integers(len(SEEN_SKILLS)))]
    n_moves = 3 + index // 28 % 3
    tale = tell(rng, skill, n_moves, part="train" if part == "train" else "test", cast=index)
    return Problem(
        question=tale.text,
        answer=tale.answer,
        constraints=constraints(rng, types, first, n, len(tale.moves)),
        ask=ASK,
        tags={
            "source": "pocket_types",
            "split": part,
            "source_id": f"{part}/{index}",
            "difficulty": str(n_moves),
            "type": first,
            "family": CONSTRAINTS[first].family,
            "held": held(first),
            "competes": "competing" if first in COMPETING else "neutral",
            "steps": "; ".join(tale.steps),
        },
    )
