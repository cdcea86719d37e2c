"""The rows of `chains.jsonl` as numbers, for both diagnostics of a chain.

A metric is a function of one reading that gives a number, or None where it cannot be scored. The same
metric is applied to the model and to the chain-only control. The question-only control needs no reading:
no edit of the chain reaches it, so its value follows from the metric's definition.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from twofold.diagnostics.chain.trace import Trace
from twofold.diagnostics.lost import unscored_in_words
from twofold.errors import StatsError
from twofold.stats import auroc, mean, paired
from twofold.storage.jsonl import Row
from twofold.types import Comparison, Estimate, Measure, Problem, Slice


@final
@dataclass(frozen=True)
class Reading:
    """One reader's scores of one chain.

    Args:
        row: The row of the chain.
        scores: What this reader gave: the model itself, a control, or another model.
    """

    row: Row
    scores: Mapping[str, Any]

    @property
    def n_tokens(self) -> int:
        """Tokens of the chain."""
        return int(sum(self.row["tokens"]))

    def nats(self, whose: str) -> list[float] | None:
        """Log-probability of an answer after each step, averaged over wordings; None if not scored."""
        curves = self.scores.get(whose)
        return np.mean(curves, axis=0).tolist() if curves else None

    def same(self, whose: str = "own") -> list[int | None]:
        """Whether greedy decoding gives the answer after each step."""
        curves = self.scores.get(f"same_{whose}")
        return list(curves[0]) if curves else [None] * (len(self.row["tokens"]) + 1)

    @property
    def is_recalled(self) -> bool:
        """Whether the model, asked after the whole chain, gives the reply's own answer.

        Where it does not, a changed answer could be due to the question's wording, not to the edit.
        """
        return self.same()[-1] == 1

    def edit(self, name: str) -> int | None:
        """1 if the answer changes under an edit; None if unscored or if the edit does not apply."""
        same = self.scores["edits"].get(name, {}).get("same")
        return None if same is None or not self.is_recalled else 1 - int(same)


Metric = Callable[[Reading], float | None]

MetricKey = tuple[str, Slice]
"""A metric's name and its slice, as a `Measure` holds them."""

Values = dict[int, float | None]
"""A value for each problem that was read, by the problem's number; None = unscored."""


