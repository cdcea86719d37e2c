"""Is the gain of the arms real? The diagnostics of every cell, over problems and seeds.

Each measure is one number per problem from a cell's saved tables. Arms are compared with the base, with
one Holm correction over all measures of an arm.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from twofold.diagnostics.chain import collect as chains
from twofold.diagnostics.chain.faithfulness import LEAST_ACCURACY, METRICS, continued, right
from twofold.diagnostics.chain.information_gain import METRICS as GAINS
from twofold.diagnostics.chain.table import Chains, Metric
from twofold.diagnostics.row_table import compared, filed
from twofold.errors import StatsError
from twofold.report.study_file import DiagnosticRecords
from twofold.stats import corrected
from twofold.storage.jsonl import Row, read_lines
from twofold.storage.reading import Kind, kind_of
from twofold.study.plan import BASE
from twofold.study.scores import Asked, Matrix, difference, estimate
from twofold.types import ALL, Comparison, Contrast, Estimate, Measure, Problem, Slice

# A number for each problem by id; None = unscored.
ProblemValues = dict[str, float | None]

# Reduces the rows of one audit to a number for each problem.
ReadTable = Callable[[Iterable[Row], Sequence[Problem]], ProblemValues]


@final
@dataclass(frozen=True, kw_only=True)
class TableMeasure:
    """One number per problem, read from the table of a diagnostic.

    Args:
        table: The stem of the table's file.
        read: Computes the numbers.
        needs_accuracy: Whether a collapsed model scores high, too: an arm with an accuracy below
            `LEAST_ACCURACY` is then not compared.
    """

    table: str
    condition: str = ""
    metric: str
    slice: Slice = ALL
    read: ReadTable
    needs_accuracy: bool = False


def of_chains(metric: Metric, reader: str = "scores") -> ReadTable:
    """A metric of the model's own chains; see `Chains.readings`."""

    def read(rows: Iterable[Row], problems: Sequence[Problem]) -> ProblemValues:
        readings = Chains(rows, problems).readings("model", reader)
        return {r.row["key"]: metric(r) for r in readings}

    return read


def where(measure: str, **wanted: str) -> ReadTable:
    """The field `measure` of the rows whose other fields are as wanted; lists are averaged."""

    def read(rows: Iterable[Row], problems: Sequence[Problem]) -> ProblemValues:
        found: ProblemValues = {}
        for row in rows:
            if all(row.get(key) == value for key, value in wanted.items()):
                value = row.get(measure)
                if isinstance(value, list):
                    scored = [each for each in value if each is not None]
                    value = sum(scored) / len(scored) if scored else None
                found[str(row["problem"])] = None if value is None else float(value)
        return found

    return read


def of_original(kind: str) -> ReadTable:
    """Accuracy on a variant, by the id of its original problem."""

    def read(rows: Iterable[Row], problems: Sequence[Problem]) -> ProblemValues:
        return {row["of"]: row["correct"] for row in rows if row["variant"] == kind}

    return read


def read_and_obeyed(rows: Iterable[Row], problems: Sequence[Problem]) -> ProblemValues:
    """Whether a constraint is met when stated and broken when the opposite is stated."""
    rows = list(rows)
    stated, contrary = (
        where("target", condition=c)(rows, problems) for c in ("constrained", "contrary")
    )
    return {
        p: None if met is None or broken is None else met * (1 - broken)
        for p, met, broken in ((p, stated[p], contrary[p]) for p in stated if p in contrary)
    }


def _chain(
    metric: str, slice: Slice = ALL, *, condition: str = "", of: Metric | None = None
) -> TableMeasure:
    """A metric of the reply's own chain: `of`, or the diagnostic's metric of that name.

    Every breaking edit changes the answers of a collapsed model, but no rule-based paraphrase should.
    """
    found = of or METRICS.get((metric, slice)) or GAINS[metric, slice]
    return TableMeasure(
        table=chains.TABLE,
        condition=condition,
        metric=metric,
        slice=slice,
        read=of_chains(found, condition if condition == "continued" else "scores"),
        needs_accuracy=metric in ("reliance", "aoc", "answer_changed") and slice != _PARAPHRASE,
    )


