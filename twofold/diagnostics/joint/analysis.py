"""Is the model right and obedient at once, and what does each cost the other?

From the joint table alone this makes every number of the finding. Accuracy stands with and without the
constraints in the prompt, compliance beside how often the same rule is met by a reply that was never
told of it, and a pair of models is compared on the same problems only.

Source: HAcc, SAcc and the four cells are those of MathIF (Fu et al. 2025, arXiv 2505.14810,
section 4); its headline numbers are micro-averages over queries, and so are these. Departs: a reply
that cannot be judged is left out and counted, where MathIF scores a cut thought as the answer; the
null rate, the chance-corrected rate and the paired comparisons are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from twofold.diagnostics.diagnostic import Analysis
from twofold.diagnostics.joint.caveats import caveats
from twofold.diagnostics.joint.table import FINISH_REASONS, Block, Floats, Ints, JointTable
from twofold.diagnostics.row_table import compared, filed, holm_corrected
from twofold.errors import StatsError
from twofold.stats import chance_corrected, mean, outcome, paired
from twofold.storage.jsonl import Row
from twofold.types import (
    ALL,
    Comparison,
    Contrast,
    Count,
    Estimate,
    Finding,
    FinishReason,
    Measure,
    Outcome,
    Problem,
    Slice,
)

MAX_BREAKDOWN = 12  # a tag with more values than this is an identifier, not a group

AS_WRONG = Slice("unclosed_thinking", "as_wrong")
"""The same replies, a thought that never ended counted as wrong and disobedient."""

Pair = tuple[Block, Block]
"""The rows that both roles have, in the same order: before, after."""


@final
@dataclass(frozen=True)
class Joint(Analysis):
    """Accuracy, compliance, and both at once: what every audit measures."""

    name: ClassVar[str] = "joint"
    question: ClassVar[str] = (
        "Is the model right and obedient at once, and what does each cost the other?"
    )

    def analyse(
        self, rows: Iterable[Row], problems: Sequence[Problem], *, seed: int = 0
    ) -> Finding:
        """Every number of the joint table; the records are listed in `docs/run_directory.md`."""
        table = JointTable.of(problems, rows)
        work = _Work(table, seed)
        measures = [each for role in table.roles() for each in work.role(role)]
        measures += work.floors()
        counts = [each for role in table.roles() for each in _finish_reasons(table, role)]
        contrasts = work.contrasts() if {"model", "baseline"} <= set(table.roles()) else []
        found = Finding(
            diagnostic=self.name,
            question=self.question,
            measures=measures,
            contrasts=contrasts,
            counts=counts,
            outcome=_outcome(contrasts),
        )
        return replace(found, caveats=tuple(caveats(table, found)))


def axes(contrasts: Iterable[Contrast], slice: Slice = ALL) -> dict[str, Comparison]:
    """The comparisons that a verdict rests on, by axis: `capability`, `compliance`, `joint`.

    Capability is accuracy without the constraints in the prompt, or with them where nothing was asked
    without.
    """
    there = {
        (each.condition, each.metric): each.comparison for each in contrasts if each.slice == slice
    }
    capability = there.get(("unconstrained", "accuracy"), there.get(("constrained", "accuracy")))
    found = {
        "capability": capability,
        "compliance": there.get(("constrained", "hacc")),
        "joint": there.get(("constrained", "joint")),
    }
    return {axis: comparison for axis, comparison in found.items() if comparison is not None}


def _outcome(contrasts: Sequence[Contrast]) -> Outcome | None:
    """The outcome; `unfinished` where it depends on how unclosed thoughts are counted."""
    sides, worst = axes(contrasts), axes(contrasts, AS_WRONG)
    if not {"capability", "compliance"} <= sides.keys():
        return None
    verdict = outcome(sides["capability"], sides["compliance"])
    if worst and outcome(worst["capability"], worst["compliance"]) != verdict:
        return Outcome.unfinished
    return verdict


@final
@dataclass(frozen=True)
class _Work:
    """One analysis of one table."""

    table: JointTable
    seed: int

    def estimate(self, values: Floats, problem: Ints) -> Estimate | None:
        """The mean of what is scored, clustered by problem; None if nothing is."""
        scored = ~np.isnan(values)
        if not scored.any():
            return None
        lost = int((~scored).sum())
        return mean(values[scored], problem[scored], n_unscored=lost, seed=self.seed)

    def role(self, role: str) -> Iterator[Measure]:
        """Every estimate of one role."""
        plain, told = self.table.block(role, "unconstrained"), self.table.block(role, "constrained")
        for condition, block in (("unconstrained", plain), ("constrained", told)):
            if block is not None:
                found = block.where(self._has_answer(block))
                yield from self._filed(role, condition, "accuracy", found.correct, found.problem)
        if told is None:
            return
        yield from self._filed(role, "constrained", "hacc", told.hacc(), told.problem)
        yield from self._filed(role, "constrained", "sacc", told.sacc(), told.problem)
        yield from self._cells(role, told.where(self._has_answer(told)))
        yield from self._rates(role, "type", self.table.slot_types(), told, plain)
        yield from self._rates(role, "group", self.table.slot_groups(), told, plain)
        yield from self._breakdowns(role, told)

    def _filed(
        self,
        role: str,
        condition: str,
        metric: str,
        values: Floats,
        problem: Ints,
        slice: Slice = ALL,
    ) -> Iterator[Measure]:
        estimate = self.estimate(values, problem)
        yield from filed(role, metric, estimate, condition=condition, slice=slice)

    def _has_answer(self, block: Block) -> NDArray[np.bool_]:
        has = np.array([p.answer is not None for p in self.table.problems])
        return np.asarray(has[block.problem], dtype=np.bool_)

    def _has_constraint(self, block: Block) -> NDArray[np.bool_]:
        has = np.array([bool(p.constraints) for p in self.table.problems])
        return np.asarray(has[block.problem], dtype=np.bool_)

    def _cells(self, role: str, block: Block) -> Iterator[Measure]:
        """The joint rate, then the four cells: right or wrong, obedient or not."""
        yield from self._filed(role, "constrained", "joint", block.joint(), block.problem)
        hacc = block.hacc()
        unscored = np.isnan(block.correct) | np.isnan(hacc)
        for right, answer in ((True, "right"), (False, "wrong")):
            for obedient, obeyed in ((True, "obedient"), (False, "disobedient")):
                inside = ((block.correct == 1) == right) & ((hacc == 1) == obedient)
                cell = np.where(unscored, np.nan, inside.astype(float))
                name = f"{answer}_{obeyed}"
                yield from self._filed(role, "constrained", name, cell, block.problem)

    def _rates(
        self, role: str, by: str, labels: NDArray[np.str_], told: Block, plain: Block | None
    ) -> Iterator[Measure]:
        """Met when told, met when not told, and the first corrected for the second, by label."""
        for label in sorted({*labels.flat} - {""}):
            part = Slice(by, str(label))
            values, problem = _slots(told, labels, label)
            yield from self._filed(role, "constrained", "met", values, problem, part)
            if plain is None:
                continue
            null, null_problem = _slots(plain, labels, label)
            yield from self._filed(role, "unconstrained", "met", null, null_problem, part)
            found = self._chance_corrected(values, problem, null, null_problem)
            yield from filed(role, "chance_corrected", found, condition="constrained", slice=part)

    def _chance_corrected(
        self, values: Floats, problem: Ints, null: Floats, null_problem: Ints
    ) -> Estimate | None:
        """Lift over the problems that are scored in both conditions; None where null is 1."""
        keep, null_keep = ~np.isnan(values), ~np.isnan(null)
        shared = np.intersect1d(problem[keep], null_problem[null_keep])
        keep &= np.isin(problem, shared)
        null_keep &= np.isin(null_problem, shared)
        if not shared.size or null[null_keep].mean() == 1.0:
            return None
        try:
            return chance_corrected(
                values[keep],
                null[null_keep],
                (problem[keep], null_problem[null_keep]),
                n_unscored=int((~keep).sum()),
                seed=self.seed,
            )
        except StatsError:
            return None

    def _breakdowns(self, role: str, told: Block) -> Iterator[Measure]:
        for tag, names, codes in self._labels(told):
            there = [code for code in range(len(names)) if (codes == code).any()]
            if not 2 <= len(there) <= MAX_BREAKDOWN:
                continue
            for code in there:
                part = Slice(tag, names[code])
                block = told.where(codes == code)
                answered = block.where(self._has_answer(block))
                for metric, rows, values in (
                    ("accuracy", answered, answered.correct),
                    ("hacc", block, block.hacc()),
                    ("joint", answered, answered.joint()),
                ):
                    yield from self._filed(role, "constrained", metric, values, rows.problem, part)

    def _labels(self, block: Block) -> Iterator[tuple[str, list[str], Ints]]:
        """What the rows are broken down by: tag, its labels in order, and each row's label."""
        problems = self.table.problems
        tags = {"n_constraints": [str(len(p.constraints)) for p in problems]}
        for tag in ("difficulty", "source"):
            if all(tag in p.tags for p in problems):
                tags[tag] = [p.tags[tag] for p in problems]
        for tag, labels in tags.items():
            names = sorted(set(labels), key=_natural)
            codes = np.array([names.index(label) for label in labels], dtype=np.int32)
            yield tag, names, codes[block.problem]
        name, edges = self._length_bins()
        if len(edges) > 1:
            lengths = block.thinking if name == "thinking_tokens" else block.reply
            names = [
                f"{'≤' if i == 0 else f'{low + 1}–'}{high}"
                for i, (low, high) in enumerate(pairwise(edges))
            ]
            codes = np.searchsorted(edges[1:-1], lengths, side="left").astype(np.int32)
            codes[lengths < 0] = len(names)
            yield name, [*names, "unknown"], codes

    def _length_bins(self) -> tuple[str, list[int]]:
        """Quartile edges of the length, over all roles: thinking if there is any, else reply."""
        blocks = [self.table.block(role, "constrained") for role in self.table.roles()]
        there = [block for block in blocks if block is not None]
        for name in ("thinking_tokens", "reply_tokens"):
            column = "thinking" if name == "thinking_tokens" else "reply"
            lengths = np.concatenate([getattr(b, column) for b in there]) if there else np.array([])
            lengths = lengths[lengths >= 0]
            if lengths.size and lengths.max() > 0:
                edges = np.unique(np.ceil(np.quantile(lengths, [0, 0.25, 0.5, 0.75, 1.0])))
                return name, [int(edge) for edge in edges]
        return "reply_tokens", []

    def floors(self) -> Iterator[Measure]:
        """What replies that do nothing for the constraints get."""
        for name in self.table.floors():
            block = self.table.block(name, "floor")
            if block is None:
                continue
            if name != "bare_answer":  # which is right by definition
                answered = block.where(self._has_answer(block))
                yield from self._filed(name, "", "accuracy", answered.correct, answered.problem)
            bound = block.where(self._has_constraint(block))
            if len(bound.problem):
                yield from self._filed(name, "", "hacc", bound.hacc(), bound.problem)
                yield from self._filed(name, "", "sacc", bound.sacc(), bound.problem)
                both = bound.where(self._has_answer(bound))
                yield from self._filed(name, "", "joint", both.joint(), both.problem)

    def contrasts(self) -> list[Contrast]:
        """Every paired difference, model minus baseline.

        Where a thought never ended, each stands a second time with such thoughts counted as wrong:
        leaving them out is right only if they are missing by chance.
        """
        plain, told = self._pair("unconstrained"), self._pair("constrained")
        found = list(self._differences(plain, told, ALL))
        if told is not None:
            found += holm_corrected(self._by_type(told))
        unclosed = FINISH_REASONS.index(FinishReason.unclosed_thinking)
        pairs = [pair for pair in (plain, told) if pair]
        if any((block.finish_reason == unclosed).any() for pair in pairs for block in pair):
            found += self._differences(
                _unclosed_as_wrong(plain), _unclosed_as_wrong(told), AS_WRONG
            )
        return found

    def _differences(
        self, plain: Pair | None, told: Pair | None, part: Slice
    ) -> Iterator[Contrast]:
        if told is not None:
            before, after = (block.where(self._has_answer(block)) for block in told)
            yield from self._compared("accuracy", before, before.correct, after.correct, part)
            yield from self._compared("joint", before, before.joint(), after.joint(), part)
            before, after = told
            yield from self._compared("hacc", before, before.hacc(), after.hacc(), part)
            yield from self._compared("sacc", before, before.sacc(), after.sacc(), part)
        if plain is not None:
            before, after = (block.where(self._has_answer(block)) for block in plain)
            found = self._paired(before.correct, after.correct, before.problem)
            yield from compared(
                "model", "baseline", "accuracy", found, condition="unconstrained", slice=part
            )

    def _compared(
        self, metric: str, block: Block, before: Floats, after: Floats, part: Slice
    ) -> Iterator[Contrast]:
        found = self._paired(before, after, block.problem)
        yield from compared("model", "baseline", metric, found, condition="constrained", slice=part)

    def _by_type(self, pair: Pair) -> Iterator[Contrast]:
        labels = self.table.slot_types()
        for label in sorted({*labels.flat} - {""}):
            first, problem = _slots(pair[0], labels, label)
            second, _ = _slots(pair[1], labels, label)
            found = self._paired(first, second, problem)
            part = Slice("type", str(label))
            yield from compared(
                "model", "baseline", "met", found, condition="constrained", slice=part
            )

    def _pair(self, condition: str) -> Pair | None:
        before, after = (self.table.block(r, condition) for r in ("baseline", "model"))
        if before is None or after is None:
            return None
        width = 1 + int(max(before.sample.max(), after.sample.max()))
        ids = [block.problem * width + block.sample for block in (before, after)]
        return before.where(np.isin(ids[0], ids[1])), after.where(np.isin(ids[1], ids[0]))

    def _paired(self, before: Floats, after: Floats, problem: Ints) -> Comparison | None:
        scored = ~(np.isnan(before) | np.isnan(after))
        if not scored.any():
            return None
        return paired(
            before[scored],
            after[scored],
            problem[scored],
            n_unscored=int((~scored).sum()),
            seed=self.seed,
        )


def _unclosed_as_wrong(pair: Pair | None) -> Pair | None:
    return None if pair is None else (pair[0].unclosed_as_wrong(), pair[1].unclosed_as_wrong())


def _slots(block: Block, labels: NDArray[np.str_], label: str) -> tuple[Floats, Ints]:
    """The scores of every constraint with `label`, and the problem each belongs to."""
    mask = (labels == label)[block.problem]
    rows, slots = np.nonzero(mask)
    return block.parts[rows, slots], block.problem[rows]


def _natural(label: str) -> tuple[float, str]:
    """Sort key: by the first number in the label, the open low bin first, words last."""
    digits = "".join(ch if ch.isdigit() else " " for ch in label).split()
    return (float(digits[0]) - label.startswith("≤") if digits else float("inf"), label)


def _finish_reasons(table: JointTable, role: str) -> Iterator[Count]:
    for condition in table.conditions(role):
        block = table.block(role, condition)
        if block is not None:
            for code, reason in enumerate(FINISH_REASONS):
                n = int((block.finish_reason == code).sum())
                yield Count(role=role, condition=condition, metric=reason.value, n=n)
