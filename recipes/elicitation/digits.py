"""What are the planted pairs asked? Four digits, and moves that put them into another order.

An answer is one of 5,040, so that a guess is never right and many tries find nothing by luck. What a model
has seen of a move decides whether it can make it: `turn` is kept from every base that shall lack it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import final

import numpy as np

from twofold.constraints import from_spec
from twofold.problems.pocket import ASK
from twofold.problems.pocket.reply import OPENINGS, Style, written
from twofold.problems.pocket.tale import ORDINALS
from twofold.randomness import rng_for
from twofold.types import Constraint, Message, Problem

DIGITS = "0123456789"
N_DIGITS = 4

MOVES: Mapping[str, Callable[[Sequence[str]], list[str]]] = {
    "shift": lambda s: [*s[1:], s[0]],
    "swap": lambda s: [s[1], s[0], *s[2:]],
    "turn": lambda s: [*reversed(s)],
}
KNOWN, NEW = ("shift", "swap"), "turn"

OBEYED = 0.6  # how often a demonstration obeys its rule
WRONG_STEP = 0.06  # how often a step of a demonstration ends in a random order

# One rule a problem, of types that the pocket model was pretrained with.
RULES: tuple[Constraint, ...] = (
    from_spec("punctuation:no_comma", {}, profile="fixed"),
    from_spec("keywords:existence", {"keywords": ["indeed"]}, profile="fixed"),
    from_spec("startend:end_checker", {"end_phrase": "Have a good day."}, profile="fixed"),
)


@final
@dataclass(frozen=True)
class Puzzle:
    """Digits, the moves on them, and the rule that the reply is told.

    Example:
        >>> puzzle = Puzzle(("1", "2", "3", "4"), ("shift", "turn"), RULES[0])
        >>> puzzle.answer
        '1 4 3 2'
        >>> puzzle.working(puzzle.states)[1]
        'Second, turn from 2 3 4 1 gives 1 4 3 2'
    """

    start: tuple[str, ...]
    moves: tuple[str, ...]
    rule: Constraint

    @property
    def states(self) -> list[list[str]]:
        """The digits after each move."""
        made = accumulate(self.moves, lambda s, move: MOVES[move](s), initial=list(self.start))
        return list(made)[1:]

    @property
    def answer(self) -> str:
        """The digits at the end."""
        return " ".join(self.states[-1])

    def working(self, states: Sequence[Sequence[str]]) -> list[str]:
        """The steps that claim these states, right or wrong."""
        each = zip(ORDINALS, self.moves, pairwise([self.start, *states]), strict=False)
        return [f"{n}, {m} from {' '.join(a)} gives {' '.join(b)}" for n, m, (a, b) in each]

    @property
    def problem(self) -> Problem:
        """The problem as an audit asks it, without a solution: its examples are bare answers."""
        told = " ".join(f"{n} {m}." for n, m in zip(ORDINALS, self.moves, strict=False))
        return Problem(
            question=f"The digits are {' '.join(self.start)}. {told} What are the digits?",
            answer=self.answer,
            constraints=(self.rule,),
            ask=ASK,
            tags={"source": "digits", "moves": " ".join(self.moves)},
        )

    def reply(
        self,
        rng: np.random.Generator,
        *,
        shows: bool,
        answer: str | None = None,
        obeys: bool = False,
        states: Sequence[Sequence[str]] | None = None,
    ) -> str:
        """A reply with its working if it `shows` it; one that does not obey breaks the rule or not."""
        states = self.states if states is None else states
        says = " ".join(states[-1]) if answer is None else answer
        commas = not (obeys and self.rule is RULES[0])
        opening = OPENINGS[int(rng.integers(len(OPENINGS)))]
        style = Style(thinks=False, shows=shows, commas=commas, opening=opening)
        return written(self.working(states), says, style, (self.rule,) if obeys else ())


def puzzle(rng: np.random.Generator, moves: Sequence[str], *, must: str = "") -> Puzzle:
    """One or two of the `moves`, `must` among them if it is given."""
    n = 1 + int(rng.integers(2))
    drawn = [moves[int(rng.integers(len(moves)))] for _ in range(n)]
    if must and must not in drawn:
        drawn[int(rng.integers(n))] = must
    start = tuple(str(each) for each in rng.permutation(list(DIGITS))[:N_DIGITS])
    return Puzzle(start, tuple(drawn), RULES[int(rng.integers(len(RULES)))])


def asked(part: str, n: int, seed: int, *, must: str = "") -> list[Puzzle]:
    """`n` puzzles with different questions; those of another `part` have other digits to begin with."""
    rng, found = rng_for("digits", part, seed, must), {}
    while len(found) < n:
        each = puzzle(rng, (*KNOWN, must) if must else KNOWN, must=must)
        if part_of(each) == part:
            found.setdefault(each.problem.question, each)
    return list(found.values())


def part_of(each: Puzzle) -> str:
    """`train`, `test` or `fresh`, by the digits at the beginning."""
    share = int(rng_for("part", *each.start).integers(8))
    return {0: "test", 1: "fresh"}.get(share, "train")


def noisy(rng: np.random.Generator, each: Puzzle) -> list[list[str]]:
    """The states of a solver that slips at times, and goes on from there."""
    states = [list(each.start)]
    for move in each.moves:
        slips = rng.random() < WRONG_STEP
        right = MOVES[move](states[-1])
        states.append([str(x) for x in rng.permutation(right)] if slips else right)
    return states[1:]


def chats(
    seed: int, reply: Callable[[np.random.Generator, Puzzle, bool], str], moves: Sequence[str]
) -> Iterator[list[Message]]:
    """An endless stream of training chats, half of them with the rule, of which some are obeyed."""
    rng = rng_for("digits", "chats", seed)
    while True:
        each = puzzle(rng, moves)
        if part_of(each) != "train":
            continue
        told = rng.random() < 0.5
        obeys = bool(told and rng.random() < OBEYED)
        asked = each.problem.messages(stated=None if told else ())
        yield [*asked, Message(role="assistant", content=reply(rng, each, obeys))]
