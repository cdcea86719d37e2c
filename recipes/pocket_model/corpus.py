"""What is the pocket model pretrained on? Noisy demonstrations, a pure function of the seed.

The skill must be latent: some steps of a demonstration are wrong, each instruction is obeyed only most of
the time, and some replies have no working. At temperature 1 a model of this text is as unreliable as the
text, and training can improve accuracy or compliance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from twofold.constraints.format import BulletLists
from twofold.constraints.keywords import ForbiddenWords
from twofold.problems.pocket import ASK, COMPETING, HELD_OUT, SEEN
from twofold.problems.pocket.binding import bind
from twofold.problems.pocket.reply import OPENINGS, Style, written
from twofold.problems.pocket.tale import SEEN_SKILLS, Tale, tell
from twofold.types import Constraint, Message, Problem

WRONG_STEP = 0.08
"""Probability that a step ends in a random state."""
OBEYED = 0.6
"""Probability that a demonstration obeys an instruction."""
DIRECT = 0.15
"""Probability of no working, if the demonstration is free to choose."""
THOUGHT = 0.2
"""Probability of working in the thought, if the demonstration is free to choose."""
THOUGHT_WHERE_BRIEF = 0.25
"""Probability of working in the thought, if the reply is kept brief."""

_N_MOVES = ((1, 0.05), (2, 0.1), (3, 0.25), (4, 0.25), (5, 0.25), (6, 0.05), (7, 0.05))
_N_CONSTRAINTS = (0.15, 0.55, 0.3)
_TYPES = (*SEEN, *HELD_OUT)


def demonstrations(seed: int) -> Iterator[list[Message]]:
    """An endless stream of chats, each a question and a noisy reply; no test chain is used.

    Example:
        >>> chat = next(demonstrations(0))
        >>> [message["role"] for message in chat]
        ['user', 'assistant']
    """
    rng = np.random.default_rng(seed)
    while True:
        yield demonstration(rng)


def demonstration(rng: np.random.Generator) -> list[Message]:
    """One question and one noisy reply."""
    skill = SEEN_SKILLS[rng.integers(len(SEEN_SKILLS))]
    lengths, odds = zip(*_N_MOVES, strict=True)
    n_moves = max(int(rng.choice(lengths, p=odds)), len(skill))
    tale = tell(rng, skill, n_moves, part="train", cast=int(rng.integers(60)))
    constraints = _constraints(rng, len(tale.moves))
    problem = Problem(question=tale.text, constraints=constraints, ask=ASK)
    obeyed = [constraint for constraint in constraints if rng.random() < OBEYED]
    states = noisy_states(rng, tale)
    style = _style(rng, constraints, obeyed)
    reply = written(tale.working(states), states[-1], style, obeyed)
    return [*problem.messages(), Message(role="assistant", content=reply)]


def noisy_states(rng: np.random.Generator, tale: Tale) -> list[str]:
    """The states of a solver that continues from its own mistakes."""
    states = [tale.start]
    for _, move in tale.moves:
        right = tale.world.after(states[-1], move)
        slips = rng.random() < WRONG_STEP
        states.append(str(rng.choice(tale.world.states)) if slips else right)
    return states[1:]


def _constraints(rng: np.random.Generator, n_steps: int) -> tuple[Constraint, ...]:
    n = int(rng.choice(3, p=_N_CONSTRAINTS))
    first = _TYPES[rng.integers(len(_TYPES))]
    return bind(rng, first, n, n_steps=n_steps, profile="fixed") if n else ()


def _style(
    rng: np.random.Generator, constraints: Sequence[Constraint], obeyed: Sequence[Constraint]
) -> Style:
    """A style that breaks the style constraints that are not obeyed."""
    thinks, shows = _working(rng, constraints, obeyed)
    names = {constraint.name: constraint in obeyed for constraint in constraints}
    commas = names.get("punctuation:no_comma")
    return Style(
        thinks=thinks,
        shows=shows,
        commas=bool(rng.random() < 0.65) if commas is None else not commas,
        opening=_opening(rng, constraints, obeyed),
    )


def _working(
    rng: np.random.Generator, constraints: Sequence[Constraint], obeyed: Sequence[Constraint]
) -> tuple[bool, bool]:
    """Whether the working is in the thought, and whether it is in the reply."""
    if any(constraint.name in COMPETING for constraint in obeyed):
        return bool(rng.random() < THOUGHT_WHERE_BRIEF), False
    bullets = any(isinstance(constraint, BulletLists) for constraint in obeyed)
    if bullets or any(constraint.name in COMPETING for constraint in constraints):
        return False, True
    draw = rng.random()
    return bool(DIRECT <= draw < DIRECT + THOUGHT), bool(draw >= DIRECT + THOUGHT)


def _opening(
    rng: np.random.Generator, constraints: Sequence[Constraint], obeyed: Sequence[Constraint]
) -> str:
    """The sentence of the answer: without a forbidden word if the ban is obeyed, otherwise with it."""
    choices = list(OPENINGS)
    for constraint in constraints:
        if isinstance(constraint, ForbiddenWords):
            (word,) = constraint.forbidden_words
            has = [opening for opening in OPENINGS if word in opening.lower().split()]
            choices = [o for o in OPENINGS if o not in has] if constraint in obeyed else has
    return choices[int(rng.integers(len(choices)))]
