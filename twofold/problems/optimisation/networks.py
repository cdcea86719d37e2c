"""Shortest path, largest flow, and the power flow of a small grid: which way, and how much?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from twofold.problems.optimisation.family import Family, Instance
from twofold.problems.optimisation.program import Program, Rule

Edge = tuple[str, str, int]  # from, to, and a length or a capacity


def name_of(edge: Edge) -> str:
    """An edge as a reply writes it."""
    return f"{edge[0]}-{edge[1]}"


def balance(edges: tuple[Edge, ...], node: str) -> dict[str, float]:
    """What leaves a node minus what enters it, by edge."""
    leaving = {name_of(e): 1.0 for e in edges if e[0] == node}
    return leaving | {name_of(e): -1.0 for e in edges if e[1] == node}


@dataclass(frozen=True)
class Net(Instance):
    """One-way edges between lettered places, from `source` to `sink`."""

    parts = "edges"
    edges: tuple[Edge, ...]
    source: str
    sink: str

    @staticmethod
    def _name(part: Edge) -> str:
        return name_of(part)

    @property
    def inner(self) -> list[str]:
        """The places in between."""
        nodes = {node for a, b, _ in self.edges for node in (a, b)}
        return sorted(nodes - {self.source, self.sink})


@final
@dataclass(frozen=True)
class Roads(Net):
    """Edges are roads with a length."""

    def program(self) -> Program:
        """The shortest way, as edges taken once."""
        ends = [(self.source, 1.0), (self.sink, -1.0), *((node, 0.0) for node in self.inner)]
        rules = tuple(Rule("path", balance(self.edges, n), low=out, high=out) for n, out in ends)
        worth = {name_of(e): float(e[2]) for e in self.edges}
        return Program(worth, False, rules, dict.fromkeys(worth, 1), True)

    def text(self) -> str:
        """The question."""
        told = " ".join(f"{a} to {b} is {n} km." for a, b, n in self.edges)
        return (
            f"One-way roads join some towns. {told} Which roads make the shortest way from "
            f"{self.source} to {self.sink}?"
        )


@final
@dataclass(frozen=True)
class Pipes(Net):
    """Edges are pipes with a capacity."""

    def program(self) -> Program:
        """The largest flow."""
        rules = tuple(Rule("balance", balance(self.edges, n), low=0, high=0) for n in self.inner)
        out = balance(self.edges, self.source)
        worth = {name_of(e): out.get(name_of(e), 0.0) for e in self.edges}
        most = {name_of(e): float(e[2]) for e in self.edges}
        caps = tuple(Rule("capacity", {name: 1.0}, high=cap) for name, cap in most.items())
        return Program(worth, True, (*rules, *caps), most, True)

    def text(self) -> str:
        """The question."""
        told = " ".join(f"{a} to {b} carries at most {n}." for a, b, n in self.edges)
        return (
            f"One-way pipes join some tanks. {told} What enters a tank between must leave it. How much "
            f"goes through each pipe so that most flows from {self.source} to {self.sink}?"
        )


def layered(rng: np.random.Generator, n_edges: int) -> tuple[tuple[Edge, ...], str, str]:
    """A network of two layers between S and T with 5 to 9 edges."""
    pairs = [("S", "A"), ("S", "B"), ("C", "T"), ("D", "T"), ("A", "C")]
    more = [("A", "D"), ("B", "C"), ("B", "D"), ("A", "B"), ("C", "D"), ("S", "C"), ("B", "T")]
    order = rng.permutation(len(more))[: max(0, n_edges - len(pairs))]
    chosen = (pairs + [more[int(i)] for i in order])[:n_edges]
    shuffled = [chosen[int(i)] for i in rng.permutation(len(chosen))]
    return tuple((a, b, int(rng.integers(2, 15))) for a, b in shuffled), "S", "T"


@final
@dataclass(frozen=True)
class ShortestPath(Family):
    """The shortest way along one-way roads."""

    name = "shortest_path"
    ask = "\nPut the roads in \\boxed{} as S-A, A-T, with commas between.\n"
    sizes = (7, 9)

    def draw(self, rng: np.random.Generator, n_elements: int) -> Roads:
        """Two layers of towns between S and T."""
        return Roads(*layered(rng, n_elements))


@final
@dataclass(frozen=True)
class MaxFlow(Family):
    """The largest flow through one-way pipes."""

    name = "max_flow"
    ask = "\nPut the flow of each pipe that is used in \\boxed{} as S-A=3, A-T=3, with commas between.\n"
    sizes = (7, 9)

    def draw(self, rng: np.random.Generator, n_elements: int) -> Pipes:
        """Two layers of tanks between S and T."""
        return Pipes(*layered(rng, n_elements))


@final
@dataclass(frozen=True)
class Grid(Instance):
    """A small grid in the DC approximation, all lines of the same reactance; loads by bus in megawatts.

    Generators are `(name, bus, most, cost)`, lines `(name, from, to, limit)`.
    """

    parts = "lines"
    generators: tuple[tuple[str, int, int, int], ...]
    loads: Mapping[int, int]
    lines: tuple[tuple[str, int, int, int], ...]

    @property
    def buses(self) -> list[int]:
        """All buses, sorted."""
        return sorted({*self.loads, *(bus for _, bus, _, _ in self.generators)})

    def shares(self) -> np.ndarray | None:
        """Power transfer distribution factors, shape `(lines, buses)`; None if the grid falls apart.

        What a megawatt put in at each bus (taken out at the first) adds to each line's flow: the
        incidence matrix times the inverse of the reduced susceptance matrix.
        """
        buses = self.buses
        incidence = np.zeros((len(self.lines), len(buses)))
        for row, (_, a, b, _) in zip(incidence, self.lines, strict=True):
            row[buses.index(a)], row[buses.index(b)] = 1.0, -1.0
        reduced = (incidence.T @ incidence)[1:, 1:]
        if np.linalg.matrix_rank(reduced) < len(reduced):
            return None
        out = np.zeros((len(self.lines), len(buses)))
        out[:, 1:] = incidence[:, 1:] @ np.linalg.inv(reduced)
        return out

    def program(self) -> Program:
        """The cheapest dispatch that meets the load within every line's limit."""
        worth = {name: float(cost) for name, _, _, cost in self.generators}
        most = {name: float(cap) for name, _, cap, _ in self.generators}
        total, shares = float(sum(self.loads.values())), self.shares()
        supplied = Rule("power_balance", dict.fromkeys(worth, 1.0), low=total, high=total)
        if shares is None:
            return Program(worth, False, (replace(supplied, low=np.inf, high=np.inf),), most, False)
        rules = [supplied]
        for (_, _, _, limit), share in zip(self.lines, shares, strict=True):
            added = dict(zip(self.buses, share.tolist(), strict=True))
            drawn = sum(added[bus] * load for bus, load in self.loads.items())
            terms = {name: added[bus] for name, bus, _, _ in self.generators}
            rules.append(Rule("line_limits", terms, low=drawn - limit, high=drawn + limit))
        return Program(worth, False, tuple(rules), most, False)

    def text(self) -> str:
        """The question."""
        made = " ".join(
            f"Generator {n} at bus {bus} gives up to {cap} MW at {cost} a MW."
            for n, bus, cap, cost in self.generators
        )
        used = " ".join(f"Bus {bus} uses {load} MW." for bus, load in self.loads.items() if load)
        lines = " ".join(
            f"Line {n} joins bus {a} and bus {b} and carries at most {limit} MW."
            for n, a, b, limit in self.lines
        )
        return (
            f"A small power grid in the DC approximation, all lines of the same reactance. {made} {used} "
            f"{lines} How much does each generator give so that all is supplied at the least cost?"
        )


