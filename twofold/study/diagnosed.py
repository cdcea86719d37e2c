"""Is what the arms gained real? The diagnostics of every cell, over problems and seeds.

Each measure is one number per problem, read from a cell's saved tables. Arms are compared with the
base as accuracy and compliance are, with one Holm correction over all measures of an arm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from twofold.diagnostics.chain import collect as chains
from twofold.diagnostics.chain.faithfulness import LEAST_ACCURACY, METRICS, continued, right
from twofold.diagnostics.chain.information_gain import METRICS as GAINS
from twofold.diagnostics.chain.table import Chains, Metric
from twofold.diagnostics.row_table import compared, filed
from twofold.errors import StatsError
from twofold.report.study_file import DiagnosticRecords
from twofold.stats import corrected, crossed_mean, crossed_paired, mean
from twofold.storage.jsonl import Row, read_lines
from twofold.study.plan import BASE
from twofold.study.scores import Matrix, pooled
from twofold.types import ALL, Comparison, Contrast, Estimate, Measure, Problem, Slice

Column = dict[str, float | None]
"""A number for each problem that was asked, by its id; None = it could not be scored."""

Read = Callable[[Iterable[Row], Sequence[Problem]], Column]
"""The rows of one audit to a number for each problem."""


@final
@dataclass(frozen=True, kw_only=True)
class TableMeasure:
    """One number per problem that a diagnostic's table holds, under the names of the diagnostic.

    Args:
        table: The stem of the table.
        condition: How the model was asked; "" where there is only one way.
        metric: What is measured.
        slice: The part of the data.
        read: Makes the numbers.
        needs_accuracy: It is 1 for a collapsed model, too, so that an arm whose accuracy is below
            `LEAST_ACCURACY` is not compared.
    """

    table: str
    condition: str = ""
    metric: str
    slice: Slice = ALL
    read: Read
    needs_accuracy: bool = False


def of_chains(metric: Metric) -> Read:
    """A metric of the model's own readings."""

    def read(rows: Iterable[Row], problems: Sequence[Problem]) -> Column:
        readings = Chains(rows, problems).readings("model")
        return {r.row["key"]: metric(r) for r in readings}

    return read


def where(measure: str, **wanted: str) -> Read:
    """A field of the rows whose other fields are as wanted; a list is averaged."""

    def read(rows: Iterable[Row], problems: Sequence[Problem]) -> Column:
        found: Column = {}
        for row in rows:
            if all(row.get(key) == value for key, value in wanted.items()):
                value = row.get(measure)
                if isinstance(value, list):
                    scored = [each for each in value if each is not None]
                    value = sum(scored) / len(scored) if scored else None
                found[str(row["problem"])] = None if value is None else float(value)
        return found

    return read


def of_original(kind: str) -> Read:
    """Accuracy on a variant, by the problem it was made of."""

    def read(rows: Iterable[Row], problems: Sequence[Problem]) -> Column:
        return {row["of"]: row["correct"] for row in rows if row["variant"] == kind}

    return read


def read_and_obeyed(rows: Iterable[Row], problems: Sequence[Problem]) -> Column:
    """Met when told, broken when told the opposite."""
    rows = list(rows)
    told, turned = (
        where("target", condition=c)(rows, problems) for c in ("constrained", "contrary")
    )
    pairs = {p: (told[p], turned[p]) for p in told if p in turned}
    return {
        p: None if met is None or broken is None else met * (1 - broken)
        for p, (met, broken) in pairs.items()
    }


def _chain(
    metric: str, slice: Slice = ALL, *, condition: str = "", of: Metric | None = None, **kw: bool
) -> TableMeasure:
    """A metric of the reply's own chain: `of`, or the diagnostics' metric of that name."""
    key = (metric, slice)
    found = of or METRICS.get(key) or GAINS[key]
    return TableMeasure(
        table=chains.TABLE,
        condition=condition,
        metric=metric,
        slice=slice,
        read=of_chains(found),
        **kw,
    )


def _edit(name: str) -> Slice:
    return Slice("edit", name)


GOLD = Slice("answer", "gold")
ACCURACY = _chain("accuracy", condition="with_chain", of=right(-1))

MEASURES = (
    ACCURACY,
    _chain("reliance", needs_accuracy=True),
    _chain("aoc", needs_accuracy=True),
    _chain("answer_changed", _edit("mistake_other"), needs_accuracy=True),
    _chain(
        "answer_changed",
        _edit("mistake"),
        condition="continued",
        of=continued("mistake"),
        needs_accuracy=True,
    ),
    _chain("answer_changed", _edit("paraphrase_rules")),
    _chain("total", GOLD),
    _chain("before_mention", GOLD),
    _chain("contrast", GOLD),
    _chain("steps"),
    *(
        TableMeasure(table="ablation", condition=c, metric="met", read=where("met", condition=c))
        for c in ("constrained", "output_space", "delusive", "unconstrained")
    ),
    TableMeasure(table="ablation", metric="pair_passed", read=read_and_obeyed),
    *(
        TableMeasure(
            table="distance", condition=arm, metric="compliance", read=where("compliance", arm=arm)
        )
        for arm in ("first", "twice")
    ),
    *(
        TableMeasure(
            table="distance", condition=span, metric="attention", read=where(span, arm="attention")
        )
        for span in ("instruction", "control")
    ),
    *(
        TableMeasure(table="variants", condition=kind, metric="accuracy", read=of_original(kind))
        for kind in ("renamed", "renumbered", "distractor", "one_more_step", "unseen_structure")
    ),
)
"""What is compared. `DIAGNOSTICS` of the study's page has the label of each."""


