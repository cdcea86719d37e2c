"""The joint table: one row for each reply, in columns.

A row says whether the reply was right, which constraints it met and how it ended. In memory it is a
few numbers, so a hundred thousand rows need a few megabytes; on disk it is `joint.jsonl`.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from twofold.errors import StatsError
from twofold.problems.floors import FLOORS
from twofold.stats import chance_corrected, mean, paired
from twofold.stats.paired_difference import difference
from twofold.types import Comparison, Estimate, FinishReason, Problem

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
_NAN = float("nan")  # an unscored one
FINISH_REASONS = tuple(FinishReason)
_ENDED = {str(reason): i for i, reason in enumerate(FINISH_REASONS)}


@final
@dataclass(frozen=True)
class Block:
    """The rows of one role in one condition, ordered by problem and sample.

    All of shape `(rows,)`, `parts` of `(rows, slots)`: slot k is the problem's k-th constraint.
    """

    problem: Ints  # index into the table's problems
    sample: Ints
    correct: Floats  # 1 right, 0 wrong, NaN unscored or without a reference answer
    parts: Floats  # 1 met, 0 broken, NaN unscored, -1 past the last constraint
    finish_reason: Ints  # index into `FINISH_REASONS`
    thinking: Ints  # tokens of the thought, -1 = unknown
    reply: Ints  # tokens of the reply, -1 = unknown
    spent: Ints  # tokens generated to get it, thrown-away ones included; -1 = its own
    guessed: Ints  # 1 if the answer is the last number of a reply that states none

    def generated(self) -> NDArray[np.float64]:
        """The tokens that each reply took; unknown thinking counts as 0, NaN where nothing is known."""
        own = np.where(self.reply >= 0, np.maximum(self.thinking, 0) + self.reply, np.nan)
        return np.asarray(np.where(self.spent >= 0, self.spent, own), dtype=np.float64)

    def hacc(self) -> Floats:
        """All constraints met; NaN if any is unscored, so that SAcc rests on the same replies."""
        parts = np.where(self.parts == -1, np.float32(1), self.parts)
        return np.asarray(parts.prod(axis=1))  # NaN stays

    def sacc(self) -> Floats:
        """Mean share of constraints met; NaN if any is unscored."""
        asked = self.parts != -1  # NaN != -1 holds: an unscored slot was asked and makes NaN
        total = np.where(asked, self.parts, np.float32(0)).sum(axis=1)
        n_asked = np.maximum(asked.sum(axis=1), 1).astype(np.float32)
        return np.asarray(total / n_asked)

    def joint(self) -> Floats:
        """Right and all constraints met; NaN if either is unscored."""
        return np.asarray(self.correct * self.hacc())

    def instances(self) -> tuple[Floats, Ints]:
        """The score of every constraint that was asked, and the problem of each."""
        rows, slots = np.nonzero(self.parts != -1)
        return self.parts[rows, slots], self.problem[rows]

    def unclosed_as_wrong(self) -> Block:
        """The same rows, with unclosed thinking counted as wrong and disobedient."""
        unclosed = self.finish_reason == FINISH_REASONS.index(FinishReason.unclosed_thinking)
        parts = np.where(unclosed[:, None] & (self.parts != -1), np.float32(0), self.parts)
        return replace(self, correct=np.where(unclosed, np.float32(0), self.correct), parts=parts)

    def where(self, keep: NDArray[np.bool_]) -> Block:
        """The rows that `keep` selects."""
        return Block(*(getattr(self, each.name)[keep] for each in fields(self)))


@final
class JointTable:
    """Every row of a run, by role and condition; `problems` holds each problem once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        self._index = {problem.id: i for i, problem in enumerate(self.problems)}
        self.slots = max((len(p.constraints) for p in self.problems), default=0)
        self.has_answer = np.array([p.answer is not None for p in self.problems], dtype=np.bool_)
        self.has_constraint = np.array([bool(p.constraints) for p in self.problems], dtype=np.bool_)
        self._columns: dict[tuple[str, str], tuple[array[int], array[float]]] = {}
        # What looks like the mark of a thought in the replies, by role and condition.
        self.unknown_marks: dict[tuple[str, str], Counter[str]] = {}
        # Replies whose special tokens `fixed` did not judge, by role and condition.
        self.special_tokens: Counter[tuple[str, str]] = Counter()
        self._loose: JointTable | None = None

    def add(self, row: Mapping[str, Any]) -> None:
        """Take in one row of `joint.jsonl`."""
        if "loose" in row:
            self._loose = self._loose or JointTable(self.problems)
            self._loose.add(
                {k: v for k, v in row.items() if k != "loose"} | {"parts": row["loose"]}
            )
        where = (row["role"], row["condition"])
        ints, floats = self._columns.setdefault(where, (array("i"), array("f")))
        self.special_tokens[where] += bool(row.get("special_tokens"))
        index = self._index[row["problem"]]
        lengths = (row.get(f"n_{each}_tokens") for each in ("thinking", "reply", "spent"))
        ended = _ENDED[row["finish_reason"]]
        ints.extend((index, row["sample"], ended, *(-1 if n is None else n for n in lengths)))
        ints.append(int(row.get("last_number", False)))
        parts = row["parts"]
        keys = self.problems[index].constraint_keys
        scores = [row.get("correct"), *map(parts.get, keys)]
        floats.extend([_NAN if score is None else score for score in scores])
        floats.extend([-1.0] * (self.slots - len(keys)))
        if mark := row.get("unknown_mark"):
            self.unknown_marks.setdefault(where, Counter())[mark] += 1

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

    @cached_property
    def has_costs(self) -> bool:
        """Whether some reply took other tokens than its own, so that its length is not its cost."""
        places = [self.block(*where) for where in self._columns]
        return any((each.spent >= 0).any() for each in places if each is not None)

    def floors(self) -> list[str]:
        """The floors that were scored, in the order of `FLOORS`."""
        there = {role for role, _ in self._columns}
        return [name for name in FLOORS if name in there]

    def conditions(self, role: str) -> list[str]:
        """The conditions that `role` answered in, sorted."""
        return sorted(condition for r, condition in self._columns if r == role)

    def loose(self, role: str, condition: str) -> Block | None:
        """As `block`, with the constraints read loosely, of the rows that were; None if none was."""
        return self._loose.block(role, condition) if self._loose else None

    def block(self, role: str, condition: str) -> Block | None:
        """The rows of `role` in `condition`, ordered; None if there are none."""
        if (role, condition) not in self._columns:
            return None
        ints, floats = self._columns[role, condition]
        whole = np.frombuffer(ints, dtype=np.int32).reshape(-1, 7)
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
            spent=whole[:, 5],
            guessed=whole[:, 6],
        )

    def slot_types(self) -> NDArray[np.str_]:
        """The type of each slot's constraint, "" past the last, `(problems, slots)`."""
        return self._padded([[c.name for c in p.constraints] for p in self.problems])

    def slot_groups(self) -> NDArray[np.str_]:
        """The group of each slot's constraint, "" past the last, `(problems, slots)`."""
        return self._padded([[c.group for c in p.constraints] for p in self.problems])

    def _padded(self, labels: list[list[str]]) -> NDArray[np.str_]:
        padded = [row + [""] * (self.slots - len(row)) for row in labels]
        return np.array(padded, dtype=np.str_).reshape(len(padded), self.slots)


