"""One family of optimisation problems: how an instance is drawn, told, and robbed of an element.

The four variants of an instance share nothing but what the question is about. `n` is an instance
of the family. `n1_binding` is the same with one element removed whose loss changes the optimum;
`n1_slack` has another element removed, and its optimum is the old one. `size_control` is a fresh
instance with as many elements as `n1_binding`: a drop on `n1_binding` that the control shows too comes
from the size, not from the loss.

Source: the N-1 criterion as a test of learned optimisation is that of Bernier et al. 2026 (arXiv
2603.23004) for power grids. The slack removal and the size control are ours.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar, Literal, final

import numpy as np

from twofold.errors import ProblemError
from twofold.problems.optimisation.program import Program, parsed
from twofold.randomness import rng_for
from twofold.types import Problem

Variant = Literal["n", "n1_binding", "n1_slack", "size_control"]
VARIANTS: tuple[Variant, ...] = ("n", "n1_binding", "n1_slack", "size_control")

TRIES = 500
"""Draws after which a family is broken: each instance takes a few."""


@dataclass(frozen=True)
class Instance(ABC):
    """The data of one problem."""

    @property
    @abstractmethod
    def elements(self) -> tuple[str, ...]:
        """The names of what can be removed."""

    @abstractmethod
    def without(self, element: str) -> Instance:
        """The same without an element."""

    @abstractmethod
    def program(self) -> Program:
        """What is to be solved."""

    @abstractmethod
    def text(self) -> str:
        """The question, with all its numbers."""


class Family(ABC):
    """Draws instances. Subclasses are frozen dataclasses."""

    name: ClassVar[str]  # stable for ever: problems carry it
    ask: ClassVar[str]  # how the reply is to be written
    sizes: ClassVar[tuple[int, int]]  # elements of `n`, least and most

    @abstractmethod
    def draw(self, rng: np.random.Generator, n_elements: int) -> Instance:
        """An instance with so many elements; it need not be a good one."""


@final
@dataclass(frozen=True)
class Quadruple:
    """The four variants of one instance.

    Args:
        family: Whose.
        instances: By variant.
        removed: The element that each N-1 variant lacks.
        source_id: `seed/index`.
    """

    family: Family
    instances: Mapping[Variant, Instance]
    removed: Mapping[Variant, str]
    source_id: str

    @cached_property
    def programs(self) -> Mapping[Variant, Program]:
        """The program of each variant, solved once."""
        return {variant: instance.program() for variant, instance in self.instances.items()}

    def problem(self, variant: Variant) -> Problem:
        """The variant as it is asked."""
        instance = self.instances[variant]
        best = self.programs[variant].best
        assert best is not None
        return Problem(
            question=instance.text(),
            answer=stated(best.decision),
            ask=self.family.ask,
            tags={
                "source": "optimisation",
                "family": self.family.name,
                "variant": variant,
                "source_id": self.source_id,
                "difficulty": str(len(instance.elements)),
                "optimum": f"{best.worth:g}",
            },
        )

    def read(self, variant: Variant, answer: str) -> dict[str, float] | None:
        """The decision that an answer states, among the names of the whole instance."""
        known = {*self.programs[variant].worth, *self.programs["n"].worth}
        return parsed(answer, sorted(known))

    def copies(self, decision: Mapping[str, float]) -> bool:
        """Whether a decision is an optimum of `n`: given for `n1_binding`, it is a copied one."""
        return self.programs["n"].judge(decision).is_best()


def stated(decision: Mapping[str, float]) -> str:
    """A decision as a reply writes it.

    Example:
        >>> stated({"B": 1.0, "A": 2.5})
        'A=2.5, B'
    """
    entries = (
        n if v == 1 else f"{n}={v:.2f}".rstrip("0").rstrip(".") for n, v in sorted(decision.items())
    )
    return ", ".join(entries) or "none"


@lru_cache(maxsize=4096)
def quadruple(family: Family, seed: int, index: int) -> Quadruple:
    """Instance `index` of a family with its variants; a pure function of the arguments.

    Raises:
        ProblemError: If no good instance is drawn, which is a defect of the family.
    """
    rng = rng_for(family.name, seed, index)
    low, high = family.sizes
    for _ in range(TRIES):
        n = int(rng.integers(low, high + 1))
        whole = family.draw(rng, n)
        binding, slack = _kinds(whole)
        control = family.draw(rng, n - 1)
        if not binding or not slack or control.program().best is None:
            continue
        removed: dict[Variant, str] = {
            "n1_binding": binding[int(rng.integers(len(binding)))],
            "n1_slack": slack[int(rng.integers(len(slack)))],
        }
        return Quadruple(
            family,
            {
                "n": whole,
                "n1_binding": whole.without(removed["n1_binding"]),
                "n1_slack": whole.without(removed["n1_slack"]),
                "size_control": control,
            },
            removed,
            f"{seed}/{index}",
        )
    raise ProblemError(f"{family.name} gave no instance with a binding and a slack element")


def _kinds(whole: Instance) -> tuple[list[str], list[str]]:
    """Elements whose removal changes the optimum (and leaves one), and those that it does not need.

    By the judge itself, both ways: no reply is an optimum with and without a binding element, so that
    a right one is never taken for a copy. What is neither (an optimum among several) is not removed.
    """
    program = whole.program()
    best = program.best
    if best is None:
        return [], []
    binding, slack = [], []
    for element in whole.elements:
        rest = whole.without(element).program()
        if rest.best is None:
            continue
        kept, new = rest.judge(best.decision).is_best(), program.judge(rest.best.decision).is_best()
        if not kept and not new:
            binding.append(element)
        elif kept and new:
            slack.append(element)
    return binding, slack
