"""What did every seed of an arm score on every problem? The matrices that a study analyses.

One row per seed, one column per problem: the mean over the scored samples, NaN if none is scored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from twofold.diagnostics.joint.obedience import Effects, obedience
from twofold.diagnostics.joint.table import Block, JointTable
from twofold.report.study_file import (
    ACCURACY,
    CONSTRAINED_ACCURACY,
    HACC,
    JOINT,
    MET,
    OBEDIENCE,
    TOKENS,
    Key,
)
from twofold.stats import crossed_independent, crossed_mean, crossed_paired, mean
from twofold.storage.jsonl import read_lines
from twofold.types import Comparison, Estimate, Problem

# Start and width of the range of obedience.
SIGNED = (-1.0, 2.0)

# Scores, shape `(seeds, problems)`.
Matrix = NDArray[np.float64]

# Which problems could have a score, shape `(problems,)`.
Asked = NDArray[np.bool_]

MEASURES = (ACCURACY, OBEDIENCE, HACC, JOINT, CONSTRAINED_ACCURACY, TOKENS)


@final
@dataclass(frozen=True)
class Scores:
    """One arm on one split: its problems, and the audit table of each seed."""

    problems: Sequence[Problem]
    tables: Mapping[int, JointTable]

    @classmethod
    def read(cls, problems: Sequence[Problem], audits: Mapping[int, Path]) -> Scores:
        """Read the scores from the audit folders of each seed."""
        tables = {
            seed: JointTable.of(problems, read_lines(folder / "joint.jsonl"))
            for seed, folder in audits.items()
        }
        return cls(problems, tables)

    def matrix(self, key: Key, seeds: Sequence[int], *, unclosed_as_wrong: bool = False) -> Matrix:
        """The scores of a measure, a row per seed; unclosed thinking may count as wrong."""
        return np.stack([self._row(key, self.tables[s], unclosed_as_wrong) for s in seeds])

    def type_matrix(self, name: str, seeds: Sequence[int], key: Key = MET) -> Matrix:
        """How often the constraints of a type were met when stated, or obedience, a row per seed."""
        row = self._obedience if key == OBEDIENCE else self._type_row
        return np.stack([row(self.tables[seed], name=name) for seed in seeds])

    def asked(self, key: Key, seeds: Sequence[int]) -> Asked:
        """The problems with a reply that could have a score of a measure, in any seed."""
        metric, condition = key
        if key == OBEDIENCE:
            bound = np.array([bool(p.constraints) for p in self.problems], dtype=np.bool_)
            both = (self._replied(each, seeds) for each in ("constrained", "unconstrained"))
            return np.asarray(bound & np.all([*both], axis=0))
        asked = self._replied(condition, seeds)
        return asked & self._has_answer if metric in _OF_ANSWER else asked

    def type_asked(self, name: str, seeds: Sequence[int]) -> Asked:
        """The problems with a constraint of a type and a reply that was told it, in any seed."""
        there = [any(c.name == name for c in problem.constraints) for problem in self.problems]
        return self._replied("constrained", seeds) & np.array(there, dtype=np.bool_)

    def n_lost(self, key: Key, seeds: Sequence[int]) -> tuple[int, int]:
        """Replies without a score of a measure, and all replies that could have one."""
        asked, lost, total = self.asked(key, seeds), 0, 0
        for seed in seeds:
            if (block := self.tables[seed].block("model", key[1])) is not None:
                values = _VALUES[key[0]](block)[asked[block.problem]]
                lost, total = lost + int(np.isnan(values).sum()), total + len(values)
        return lost, total

    @property
    def _has_answer(self) -> Asked:
        return np.array([problem.answer is not None for problem in self.problems], dtype=np.bool_)

    def _replied(self, condition: str, seeds: Sequence[int]) -> Asked:
        """The problems with a reply in a condition, in any seed."""
        found = np.zeros(len(self.problems), dtype=np.bool_)
        for seed in seeds:
            if (block := self.tables[seed].block("model", condition)) is not None:
                found[block.problem] = True
        return found

    def was_asked(self, condition: str) -> bool:
        """Whether any seed has replies in a condition."""
        return any(table.block("model", condition) is not None for table in self.tables.values())

    def types(self) -> list[str]:
        """The constraint types of the problems, sorted."""
        return sorted({c.name for problem in self.problems for c in problem.constraints})

    def _row(self, key: Key, table: JointTable, unclosed_as_wrong: bool) -> Matrix:
        if key == OBEDIENCE:
            return self._obedience(table, unclosed_as_wrong=unclosed_as_wrong)
        metric, condition = key
        block = table.block("model", condition)
        if block is None:
            return np.full(len(self.problems), np.nan)
        block = block.unclosed_as_wrong() if unclosed_as_wrong else block
        values = _VALUES[metric](block).astype(np.float64)
        return _by_problem(values, block.problem, len(self.problems))

    def _obedience(
        self, table: JointTable, *, name: str = "", unclosed_as_wrong: bool = False
    ) -> Matrix:
        """Met told minus met untold, the mean over each problem's constraints (of one type)."""
        told, untold = (table.block("model", each) for each in ("constrained", "unconstrained"))
        if told is None or untold is None:
            return np.full(len(self.problems), np.nan)
        if unclosed_as_wrong:
            told, untold = told.unclosed_as_wrong(), untold.unclosed_as_wrong()
        units: Effects = obedience(told, untold)
        if name:
            units = units.where(table.slot_types()[units.problem, units.slot] == name)
        return _by_problem(units.effect, units.problem, len(self.problems))

    def _type_row(self, table: JointTable, *, name: str) -> Matrix:
        block = table.block("model", "constrained")
        if block is None:
            return np.full(len(self.problems), np.nan)
        rows, slots = np.nonzero((table.slot_types() == name)[block.problem])
        values = block.parts[rows, slots].astype(np.float64)
        return _by_problem(values, block.problem[rows], len(self.problems))


