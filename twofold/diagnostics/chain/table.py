"""The rows of `chains.jsonl` as numbers, for both diagnostics of a chain.

A metric maps one reading to a number, or to None if it is unscored. The same metric is applied to the
readings of both `twins`, which says what it can tell apart.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from twofold.diagnostics.chain.trace import Trace
from twofold.diagnostics.chain.twins import CHAIN_ONLY, QUESTION_ONLY
from twofold.diagnostics.row_table import Column, RowTable, either, filed, unscored_caveat
from twofold.stats import auroc, mean, paired
from twofold.storage.jsonl import Row
from twofold.types import Comparison, Contrast, Estimate, Measure, Problem, Slice


@final
@dataclass(frozen=True)
class Reading:
    """One reader's scores of one chain."""

    row: Row
    scores: Mapping[str, Any]  # of the model itself, a twin, or another model

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

        If it does not, a changed answer could be due to the question's wording, not to the edit.
        """
        return self.same()[-1] == 1

    def edit(self, name: str) -> int | None:
        """1 if the answer changes under an edit; None if unscored or if the edit does not apply."""
        same = self.scores["edits"].get(name, {}).get("same")
        return None if same is None or not self.is_recalled else 1 - int(same)


Metric = Callable[[Reading], float | None]

MetricKey = tuple[str, Slice]  # A metric's name and its slice, as a `Measure` holds them

_AUROC = "_auroc"


@final
class Chains:
    """The rows of one run, in the order of the problems."""

    def __init__(self, rows: Iterable[Row], problems: Sequence[Problem], seed: int = 0) -> None:
        self._order = {problem.id: i for i, problem in enumerate(problems)}
        kept = [row for row in rows if row["key"] in self._order]
        kept.sort(key=lambda row: self._order[row["key"]])
        self.table = RowTable(kept, unit="key", seed=seed)
        self.roles = self.table.roles()

    def traces(self, role: str) -> dict[Trace, int]:
        """How many replies show each kind of trace."""
        seen = Counter(row["trace"] for row in self.table.select(role))
        return {trace: seen[trace.value] for trace in Trace}

    def readings(self, role: str, reader: str = "scores") -> list[Reading]:
        """The chains as read by the model (`scores`), by a twin or by `external_reader`.

        `continued` are the model's readings of the chains that it also continued after a mistake.
        """
        scores = "scores" if reader == "continued" else reader
        rows = self.table.select(role)
        return [Reading(row, row[scores]) for row in rows if {reader, scores} <= row.keys()]

    def column(self, metric: Metric, readings: Iterable[Reading]) -> Column:
        """A metric of each reading, by the problem's number."""
        return Column.of({self._order[each.row["key"]]: metric(each) for each in readings})

    def measure(
        self,
        role: str,
        condition: str,
        key: MetricKey,
        metric: Metric,
        readings: Iterable[Reading],
        estimator: Callable[..., Estimate] = mean,
    ) -> Iterator[Measure]:
        """The mean of a metric, if enough readings are scored; see `RowTable.measure`."""
        column = self.column(metric, readings)
        return self.table.measure(
            role, condition, key[0], column, slice=key[1], estimator=estimator
        )

    def auroc(self, role: str, key: MetricKey, metric: Metric, sign: int = 1) -> Iterator[Measure]:
        """How well a metric tells the two twins apart, if any chain is scored for both.

        `sign` is -1 if the chain-only twin should lie below the other.
        """
        twins = (self.readings(role, name) for name in (CHAIN_ONLY, QUESTION_ONLY))
        high, low = either(*(self.column(metric, readings) for readings in twins))
        both = sorted(high.values.keys() & low.values.keys())
        if both:
            values = ([sign * of.values[unit] for unit in both] for of in (high, low))
            found = auroc(*values, paired=True, n_unscored=len(high.asked) - len(both))
            yield from filed(role, auroc_of(key[0]), found, slice=key[1])

    def contrast(
        self,
        names: tuple[str, str, str],
        key: MetricKey,
        before: tuple[Metric, Iterable[Reading]],
        after: tuple[Metric, Iterable[Reading]],
        test: Callable[..., Comparison] = paired,
    ) -> Iterator[Contrast]:
        """`after - before`, each a metric and its chains, paired by problem; see `RowTable.contrast`.

        `names` are role, versus and condition.
        """
        old, new = either(self.column(*before), self.column(*after))
        return self.table.contrast((*names, key[0]), old, new, slice=key[1], test=test)


def auroc_of(metric: str) -> str:
    """The name of a metric's AUROC between the two twins."""
    return metric + _AUROC


def twin_caveats(chains: Chains, measures: Iterable[Measure]) -> Iterator[str]:
    """Which metrics cannot tell the twins apart, and which chains were read before both were."""
    found = [m for m in measures if m.metric.endswith(_AUROC)]
    for role in chains.roles:
        blind = [
            f"{m.metric.removesuffix(_AUROC)} {m.slice.value}".strip()
            for m in found
            if m.role == role and m.estimate.low <= 0.5
        ]
        if blind:
            yield (
                f"{role}: not shown to tell a model that ignores its chain from one that sees nothing "
                f"else (AUROC not above 0.5): {', '.join(blind)}. Do not read these as use of the chain."
            )
        n_old = sum(QUESTION_ONLY not in r.row for r in chains.readings(role, CHAIN_ONLY))
        if n_old:
            yield (
                f"{role}: {n_old} chains were read by an older twofold, which made up the values of the "
                "question-only twin. They have no AUROC; delete chains.jsonl in the run and give its "
                "command again to measure both twins."
            )


def sample_caveats(chains: Chains) -> Iterator[str]:
    """How many chains were examined more closely, where not all were."""
    for role in chains.roles:
        n, n_twins, n_continued = (
            len(chains.readings(role, reader)) for reader in ("scores", CHAIN_ONLY, "continued")
        )
        if min(n_twins, n_continued) < n:
            yield (
                f"{role}: of {n} chains the twins read {n_twins}, and the model continued {n_continued} "
                "after a mistake: samples, drawn without regard to what was measured."
            )


def precision_caveats(chains: Chains) -> Iterator[str]:
    """Which number format rounds too coarsely."""
    formats = {row["dtype"] for row in chains.table.rows if "dtype" in row}
    for name in sorted(formats - {"float32", "float64"}):
        yield (
            f"Scored in {name}: rounding alone changes a log-probability by about 0.1 nats, so smaller "
            "differences are not meaningful. Score in float32 to resolve them."
        )


def unread_caveats(chains: Chains) -> Iterator[str]:
    """Which replies have no chain to read, and why."""
    for role in chains.roles:
        rows = chains.table.select(role)
        reasons = Counter(row["reason"] for row in rows if "reason" in row)
        if reasons:
            told = "; ".join(f"{n} × {reason}" for reason, n in reasons.most_common(4))
            yield f"{role}: {reasons.total()} of {len(rows)} replies have no chain to read ({told})."


def unmeasured_caveats(
    chains: Chains, keys: Collection[MetricKey], measures: Iterable[Measure]
) -> Iterator[str]:
    """Which metrics have no number although chains were read."""
    found = {(m.role, m.metric, m.slice) for m in measures if not m.condition}
    for role in chains.roles:
        n = len(chains.readings(role))
        lost = [key for key in keys if (role, *key) not in found]
        yield from unscored_caveat(role, {f"{m} {s.value}".strip(): n for m, s in lost})
