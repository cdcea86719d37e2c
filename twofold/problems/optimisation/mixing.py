"""How much of each product, and who does which task? Linear programs and assignment."""

from dataclasses import dataclass
from typing import final

import numpy as np

from twofold.problems.optimisation.family import Family, Instance
from twofold.problems.optimisation.program import Program, Rule

GOODS = ("bread", "cake", "rolls", "pies", "tarts", "buns")
PEOPLE = ("Ann", "Bo", "Cy", "Di", "Ed")
TASKS = ("mill", "oven", "till", "van", "desk")


@final
@dataclass(frozen=True)
class Bakery(Instance):
    """Goods `(name, flour, hours, profit, most)` by the batch, and the flour and hours available."""

    parts = "goods"
    goods: tuple[tuple[str, int, int, int, int], ...]
    flour: int
    hours: int

    def program(self) -> Program:
        """The most profitable amounts."""
        flour = Rule("flour", {n: f for n, f, _, _, _ in self.goods}, high=self.flour)
        hours = Rule("hours", {n: h for n, _, h, _, _ in self.goods}, high=self.hours)
        worth = {n: profit for n, _, _, profit, _ in self.goods}
        most = {n: limit for n, _, _, _, limit in self.goods}
        return Program(worth, True, (flour, hours), most, False)

    def text(self) -> str:
        """The question."""
        told = " ".join(
            f"A batch of {n} takes {f} kg of flour and {h} hours, earns {p}, and at most {most} are sold."
            for n, f, h, p, most in self.goods
        )
        return (
            f"A bakery has {self.flour} kg of flour and {self.hours} hours. {told} Parts of a batch count "
            "in proportion. How many batches of each earn most?"
        )


@final
@dataclass(frozen=True)
class Blend(Family):
    """A linear program over amounts."""

    name = "linear"
    ask = "\nPut the batches in \\boxed{} as bread=2, cake=1.5, with commas between.\n"
    sizes = (3, 5)

    def draw(self, rng: np.random.Generator, n_elements: int) -> Bakery:
        """Amounts such that not everything can be made."""
        names = [GOODS[int(i)] for i in rng.permutation(len(GOODS))[:n_elements]]
        goods = tuple(
            (name, *map(int, rng.integers((1, 1, 3, 2), (7, 6, 20, 6)))) for name in names
        )
        return Bakery(goods, int(rng.integers(8, 21)), int(rng.integers(8, 17)))  # type: ignore[arg-type]


@final
@dataclass(frozen=True)
class Roster(Instance):
    """Minutes `(person, task, minutes)`; each task has one person, and nobody has two tasks."""

    parts = "times"
    times: tuple[tuple[str, str, int], ...]
    tasks: tuple[str, ...]

    def program(self) -> Program:
        """The fewest minutes in all."""
        pairs = {f"{p}-{t}": float(m) for p, t, m in self.times}
        done = [
            Rule("task", {f"{p}-{t}": 1.0 for p, t, _ in self.times if t == task}, low=1, high=1)
            for task in self.tasks
        ]
        alone = [
            Rule("person", {f"{p}-{t}": 1.0 for p, t, _ in self.times if p == person}, high=1)
            for person in self.elements
        ]
        return Program(pairs, False, (*done, *alone), dict.fromkeys(pairs, 1), True)

    def text(self) -> str:
        """The question."""
        told = " ".join(f"{p} needs {m} minutes for the {t}." for p, t, m in self.times)
        return (
            f"The {', the '.join(self.tasks)} must each be looked after by one person, and nobody looks "
            f"after two. {told} Who looks after what for the fewest minutes in all?"
        )


@final
@dataclass(frozen=True)
class Assignment(Family):
    """People for tasks, more people than tasks."""

    name = "assignment"
    ask = "\nPut the pairs in \\boxed{} as Ann-mill, Bo-van, with commas between.\n"
    sizes = (4, 5)

    def draw(self, rng: np.random.Generator, n_elements: int) -> Roster:
        """More people than tasks, so that one can be spared."""
        people = [PEOPLE[int(i)] for i in sorted(rng.permutation(len(PEOPLE))[:n_elements])]
        n_tasks = 2 if n_elements < 5 else 3
        tasks = tuple(TASKS[int(i)] for i in sorted(rng.permutation(len(TASKS))[:n_tasks]))
        times = tuple((p, t, int(rng.integers(3, 30))) for p in people for t in tasks)
        return Roster(times, tasks)
