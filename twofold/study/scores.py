"""What did every seed of an arm score on every problem? The matrices that a study is analysed from.

One row a seed, one column a problem; a cell is the mean over the samples that could be judged, NaN
where none could. They come from the `joint.jsonl` of each cell's audits and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from twofold.diagnostics.joint.table import Block, Table
from twofold.jsonl import read_lines
from twofold.types import Problem

Matrix = NDArray[np.float64]
"""Scores, shape `(seeds, problems)`."""

MEASURES = ("capability", "compliance", "joint", "constrained_accuracy", "tokens")
"""What is measured of every arm: right without constraints in the prompt (with them, where all
problems state theirs), all constraints met, both at once, right with the constraints in the prompt,
and tokens of thought and reply."""


@final
@dataclass(frozen=True)
class Scores:
    """One arm on one split.

    Args:
        problems: The split's problems.
        tables: The audit of each seed.
    """

    problems: Sequence[Problem]
    tables: Mapping[int, Table]

    @classmethod
    def read(cls, problems: Sequence[Problem], audits: Mapping[int, Path]) -> Scores:
        """The scores that the audits of an arm have saved, by seed."""
        tables = {
            seed: Table.of(problems, read_lines(folder / "joint.jsonl"))
            for seed, folder in audits.items()
        }
        return cls(problems, tables)

    def matrix(
        self, measure: str, seeds: Sequence[int], *, unclosed_as_wrong: bool = False
    ) -> Matrix:
        """The scores of a measure.

        Args:
            measure: One of `MEASURES`.
            seeds: Which rows, in which order.
            unclosed_as_wrong: Count a thought that never ended as wrong and disobedient.
        """
        rows = [self._row(measure, self.tables[seed], unclosed_as_wrong) for seed in seeds]
        return np.stack(rows)

    def type_matrix(self, name: str, seeds: Sequence[int]) -> Matrix:
        """How often the constraints of a type were met when they were stated."""
        return np.stack([self._type_row(name, self.tables[seed]) for seed in seeds])

    def types(self) -> list[str]:
        """The constraint types of the problems, sorted."""
        return sorted({c.name for problem in self.problems for c in problem.constraints})

    def _row(self, measure: str, table: Table, unclosed_as_wrong: bool) -> Matrix:
        condition = "unconstrained" if measure == "capability" else "constrained"
        block = table.block("model", condition)
        if block is None and measure == "capability":
            block = table.block("model", "constrained")
        if block is None:
            return np.full(len(self.problems), np.nan)
        block = block.unclosed_as_wrong() if unclosed_as_wrong else block
        values = _VALUES[measure](block).astype(np.float64)
        return _by_problem(values, block.problem, len(self.problems))

    def _type_row(self, name: str, table: Table) -> Matrix:
        block = table.block("model", "constrained")
        if block is None:
            return np.full(len(self.problems), np.nan)
        rows, slots = np.nonzero((table.slot_types() == name)[block.problem])
        values = block.parts[rows, slots].astype(np.float64)
        return _by_problem(values, block.problem[rows], len(self.problems))


def _tokens(block: Block) -> NDArray[np.float64]:
    """Thought and reply together; a reply without a thought has no count for one."""
    total = np.maximum(block.thinking, 0) + block.reply
    return np.where(block.reply >= 0, total, np.nan).astype(np.float64)


_VALUES: dict[str, Callable[[Block], NDArray[np.floating]]] = {
    "capability": lambda block: block.correct,
    "constrained_accuracy": lambda block: block.correct,
    "compliance": Block.hacc,
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

    The base is one model: that its samples of one seed came out better than those of another is no
    matter of training, and pooling them takes that chance out of the seeds. What is left of it
    differs by problem, where the interval counts it.
    """
    n_scored = (~np.isnan(base_SP)).sum(axis=0)
    means = np.where(n_scored > 0, np.nansum(base_SP, axis=0) / np.maximum(n_scored, 1), np.nan)
    return np.tile(means, (n_seeds, 1))
