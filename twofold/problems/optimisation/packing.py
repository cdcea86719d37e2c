"""Which things or jobs are chosen? Knapsack, and jobs with deadlines."""

from dataclasses import dataclass
from typing import final

import numpy as np

from twofold.problems.optimisation.family import Family, Instance
from twofold.problems.optimisation.program import Program, Rule

THINGS = ("lamp", "rope", "stove", "tent", "axe", "radio", "blanket", "kettle", "map", "saw")
JOBS = ("print", "paint", "weld", "pack", "clean", "sort", "test", "ship")


@final
@dataclass(frozen=True)
class Sack(Instance):
    """Things `(name, weight, value)`, and the weight that can be carried."""

    parts = "things"
    things: tuple[tuple[str, int, int], ...]
    capacity: int

    def program(self) -> Program:
        """The most valuable load."""
        weight = Rule("capacity", {n: w for n, w, _ in self.things}, high=self.capacity)
        worth = {n: v for n, _, v in self.things}
        return Program(worth, True, (weight,), dict.fromkeys(worth, 1), True)

    def text(self) -> str:
        """The question."""
        told = " ".join(f"The {n} weighs {w} kg and is worth {v}." for n, w, v in self.things)
        return (
            f"A hiker packs for a trip and can carry {self.capacity} kg. {told} Each thing can be taken "
            "once. Which things make the load worth most?"
        )


@final
@dataclass(frozen=True)
class Knapsack(Family):
    """Things for a sack, each taken or left."""

    name = "knapsack"
    ask = "\nPut the things taken in \\boxed{}, with commas between.\n"
    sizes = (5, 7)

    def draw(self, rng: np.random.Generator, n_elements: int) -> Sack:
        """Weights of 1 to 9 kg, about half of which can be carried."""
        names = [THINGS[int(i)] for i in rng.permutation(len(THINGS))[:n_elements]]
        weights = [int(w) for w in rng.integers(1, 10, n_elements)]
        values = [int(v) for v in rng.integers(2, 21, n_elements)]
        capacity = max([*weights, sum(weights) // 2])
        return Sack(tuple(zip(names, weights, values, strict=True)), capacity)


@final
@dataclass(frozen=True)
class Plan(Instance):
    """Jobs `(name, hours, deadline, pay)` for one machine."""

    parts = "jobs"
    jobs: tuple[tuple[str, int, int, int], ...]

    def program(self) -> Program:
        """The best-paid set of jobs that can all be on time.

        In the order of their deadlines, they are on time if and only if, for each deadline, the jobs due
        by then take no longer than that (Jackson 1955).
        """
        worth = {n: pay for n, _, _, pay in self.jobs}
        rules = tuple(
            Rule("deadline", {n: h for n, h, due, _ in self.jobs if due <= at}, high=at)
            for at in sorted({due for _, _, due, _ in self.jobs})
        )
        return Program(worth, True, rules, dict.fromkeys(worth, 1), True)

    def text(self) -> str:
        """The question."""
        told = " ".join(
            f"Job {n} takes {h} hours, is due after {due} hours and pays {pay}."
            for n, h, due, pay in self.jobs
        )
        return (
            f"A workshop has one machine, which does one job at a time. {told} A job pays only if it is "
            "done when it is due. Which jobs are taken on for the most pay?"
        )


@final
@dataclass(frozen=True)
class Scheduling(Family):
    """Jobs for one machine, with deadlines and pay."""

    name = "scheduling"
    ask = "\nPut the jobs taken on in \\boxed{}, with commas between.\n"
    sizes = (4, 6)

    def draw(self, rng: np.random.Generator, n_elements: int) -> Plan:
        """One to five hours each; not all deadlines can be met."""
        names = [JOBS[int(i)] for i in rng.permutation(len(JOBS))[:n_elements]]
        hours = [int(h) for h in rng.integers(1, 6, n_elements)]
        due = [h + int(d) for h, d in zip(hours, rng.integers(0, 7, n_elements), strict=True)]
        pay = [int(p) for p in rng.integers(2, 16, n_elements)]
        return Plan(tuple(zip(names, hours, due, pay, strict=True)))
