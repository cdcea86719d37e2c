"""The rows of `chains.jsonl` as numbers: what both diagnostics of a chain compute from.

A metric is a function of one reading that gives a number or None (unscored). The same function is
applied to the model's scores and to those of its chain-bound twin; what the blind twin would give
follows from the metric's definition, since nothing that is done to a chain moves it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from twofold.diagnostics.chain.trace import Trace
from twofold.diagnostics.lost import unscored_in_words
from twofold.jsonl import Row
from twofold.types import Estimate, Problem


@final
@dataclass(frozen=True)
class Reading:
    """One reader's scores of one chain.

    Args:
        row: What the chain is.
        scores: What this reader says of it.
    """

    row: Row
    scores: Mapping[str, Any]

    @property
    def n_cuts(self) -> int:
        """Places at which the chain was cut."""
        return len(self.row["tokens"]) + 1

    @property
    def n_tokens(self) -> int:
        """Tokens of the chain."""
        return int(sum(self.row["tokens"]))

    def nats(self, whose: str) -> list[float] | None:
        """Log-probability of an answer after each step, the wordings averaged; None = no such."""
        curves = self.scores.get(whose)
        return np.mean(curves, axis=0).tolist() if curves else None

    def same(self, whose: str = "own", words: int = 0) -> list[int | None]:
        """Whether greedy decoding gives the answer after each step."""
        curves = self.scores.get(f"same_{whose}")
        return list(curves[words]) if curves else [None] * self.n_cuts

    @property
    def is_recalled(self) -> bool:
        """Whether the elicitation brings back the reply's own answer behind the whole chain.

        Where it does not, nothing that follows from an edit could be told from the question's words.
        """
        return self.same()[-1] == 1

    def edit(self, name: str) -> int | None:
        """Whether the answer changes under an edit; None where that is unsure or it did not apply."""
        same = self.scores["edits"].get(name, {}).get("same")
        return None if same is None or not self.is_recalled else 1 - int(same)


Metric = Callable[[Reading], float | None]


@final
class Chains:
    """The rows of one run.

    Args:
        rows: As `collect` yielded them.
        problems: What the audit asked; their order numbers the clusters.
    """

    def __init__(self, rows: Iterable[Row], problems: Sequence[Problem]) -> None:
        order = {problem.id: i for i, problem in enumerate(problems)}
        self._rows: dict[str, list[Row]] = {}
        for row in rows:
            if row["key"] in order:
                self._rows.setdefault(row["role"], []).append(row)
        for found in self._rows.values():
            found.sort(key=lambda row: order[row["key"]])
        self._order = order

    def roles(self) -> list[str]:
        """`model` first."""
        return sorted(self._rows, reverse=True)

    def rows(self, role: str) -> list[Row]:
        """All rows of a role, those without a chain too."""
        return self._rows.get(role, [])

    def traces(self, role: str) -> dict[Trace, int]:
        """How many replies show each kind of trace."""
        seen = [row["trace"] for row in self.rows(role)]
        return {trace: seen.count(trace.value) for trace in Trace}

    def readings(self, role: str, reader: str = "scores") -> list[Reading]:
        """What a reader (`scores` = the model itself, `bound`, `external`) says of each chain."""
        return [Reading(row, row[reader]) for row in self.rows(role) if reader in row]

    def reasons(self, role: str) -> dict[str, int]:
        """Why replies have no chain that could be read, most often first."""
        found: dict[str, int] = {}
        for row in self.rows(role):
            if "reason" in row:
                found[row["reason"]] = found.get(row["reason"], 0) + 1
        return dict(sorted(found.items(), key=lambda pair: -pair[1]))

    def number(self, reading: Reading) -> int:
        """The problem's number."""
        return self._order[reading.row["key"]]


@final
@dataclass(frozen=True)
class Column:
    """One metric over the readings of a role.

    Args:
        problem: The problems with a value, by number.
        value: Their values.
        unscored: The problems whose reading gave none.
    """

    problem: tuple[int, ...]
    value: tuple[float, ...]
    unscored: tuple[int, ...]

    @property
    def n_unscored(self) -> int:
        """How many readings have no value."""
        return len(self.unscored)

    def __len__(self) -> int:
        return len(self.value)


def column(chains: Chains, readings: Sequence[Reading], metric: Metric) -> Column:
    """Apply a metric; what it leaves unscored is counted."""
    found = [(chains.number(r), metric(r)) for r in readings]
    return Column(
        tuple(number for number, value in found if value is not None),
        tuple(float(value) for _, value in found if value is not None),
        tuple(number for number, value in found if value is None),
    )


def both(before: Column, after: Column) -> tuple[list[int], list[float], list[float], int]:
    """The problems that both columns have: numbers, values before and after, and how many are lost.

    Lost is what was read on either side and has no pair of values, unscored on both sides or not.
    """
    old, new = (
        dict(zip(before.problem, before.value, strict=True)),
        dict(zip(after.problem, after.value, strict=True)),
    )
    shared = sorted(old.keys() & new.keys())
    read = {*before.problem, *before.unscored, *after.problem, *after.unscored}
    lost = len(read) - len(shared)
    return shared, [old[p] for p in shared], [new[p] for p in shared], lost


def noise_in_words(chains: Chains) -> Iterator[str]:
    """What the number format blurs."""
    formats = {
        row["dtype"] for role in chains.roles() for row in chains.rows(role) if "dtype" in row
    }
    for name in sorted(formats - {"float32", "float64"}):
        yield (
            f"Scored in {name}, whose rounding alone moves a log-probability by about 0.1 nats: "
            "smaller differences mean nothing. Score in float32 to see them."
        )


def unread_in_words(chains: Chains) -> Iterator[str]:
    """Which replies have no chain to read, and why."""
    for role in chains.roles():
        rows, reasons = chains.rows(role), chains.reasons(role)
        if reasons:
            told = "; ".join(f"{n} × {reason}" for reason, n in list(reasons.items())[:4])
            yield f"{role}: {sum(reasons.values())} of {len(rows)} replies have no chain to read ({told})."


def unmeasured_in_words(
    chains: Chains, metrics: Collection[str], estimates: Mapping[str, Estimate]
) -> Iterator[str]:
    """Which metrics have no number although chains were read."""
    for role in chains.roles():
        n = len(chains.readings(role))
        there = [name for name in metrics if f"{role}/{name}" in estimates]
        yield from unscored_in_words(role, dict.fromkeys(metrics, n), there)


def named_in_question_in_words(chains: Chains) -> Iterator[str]:
    """How many answers stand in the question already, so that naming one tells less."""
    for role in chains.roles():
        rows = [reading.row for reading in chains.readings(role)]
        n = sum(bool(row.get("in_question")) for row in rows)
        if n:
            yield (
                f"{role}: the question itself names the answer of {n} of {len(rows)} chains; a first "
                "mention in such a chain need not be where it was found."
            )
