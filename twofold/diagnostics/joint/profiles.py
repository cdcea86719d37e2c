"""What do the published checkers say that the instructions' words do not?

Both profiles judge the same replies; the table has a row for each constraint of each reply. A
difference here is no property of the model but of the checker, and moves published numbers by as
much.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, final

import numpy as np

from twofold.stats import holm, mean, paired
from twofold.types import Comparison, Estimate, Finding

ANSWER = "answer"
"""What stands for the grader of answers where a constraint's type would stand."""

QUESTION = "What do the published checkers say that the instructions' words do not?"


@final
class Table:
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
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> Table:
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


def analyse(table: Table, *, seed: int = 0) -> Finding:
    """Compare the profiles by constraint type.

    Args:
        table: The verdicts of both profiles.
        seed: Seed of the resampling.

    Returns:
        Estimates `type/NAME/official` and `/fixed` (`answer/...` for the grader of answers);
        comparisons `type/NAME` and `answer`, fixed minus official,
        over the replies that both can judge (`n_improved`: problems that only `fixed` passes).
    """
    where, scores = table.columns()
    estimates: dict[str, Estimate] = {}
    found: dict[str, Comparison] = {}
    for code in sorted(range(len(table.types)), key=table.types.__getitem__):
        at = table.types[code] if table.types[code] == ANSWER else f"type/{table.types[code]}"
        mine = where[:, 0] == code
        problem, (official, fixed) = where[mine, 1], scores[mine].T
        for profile, values in (("official", official), ("fixed", fixed)):
            there = ~np.isnan(values)
            if there.any():
                estimates[f"{at}/{profile}"] = mean(
                    values[there], problem[there], n_unscored=int((~there).sum()), seed=seed
                )
        both = ~(np.isnan(official) | np.isnan(fixed))
        if both.any():
            found[at] = paired(
                official[both],
                fixed[both],
                problem[both],
                n_unscored=int((~both).sum()),
                seed=seed,
            )
    adjusted = holm({key: comparison.p for key, comparison in found.items()})
    return Finding(
        diagnostic="profiles",
        question=QUESTION,
        estimates=estimates,
        comparisons={key: replace(c, p_adjusted=adjusted[key]) for key, c in found.items()},
    )
