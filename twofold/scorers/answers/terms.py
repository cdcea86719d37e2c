"""What has been read: an answer as a tree whose meaning does not depend on its spelling."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import final

from twofold.scorers.answers.units import Unit


@final
@dataclass(frozen=True)
class Term:
    """A node of an answer.

    Args:
        head: What it is: `number`, `symbol`, `add`, `power`, `call`, `tuple`, `relation`, ...
        args: Its parts.
        name: Of a symbol or call its name, of a tuple its brackets, of a relation its signs.
        value: Of a number, exact.
        places: Of a decimal number, how many digits follow the point; else None.
        unit: What a quantity is measured in; None if nothing is said.
        percent: Whether it is a percentage.
    """

    head: str
    args: tuple["Term", ...] = ()
    name: str = ""
    value: Fraction = field(default=Fraction(0))
    places: int | None = None
    unit: Unit | None = None
    percent: bool = False

    def walk(self) -> Iterator["Term"]:
        """This node and all below it."""
        yield self
        for arg in self.args:
            yield from arg.walk()

    def has(self, *heads: str) -> bool:
        """Whether a node in it has one of these heads."""
        return any(term.head in heads for term in self.walk())

    def mapped(self, change: Callable[["Term"], "Term"]) -> "Term":
        """The tree with each node changed, from the leaves up."""
        return change(replace(self, args=tuple(arg.mapped(change) for arg in self.args)))

    @property
    def bare(self) -> "Term":
        """The value without its unit."""
        return replace(self, unit=None, percent=False)

    @property
    def symbols(self) -> frozenset[str]:
        """The names of its variables."""
        return frozenset(term.name for term in self.walk() if term.head == "symbol")


def number(value: Fraction | int, places: int | None = None) -> Term:
    """A number as a term."""
    return Term("number", value=Fraction(value), places=places)


def infinite(term: Term) -> int:
    """1 for infinity, -1 for minus infinity, else 0."""
    if term.head == "neg":
        return -infinite(term.args[0])
    return int(term.head == "symbol" and term.name == "infty")