_VALUES: dict[str, Callable[[Block], NDArray[np.floating]]] = {
    "accuracy": lambda block: block.correct,
    "hacc": Block.hacc,
    "joint": Block.joint,
    "tokens": Block.generated,
}


# The measures that need a reference answer.
_OF_ANSWER = ("accuracy", "joint")


def _by_problem(values: Matrix, problem: NDArray[np.integer], n: int) -> Matrix:
    """The mean of the scored samples of each problem; NaN if there is none."""
    scored = ~np.isnan(values)
    total = np.bincount(problem[scored], weights=values[scored], minlength=n)
    count = np.bincount(problem[scored], minlength=n)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def pooled(base: Matrix, n_seeds: int) -> Matrix:
    """The base's mean on each problem over all its samples, once per seed of an arm.

    The base is one model, so differences between its seeds are sampling noise, which pooling reduces.
    """
    n_scored = (~np.isnan(base)).sum(axis=0)
    means = np.where(n_scored > 0, np.nansum(base, axis=0) / np.maximum(n_scored, 1), np.nan)
    return np.tile(means, (n_seeds, 1))


def difference(
    base: Matrix,
    arm: Matrix,
    asked: Asked,
    *,
    limits: tuple[float, float] | None = None,
    base_is_trained: bool = False,
) -> Comparison | None:
    """An arm minus the base, on the problems that both have a score for; None without any.

    Scores are bounded by start and width in `limits`. The rows of a base that is one model are samples of
    it and are pooled; those of a base that is several training runs widen the interval.

    Problems `asked` on both sides without a score on both are counted beside every number of it.
    """
    before = base if base_is_trained else pooled(base, len(arm))
    keep: Asked = np.asarray(~(np.isnan(before).all(axis=0) | np.isnan(arm).all(axis=0)))
    if not keep.any():
        return None
    before, after = before[:, keep], arm[:, keep]
    start, width = limits or _range(before, after)
    compared = crossed_independent if base_is_trained else crossed_paired
    found = compared((before - start) / width, (after - start) / width)
    effect, lost = found.minimum_detectable_effect, _lost(asked, keep)
    return replace(
        found,
        difference=_stretched(found.difference, 0.0, width, lost),
        before=_stretched(found.before, start, width, lost),
        after=_stretched(found.after, start, width, lost),
        minimum_detectable_effect=None if effect is None else effect * width,
    )


def estimate(
    values: Matrix, asked: Asked, *, is_trained: bool, limits: tuple[float, float] | None = None
) -> Estimate | None:
    """The mean of an arm's scores, bounded by start and width in `limits`; None if nothing is scored.

    Problems `asked` without a score in any seed are counted as unscored. The rows of one model (not
    `is_trained`) are no trainings but samples of the same problems.
    """
    keep: Asked = np.asarray(~np.isnan(values).all(axis=0))
    if not keep.any():
        return None
    values, lost = values[:, keep], _lost(asked, keep)
    start, width = limits or _range(values)
    values = (values - start) / width
    if is_trained:
        found = crossed_mean(values)
    else:
        scored = ~np.isnan(values)
        found = mean(values[scored], np.nonzero(scored)[1])
    return _stretched(found, start, width, lost)


def _lost(asked: Asked, scored: Asked) -> int:
    return int((asked & ~scored).sum())


def _range(*values: Matrix) -> tuple[float, float]:
    """Start and width of the range of the values; (0, 1) if all lie in [0, 1]."""
    low = min(float(np.nanmin(each)) for each in values)
    high = max(float(np.nanmax(each)) for each in values)
    return (0.0, 1.0) if low >= 0 and high <= 1 else (low, max(high - low, 1e-9))


def _stretched(found: Estimate, start: float, width: float, n_unscored: int) -> Estimate:
    """An estimate in [0, 1] mapped to [start, start + width], with the problems that were lost."""
    value, low, high = (x * width + start for x in (found.value, found.low, found.high))
    return replace(found, value=value, low=low, high=high, n_unscored=n_unscored)