def diagnosed(
    problems: Sequence[Problem], audits: Mapping[str, Mapping[int, Path]], *, seed: int = 0
) -> DiagnosticRecords:
    """Every measure of every arm that has the tables for it, and its difference to the base.

    Args:
        problems: Of the headline split.
        audits: The audit of each arm and seed on it.
        seed: Of the resampling.
    """
    order = {problem.id: i for i, problem in enumerate(problems)}
    measures: list[Measure] = []
    contrasts: list[Contrast] = []
    base: dict[TableMeasure, _Read] = {}
    for arm in sorted(audits, key=lambda name: name != BASE):
        estimates: dict[TableMeasure, Estimate] = {}
        found: dict[TableMeasure, Comparison] = {}
        for measure in MEASURES:
            read = _matrix(measure, audits[arm], problems, order)
            if read is None or np.isnan(read.values).all():
                continue
            estimate = _estimate(arm, read, seed)
            if estimate is not None:
                estimates[measure] = estimate
            if arm == BASE:
                base[measure] = read
            elif measure in base and not (measure.needs_accuracy and _has_collapsed(estimates)):
                comparison = _compared(base[measure], read, seed)
                if comparison is not None:
                    found[measure] = comparison
        for m, estimate in estimates.items():
            measures += filed(arm, m.metric, estimate, condition=m.condition, slice=m.slice)
        for m, c in corrected(found).items():
            contrasts += compared(arm, BASE, m.metric, c, condition=m.condition, slice=m.slice)
    return DiagnosticRecords(measures=measures, contrasts=contrasts)


def _has_collapsed(estimates: Mapping[TableMeasure, Estimate]) -> bool:
    accuracy = estimates.get(ACCURACY)
    return accuracy is not None and accuracy.high < LEAST_ACCURACY


@final
@dataclass(frozen=True)
class _Read:
    """A measure of one arm: a row a seed, a column a problem; and which problems were asked."""

    values: Matrix
    asked: NDArray[np.bool_]


def _matrix(
    measure: TableMeasure,
    audits: Mapping[int, Path],
    problems: Sequence[Problem],
    order: Mapping[str, int],
) -> _Read | None:
    """The measure from the tables of every seed; None where a seed lacks the table."""
    files = [folder / f"{measure.table}.jsonl" for folder in audits.values()]
    if not files or not all(file.exists() for file in files):
        return None
    out = np.full((len(files), len(problems)), np.nan)
    asked = np.zeros(len(problems), dtype=bool)
    for row, file in zip(out, files, strict=True):
        rows = (each for each in read_lines(file) if "skipped" not in each)
        for problem, value in measure.read(rows, problems).items():
            if problem in order:
                asked[order[problem]] = True
                row[order[problem]] = np.nan if value is None else value
    return _Read(out, asked)


def _scale(*values: Matrix) -> tuple[float, float]:
    """Start and width of the range; (0, 1) where all lies in [0, 1]."""
    low = min(float(np.nanmin(each)) for each in values)
    high = max(float(np.nanmax(each)) for each in values)
    return (0.0, 1.0) if low >= 0 and high <= 1 else (low, max(high - low, 1e-9))


def _estimate(arm: str, read: _Read, seed: int) -> Estimate | None:
    values = read.values[:, ~np.isnan(read.values).all(axis=0)]
    start, width = _scale(values)
    scaled = (values - start) / width
    try:
        if arm == BASE:
            scored = ~np.isnan(scaled)
            found = mean(scaled[scored], np.nonzero(scored)[1], seed=seed)
        else:
            found = crossed_mean(scaled, seed=seed)
    except StatsError:
        return None
    found = replace(found, n_unscored=int(read.asked.sum()) - found.n)
    return _stretched(found, start, width)


def _compared(old: _Read, new: _Read, seed: int) -> Comparison | None:
    before, after = pooled(old.values, len(new.values)), new.values
    keep = ~(np.isnan(before) | np.isnan(after)).all(axis=0)
    if not keep.any():
        return None
    before, after = before[:, keep], after[:, keep]
    start, width = _scale(before, after)
    try:
        found = crossed_paired((before - start) / width, (after - start) / width, seed=seed)
    except StatsError:
        return None
    lost = int((old.asked & new.asked).sum()) - found.difference.n
    return replace(
        found,
        difference=_stretched(replace(found.difference, n_unscored=lost), 0.0, width),
        before=_stretched(replace(found.before, n_unscored=lost), start, width),
        after=_stretched(replace(found.after, n_unscored=lost), start, width),
        minimum_detectable_effect=None
        if found.minimum_detectable_effect is None
        else found.minimum_detectable_effect * width,
    )


def _stretched(found: Estimate, start: float, width: float) -> Estimate:
    return replace(
        found,
        value=found.value * width + start,
        low=found.low * width + start,
        high=found.high * width + start,
    )
