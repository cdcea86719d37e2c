"""What is this base pretrained on? Noisy demonstrations of 28 types, a pure function of the seed.

As the corpus of `recipes/pocket_model`, with two differences. Replies are made to obey by
`Constraint.apply`. And obedience has one of three laws. *Independent*: each rule is obeyed with the same
chance whatever else the reply does. *Shared*: one author obeys nearly all rules and the next few, so that
who obeys one rule obeys the next. In both a rule is obeyed in 60 of 100 demonstrations, so a model of them
is right and obedient when decoded greedily, and its errors are noise. *Reluctant*: rules are obeyed in 25 of
100 and half of the demonstrations show no working, so that the likeliest reply is a wrong and disobedient
one, and training has more to do than to sharpen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from recipes.pocket_model.corpus import DIRECT, THOUGHT, THOUGHT_WHERE_BRIEF, noisy_states
from twofold.constraints.apply import apply_all
from twofold.constraints.opposite import opposite
from twofold.problems.pocket import ASK
from twofold.problems.pocket.reply import OPENINGS, Style, written
from twofold.problems.pocket.tale import SEEN_SKILLS, tell
from twofold.types import Constraint, Message, Problem

from .problems import constraints
from .rules import ALL, COMPETING

Law = Literal["independent", "shared", "reluctant"]


class Authors(NamedTuple):
    """Who writes the demonstrations: two kinds of authors, equally frequent.

    Args:
        careful: Probability that an author of the first kind obeys a rule.
        careless: The same for the second kind.
        direct: Probability of no working, if the demonstration is free to choose.
    """

    careful: float
    careless: float
    direct: float = DIRECT


LAWS: dict[Law, Authors] = {
    "independent": Authors(0.6, 0.6),
    "shared": Authors(0.95, 0.25),
    "reluctant": Authors(0.45, 0.05, direct=0.5),
}

OPPOSITE = 0.15
"""Probability that a rule is told as its opposite."""
_N_MOVES = ((1, 0.05), (2, 0.1), (3, 0.25), (4, 0.25), (5, 0.25), (6, 0.05), (7, 0.05))
_N_RULES = (0.15, 0.45, 0.25, 0.15)
_TYPES = (*ALL,)


def demonstrations(seed: int, law: Law) -> Iterator[list[Message]]:
    """An endless stream of chats, each a question and a noisy reply; no test chain is used."""
    rng = np.random.default_rng(seed)
    while True:
        yield demonstration(rng, law)


def demonstration(rng: np.random.Generator, law: Law) -> list[Message]:
    """One question and one noisy reply."""
    skill = SEEN_SKILLS[rng.integers(len(SEEN_SKILLS))]
    lengths, odds = zip(*_N_MOVES, strict=True)
    n_moves = max(int(rng.choice(lengths, p=odds)), len(skill))
    tale = tell(rng, skill, n_moves, part="train", cast=int(rng.integers(60)))
    n = int(rng.choice(len(_N_RULES), p=_N_RULES))
    first = _TYPES[rng.integers(len(_TYPES))]
    rules = constraints(rng, _TYPES, first, n, len(tale.moves)) if n else ()
    authors = LAWS[law]
    is_careful = authors.careful == authors.careless or rng.random() < 0.5
    chance = authors.careful if is_careful else authors.careless
    told: list[Constraint] = []
    wanted: list[Constraint] = []  # the rules that the reply meets; others it meets by chance
    for rule in rules:
        turned = opposite(rule) if rng.random() < OPPOSITE else None
        told.append(turned or rule)
        if (rng.random() < chance) == (turned is None):
            wanted.append(rule)
    problem = Problem(question=tale.text, constraints=tuple(told), ask=ASK)
    states = noisy_states(rng, tale)
    steps, answer = tale.working(states), states[-1]
    text = obedient(rng, steps, answer, wanted, authors.direct)
    return [*problem.messages(), Message(role="assistant", content=text)]


def obedient(
    rng: np.random.Generator, steps: list[str], answer: str, wanted: list[Constraint], direct: float
) -> str:
    """A reply that meets the rules, or as many of them as are known to go together with its style."""
    brief = any(rule.name in COMPETING for rule in wanted)
    draw = rng.random()
    if brief:
        thinks, shows = bool(draw < THOUGHT_WHERE_BRIEF), False
    else:
        thinks, shows = bool(direct <= draw < direct + THOUGHT), bool(draw >= direct + THOUGHT)
    opening = OPENINGS[int(rng.integers(len(OPENINGS)))]
    style = Style(thinks=False, shows=shows, commas=bool(rng.random() < 0.65), opening=opening)
    plain = written(steps, answer, style)
    text = plain
    for n in range(len(wanted), 0, -1):
        found = apply_all(wanted[:n], plain)
        if found is not None and f"\\boxed{{{answer}}}" in found:
            text = found
            break
    return f"<think>{'. '.join(steps)}.</think>\n{text}" if thinks else text
