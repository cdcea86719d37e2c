"""Is the model right and obedient at once, and what does each cost the other?

`analyse` is pure: from the joint table alone it makes every number of the finding (the keys are
listed in `docs/run_directory.md`). Accuracy stands with and without the constraints in the prompt,
compliance beside how often the same rule is met by a reply that was never told of it, and a pair of
models is compared on the same problems only.

Source: HAcc, SAcc and the four cells are those of MathIF (Fu et al. 2025, arXiv 2505.14810,
section 4); its headline numbers are micro-averages over queries, and so are these. Departs: a reply
that cannot be judged is left out and counted, where MathIF scores a cut thought as the answer; the
null rate, the lift and the paired comparisons are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import final

import numpy as np
from numpy.typing import NDArray

from twofold.diagnostics.joint.caveats import caveats
from twofold.diagnostics.joint.table import FINISH_REASONS, Block, Floats, Ints, Table
from twofold.errors import StatsError
from twofold.stats import chance_corrected, holm, mean, outcome, paired
from twofold.types import Comparison, Estimate, Finding, FinishReason, Outcome

QUESTION = "Is the model right and obedient at once, and what does each cost the other?"
MAX_BREAKDOWN = 12  # a tag with more values than this is an identifier, not a group


def analyse(table: Table, *, seed: int = 0) -> Finding:
    """Make the finding of a joint table.

    Args:
        table: The rows of one run, with `model` and perhaps `baseline` as roles.
        seed: Seed of the resampling.

    Returns:
        The finding; a quantity without a single scored reply is left out and named in a caveat.
    """
    work = _Analysis(table, seed)
    estimates: dict[str, Estimate] = {}
    counts: dict[str, int] = {}
    for role in table.roles():
        estimates |= {f"{role}/{key}": e for key, e in work.role(role)}
        counts |= {f"{role}/{key}": n for key, n in _endings(table, role)}
    estimates |= dict(work.floors())
    comparisons: dict[str, Comparison] = {}
    verdict: Outcome | None = None
    if {"model", "baseline"} <= set(table.roles()):
        comparisons = work.comparisons()
        worst = work.worst_case()
        verdict = _verdict(comparisons, worst)
        comparisons |= worst
    return Finding(
        diagnostic="joint",
        question=QUESTION,
        estimates=estimates,
        comparisons=comparisons,
        counts=counts,
        outcome=verdict,
        caveats=tuple(caveats(table, estimates, counts)),
    )


def _verdict(found: Mapping[str, Comparison], worst: Mapping[str, Comparison]) -> Outcome | None:
    """The outcome; `unfinished` where it depends on how unclosed thoughts are counted."""
    sides = ("capability", "compliance")
    if not all(side in found for side in sides):
        return None
    verdict = outcome(*(found[side] for side in sides))
    if worst and outcome(*(worst[f"{side}_unclosed_as_wrong"] for side in sides)) != verdict:
        return Outcome.unfinished
    return verdict


@final
@dataclass(frozen=True)
class _Analysis:
    table: Table
    seed: int

    def estimate(self, values: Floats, problem: Ints) -> Estimate | None:
        """The mean of what is scored, clustered by problem; None if nothing is."""
        scored = ~np.isnan(values)
        if not scored.any():
            return None
        lost = int((~scored).sum())
        return mean(values[scored], problem[scored], n_unscored=lost, seed=self.seed)

    def role(self, role: str) -> Iterator[tuple[str, Estimate]]:
        """Every estimate of one role."""
        unconstrained, constrained = (
            self.table.block(role, "unconstrained"),
            self.table.block(role, "constrained"),
        )
        for condition, block in (("unconstrained", unconstrained), ("constrained", constrained)):
            if block is not None:
                block = block.where(self._has_answer(block))
                yield from self._named(f"{condition}/accuracy", block.correct, block.problem)
        if constrained is None:
            return
        yield from self._named("constrained/hacc", constrained.hacc(), constrained.problem)
        yield from self._named("constrained/sacc", constrained.sacc(), constrained.problem)
        yield from self._right_and_obedient(constrained.where(self._has_answer(constrained)))
        yield from self._rates("type", self.table.slot_types(), constrained, unconstrained)
        yield from self._rates("group", self.table.slot_groups(), constrained, unconstrained)
        yield from self._breakdowns(constrained)

    def _named(self, key: str, values: Floats, problem: Ints) -> Iterator[tuple[str, Estimate]]:
        found = self.estimate(values, problem)
        if found is not None:
            yield key, found

    def _has_answer(self, block: Block) -> NDArray[np.bool_]:
        has = np.array([p.answer is not None for p in self.table.problems])
        return np.asarray(has[block.problem], dtype=np.bool_)

    def _is_bound(self, block: Block) -> NDArray[np.bool_]:
        bound = np.array([bool(p.constraints) for p in self.table.problems])
        return np.asarray(bound[block.problem], dtype=np.bool_)

    def _right_and_obedient(self, block: Block) -> Iterator[tuple[str, Estimate]]:
        yield from self._named("constrained/joint", block.joint(), block.problem)
        hacc = block.hacc()
        both = np.isnan(block.correct) | np.isnan(hacc)
        for right in (True, False):
            for obedient in (True, False):
                inside = ((block.correct == 1) == right) & ((hacc == 1) == obedient)
                name = (
                    f"{'right' if right else 'wrong'}_{'obedient' if obedient else 'disobedient'}"
                )
                cell = np.where(both, np.nan, inside.astype(float))
                yield from self._named(f"cells/{name}", cell, block.problem)

    def _rates(
        self, kind: str, labels: NDArray[np.str_], constrained: Block, unconstrained: Block | None
    ) -> Iterator[tuple[str, Estimate]]:
        """Met when constrained, met when not constrained, and the lift of one over the other, by label."""
        for label in sorted({*labels.flat} - {""}):
            values, problem = _slots(constrained, labels, label)
            yield from self._named(f"{kind}/{label}/rate", values, problem)
            if unconstrained is None:
                continue
            null, null_problem = _slots(unconstrained, labels, label)
            yield from self._named(f"{kind}/{label}/null", null, null_problem)
            found = self._chance_corrected(values, problem, null, null_problem)
            if found is not None:
                yield f"{kind}/{label}/chance_corrected", found

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

    def _breakdowns(self, constrained: Block) -> Iterator[tuple[str, Estimate]]:
        for tag, names, codes in self._labels(constrained):
            there = [code for code in range(len(names)) if (codes == code).any()]
            if not 2 <= len(there) <= MAX_BREAKDOWN:
                continue
            for code in there:
                block = constrained.where(codes == code)
                answered = block.where(self._has_answer(block))
                at = f"by/{tag}/{names[code]}"
                yield from self._named(f"{at}/accuracy", answered.correct, answered.problem)
                yield from self._named(f"{at}/hacc", block.hacc(), block.problem)
                yield from self._named(f"{at}/joint", answered.joint(), answered.problem)

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

    def floors(self) -> Iterator[tuple[str, Estimate]]:
        """What replies that do nothing for the constraints get."""
        for name in self.table.conditions("floor"):
            block = self.table.block("floor", name)
            if block is None:
                continue
            answered = block.where(self._has_answer(block))
            if name != "bare_answer":  # which is right by its making
                yield from self._named(f"floor/{name}/accuracy", answered.correct, answered.problem)
            bound = block.where(self._is_bound(block))
            if len(bound.problem):
                yield from self._named(f"floor/{name}/hacc", bound.hacc(), bound.problem)
                yield from self._named(f"floor/{name}/sacc", bound.sacc(), bound.problem)
                both = bound.where(self._has_answer(bound))
                yield from self._named(f"floor/{name}/joint", both.joint(), both.problem)

    def comparisons(self) -> dict[str, Comparison]:
        """Every paired difference, `model` (after) minus `baseline` (before)."""
        found = self._differences(self._pair("unconstrained"), self._pair("constrained"))
        constrained = self._pair("constrained")
        if constrained is not None:
            found |= self._by_type(*constrained)
        return found

    def worst_case(self) -> dict[str, Comparison]:
        """The same with every unclosed thought counted as wrong; empty if there is none.

        Leaving such replies out is right only if they are missing by chance. A model that stops
        finishing its thoughts would be judged by the problems it still finishes.
        """
        pairs = [self._pair(condition) for condition in ("unconstrained", "constrained")]
        unclosed = FINISH_REASONS.index(FinishReason.unclosed_thinking)
        if not any(
            (block.finish_reason == unclosed).any() for pair in pairs if pair for block in pair
        ):
            return {}
        unconstrained, constrained = (
            None if pair is None else (pair[0].unclosed_as_wrong(), pair[1].unclosed_as_wrong())
            for pair in pairs
        )
        found = self._differences(unconstrained, constrained)
        return {f"{key}_unclosed_as_wrong": comparison for key, comparison in found.items()}

    def _differences(
        self, unconstrained: tuple[Block, Block] | None, constrained: tuple[Block, Block] | None
    ) -> dict[str, Comparison]:
        found: dict[str, Comparison] = {}
        if constrained is not None:
            before, after = (b.where(self._has_answer(b)) for b in constrained)
            self._compare(found, "constrained_accuracy", before, before.correct, after.correct)
            self._compare(found, "joint", before, before.joint(), after.joint())
            before, after = constrained
            self._compare(found, "compliance", before, before.hacc(), after.hacc())
            self._compare(found, "sacc", before, before.sacc(), after.sacc())
        if unconstrained is not None:
            before, after = (b.where(self._has_answer(b)) for b in unconstrained)
            self._compare(found, "capability", before, before.correct, after.correct)
        if "capability" not in found and "constrained_accuracy" in found:
            found["capability"] = found["constrained_accuracy"]
        return found

    def _pair(self, condition: str) -> tuple[Block, Block] | None:
        """The rows both roles have, in the same order: (before, after)."""
        before, after = (self.table.block(r, condition) for r in ("baseline", "model"))
        if before is None or after is None:
            return None
        width = 1 + int(max(before.sample.max(), after.sample.max()))
        ids = [block.problem * width + block.sample for block in (before, after)]
        return before.where(np.isin(ids[0], ids[1])), after.where(np.isin(ids[1], ids[0]))

    def _compare(
        self, found: dict[str, Comparison], key: str, block: Block, before: Floats, after: Floats
    ) -> None:
        """File the paired difference under `key`, if a single pair is scored."""
        comparison = self._paired(before, after, block.problem)
        if comparison is not None:
            found[key] = comparison

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

    def _by_type(self, before: Block, after: Block) -> dict[str, Comparison]:
        labels = self.table.slot_types()
        found = {}
        for label in sorted({*labels.flat} - {""}):
            first, problem = _slots(before, labels, label)
            second, _ = _slots(after, labels, label)
            comparison = self._paired(first, second, problem)
            if comparison is not None:
                found[f"type/{label}"] = comparison
        adjusted = holm({key: c.p for key, c in found.items()})
        return {key: replace(c, p_adjusted=adjusted[key]) for key, c in found.items()}


def _slots(block: Block, labels: NDArray[np.str_], label: str) -> tuple[Floats, Ints]:
    """The scores of every constraint with `label`, and the problem each belongs to."""
    mask = (labels == label)[block.problem]
    rows, slots = np.nonzero(mask)
    return block.parts[rows, slots], block.problem[rows]


def _natural(label: str) -> tuple[float, str]:
    """Sort key: by the first number in the label, the open low bin first, words last."""
    digits = "".join(ch if ch.isdigit() else " " for ch in label).split()
    return (float(digits[0]) - label.startswith("≤") if digits else float("inf"), label)


def _endings(table: Table, role: str) -> Iterator[tuple[str, int]]:
    for condition in table.conditions(role):
        block = table.block(role, condition)
        if block is not None:
            for code, reason in enumerate(FINISH_REASONS):
                yield (
                    f"{condition}/finish_reason/{reason.value}",
                    int((block.finish_reason == code).sum()),
                )