@final
class Chains:
    """The rows of one run.

    Args:
        rows: As `collect` yielded them.
        problems: What the audit asked; their order numbers the problems.
        seed: Of the resampling.
    """

    def __init__(self, rows: Iterable[Row], problems: Sequence[Problem], seed: int = 0) -> None:
        self._order = {problem.id: i for i, problem in enumerate(problems)}
        self._seed = seed
        self._rows: dict[str, list[Row]] = {}
        for row in rows:
            if row["key"] in self._order:
                self._rows.setdefault(row["role"], []).append(row)
        for found in self._rows.values():
            found.sort(key=lambda row: self._order[row["key"]])

    def roles(self) -> list[str]:
        """`model` first."""
        return sorted(self._rows, reverse=True)

    @property
    def is_pair(self) -> bool:
        """Whether model and baseline both have rows."""
        return self._rows.keys() == {"model", "baseline"}

    def rows(self, role: str) -> list[Row]:
        """All rows of a role, those without a chain too."""
        return self._rows.get(role, [])

    def traces(self, role: str) -> dict[Trace, int]:
        """How many replies show each kind of trace."""
        seen = Counter(row["trace"] for row in self.rows(role))
        return {trace: seen[trace.value] for trace in Trace}

    def readings(self, role: str, reader: str = "scores") -> list[Reading]:
        """The chains as read by the model (`scores`), by `chain_only` or by `external_reader`."""
        return [Reading(row, row[reader]) for row in self.rows(role) if reader in row]

    def values(self, metric: Metric, readings: Iterable[Reading]) -> Values:
        """A metric of each reading, by problem."""
        found = ((self._order[each.row["key"]], metric(each)) for each in readings)
        return {problem: None if value is None else float(value) for problem, value in found}

    def estimate(
        self,
        metric: Metric,
        readings: Iterable[Reading],
        estimator: Callable[..., Estimate] = mean,
    ) -> Estimate | None:
        """The mean of a metric; None if too few readings are scored.

        `estimator` is `stats.mean` for values in [0, 1], `stats.average` for any numbers.
        """
        values = self.values(metric, readings)
        scored = _scored(values)
        lost = len(values) - len(scored)
        try:
            return estimator([*scored.values()], [*scored], n_unscored=lost, seed=self._seed)
        except StatsError:
            return None

    def auroc(
        self,
        metric: Metric,
        chain_only: Iterable[Reading],
        question_only: float = 0.0,
        sign: int = 1,
    ) -> Estimate | None:
        """How well a metric separates the two controls; None if nothing is scored.

        The question-only control has one value for every chain. `sign` is -1 if the chain-only control
        should lie below it.
        """
        values = self.values(metric, chain_only)
        scored = [sign * value for value in _scored(values).values()]
        if not scored:
            return None
        fixed = np.full(len(scored), sign * question_only)
        return auroc(scored, fixed, n_unscored=len(values) - len(scored))

    def difference(
        self,
        before: tuple[Metric, Iterable[Reading]],
        after: tuple[Metric, Iterable[Reading]],
        test: Callable[..., Comparison] = paired,
    ) -> Comparison | None:
        """`after - before`, paired by problem; None if too few problems are scored on both sides.

        Each side is a metric and the chains that it is applied to. `test` is `stats.paired` for values
        in [0, 1], `stats.change` for any numbers.
        """
        old, new = self.values(*before), self.values(*after)
        first, second = _scored(old), _scored(new)
        shared = [problem for problem in first if problem in second]
        try:
            return test(
                [first[problem] for problem in shared],
                [second[problem] for problem in shared],
                shared,
                n_unscored=len(old.keys() | new.keys()) - len(shared),
                seed=self._seed,
            )
        except StatsError:
            return None


def _scored(values: Values) -> dict[int, float]:
    """The problems that have a value."""
    return {problem: value for problem, value in values.items() if value is not None}


def auroc_of(metric: str) -> str:
    """The name under which a metric's AUROC between the two controls is filed."""
    return f"{metric}_auroc"


def precision_caveats(chains: Chains) -> Iterator[str]:
    """Which number format rounds too coarsely."""
    rows = (row for role in chains.roles() for row in chains.rows(role))
    formats = {row["dtype"] for row in rows if "dtype" in row}
    for name in sorted(formats - {"float32", "float64"}):
        yield (
            f"Scored in {name}: rounding alone changes a log-probability by about 0.1 nats, so smaller "
            "differences are not meaningful. Score in float32 to resolve them."
        )


def unread_caveats(chains: Chains) -> Iterator[str]:
    """Which replies have no chain to read, and why."""
    for role in chains.roles():
        rows = chains.rows(role)
        reasons = Counter(row["reason"] for row in rows if "reason" in row)
        if reasons:
            told = "; ".join(f"{n} × {reason}" for reason, n in reasons.most_common(4))
            yield f"{role}: {reasons.total()} of {len(rows)} replies have no chain to read ({told})."


def unmeasured_caveats(
    chains: Chains, keys: Collection[MetricKey], measures: Iterable[Measure]
) -> Iterator[str]:
    """Which metrics have no number although chains were read."""
    found = {(m.role, m.metric, m.slice) for m in measures if not m.condition}
    names = {key: f"{key[0]} {key[1].value}".strip() for key in keys}
    for role in chains.roles():
        n = len(chains.readings(role))
        there = [name for key, name in names.items() if (role, *key) in found]
        yield from unscored_in_words(role, dict.fromkeys(names.values(), n), there)


def named_in_question_caveats(chains: Chains) -> Iterator[str]:
    """How many answers are already named in the question."""
    for role in chains.roles():
        rows = [reading.row for reading in chains.readings(role)]
        n = sum(bool(row.get("in_question")) for row in rows)
        if n:
            yield (
                f"{role}: the question itself names the answer of {n} of {len(rows)} chains; in these, "
                "the first mention need not be the step that found the answer."
            )
