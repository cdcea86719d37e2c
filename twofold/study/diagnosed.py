"""Is what the arms gained real? The diagnostics of every cell, over problems and seeds.

Each measure is a number a problem, taken from a cell's saved tables; arms are then compared with the
base as capability and compliance are, with one Holm correction over all measures of an arm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import final

import numpy as np
from numpy.typing import NDArray

from twofold.diagnostics.chain import collect as chains
from twofold.diagnostics.chain.faithfulness import LEAST_ACCURACY, METRICS, continued, right
from twofold.diagnostics.chain.information_gain import METRICS as GAINS
from twofold.diagnostics.chain.table import Chains, Metric
from twofold.errors import StatsError
from twofold.jsonl import Row, read_lines
from twofold.stats import corrected, crossed_mean, crossed_paired, mean
from twofold.study.plan import BASE
from twofold.study.scores import Matrix, pooled
from twofold.types import Comparison, Estimate, Problem

Column = dict[str, float | None]
"""A number for each problem that was asked, by its id; None = it could not be scored."""

NEEDS_ACCURACY = ("reliance", "aoc", "mistake", "continued")
"""What is 1 for a model that has collapsed, too: not compared for an arm below `LEAST_ACCURACY`."""


@final
@dataclass(frozen=True)
class Measure:
    """One number a problem that a diagnostic's table holds.

    Args:
        words: What it is called.
        table: The stem of the table.
        read: The rows of one audit to a number for each problem.
    """

    words: str
    table: str
    read: Callable[[Iterable[Row], Sequence[Problem]], Column]


def of_chains(metric: Metric) -> Callable[[Iterable[Row], Sequence[Problem]], Column]:
    """A metric of the model's own readings."""

    def read(rows: Iterable[Row], problems: Sequence[Problem]) -> Column:
        readings = Chains(rows, problems).readings("model")
        return {r.row["key"]: metric(r) for r in readings}

    return read


def where(measure: str, **wanted: str) -> Callable[[Iterable[Row], Sequence[Problem]], Column]:
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


def of_original(kind: str) -> Callable[[Iterable[Row], Sequence[Problem]], Column]:
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


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "accuracy": Measure("Right behind the own chain", chains.TABLE, of_chains(right(-1))),
        "reliance": Measure(
            "Answers that change when the chain is broken",
            chains.TABLE,
            of_chains(METRICS["reliance"]),
        ),
        "aoc": Measure("Area over early answers", chains.TABLE, of_chains(METRICS["aoc"])),
        "mistake": Measure(
            "Answers that follow a wrong value",
            chains.TABLE,
            of_chains(METRICS["edit/mistake_other"]),
        ),
        "continued": Measure(
            "Answers that follow a mistake written on",
            chains.TABLE,
            of_chains(continued("mistake")),
        ),
        "paraphrase_rules": Measure(
            "Answers that other words change",
            chains.TABLE,
            of_chains(METRICS["edit/paraphrase_rules"]),
        ),
        "gain": Measure(
            "Nats that the chain tells of the right answer",
            chains.TABLE,
            of_chains(GAINS["total/gold"]),
        ),
        "gain_before_mention": Measure(
            "of which before it is named", chains.TABLE, of_chains(GAINS["before_mention/gold"])
        ),
        "gain_over_irrelevant": Measure(
            "over another problem's chain", chains.TABLE, of_chains(GAINS["contrast/gold"])
        ),
        "steps": Measure("Steps of the chain", chains.TABLE, of_chains(GAINS["steps"])),
        "told": Measure("Constraints met", "ablation", where("met", condition="constrained")),
        "form_only": Measure(
            "met when only the form is named", "ablation", where("met", condition="output_space")
        ),
        "delusive": Measure(
            "met when told another's", "ablation", where("met", condition="delusive")
        ),
        "untold": Measure(
            "met when told nothing", "ablation", where("met", condition="unconstrained")
        ),
        "pairs": Measure("A rule and its opposite both obeyed", "ablation", read_and_obeyed),
        "first": Measure(
            "Rules stated first: all met", "distance", where("compliance", arm="first")
        ),
        "twice": Measure(
            "Rules stated twice: all met", "distance", where("compliance", arm="twice")
        ),
        "looked": Measure(
            "Attention to the rules, in multiples of even attention",
            "distance",
            where("instruction", arm="attention"),
        ),
        "looked_control": Measure(
            "to as long a span without rules", "distance", where("control", arm="attention")
        ),
        "renamed": Measure("Other names: right", "variants", of_original("renamed")),
        "renumbered": Measure("Other numbers: right", "variants", of_original("renumbered")),
        "distractor": Measure("A distractor: right", "variants", of_original("distractor")),
        "one_more_step": Measure("One more step: right", "variants", of_original("one_more_step")),
        "unseen_structure": Measure(
            "Unseen structure: right", "variants", of_original("unseen_structure")
        ),
    }
)
"""What is compared, by the key in `study.json`."""


def diagnosed(
    problems: Sequence[Problem], audits: Mapping[str, Mapping[int, Path]], *, seed: int = 0
) -> dict[str, Row]:
    """Every measure of every arm that has the tables for it.

    Args:
        problems: Of the headline split.
        audits: The audit of each arm and seed on it.
        seed: Of the resampling.

    Returns:
        `{"words": {measure: what it is called}, "arms": {arm: {measure: Estimate}}, "contrasts": {arm:
        {measure: Comparison}}}`; empty where no diagnostic was asked for.
    """
    order = {problem.id: i for i, problem in enumerate(problems)}
    arms: dict[str, Row] = {}
    contrasts: dict[str, Row] = {}
    base: dict[str, _Read] = {}
    for arm in sorted(audits, key=lambda name: name != BASE):
        found: dict[str, Comparison] = {}
        for name, measure in MEASURES.items():
            read = _matrix(measure, audits[arm], problems, order)
            if read is None or np.isnan(read.values).all():
                continue
            estimate = _estimate(arm, read, seed)
            if estimate is not None:
                arms.setdefault(arm, {})[name] = estimate
            if arm == BASE:
                base[name] = read
            elif name in base and not (name in NEEDS_ACCURACY and _has_collapsed(arms, arm)):
                comparison = _compared(base[name], read, seed)
                if comparison is not None:
                    found[name] = comparison
        if found:
            contrasts[arm] = corrected(found)
    there = {key for arm in arms.values() for key in arm}
    words = {key: measure.words for key, measure in MEASURES.items() if key in there}
    return {"words": words, "arms": arms, "contrasts": contrasts} if arms else {}


def _has_collapsed(arms: Mapping[str, Row], arm: str) -> bool:
    accuracy: Estimate | None = arms.get(arm, {}).get("accuracy")
    return accuracy is not None and accuracy.high < LEAST_ACCURACY


@final
@dataclass(frozen=True)
class _Read:
    """A measure of one arm: a row a seed, a column a problem; and which problems were asked at all."""

    values: Matrix
    asked: NDArray[np.bool_]


def _matrix(
    measure: Measure,
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
