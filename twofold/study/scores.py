"""What did every seed of an arm score on every problem? The matrices that a study is analysed from.

One row is one seed, one column one problem. A value is the mean over the scored samples, NaN where
none is scored. All of them come from the `joint.jsonl` of each cell's audits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from twofold.diagnostics.joint.table import Block, JointTable
from twofold.report.study_file import (
    ACCURACY,
    CONSTRAINED_ACCURACY,
    HACC,
    JOINT,
    TOKENS,
    Key,
)
from twofold.storage.jsonl import read_lines
from twofold.types import Problem

Matrix = NDArray[np.float64]
"""Scores, shape `(seeds, problems)`."""

MEASURES = (ACCURACY, HACC, JOINT, CONSTRAINED_ACCURACY, TOKENS)
"""What is measured of every arm: right without and with the constraints in the prompt, all
constraints met, both at once, and tokens of thought and reply."""


@final
@dataclass(frozen=True)
class Scores:
    """One arm on one split.

    Args:
        problems: The split's problems.
        tables: The audit of each seed.
    """

    problems: Sequence[Problem]
    tables: Mapping[int, JointTable]

    @classmethod
    def read(cls, problems: Sequence[Problem], audits: Mapping[int, Path]) -> Scores:
        """The scores that the audits of an arm have saved, by seed."""
        tables = {
            seed: JointTable.of(problems, read_lines(folder / "joint.jsonl"))
            for seed, folder in audits.items()
        }
        return cls(problems, tables)

    def matrix(self, key: Key, seeds: Sequence[int], *, unclosed_as_wrong: bool = False) -> Matrix:
        """The scores of a measure, NaN where a seed has none.

        Args:
            key: One of `MEASURES`.
            seeds: Which rows, in which order.
            unclosed_as_wrong: Count unclosed thinking as wrong and disobedient.
        """
        rows = [self._row(key, self.tables[seed], unclosed_as_wrong) for seed in seeds]
        return np.stack(rows)

    def type_matrix(self, name: str, seeds: Sequence[int]) -> Matrix:
        """How often the constraints of a type were met when they were stated."""
        return np.stack([self._type_row(name, self.tables[seed]) for seed in seeds])

    def was_asked(self, condition: str) -> bool:
        """Whether there are replies in a condition."""
        return any(table.block("model", condition) is not None for table in self.tables.values())

    def types(self) -> list[str]:
        """The constraint types of the problems, sorted."""
        return sorted({c.name for problem in self.problems for c in problem.constraints})

    def _row(self, key: Key, table: JointTable, unclosed_as_wrong: bool) -> Matrix:
        metric, condition = key
        block = table.block("model", condition)
        if block is None:
            return np.full(len(self.problems), np.nan)
        block = block.unclosed_as_wrong() if unclosed_as_wrong else block
        values = _VALUES[metric](block).astype(np.float64)
        return _by_problem(values, block.problem, len(self.problems))

    def _type_row(self, name: str, table: JointTable) -> Matrix:
        block = table.block("model", "constrained")
        if block is None:
            return np.full(len(self.problems), np.nan)
        rows, slots = np.nonzero((table.slot_types() == name)[block.problem])
        values = block.parts[rows, slots].astype(np.float64)
        return _by_problem(values, block.problem[rows], len(self.problems))


def _tokens(block: Block) -> NDArray[np.float64]:
    """Thinking and reply together; thinking that was not counted adds nothing."""
    total = np.maximum(block.thinking, 0) + block.reply
    return np.where(block.reply >= 0, total, np.nan).astype(np.float64)


_VALUES: dict[str, Callable[[Block], NDArray[np.floating]]] = {
    "accuracy": lambda block: block.correct,
    "hacc": Block.hacc,
    "joint": Block.joint,
    "tokens": _tokens,
}


def _by_problem(values: Matrix, problem: NDArray[np.int32], n: int) -> Matrix:
    """Mean of the scored samples of each problem; NaN where there is none."""
    scored = ~np.isnan(values)
    total = np.bincount(problem[scored], weights=values[scored], minlength=n)
    count = np.bincount(problem[scored], minlength=n)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def pooled(base_SP: Matrix, n_seeds: int) -> Matrix:
    """The base's mean on each problem over all its samples, beside every seed of an arm.

    The base is one model, so a difference between its seeds is sampling noise and not an effect of
    training; pooling removes it. What noise is left differs by problem, and the interval counts it.
    """
    n_scored = (~np.isnan(base_SP)).sum(axis=0)
    means = np.where(n_scored > 0, np.nansum(base_SP, axis=0) / np.maximum(n_scored, 1), np.nan)
    return np.tile(means, (n_seeds, 1))
