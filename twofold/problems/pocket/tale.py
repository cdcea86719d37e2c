"""What is told and what is asked? A chain of moves on one thing, or on two of which one is asked.

The moves of the other thing are irrelevant. Training has two pairs of things, `ood` the other four.
"""

import hashlib
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Literal, final

import numpy as np

from twofold.problems.pocket.worlds import COMPASS, CUPS, DIAL, WEEK, World
from twofold.problems.synthetic.cast import TRAIN_NAMES

# Which half of all chains: no chain that is asked is in both.
Part = Literal["train", "test"]

Skill = tuple[World, ...]

ORDINALS = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh")

# The skills of training, those with larger tables twice.
SEEN_SKILLS: tuple[Skill, ...] = (
    *((DIAL,), (DIAL,), (WEEK,), (WEEK,), (COMPASS,), (CUPS,)),
    *((DIAL, COMPASS), (WEEK, CUPS)),
)

# Pairs that neither pretraining nor the training split has.
UNSEEN_SKILLS: tuple[Skill, ...] = ((DIAL, WEEK), (DIAL, CUPS), (COMPASS, WEEK), (COMPASS, CUPS))


@final
@dataclass(frozen=True)
class Tale:
    """A question and the chain of moves that answers it, each with its number in words.

    Example:
        >>> Tale("...?", COMPASS, "north", (("First", "left"), ("Third", "around"))).answer
        'east'
    """

    text: str
    world: World
    start: str
    moves: tuple[tuple[str, str], ...]

    @property
    def states(self) -> list[str]:
        """The state after each move."""
        moves = (move for _, move in self.moves)
        return list(accumulate(moves, self.world.after, initial=self.start))[1:]

    @property
    def answer(self) -> str:
        """The last state."""
        return self.states[-1]

    @property
    def steps(self) -> list[str]:
        """The working: a sentence without its full stop for each move."""
        return self.working(self.states)

    def working(self, states: list[str]) -> list[str]:
        """The working that claims these states, right or wrong."""
        moves = zip(self.moves, pairwise([self.start, *states]), strict=True)
        return [f"{n}, {move} from {one} gives {two}" for (n, move), (one, two) in moves]

    @property
    def part(self) -> Part:
        """The half of all chains that the asked one belongs to, by its hash."""
        chain = [self.world.name, self.start, *(move for _, move in self.moves)]
        return "test" if hashlib.sha256(" ".join(chain).encode()).digest()[0] % 2 else "train"


def tell(rng: np.random.Generator, skill: Skill, n_moves: int, *, part: Part, cast: int) -> Tale:
    """A tale whose asked chain belongs to `part`: drawn again until it does, twice on average.

    `n_moves` is 1 to 7, at least 2 for two things; `cast` picks name and thing, 60 in a row differ.

    Example:
        >>> print(tell(np.random.default_rng(0), (COMPASS,), 2, part="train", cast=6).text)
        Greta's robot faces south. First steer around. Second steer left. Where does the robot face?
    """
    while True:
        tale = _told(rng, skill, n_moves, cast)
        if tale.part == part:
            return tale


def _told(rng: np.random.Generator, skill: Skill, n_moves: int, cast: int) -> Tale:
    asked = int(rng.integers(len(skill)))
    turns = rng.integers(len(skill), size=n_moves) if len(skill) > 1 else np.zeros(n_moves, int)
    turns[rng.integers(n_moves)] = asked
    name, thing = TRAIN_NAMES[cast % len(TRAIN_NAMES)], cast // len(TRAIN_NAMES) % 3
    starts = [world.states[rng.integers(len(world.states))] for world in skill]
    told = [
        world.told.format(name=name, thing=world.things[thing], state=start)
        for world, start in zip(skill, starts, strict=True)
    ]
    moves = []
    for ordinal, turn in zip(ORDINALS, turns, strict=False):
        world = skill[turn]
        move = list(world.moves)[rng.integers(len(world.moves))]
        told.append(f"{ordinal} {world.verb} {move}.")
        if turn == asked:
            moves.append((ordinal, move))
    told.append(skill[asked].asked.format(thing=skill[asked].things[thing]))
    return Tale(" ".join(told), skill[asked], starts[asked], tuple(moves))