def _table(table: str, metric: str, reads: Mapping[str, ReadTable]) -> list[TableMeasure]:
    """A metric in several conditions."""
    return [
        TableMeasure(table=table, condition=condition, metric=metric, read=read)
        for condition, read in reads.items()
    ]


GOLD = Slice("answer", "gold")
_MISTAKE = Slice("edit", "mistake")
_PARAPHRASE = Slice("edit", "paraphrase_rules")
_TOLD = ("constrained", "output_space", "delusive", "unconstrained")
_VARIANTS = ("renamed", "renumbered", "distractor", "one_more_step", "unseen_structure")
ACCURACY = _chain("accuracy", condition="with_chain", of=right(-1))

# `DIAGNOSTICS` of the study's page labels each of them.
MEASURES = (
    ACCURACY,
    _chain("reliance"),
    _chain("aoc"),
    _chain("answer_changed", Slice("edit", "mistake_other")),
    _chain("answer_changed", _MISTAKE, condition="continued", of=continued("mistake")),
    _chain("answer_changed", _PARAPHRASE),
    _chain("total", GOLD),
    _chain("before_mention", GOLD),
    _chain("contrast", GOLD),
    _chain("steps"),
    *_table("ablation", "met", {c: where("met", condition=c) for c in _TOLD}),
    TableMeasure(table="ablation", metric="pair_passed", read=read_and_obeyed),
    *_table("distance", "compliance", {a: where("compliance", arm=a) for a in ("first", "twice")}),
    *_table(
        "distance",
        "attention",
        {span: where(span, arm="attention") for span in ("instruction", "control")},
    ),
    *_table("variants", "accuracy", {kind: of_original(kind) for kind in _VARIANTS}),
)


def diagnosed(
    problems: Sequence[Problem],
    audits: Mapping[str, Mapping[int, Path]],
    base_is_trained: bool = False,
) -> DiagnosticRecords:
    """Every measure of every arm on the headline split, and its difference to the base."""
    measures: list[Measure] = []
    contrasts: list[Contrast] = []
    base: dict[TableMeasure, _Read] = {}
    for arm in sorted(audits, key=lambda name: name != BASE):
        estimates: dict[TableMeasure, Estimate] = {}
        found: dict[TableMeasure, Comparison] = {}
        for measure in MEASURES:
            read = _matrix(measure, audits[arm], problems)
            if read is None or np.isnan(read.values).all():
                continue
            if (each := _estimate(read, arm != BASE or base_is_trained)) is not None:
                estimates[measure] = each
            if arm == BASE:
                base[measure] = read
            elif measure in base and not (measure.needs_accuracy and _has_collapsed(estimates)):
                comparison = _compared(base[measure], read, base_is_trained)
                if comparison is not None:
                    found[measure] = comparison
        for m, each in estimates.items():
            measures += filed(arm, m.metric, each, condition=m.condition, slice=m.slice)
        for m, c in corrected(found).items():
            contrasts += compared(arm, BASE, m.metric, c, condition=m.condition, slice=m.slice)
    return DiagnosticRecords(measures=measures, contrasts=contrasts)


def _has_collapsed(estimates: Mapping[TableMeasure, Estimate]) -> bool:
    accuracy = estimates.get(ACCURACY)
    return accuracy is not None and accuracy.high < LEAST_ACCURACY


@final
@dataclass(frozen=True)
class _Read:
    """A measure of one arm, a row per seed and a column per problem, and which problems were asked."""

    values: Matrix
    asked: Asked


def _matrix(
    measure: TableMeasure, audits: Mapping[int, Path], problems: Sequence[Problem]
) -> _Read | None:
    """The measure from the tables of every seed; None if a seed lacks the table."""
    order = {problem.id: i for i, problem in enumerate(problems)}
    files = [folder / f"{measure.table}.jsonl" for folder in audits.values()]
    if not files or any(kind_of(file) is Kind.missing for file in files):
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


def _estimate(read: _Read, is_trained: bool) -> Estimate | None:
    try:
        return estimate(read.values, read.asked, is_trained=is_trained)
    except StatsError:
        return None


def _compared(old: _Read, new: _Read, base_is_trained: bool) -> Comparison | None:
    try:
        asked = old.asked & new.asked
        return difference(old.values, new.values, asked, base_is_trained=base_is_trained)
    except StatsError:
        return None
