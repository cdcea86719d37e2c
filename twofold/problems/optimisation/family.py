"""How is an optimisation problem drawn, told, and deprived of one element?

An instance has four variants. `n` is the instance; `n1_binding` lacks an element whose loss changes the
optimum; `n1_slack` lacks one whose loss does not; `size_control` is a fresh instance of the size of
`n1_binding`: a drop that it shows too comes from the size, not from the loss.

Source: the N-1 criterion as a test of learned optimisation is that of Bernier et al. 2026 (arXiv
2603.23004) for power grids. The slack removal and the size control are ours.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Literal, Self, final

import numpy as np

from twofold.errors import ProblemError
from twofold.problems.optimisation.program import Program, parsed
from twofold.randomness import rng_for
from twofold.types import Problem

Variant = Literal["n", "n1_binding", "n1_slack", "size_control"]
VARIANTS: tuple[Variant, ...] = ("n", "n1_binding", "n1_slack", "size_control")

# Draws after which a family counts as broken: each instance takes a few.
TRIES = 500


@dataclass(frozen=True)
class Instance(ABC):
    """The data of one problem."""

    parts: ClassVar[str]  # the field whose entries can be removed

    @staticmethod
    def _name(part: Any) -> str:
        """The name of an entry; several entries of one name go together."""
        return str(part[0])

    @property
    def elements(self) -> tuple[str, ...]:
        """The names of what can be removed."""
        return tuple(dict.fromkeys(map(self._name, getattr(self, self.parts))))

    def without(self, element: str) -> Self:
        """The same without an element."""
        kept = (part for part in getattr(self, self.parts) if self._name(part) != element)
        return replace(self, **{self.parts: tuple(kept)})

    @abstractmethod
    def program(self) -> Program:
        """What is to be solved."""

    @abstractmethod
    def text(self) -> str:
        """The question, with all its numbers."""


class Family(ABC):
    """Draws instances. Subclasses are frozen dataclasses."""

    name: ClassVar[str]  # stable for ever: problems carry it
    ask: ClassVar[str]  # the form of the reply
    sizes: ClassVar[tuple[int, int]]  # elements of `n`, least and most

    @abstractmethod
    def draw(self, rng: np.random.Generator, n_elements: int) -> Instance:
        """An instance with so many elements, which may be unsuitable."""


@final
@dataclass(frozen=True)
class Quadruple:
    """The four variants of one instance, and the element that each N-1 variant lacks."""

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
        """Whether a decision is an optimum of `n`; as an answer to `n1_binding` it is a copy."""
        return self.programs["n"].judge(decision).is_best()


def stated(decision: Mapping[str, float]) -> str:
    """A decision as a reply writes it.

    Example:
        >>> stated({"B": 1.0, "A": 2.5})
        'A=2.5, B'
    """
    amounts = {n: f"={v:.2f}".rstrip("0").rstrip(".") for n, v in decision.items() if v != 1}
    return ", ".join(name + amounts.get(name, "") for name in sorted(decision)) or "none"


@lru_cache(maxsize=4096)
def quadruple(family: Family, seed: int, index: int) -> Quadruple:
    """Instance `index` of a family with its variants; a pure function of the arguments.

    Raises:
        ProblemError: If no suitable instance is drawn, which is a defect of the family.
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
        rest = {variant: whole.without(element) for variant, element in removed.items()}
        instances: dict[Variant, Instance] = {"n": whole, **rest, "size_control": control}
        return Quadruple(family, instances, removed, f"{seed}/{index}")
    raise ProblemError(f"{family.name} gave no instance with a binding and a slack element")


def _kinds(whole: Instance) -> tuple[list[str], list[str]]:
    """Elements whose removal changes the optimum (and leaves one), and those it does not need.

    The judge decides, both ways: no reply is an optimum with and without a binding element, so a right
    one never counts as a copy. Other elements (of one optimum among several) are not removed.
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
