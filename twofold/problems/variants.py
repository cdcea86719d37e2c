"""The same word problem, changed in one way: what a model that reasons should not mind, or should.

`renamed` and `distractor` leave the answer as it is; `renumbered`, `one_more_step` and
`unseen_structure` have a new one, known exactly because the generator makes them. For a problem from
a file only what is safe by rule is made.

Source: the kinds follow GSM-Symbolic and GSM-NoOp (Mirzadeh et al. 2024, arXiv 2410.05229) and GSM-Plus
(Li et al. 2024, arXiv 2402.19255); templates and texts are ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from twofold.problems.pocket.tale import NAMES as POCKET_NAMES
from twofold.problems.pocket.tale import UNSEEN_SKILLS, Tale, tell
from twofold.problems.pocket.worlds import COMPASS, CUPS, DIAL, WEEK
from twofold.problems.synthetic.cast import Cast, Split
from twofold.problems.synthetic.stories import FAMILIES, Story
from twofold.randomness import rng_for
from twofold.types import Problem

Kind = Literal["renamed", "distractor", "renumbered", "one_more_step", "unseen_structure"]
KINDS: tuple[Kind, ...] = get_args(Kind)

NAMES = (
    *("Amir", "Bella", "Carlos", "Diana", "Elif", "Farid", "Gina", "Hassan", "Ines", "Jamal"),
    *("Kira", "Leila", "Mateo", "Nadia", "Omar", "Priya", "Rosa", "Samir", "Thea", "Yusuf"),
    *("Anna", "Bruno", "Clara", "David", "Emil", "Frida", "Greta", "Hugo", "Irene", "Jonas"),
    *("Karin", "Lukas", "Maria", "Nora", "Oscar", "Paula", "Rita", "Sven", "Tina", "Viktor"),
    *("Alice", "Bob", "James", "John", "Julia", "Mary", "Natalia", "Tom", "Weng", "Betty"),
)
"""First names that are exchanged for each other."""

_WORLDS = {world.name: world for world in (DIAL, WEEK, COMPASS, CUPS)}
_FAMILY = {tell_.__name__: tell_ for tell_ in FAMILIES["test"]}


def variants(problem: Problem, *, seed: int = 0) -> Iterator[tuple[Kind, Problem]]:
    """Every variant that can be made of a problem, without its constraints.

    Args:
        problem: Of `synthetic` or `pocket`, or any other with a number or word for an answer.
        seed: Decides the new numbers and names.

    Yields:
        `(kind, problem)`; each carries the tags `variant` and `variant_of`.

    Example:
        >>> asked = Problem(question="Tom has 3 pens. He buys 2. How many has he?", answer="5")
        >>> [kind for kind, _ in variants(asked)]
        ['renamed', 'distractor']
    """
    for kind in KINDS:
        found = _made(kind, problem, rng_for(kind, seed, problem.id))
        if found is None:
            continue
        question, answer = found
        tags = {k: v for k, v in problem.tags.items() if k != "steps"}
        tags |= {"variant": kind, "variant_of": problem.id}
        yield (
            kind,
            replace(
                problem, question=question, answer=answer, tags=tags, constraints=(), wordings=None
            ),
        )


def _made(kind: Kind, problem: Problem, rng: np.random.Generator) -> tuple[str, str] | None:
    """Question and answer of a variant; None where it cannot be made safely."""
    if problem.answer is None or problem.question_states_constraints:
        return None
    if kind == "renamed":
        text = _renamed(problem, rng)
        return None if text is None else (text, problem.answer)
    if kind == "distractor":
        text = _distracted(problem, rng)
        return None if text is None else (text, problem.answer)
    if problem.tags.get("source") == "pocket":
        tale = _tale(kind, problem, rng)
        return None if tale is None else (tale.text, tale.answer)
    if problem.tags.get("source") == "synthetic":
        story = _story(kind, problem, rng)
        return None if story is None else (story.text, str(story.answer))
    return None


def _renamed(problem: Problem, rng: np.random.Generator) -> str | None:
    """Each known name exchanged for one that the text does not have."""
    pool = POCKET_NAMES if problem.tags.get("source") == "pocket" else NAMES
    used = [name for name in pool if re.search(rf"\b{name}\b", problem.question)]
    free = [name for name in pool if name not in used]
    if not used or len(free) < len(used):
        return None
    order = rng.permutation(len(free))
    new = {name: free[int(i)] for name, i in zip(used, order, strict=False)}
    pattern = re.compile(rf"\b({'|'.join(used)})\b")
    return pattern.sub(lambda match: new[match[0]], problem.question)


def _distracted(problem: Problem, rng: np.random.Generator) -> str | None:
    """A true sentence with a number that has nothing to do with the question, before its last one."""
    *told, asked = re.split(r"(?<=[.!?]) ", problem.question.strip())
    if not told or not asked.endswith("?"):
        return None
    if problem.tags.get("source") == "pocket":
        world = [CUPS, COMPASS][int(rng.integers(2))]
        name = POCKET_NAMES[int(rng.integers(len(POCKET_NAMES)))]
        if world.name in problem.tags.get("skill", ""):
            return None  # it would tell of the thing that is asked for
        state = world.states[int(rng.integers(len(world.states)))]
        extra = world.told.format(name=name, thing=world.things[2], state=state)
        return " ".join([extra, *told, asked])
    extra = f"The shop next door has {int(rng.integers(11, 90))} umbrellas in its window."
    return " ".join([*told, extra, asked])


def _tale(kind: Kind, problem: Problem, rng: np.random.Generator) -> Tale | None:
    names, moves = problem.tags.get("skill", "").split("+"), problem.tags.get("difficulty", "")
    if not (set(names) <= _WORLDS.keys() and moves.isdecimal()):
        return None  # a file may call itself `pocket`
    skill, n_moves = tuple(_WORLDS[name] for name in names), int(moves)
    if kind == "one_more_step":
        n_moves += 1
        if n_moves > 7:
            return None
    if kind == "unseen_structure":
        skill = UNSEEN_SKILLS[int(rng.integers(len(UNSEEN_SKILLS)))]
    return tell(rng, skill, n_moves, part="test", cast=int(rng.integers(60)))


def _story(kind: Kind, problem: Problem, rng: np.random.Generator) -> Story | None:
    family, steps = problem.tags.get("family", ""), problem.tags.get("difficulty", "")
    if not (family in _FAMILY and steps.isdecimal()):
        return None  # a file may call itself `synthetic`
    n_steps = int(steps)
    split: Split = "train" if problem.tags.get("split") == "train" else "test"
    if kind == "one_more_step":
        n_steps += 1
        if n_steps > 5:
            return None
    if kind == "unseen_structure":
        if family == "bus":
            return None
        family, split = "bus", "test"
    return _FAMILY[family](Cast(rng, split), n_steps)
