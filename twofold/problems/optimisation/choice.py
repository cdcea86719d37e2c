"""Which offer is cheapest among those that fit? A constrained optimisation for the pocket model.

Each step of the solution compares two digits and keeps the better offer, which a model of under a
million parameters can learn.
"""

from dataclasses import dataclass, replace
from typing import Literal, final

import numpy as np

from twofold.errors import ProblemError
from twofold.problems.optimisation.family import Family, Instance, Variant, quadruple
from twofold.problems.optimisation.program import Program, Rule
from twofold.problems.synthetic.cast import TRAIN_NAMES
from twofold.types import Problem

NAMES = TRAIN_NAMES[:8]
Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")
_FRESH = 10_000  # seeds from here on make the problems of the smaller size


@final
@dataclass(frozen=True)
class Offers(Instance):
    """Offers `(name, cost, size)` of which one is taken, and the largest size that fits."""

    parts = "offers"
    offers: tuple[tuple[str, int, int], ...]
    cap: int

    def program(self) -> Program:
        """The cheapest offer that fits."""
        worth = {n: float(cost) for n, cost, _ in self.offers}
        rules = (
            Rule("one", dict.fromkeys(worth, 1.0), low=1, high=1),
            Rule("cap", {n: float(size) for n, _, size in self.offers}, high=self.cap),
        )
        return Program(worth, False, rules, dict.fromkeys(worth, 1), True)

    def text(self) -> str:
        """The question."""
        told = " ".join(f"{n} asks {cost} for {size}." for n, cost, size in self.offers)
        return f"{told} Take at most {self.cap}. Who asks the least?"

    def working(self) -> list[str]:
        """The solution: each offer in turn, and the best one so far.

        Example:
            >>> Offers((("Anna", 5, 2), ("Emil", 3, 4), ("Hugo", 4, 1)), 3).working()
            ['Anna 2 fits so Anna 5', 'Emil 4 is over so Anna 5', 'Hugo 1 fits so Hugo 4']
        """
        steps, best = [], None
        for name, cost, size in self.offers:
            fits = size <= self.cap
            if fits and (best is None or cost < best[1]):
                best = (name, cost)
            kept = f"{best[0]} {best[1]}" if best else "none"
            steps.append(f"{name} {size} {'fits' if fits else 'is over'} so {kept}")
        return steps


@final
@dataclass(frozen=True)
class Choice(Family):
    """One of a few offers, under a cap."""

    name = "choice"
    ask = "\nPut the result in \\boxed{}.\n"
    sizes = (4, 5)

    def draw(self, rng: np.random.Generator, n_elements: int) -> Offers:
        """Costs that all differ, sizes of 1 to 9, and a cap that some offers meet."""
        names = [NAMES[int(i)] for i in rng.permutation(len(NAMES))[:n_elements]]
        costs = [int(c) + 1 for c in rng.permutation(9)[:n_elements]]
        sizes = [int(s) for s in rng.integers(1, 10, n_elements)]
        return Offers(tuple(zip(names, costs, sizes, strict=True)), int(rng.integers(3, 8)))


def suite(n: int, *, split: Split = "test") -> list[Problem]:
    """Problems with their solutions in the tag `steps`.

    Every other problem has one offer less: training then has seen the size of the N-1 instances in the
    diagnostic `ood`, and only the removal is new. The splits differ in the seed of their quadruples.

    Raises:
        ProblemError: If `n` is below 1.

    Example:
        >>> problem = suite(1, split="train")[0]
        >>> problem.tags["steps"].count("so") == int(problem.tags["difficulty"])
        True
    """
    if n < 1:
        raise ProblemError(f"a suite of {n} problems is empty; ask for 1 or more")
    return [_told(SPLITS.index(split), i) for i in range(n)]


def _told(seed: int, i: int) -> Problem:
    """Problem `i`, with its solution: odd ones are a size control, from seeds of their own."""
    variant: Variant = "size_control" if i % 2 else "n"
    made = quadruple(Choice(), _FRESH + seed if i % 2 else seed, i // 2)
    problem, instance = made.problem(variant), made.instances[variant]
    assert isinstance(instance, Offers)
    return replace(problem, tags={**problem.tags, "steps": "; ".join(instance.working())})


def solution(problem: Problem) -> str:
    """A right reply with its working."""
    return f"{'. '.join(problem.tags['steps'].split('; '))}. It is \\boxed{{{problem.answer}}}."
