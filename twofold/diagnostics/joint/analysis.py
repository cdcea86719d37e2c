"""Is the model right and obedient at once, and what does each cost the other?

Accuracy is measured with and without the constraints in the prompt, compliance beside the rate of
replies that were not told the rule, and a pair of models on the same problems only.

Source: HAcc, SAcc and the four cells are those of MathIF (Fu et al. 2025, arXiv 2505.14810,
section 4); its headline numbers are micro-averages over queries, and so are these. Departs: an
unscored reply is left out and counted, where MathIF scores a truncated thought as the answer; the
null rate, the chance-corrected rate and the paired comparisons are ours.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from twofold.diagnostics.diagnostic import Analysis
from twofold.diagnostics.joint.caveats import caveats, counts
from twofold.diagnostics.joint.obedience import Effects, changed, interference, obedience
from twofold.diagnostics.joint.table import (
    FINISH_REASONS,
    Block,
    Floats,
    Ints,
    JointTable,
    labels_of,
    scored_chance_corrected,
    scored_mean,
    scored_paired,
    slots_of,
)
from twofold.diagnostics.row_table import compared, filed, holm_corrected
from twofold.stats import average, outcome, with_habit
from twofold.storage.jsonl import Row
from twofold.types import (
    ALL,
    Comparison,
    Contrast,
    Finding,
    FinishReason,
    Measure,
    Outcome,
    Problem,
    Slice,
)

MAX_BREAKDOWN = 12  # a tag with more values than this is an identifier, not a group

# The same replies, with a thought that never ended counted as wrong and disobedient
AS_WRONG = Slice("unclosed_thinking", "as_wrong")

Pair = Sequence[Block]  # before and after, or empty

# The metrics of a reply
SCORES: Mapping[str, Callable[[Block], Floats]] = {
    "accuracy": lambda block: block.correct,
    "hacc": Block.hacc,
    "sacc": Block.sacc,
    "joint": Block.joint,
}


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
        work, roles = _JointAnalysis(table, seed), table.roles()
        contrasts = list(work.contrasts())
        found = Finding(
            diagnostic=self.name,
            question=self.question,
            measures=[*(each for role in roles for each in work.role(role)), *work.floors()],
            contrasts=contrasts,
            counts=[each for role in roles for each in counts(table, role)],
            outcome=_outcome(contrasts),
        )
        return replace(found, caveats=tuple(caveats(table, found)))


def axes(contrasts: Iterable[Contrast], slice: Slice = ALL) -> dict[str, Comparison]:
    """The comparisons behind a verdict, by axis: `capability`, `obedience`, `compliance`, `joint`.

    Capability is accuracy without the constraints in the prompt, or with them if nothing was asked
    without; then there is no obedience either.
    """
    there = {
        (each.condition, each.metric): each.comparison for each in contrasts if each.slice == slice
    }
    capability = there.get(("unconstrained", "accuracy"), there.get(("constrained", "accuracy")))
    found = {
        "capability": capability,
        "obedience": there.get(("", "obedience")),
        "compliance": there.get(("constrained", "hacc")),
        "joint": there.get(("constrained", "joint")),
    }
    return {axis: comparison for axis, comparison in found.items() if comparison is not None}


def differences(table: JointTable, *, seed: int = 0) -> list[Contrast]:
    """The paired differences of `model` and `baseline` over all rows, without those by constraint type."""
    return list(_JointAnalysis(table, seed).over_all_rows())


def _outcome(contrasts: Sequence[Contrast]) -> Outcome | None:
    """The outcome; `unfinished` where it depends on how unclosed thoughts are counted."""
    sides, worst = axes(contrasts), axes(contrasts, AS_WRONG)
    if not {"capability", "compliance"} <= sides.keys():
        return None
    verdict = _of_axes(sides)
    return Outcome.unfinished if worst and _of_axes(worst) != verdict else verdict


def _of_axes(sides: Mapping[str, Comparison]) -> Outcome:
    """The outcome on capability and obedience; on compliance where nothing was asked untold."""
    if "obedience" not in sides:
        return outcome(sides["capability"], sides["compliance"])
    return with_habit(sides["capability"], sides["obedience"], sides["compliance"])


@final
@dataclass(frozen=True)
class _JointAnalysis:
    """One analysis of one table."""

    table: JointTable
    seed: int

    def role(self, role: str) -> Iterator[Measure]:
        """Every estimate of one role."""
        plain, told = self.table.block(role, "unconstrained"), self.table.block(role, "constrained")
        yield from self._costs(role)
        if plain is not None:
            yield from self._filed(role, "unconstrained", "accuracy", plain)
        if told is None:
            return
        for metric in ("accuracy", "hacc", "sacc", "joint"):
            yield from self._filed(role, "constrained", metric, told)
        yield from self._each_constraint(role, "constrained", told)
        yield from self._loose(role)
        if plain is not None:
            yield from self._each_constraint(role, "unconstrained", plain)
            yield from self._effects(role, told, plain)
        yield from self._cells(role, told.where(self.table.has_answer[told.problem]))
        yield from self._rates(role, "type", self.table.slot_types(), told, plain)
        yield from self._rates(role, "group", self.table.slot_groups(), told, plain)
        yield from self._breakdowns(role, told)

    def _costs(self, role: str) -> Iterator[Measure]:
        """Tokens generated for a reply, thrown-away ones included, in a run where some were."""
        for condition in self.table.conditions(role) if self.table.has_costs else ():
            block = self.table.block(role, condition)
            if block is None:
                continue
            tokens = block.generated()
            known = ~np.isnan(tokens)
            if len({*block.problem[known].tolist()}) > 1:
                lost = int((~known).sum())
                estimate = average(tokens[known], block.problem[known], n_unscored=lost)
                yield from filed(role, "tokens", estimate, condition=condition)

    def _scores(self, block: Block, metric: str) -> tuple[Floats, Ints]:
        """A metric of the rows that can have it, and the problem of each."""
        if metric in ("accuracy", "joint"):
            block = block.where(self.table.has_answer[block.problem])
        return SCORES[metric](block), block.problem

    def _filed(
        self, role: str, condition: str, metric: str, block: Block, part: Slice = ALL
    ) -> Iterator[Measure]:
        estimate = scored_mean(*self._scores(block, metric))
        return filed(role, metric, estimate, condition=condition, slice=part)

    def _each_constraint(
        self, role: str, condition: str, block: Block, *, metric: str = "instruction_accuracy"
    ) -> Iterator[Measure]:
        """The share of constraints met, each counted once: IFEval's instruction-level accuracy.

        Unlike SAcc, a problem with three constraints counts three times, and a constraint that is scored
        counts beside one that is not.
        """
        yield from filed(role, metric, scored_mean(*block.instances()), condition=condition)

    def _loose(self, role: str) -> Iterator[Measure]:
        """IFEval's and IFBench's loose accuracies, prompt and instruction level."""
        block = self.table.loose(role, "constrained")
        if block is None:
            return
        estimate = scored_mean(block.hacc(), block.problem)
        yield from filed(role, "hacc_loose", estimate, condition="constrained")
        yield from self._each_constraint(
            role, "constrained", block, metric="instruction_accuracy_loose"
        )

    def _cells(self, role: str, block: Block) -> Iterator[Measure]:
        """The four cells: right or wrong, obedient or not."""
        hacc = block.hacc()
        unscored = np.isnan(block.correct) | np.isnan(hacc)
        for right, answer in ((True, "right"), (False, "wrong")):
            for obedient, obeyed in ((True, "obedient"), (False, "disobedient")):
                inside = ((block.correct == 1) == right) & ((hacc == 1) == obedient)
                cell = np.where(unscored, np.nan, inside.astype(float))
                estimate = scored_mean(cell, block.problem)
                yield from filed(role, f"{answer}_{obeyed}", estimate, condition="constrained")

    def _rates(
        self, role: str, by: str, labels: NDArray[np.str_], told: Block, plain: Block | None
    ) -> Iterator[Measure]:
        """Met when stated, met when not, and the first corrected for the second, by label."""
        for label in labels_of(labels):
            part, found = Slice(by, label), [slots_of(told, labels, label)]
            if plain is not None:
                found.append(slots_of(plain, labels, label))
            for condition, values in zip(("constrained", "unconstrained"), found, strict=False):
                estimate = scored_mean(*values)
                yield from filed(role, "met", estimate, condition=condition, slice=part)
            if plain is not None:
                corrected = scored_chance_corrected(*found[0], *found[1])
                yield from filed(
                    role, "chance_corrected", corrected, condition="constrained", slice=part
                )

    def _effects(self, role: str, told: Block, plain: Block) -> Iterator[Measure]:
        """Obedience, over all constraints, by type and by group, and interference."""
        units = obedience(told, plain)
        yield from filed(role, "obedience", units.difference())
        corrected = scored_chance_corrected(*told.instances(), *plain.instances())
        yield from filed(role, "chance_corrected", corrected, condition="constrained")
        for by, labels in (("type", self.table.slot_types()), ("group", self.table.slot_groups())):
            for label in labels_of(labels):
                part = units.where(labels[units.problem, units.slot] == label)
                yield from filed(role, "obedience", part.difference(), slice=Slice(by, label))
        met_unasked = self._interference(told, plain)
        yield from filed(role, "interference", met_unasked.difference())
        for condition, side in (
            ("unconstrained", met_unasked.untold),
            ("constrained", met_unasked.told),
        ):
            both = np.where(np.isnan(met_unasked.effect), np.nan, side)
            estimate = scored_mean(both, met_unasked.problem)
            yield from filed(role, "accuracy_if_met", estimate, condition=condition)

    def _interference(self, told: Block, plain: Block) -> Effects:
        """Over the problems with a reference answer and constraints."""
        usable = self.table.has_answer & self.table.has_constraint
        return interference(*(block.where(usable[block.problem]) for block in (told, plain)))

    def _breakdowns(self, role: str, told: Block) -> Iterator[Measure]:
        for tag, names, codes in self._parts(told):
            there = [code for code in range(len(names)) if (codes == code).any()]
            for code in there if 2 <= len(there) <= MAX_BREAKDOWN else ():
                for metric in ("accuracy", "hacc", "joint"):
                    block, part = told.where(codes == code), Slice(tag, names[code])
                    yield from self._filed(role, "constrained", metric, block, part)

    def _parts(self, block: Block) -> Iterator[tuple[str, list[str], Ints]]:
        """The breakdowns of the rows: tag, its labels in order, and each row's label."""
        problems = self.table.problems
        tags = {"n_constraints": [str(len(p.constraints)) for p in problems]}
        for tag in ("difficulty", "source"):
            if all(tag in p.tags for p in problems):
                tags[tag] = [p.tags[tag] for p in problems]
        for tag, labels in tags.items():
            names = sorted(set(labels), key=_natural)
            codes = np.array([names.index(label) for label in labels], dtype=np.int32)
            yield tag, names, codes[block.problem]
        column, edges = self._length_bins()
        if len(edges) > 1:
            lengths: Ints = getattr(block, column)
            names = [
                f"{'≤' if i == 0 else f'{low + 1}–'}{high}"
                for i, (low, high) in enumerate(pairwise(edges))
            ]
            codes = np.searchsorted(edges[1:-1], lengths, side="left").astype(np.int32)
            codes[lengths < 0] = len(names)
            yield f"{column}_tokens", [*names, "unknown"], codes

    def _length_bins(self) -> tuple[str, list[int]]:
        """Quartiles of the length over all roles: of the thinking if there is any, else of the reply."""
        blocks = [self.table.block(role, "constrained") for role in self.table.roles()]
        there = [block for block in blocks if block is not None]
        for column in ("thinking", "reply") if there else ():
            lengths = np.concatenate([getattr(block, column) for block in there])
            lengths = lengths[lengths >= 0]
            if lengths.size and lengths.max() > 0:
                edges = np.unique(np.ceil(np.quantile(lengths, [0, 0.25, 0.5, 0.75, 1.0])))
                return column, [int(edge) for edge in edges]
        return "reply", []

    def floors(self) -> Iterator[Measure]:
        """The scores of replies that ignore the constraints."""
        for name in self.table.floors():
            block = self.table.block(name, "floor")
            if block is None:
                continue
            if name != "bare_answer":  # which is right by definition
                yield from self._filed(name, "", "accuracy", block)
            bound = block.where(self.table.has_constraint[block.problem])
            for metric in ("hacc", "sacc", "joint"):
                yield from self._filed(name, "", metric, bound)
            yield from self._each_constraint(name, "", bound)

    def contrasts(self) -> Iterator[Contrast]:
        """Every paired difference, model minus baseline.

        If a thought never ended, each is repeated with such thoughts counted as wrong: leaving them out
        is right only if they are missing at random.
        """
        pairs = self._pairs()
        yield from self._differences(pairs, ALL)
        if told := pairs["constrained"]:
            yield from holm_corrected(self._by_type(told))
        yield from holm_corrected(self._obedience_by_type(pairs))
        unclosed = FINISH_REASONS.index(FinishReason.unclosed_thinking)
        blocks = [block for pair in pairs.values() for block in pair]
        if any((block.finish_reason == unclosed).any() for block in blocks):
            worst = {each: [b.unclosed_as_wrong() for b in pair] for each, pair in pairs.items()}
            yield from self._differences(worst, AS_WRONG)

    def over_all_rows(self) -> Iterator[Contrast]:
        """The paired differences over all rows that both roles have."""
        return self._differences(self._pairs(), ALL)

    def _pairs(self) -> dict[str, Pair]:
        return {each: self._pair(each) for each in ("constrained", "unconstrained")}

    def _differences(self, pairs: Mapping[str, Pair], part: Slice) -> Iterator[Contrast]:
        names = [("constrained", metric) for metric in ("accuracy", "joint", "hacc", "sacc")]
        for condition, metric in (*names, ("unconstrained", "accuracy")):
            if pair := pairs[condition]:
                (before, problem), (after, _) = (self._scores(block, metric) for block in pair)
                yield from self._compared(condition, metric, before, after, problem, part)
        told, plain = pairs["constrained"], pairs["unconstrained"]

        if told and plain:
            for metric, effects in (("obedience", obedience), ("interference", self._interference)):
                old, new = (effects(*each) for each in zip(told, plain, strict=True))
                found = changed(old, new, seed=self.seed)
                yield from compared("model", "baseline", metric, found, slice=part)

    def _obedience_by_type(self, pairs: Mapping[str, Pair]) -> Iterator[Contrast]:
        if not (pairs["constrained"] and pairs["unconstrained"]):
            return
        labels = self.table.slot_types()
        sides = [
            obedience(*each)
            for each in zip(pairs["constrained"], pairs["unconstrained"], strict=True)
        ]
        for label in labels_of(labels):
            before, after = (each.where(labels[each.problem, each.slot] == label) for each in sides)
            found = changed(before, after, seed=self.seed)
            yield from compared("model", "baseline", "obedience", found, slice=Slice("type", label))

    def _by_type(self, pair: Pair) -> Iterator[Contrast]:
        labels = self.table.slot_types()
        for label in labels_of(labels):
            (before, problem), (after, _) = (slots_of(block, labels, label) for block in pair)
            part = Slice("type", label)
            yield from self._compared("constrained", "met", before, after, problem, part)

    def _compared(
        self, condition: str, metric: str, before: Floats, after: Floats, problem: Ints, part: Slice
    ) -> Iterator[Contrast]:
        found = scored_paired(before, after, problem, seed=self.seed)
        return compared("model", "baseline", metric, found, condition=condition, slice=part)

    def _pair(self, condition: str) -> Pair:
        """The rows that both roles have, in the same order: before, after; empty without a role."""
        before, after = (self.table.block(r, condition) for r in ("baseline", "model"))
        if before is None or after is None:
            return []
        width = 1 + int(max(before.sample.max(), after.sample.max()))
        ids = [block.problem * width + block.sample for block in (before, after)]
        return [before.where(np.isin(ids[0], ids[1])), after.where(np.isin(ids[1], ids[0]))]


def _natural(label: str) -> tuple[float, str]:
    """Sort key: by the first number in the label, the open low bin first, words last."""
    digits = "".join(ch if ch.isdigit() else " " for ch in label).split()
    return (float(digits[0]) - label.startswith("≤") if digits else float("inf"), label)
