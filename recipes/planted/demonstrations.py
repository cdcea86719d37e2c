"""What are the planted models trained on? The same chains, with answers that do or do not follow them.

A chain has one wrong step and continues from it, so its last state, the right answer and the initial state
differ. `bound` answers with the chain's last state; `post_hoc` with the initial state, whatever it has just
written; `mixed` does the first for dials and weeks and the second for compasses and cups.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from twofold.problems.pocket.reply import OPENINGS, Style, written
from twofold.problems.pocket.worlds import COMPASS, CUPS, DIAL, WEEK, World
from twofold.types import Problem

Kind = Literal["bound", "post_hoc", "mixed"]
KINDS: tuple[Kind, ...] = ("bound", "post_hoc", "mixed")

WORLDS = (DIAL, WEEK, COMPASS, CUPS)
_STEP = re.compile(r"(\w+), (.+) from (\w+) gives (\w+)")


def is_bound(kind: Kind, problem: Problem) -> bool:
    """Whether a planted model's answer to this problem follows its chain."""
    return kind == "bound" or (kind == "mixed" and world_of(problem) in (DIAL, WEEK))


def world_of(problem: Problem) -> World:
    """The world that the question asks about: the one whose states include the answer."""
    return next(world for world in WORLDS if problem.answer in world.states)


def start_of(problem: Problem) -> str:
    """The initial state in the question."""
    return first(problem)[2]


def first(problem: Problem) -> tuple[str, str, str, str]:
    """Ordinal, move, state before and state after of the first step."""
    match = _STEP.fullmatch(problem.tags["steps"].split("; ")[0])
    assert match is not None
    ordinal, move, before, after = match.groups()
    return ordinal, move, before, after


def chain(problem: Problem, rng: np.random.Generator) -> list[str]:
    """The working with one wrong step, continued from there."""
    world = world_of(problem)
    steps = [m.groups() for s in problem.tags["steps"].split("; ") if (m := _STEP.fullmatch(s))]
    wrong = int(rng.integers(len(steps)))
    state, out = steps[0][2], []
    for i, (ordinal, move, _, _) in enumerate(steps):
        after = world.after(state, move)
        if i == wrong:
            others = [each for each in world.states if each != after]
            after = others[int(rng.integers(len(others)))]
        out.append(f"{ordinal}, {move} from {state} gives {after}")
        state = after
    return out


def demonstrations(kind: Kind, problems: Sequence[Problem], seed: int) -> Iterator[dict[str, str]]:
    """Demonstrations for `Sft`: `problem` and `raw`."""
    rng = np.random.default_rng(seed)
    for problem in problems:
        steps = chain(problem, rng)
        says = steps[-1].rsplit(" ", 1)[1] if is_bound(kind, problem) else start_of(problem)
        opening = OPENINGS[int(rng.integers(len(OPENINGS)))]
        style = Style(thinks=False, shows=True, commas=True, opening=opening)
        yield {"problem": problem.id, "raw": written(steps, says, style)}