@final
@dataclass(frozen=True)
class PowerFlow(Family):
    """Optimal power flow on three to five buses, in the DC approximation."""

    name = "power_flow"
    ask = "\nPut the megawatts of each generator in \\boxed{} as G1=20, G2=12.5, with commas between.\n"
    sizes = (4, 6)

    def draw(self, rng: np.random.Generator, n_elements: int) -> Grid:
        """A ring of buses with cross lines; the elements are the lines."""
        n_buses = min(n_elements, int(rng.integers(3, 6)))
        buses = range(n_buses)
        ring = [(i, (i + 1) % n_buses) for i in buses]
        across = [(a, b) for a in buses for b in buses[a + 2 :] if (b, a) not in ring]
        ends = ring + [across[int(i)] for i in rng.permutation(len(across))]
        ends = (ends + ring)[:n_elements]  # a second circuit where all pairs are joined
        lines = tuple((f"L{i}", *ab, int(rng.integers(8, 31))) for i, ab in enumerate(ends, 1))
        at = rng.permutation(n_buses)[: min(3, n_buses - 1)]
        generators = tuple(
            (f"G{i + 1}", int(bus), int(rng.integers(25, 51)), int(rng.integers(5, 40)))
            for i, bus in enumerate(at)
        )
        loads = {bus: int(rng.integers(5, 21)) for bus in buses}
        return Grid(generators, loads, lines)