def labels_of(labels: NDArray[np.str_]) -> list[str]:
    """Each label once, sorted, without the empty one."""
    return sorted(map(str, {*labels.flat} - {""}))


def slots_of(block: Block, labels: NDArray[np.str_], label: str) -> tuple[Floats, Ints]:
    """The scores of every constraint with `label`, and the problem of each."""
    rows, slots = np.nonzero((labels == label)[block.problem])
    return block.parts[rows, slots], block.problem[rows]


def scored_mean(values: NDArray[Any], problem: NDArray[Any]) -> Estimate | None:
    """The mean of what is scored (not NaN), clustered by problem; None if nothing is."""
    scored = ~np.isnan(values)
    if not scored.any():
        return None
    lost = int((~scored).sum())
    return mean(values[scored], problem[scored], n_unscored=lost)


def scored_paired(
    before: NDArray[Any], after: NDArray[Any], problem: NDArray[Any], *, seed: int
) -> Comparison | None:
    """The paired difference of what is scored on both sides; None if nothing is."""
    scored = ~(np.isnan(before) | np.isnan(after))
    if not scored.any():
        return None
    lost, kept = int((~scored).sum()), problem[scored]
    return paired(before[scored], after[scored], kept, n_unscored=lost, seed=seed)


def scored_chance_corrected(
    values: Floats, problem: Ints, null: Floats, null_problem: Ints
) -> Estimate | None:
    """`chance_corrected` over the problems that are scored on both sides; None if null is 1.

    Args:
        values: Scores of constraints when told; NaN where unscored.
        problem: The problem of each.
        null: Scores when not told.
        null_problem: The problem of each.
    """
    keep, null_keep = ~np.isnan(values), ~np.isnan(null)
    shared = np.intersect1d(problem[keep], null_problem[null_keep])
    keep &= np.isin(problem, shared)
    null_keep &= np.isin(null_problem, shared)
    try:
        return chance_corrected(
            values[keep],
            null[null_keep],
            (problem[keep], null_problem[null_keep]),
            n_unscored=int((~keep).sum()),
        )
    except StatsError:
        return None


def scored_difference(
    before: NDArray[Any], after: NDArray[Any], problem: NDArray[Any]
) -> Estimate | None:
    """The difference of `scored_paired` without its test, which takes longer than all the rest."""
    scored = ~(np.isnan(before) | np.isnan(after))
    if not scored.any():
        return None
    lost = int((~scored).sum())
    return difference(before[scored], after[scored], problem[scored], n_unscored=lost)


JOINT_KEYS = (
    *("role", "condition", "problem", "sample"),
    *("finish_reason", "n_thinking_tokens", "n_reply_tokens", "n_spent_tokens"),
    *("unknown_mark", "special_tokens"),
)


def rows(verdicts: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows of `joint.jsonl` from those of `verdicts.jsonl` (which carry how a reply ended)."""
    for verdict in verdicts:
        row = {key: verdict[key] for key in JOINT_KEYS if key in verdict}
        if "correct" in verdict:
            row["correct"] = verdict["correct"]["score"]
            if verdict["correct"].get("note") == "last_number":
                row["last_number"] = True
        parts = verdict.get("compliant", {}).get("parts", {})
        row["parts"] = {key: part["score"] for key, part in parts.items()}
        if "loose" in verdict:
            row["loose"] = verdict["loose"]
        yield row
