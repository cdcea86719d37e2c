"""How does a word problem change in one respect that should, or should not, matter to a reasoner?

`renamed` and `distractor` keep the answer; `renumbered`, `one_more_step` and `unseen_structure` have a
new one, computed by the generator. A problem from a file only gets the first two.

Source: the kinds follow GSM-Symbolic and GSM-NoOp (Mirzadeh et al. 2024, arXiv 2410.05229) and GSM-Plus
(Li et al. 2024, arXiv 2402.19255); templates and texts are ours.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from twofold.problems.pocket.tale import UNSEEN_SKILLS, tell
from twofold.problems.pocket.worlds import COMPASS, CUPS, DIAL, WEEK
from twofold.problems.synthetic.cast import TEST_NAMES, TRAIN_NAMES, Cast, Split
from twofold.problems.synthetic.stories import FAMILIES
from twofold.randomness import rng_for
from twofold.types import Problem

Kind = Literal["renamed", "distractor", "renumbered", "one_more_step", "unseen_structure"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_OTHERS = ("Alice", "Bob", "James", "John", "Julia", "Mary", "Natalia", "Tom", "Weng", "Betty")
NAMES = (*TEST_NAMES, *TRAIN_NAMES, *_OTHERS)

_WORLDS = {world.name: world for world in (DIAL, WEEK, COMPASS, CUPS)}
_FAMILY = {tell_.__name__: tell_ for tell_ in FAMILIES["test"]}


def variants(problem: Problem, *, seed: int = 0) -> Iterator[tuple[Kind, Problem]]:
    """Every variant `(kind, problem)` of a problem, without constraints, tagged `variant_of`.

    Example:
        >>> asked = Problem(question="Tom has 3 pens. He buys 2. How many has he?", answer="5")
        >>> [kind for kind, _ in variants(asked)]
        ['renamed', 'distractor']
    """
    tags = {k: v for k, v in problem.tags.items() if k != "steps"} | {"variant_of": problem.id}
    for kind in KINDS:
        if found := _made(kind, problem, rng_for(kind, seed, problem.id)):
            bare = replace(problem, constraints=(), wordings=None, tags={**tags, "variant": kind})
            yield kind, replace(bare, question=found[0], answer=found[1])


def _made(kind: Kind, problem: Problem, rng: np.random.Generator) -> tuple[str, str] | None:
    """Question and answer of a variant; None if it cannot be made safely."""
    if problem.answer is None or problem.question_states_constraints:
        return None
    if kind in ("renamed", "distractor"):
        text = _renamed(problem, rng) if kind == "renamed" else _distracted(problem, rng)
        return None if text is None else (text, problem.answer)
    if problem.tags.get("source") == "pocket":
        return _tale(kind, problem, rng)
    return _story(kind, problem, rng) if problem.tags.get("source") == "synthetic" else None


def _renamed(problem: Problem, rng: np.random.Generator) -> str | None:
    """Each known name replaced by one that the text does not have."""
    pool = TRAIN_NAMES if problem.tags.get("source") == "pocket" else NAMES
    used = [name for name in pool if re.search(rf"\b{name}\b", problem.question)]
    free = [name for name in pool if name not in used]
    if not used or len(free) < len(used):
        return None
    order = rng.permutation(len(free))
    new = {name: free[int(i)] for name, i in zip(used, order, strict=False)}
    pattern = re.compile(rf"\b({'|'.join(used)})\b")
    return pattern.sub(lambda match: new[match[0]], problem.question)


def _distracted(problem: Problem, rng: np.random.Generator) -> str | None:
    """The question with an irrelevant true sentence, which has a number or a state."""
    *told, asked = re.split(r"(?<=[.!?]) ", problem.question.strip())
    if not told or not asked.endswith("?"):
        return None
    if problem.tags.get("source") == "pocket":
        world = [CUPS, COMPASS][int(rng.integers(2))]
        name = TRAIN_NAMES[int(rng.integers(len(TRAIN_NAMES)))]
        if world.name in problem.tags.get("skill", ""):
            return None  # the sentence would be about the thing that is asked for
        state = world.states[int(rng.integers(len(world.states)))]
        extra = world.told.format(name=name, thing=world.things[2], state=state)
        return " ".join([extra, *told, asked])
    extra = f"The shop next door has {int(rng.integers(11, 90))} umbrellas in its window."
    return " ".join([*told, extra, asked])


def _tale(kind: Kind, problem: Problem, rng: np.random.Generator) -> tuple[str, str] | None:
    names, moves = problem.tags.get("skill", "").split("+"), problem.tags.get("difficulty", "")
    if not (set(names) <= _WORLDS.keys() and moves.isdecimal()):
        return None  # a file may call itself `pocket`
    skill = tuple(_WORLDS[name] for name in names)
    n_moves = int(moves) + (kind == "one_more_step")
    if kind == "one_more_step" and n_moves > 7:
        return None
    if kind == "unseen_structure":
        skill = UNSEEN_SKILLS[int(rng.integers(len(UNSEEN_SKILLS)))]
    tale = tell(rng, skill, n_moves, part="test", cast=int(rng.integers(60)))
    return tale.text, tale.answer


def _story(kind: Kind, problem: Problem, rng: np.random.Generator) -> tuple[str, str] | None:
    family, steps = problem.tags.get("family", ""), problem.tags.get("difficulty", "")
    if not (family in _FAMILY and steps.isdecimal()):
        return None  # a file may call itself `synthetic`
    n_steps = int(steps) + (kind == "one_more_step")
    split: Split = "train" if problem.tags.get("split") == "train" else "test"
    if (kind == "one_more_step" and n_steps > 5) or (
        kind == "unseen_structure" and family == "bus"
    ):
        return None
    if kind == "unseen_structure":
        family, split = "bus", "test"
    story = _FAMILY[family](Cast(rng, split), n_steps)
    return story.text, str(story.answer)
