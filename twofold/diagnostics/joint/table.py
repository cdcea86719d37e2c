"""The joint table: what became of every reply, in columns.

A row says of one response whether it was right, which constraints it kept and how it ended. In
memory the table is a few small numbers a row, never a text, so that a hundred thousand rows cost a
few megabytes; on disk it is `joint.jsonl`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from twofold.problems.floors import FLOORS
from twofold.types import FinishReason, Problem

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
FINISH_REASONS = tuple(FinishReason)


@final
@dataclass(frozen=True)
class Block:
    """The rows of one role in one condition, ordered by problem and sample.

    Args:
        problem: Index into the table's problems, shape `(rows,)`.
        sample: Sample index, shape `(rows,)`.
        correct: 1 right, 0 wrong, NaN unscored or without a reference answer, shape `(rows,)`.
        parts: 1 kept, 0 broken, NaN unscored, shape `(rows, slots)`; slot k is the problem's k-th
            constraint, and slots past its last are -1.
        finish_reason: Index into `FINISH_REASONS`, shape `(rows,)`.
        thinking: Tokens of the thought, -1 where unknown, shape `(rows,)`.
        reply: Tokens of the reply, -1 where unknown, shape `(rows,)`.
    """

    problem: Ints
    sample: Ints
    correct: Floats
    parts: Floats
    finish_reason: Ints
    thinking: Ints
    reply: Ints

    def hacc(self) -> Floats:
        """All constraints met; NaN if any is unscored, so that SAcc rests on the same replies."""
        met: Floats = np.where(self.parts == -1, np.float32(1), self.parts).prod(
            axis=1
        )  # NaN stays
        return met

    def sacc(self) -> Floats:
        """Mean share of constraints met; NaN if any is unscored."""
        asked = self.parts != -1  # NaN != -1 holds: an unscored slot was asked and makes NaN
        total = np.where(asked, self.parts, np.float32(0)).sum(axis=1)
        n_asked = np.maximum(asked.sum(axis=1), 1).astype(np.float32)
        return np.asarray(total / n_asked)

    def joint(self) -> Floats:
        """Right and all constraints met; NaN if either is unscored: the replies of the four cells."""
        return np.asarray(self.correct * self.hacc())

    def unclosed_as_wrong(self) -> Block:
        """The same rows, a thought that never ended counted as wrong and disobedient."""
        unclosed = self.finish_reason == FINISH_REASONS.index(FinishReason.unclosed_thinking)
        parts = np.where(unclosed[:, None] & (self.parts != -1), np.float32(0), self.parts)
        return replace(self, correct=np.where(unclosed, np.float32(0), self.correct), parts=parts)

    def where(self, keep: NDArray[np.bool_]) -> Block:
        """The rows that `keep` selects."""
        return Block(*(getattr(self, each.name)[keep] for each in fields(self)))


@final
class JointTable:
    """Every row of a run, by role and condition, beside the problems they answer.

    Args:
        problems: The problems, each once.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        self._index = {problem.id: i for i, problem in enumerate(self.problems)}
        self.slots = max((len(p.constraints) for p in self.problems), default=0)
        self._columns: dict[tuple[str, str], tuple[array[int], array[float]]] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Take in one row of `joint.jsonl`."""
        where = (row["role"], row["condition"])
        ints, floats = self._columns.setdefault(where, (array("i"), array("f")))
        index = self._index[row["problem"]]
        thinking, reply = row.get("n_thinking_tokens"), row.get("n_reply_tokens")
        ints.extend(
            (
                index,
                row["sample"],
                FINISH_REASONS.index(FinishReason(row["finish_reason"])),
                -1 if thinking is None else thinking,
                -1 if reply is None else reply,
            )
        )
        floats.append(_or_nan(row.get("correct")))
        parts = row["parts"]
        keys = self.problems[index].constraint_keys
        floats.extend(_or_nan(parts.get(key)) for key in keys)
        floats.extend(-1.0 for _ in range(self.slots - len(keys)))

    @classmethod
    def of(cls, problems: Sequence[Problem], rows: Iterable[Mapping[str, Any]]) -> JointTable:
        """The table of saved rows."""
        table = cls(problems)
        for row in rows:
            table.add(row)
        return table

    def roles(self) -> list[str]:
        """Who answered, in the order `model`, `baseline`, others; floors are no role."""
        found = {role for role, _ in self._columns} - set(FLOORS)
        first = [role for role in ("model", "baseline") if role in found]
        return first + sorted(found - set(first))

    def floors(self) -> list[str]:
        """The floors that were scored, in the order of `FLOORS`."""
        there = {role for role, _ in self._columns}
        return [name for name in FLOORS if name in there]

    def conditions(self, role: str) -> list[str]:
        """The conditions that `role` answered in, sorted."""
        return sorted(condition for r, condition in self._columns if r == role)

    def block(self, role: str, condition: str) -> Block | None:
        """The rows of `role` in `condition`, ordered; None if there are none."""
        if (role, condition) not in self._columns:
            return None
        ints, floats = self._columns[role, condition]
        whole = np.frombuffer(ints, dtype=np.int32).reshape(-1, 5)
        real = np.frombuffer(floats, dtype=np.float32).reshape(len(whole), 1 + self.slots)
        order = np.lexsort((whole[:, 1], whole[:, 0]))
        whole, real = whole[order], real[order]
        return Block(
            problem=whole[:, 0],
            sample=whole[:, 1],
            correct=real[:, 0],
            parts=real[:, 1:],
            finish_reason=whole[:, 2],
            thinking=whole[:, 3],
            reply=whole[:, 4],
        )

    def slot_types(self) -> NDArray[np.str_]:
        """The registry name in each slot of each problem, "" past its last, `(problems, slots)`."""
        names = [
            [c.name for c in p.constraints] + [""] * (self.slots - len(p.constraints))
            for p in self.problems
        ]
        return np.array(names, dtype=np.str_).reshape(len(self.problems), self.slots)

    def slot_groups(self) -> NDArray[np.str_]:
        """The constraint group in each slot of each problem, "" past its last."""
        groups = [
            [c.group for c in p.constraints] + [""] * (self.slots - len(p.constraints))
            for p in self.problems
        ]
        return np.array(groups, dtype=np.str_).reshape(len(self.problems), self.slots)


def _or_nan(score: float | None) -> float:
    return float("nan") if score is None else float(score)


def rows(verdicts: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows of `joint.jsonl` from those of `verdicts.jsonl` (which carry how a reply ended)."""
    kept = (
        "role",
        "condition",
        "problem",
        "sample",
        "finish_reason",
        "n_thinking_tokens",
        "n_reply_tokens",
    )
    for verdict in verdicts:
        row = {key: verdict[key] for key in kept if key in verdict}
        if "correct" in verdict:
            row["correct"] = verdict["correct"]["score"]
        parts = verdict.get("compliant", {}).get("parts", {})
        row["parts"] = {key: part["score"] for key, part in parts.items()}
        yield row
