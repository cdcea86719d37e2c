"""What do the published checkers say that the instructions' words do not?

Both profiles judge the same replies; the table has a row for each constraint of each reply. A
difference here is no property of the model but of the checker, and moves published numbers by as
much.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from twofold.diagnostics.diagnostic import Analysis
from twofold.diagnostics.row_table import compared, filed, holm_corrected
from twofold.stats import mean, paired
from twofold.storage.jsonl import Row
from twofold.types import ALL, Contrast, Finding, Measure, Problem, Slice

ANSWER = "answer"
"""What stands for the grader of answers where a constraint's type would stand."""


@final
class _ProfileTable:
    """The verdicts of both profiles on every constraint of every reply, in columns."""

    def __init__(self) -> None:
        self.types: list[str] = []
        self._problems: dict[str, int] = {}
        self._ints = array("q")
        self._floats = array("d")

    def add(self, row: Mapping[str, Any]) -> None:
        """Take in one row of `profiles.jsonl`: `{"problem", "type", "official", "fixed"}`."""
        if row["type"] not in self.types:
            self.types.append(row["type"])
        problem = self._problems.setdefault(row["problem"], len(self._problems))
        self._ints.extend((self.types.index(row["type"]), problem))
        for profile in ("official", "fixed"):
            score = row[profile]
            self._floats.append(float("nan") if score is None else float(score))

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> _ProfileTable:
        """The table of saved rows."""
        table = cls()
        for row in rows:
            table.add(row)
        return table

    def columns(self) -> tuple[np.ndarray, np.ndarray]:
        """`(rows, 2)` type code and problem, `(rows, 2)` official and fixed score (NaN unscored)."""
        return (
            np.frombuffer(self._ints, dtype=np.int64).reshape(-1, 2),
            np.frombuffer(self._floats, dtype=np.float64).reshape(-1, 2),
        )


def rows(
    official: Iterable[Mapping[str, Any]], fixed: Iterable[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The rows of `profiles.jsonl` from two aligned runs of verdict rows."""
    for first, second in zip(official, fixed, strict=True):
        if "correct" in first and "correct" in second:
            yield {
                "problem": first["problem"],
                "type": ANSWER,
                "official": first["correct"]["score"],
                "fixed": second["correct"]["score"],
            }
        theirs = first.get("compliant", {}).get("parts", {})
        for key, part in second.get("compliant", {}).get("parts", {}).items():
            if key in theirs:
                yield {
                    "problem": first["problem"],
                    "type": key.partition("#")[0],
                    "official": theirs[key]["score"],
                    "fixed": part["score"],
                }


@final
@dataclass(frozen=True)
class Profiles(Analysis):
    """The published checkers beside the mended ones, by constraint type."""

    name: ClassVar[str] = "profiles"
    question: ClassVar[str] = (
        "What do the published checkers say that the instructions' words do not?"
    )

    def analyse(
        self, rows: Iterable[Row], problems: Sequence[Problem], *, seed: int = 0
    ) -> Finding:
        """Rates under both profiles, and `fixed` versus `official` on replies that both can judge.

        The metric is `accuracy` for the grader of answers and `met`, sliced by type, for constraints.
        """
        table = _ProfileTable.of(rows)
        where, scores = table.columns()
        measures: list[Measure] = []
        contrasts: list[Contrast] = []
        for code in sorted(range(len(table.types)), key=table.types.__getitem__):
            is_answer = table.types[code] == ANSWER
            metric = "accuracy" if is_answer else "met"
            part = ALL if is_answer else Slice("type", table.types[code])
            mine = where[:, 0] == code
            problem, (official, fixed) = where[mine, 1], scores[mine].T
            for profile, values in (("official", official), ("fixed", fixed)):
                there = ~np.isnan(values)
                if there.any():
                    lost = int((~there).sum())
                    estimate = mean(values[there], problem[there], n_unscored=lost, seed=seed)
                    measures += filed("model", metric, estimate, condition=profile, slice=part)
            both = ~(np.isnan(official) | np.isnan(fixed))
            if both.any():
                lost = int((~both).sum())
                found = paired(
                    official[both], fixed[both], problem[both], n_unscored=lost, seed=seed
                )
                contrasts += compared(
                    "model", "official", metric, found, condition="fixed", slice=part
                )
        return Finding(
            diagnostic=self.name,
            question=self.question,
            measures=measures,
            contrasts=holm_corrected(contrasts),
        )
