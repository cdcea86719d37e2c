"""Which things are chosen? Knapsack, jobs with deadlines, and a choice of one under a cap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from twofold.problems.optimisation.family import Family, Instance
from twofold.problems.optimisation.program import Program, Rule

THINGS = ("lamp", "rope", "stove", "tent", "axe", "radio", "blanket", "kettle", "map", "saw")
JOBS = ("print", "paint", "weld", "pack", "clean", "sort", "test", "ship")


@final
@dataclass(frozen=True)
class Sack(Instance):
    """Things with a weight and a value, and what can be carried."""

    things: tuple[tuple[str, int, int], ...]
    capacity: int

    @property
    def elements(self) -> tuple[str, ...]:
        """The things."""
        return tuple(name for name, _, _ in self.things)

    def without(self, element: str) -> Sack:
        """The same without a thing."""
        return replace(self, things=tuple(t for t in self.things if t[0] != element))

    def program(self) -> Program:
        """The most valuable load."""
        weight = Rule("capacity", {n: w for n, w, _ in self.things}, high=self.capacity)
        return Program(
            {n: v for n, _, v in self.things},
            True,
            (weight,),
            dict.fromkeys(self.elements, 1),
            True,
        )

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

    name: ClassVar[str] = "knapsack"
    ask: ClassVar[str] = "\nPut the things taken in \\boxed{}, with commas between.\n"
    sizes: ClassVar[tuple[int, int]] = (5, 7)

    def draw(self, rng: np.random.Generator, n_elements: int) -> Sack:
        """Weights of 1 to 9 kg, and about half of them can be carried."""
        names = [THINGS[int(i)] for i in rng.permutation(len(THINGS))[:n_elements]]
        weights = [int(w) for w in rng.integers(1, 10, n_elements)]
        values = [int(v) for v in rng.integers(2, 21, n_elements)]
        return Sack(
            tuple(zip(names, weights, values, strict=True)), max([*weights, sum(weights) // 2])
        )


@final
@dataclass(frozen=True)
class Plan(Instance):
    """Jobs with hours, a deadline and a pay; one machine."""

    jobs: tuple[tuple[str, int, int, int], ...]

    @property
    def elements(self) -> tuple[str, ...]:
        """The jobs."""
        return tuple(job[0] for job in self.jobs)

    def without(self, element: str) -> Plan:
        """The same without a job."""
        return Plan(tuple(job for job in self.jobs if job[0] != element))

    def program(self) -> Program:
        """The best-paid set of jobs that can all be on time.

        Done by earliest deadline, they are on time just if, for each deadline, what is due by then
        takes no longer than that (Jackson 1955).
        """
        rules = tuple(
            Rule("deadline", {n: h for n, h, due, _ in self.jobs if due <= at}, high=at)
            for at in sorted({due for _, _, due, _ in self.jobs})
        )
        return Program(
            {n: pay for n, _, _, pay in self.jobs},
            True,
            rules,
            dict.fromkeys(self.elements, 1),
            True,
        )

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

    name: ClassVar[str] = "scheduling"
    ask: ClassVar[str] = "\nPut the jobs taken on in \\boxed{}, with commas between.\n"
    sizes: ClassVar[tuple[int, int]] = (4, 6)

    def draw(self, rng: np.random.Generator, n_elements: int) -> Plan:
        """One to five hours each; deadlines that not all can meet."""
        names = [JOBS[int(i)] for i in rng.permutation(len(JOBS))[:n_elements]]
        hours = [int(h) for h in rng.integers(1, 6, n_elements)]
        due = [h + int(d) for h, d in zip(hours, rng.integers(0, 7, n_elements), strict=True)]
        pay = [int(p) for p in rng.integers(2, 16, n_elements)]
        return Plan(tuple(zip(names, hours, due, pay, strict=True)))
