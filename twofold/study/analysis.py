"""Did both rise, in which arm, and on what? From the saved scores to the records of `study.json`; pure.

Every difference is paired with the base by problem. Every interval covers new problems and, from two
seeds on, new trainings. The verdicts of a split share one Holm correction: among ten arms, one would
rise by chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import final

import numpy as np
from numpy.typing import NDArray

from twofold.diagnostics.row_table import compared, filed
from twofold.errors import StatsError
from twofold.report.study_file import (
    ACCURACY,
    CONSTRAINED_ACCURACY,
    HACC,
    JOINT,
    TOKENS,
    Key,
    LengthRecord,
    RetainedRecord,
    SplitRecords,
    VerdictRecord,
)
from twofold.stats import corrected, crossed_mean, crossed_paired, mean, outcome, retained
from twofold.study.plan import BASE
from twofold.study.scores import MEASURES, Matrix, Scores, pooled
from twofold.types import ALL, Comparison, Contrast, Estimate, Measure, Outcome, Slice

COMPARED = (ACCURACY, HACC, JOINT, CONSTRAINED_ACCURACY)
N_BINS = 5


@final
@dataclass(frozen=True)
class Part:
    """A part of a split: all of it (`ALL`), or the problems whose tag has one value."""

    split: str
    slice: Slice
    at: NDArray[np.bool_]


@final
@dataclass(frozen=True)
class Analysis:
    """A study's scores.

    Args:
        scores: By arm, then by split; `BASE` among them.
        seeds: The finished seeds of each arm.
        headline: The split that the verdicts rest on.
        by: Tags by which a split is broken down.
        reference: The arm whose gain the others should keep; None = no such.
        seed: Of the resampling.
    """

    scores: Mapping[str, Mapping[str, Scores]]
    seeds: Mapping[str, Sequence[int]]
    headline: str
    by: Sequence[str] = ()
    reference: str | None = None
    seed: int = 0

    def findings(self) -> list[SplitRecords]:
        """Every estimate of every arm and every paired difference to the base, by split."""
        return [
            SplitRecords(split=split, measures=self._measures(split), contrasts=self._paired(split))
            for split in self._splits
        ]

    def verdicts(self) -> list[VerdictRecord]:
        """Whether both rose, for each arm on each part where both sides were scored."""
        return [
            VerdictRecord(
                split=part.split,
                slice_by=part.slice.by,
                slice=part.slice.value,
                arm=arm,
                outcome=verdict,
            )
            for part, found in self._differences
            for arm in self._trained
            if (verdict := self._verdict(arm, part, found)) is not None
        ]

    def retained(self) -> list[RetainedRecord]:
        """Which share of the reference's gain in accuracy each arm has, too."""
        return [
            RetainedRecord(
                split=part.split,
                slice_by=part.slice.by,
                slice=part.slice.value,
                arm=arm,
                reference=self.reference,
                estimate=estimate,
            )
            for part in self._parts
            for arm in self._trained
            if self.reference is not None and (estimate := self._retained(arm, part)) is not None
        ]

    def lengths(self) -> list[LengthRecord]:
        """Accuracy and compliance of each arm by the length of its replies, the same bins for all."""
        tokens = {arm: self._matrix(arm, self.headline, TOKENS) for arm in self._finished}
        counted = np.concatenate([m[~np.isnan(m)] for m in tokens.values()] or [np.array([])])
        if not counted.size:
            return []
        edges = np.unique(np.ceil(np.quantile(counted, np.linspace(0, 1, N_BINS + 1))))
        found = []
        for arm, lengths in tokens.items():
            right, obeys = (
                self._matrix(arm, self.headline, key) for key in (CONSTRAINED_ACCURACY, HACC)
            )
            for low, high in pairwise([-np.inf, *(edges[1:] if len(edges) > 1 else edges)]):
                inside = (lengths > low) & (lengths <= high)
                if inside.any():
                    row = LengthRecord(
                        arm=arm,
                        low=float(max(low + 1, edges[0])),
                        high=float(high),
                        tokens=float(lengths[inside].mean()),
                        accuracy=self._estimate(arm, np.where(inside, right, np.nan)),
                        hacc=self._estimate(arm, np.where(inside, obeys, np.nan)),
                    )
                    found.append(row)
        return found

    @property
    def _finished(self) -> list[str]:
        return [arm for arm, seeds in self.seeds.items() if seeds]

    @property
    def _trained(self) -> list[str]:
        return [arm for arm in self._finished if arm != BASE]

    @property
    def _splits(self) -> Mapping[str, Scores]:
        """Any arm's scores by split: the problems are the same for all arms."""
        return next(iter(self.scores.values()))

    @cached_property
    def _parts(self) -> list[Part]:
        """Each split as a whole, then by the values of each tag."""
        found = []
        for split, scores in self._splits.items():
            found.append(Part(split, ALL, np.ones(len(scores.problems), dtype=np.bool_)))
            for tag in self.by:
                values = [problem.tags.get(tag, "") for problem in scores.problems]
                for value in sorted({*values} - {""}):
                    at = np.array([v == value for v in values])
                    found.append(Part(split, Slice(tag, value), at))
        return found

    @cached_property
    def _differences(self) -> list[tuple[Part, dict[tuple[str, Key], Comparison]]]:
        """Every arm minus the base on each part; Holm over both sides of all arms."""
        found = []
        for part in self._parts:
            row = {
                (arm, key): comparison
                for arm in self._trained
                for key in COMPARED
                if (comparison := self._difference(arm, part, key)) is not None
            }
            sides = self._sides(part.split)
            family = {
                (a, key): row[a, key] for a in self._trained for key in sides if (a, key) in row
            }
            found.append((part, row | corrected(family)))
        return found

    def _sides(self, split: str) -> tuple[Key, Key]:
        """What the verdict rests on: accuracy, without constraints if that was asked, and compliance."""
        asked = any(scores[split].was_asked(ACCURACY[1]) for scores in self.scores.values())
        return ACCURACY if asked else CONSTRAINED_ACCURACY, HACC

    def _matrix(self, arm: str, split: str, key: Key, *, worst: bool = False) -> Matrix:
        """The scores of an arm, a row a seed."""
        return self.scores[arm][split].matrix(key, self.seeds[arm], unclosed_as_wrong=worst)

    def _estimate(self, arm: str, values: Matrix, *, scale: float = 1.0) -> Estimate | None:
        """The mean of an arm's scores; None if nothing is scored.

        The base was trained once, so its seeds are not trainings but samples of the same problems.
        """
        values = _asked(values) / scale
        if values.size == 0:
            return None
        if arm == BASE:
            scored = ~np.isnan(values)
            found = mean(values[scored], np.nonzero(scored)[1], seed=self.seed)
        else:
            found = crossed_mean(values, seed=self.seed)
        if scale == 1.0:
            return found
        return replace(
            found, value=found.value * scale, low=found.low * scale, high=found.high * scale
        )

    def _measures(self, split: str) -> list[Measure]:
        """Every estimate of a split; the constraint types on the headline split only."""
        found: list[Measure] = []
        for part in self._parts:
            for arm in self._finished if part.split == split else ():
                for key in MEASURES:
                    values = self._matrix(arm, split, key)[:, part.at]
                    scale = float(np.nanmax(values, initial=1.0)) if key == TOKENS else 1.0
                    estimate = self._estimate(arm, values, scale=scale)
                    found += filed(arm, key[0], estimate, condition=key[1], slice=part.slice)
        for arm in self._finished if split == self.headline else ():
            for name in self._splits[split].types():
                values = self.scores[arm][split].type_matrix(name, self.seeds[arm])
                estimate, kind = self._estimate(arm, values), Slice("type", name)
                found += filed(arm, "met", estimate, condition="constrained", slice=kind)
        return found

    def _paired(self, split: str) -> list[Contrast]:
        """Every contrast of a split; the constraint types on the headline split only."""
        found: list[Contrast] = []
        for part, row in self._differences:
            for (arm, (metric, condition)), each in row.items() if part.split == split else ():
                found += compared(arm, BASE, metric, each, condition=condition, slice=part.slice)
        for arm in self._trained if split == self.headline else ():
            for name, each in self._by_type(arm).items():
                kind = Slice("type", name)
                found += compared(arm, BASE, "met", each, condition="constrained", slice=kind)
        return found

    def _compare(self, before: Matrix, after: Matrix) -> Comparison | None:
        """Paired on the problems that both sides have a score for; None if there are none."""
        keep = ~(np.isnan(before) | np.isnan(after)).all(axis=0)
        if not keep.any():
            return None
        return crossed_paired(before[:, keep], after[:, keep], seed=self.seed)

    def _difference(
        self, arm: str, part: Part, key: Key, *, worst: bool = False
    ) -> Comparison | None:
        """An arm minus the base on a part of a split."""
        after = self._matrix(arm, part.split, key, worst=worst)[:, part.at]
        before = self._matrix(BASE, part.split, key, worst=worst)[:, part.at]
        return self._compare(pooled(before, len(after)), after)

    def _verdict(
        self, arm: str, part: Part, found: Mapping[tuple[str, Key], Comparison]
    ) -> Outcome | None:
        """Over both sides; `unfinished` if it depends on how unclosed thinking is counted."""
        keys = self._sides(part.split)
        if not all((arm, key) in found for key in keys):
            return None
        sides = [found[arm, key] for key in keys]
        verdict = outcome(*(_corrected(side) for side in sides))
        worst = [
            replace(each, p_adjusted=_scaled(side, each))
            for side, key in zip(sides, keys, strict=True)
            if (each := self._difference(arm, part, key, worst=True)) is not None
        ]
        same = [side.difference for side in sides] == [each.difference for each in worst]
        if not same and outcome(*(_corrected(each) for each in worst)) != verdict:
            return Outcome.unfinished
        return verdict

    def _retained(self, arm: str, part: Part) -> Estimate | None:
        """The kept share of the reference's gain; None if there is no gain or no common seed."""
        if self.reference in (None, arm) or self.reference not in self._finished:
            return None
        shared = [s for s in self.seeds[arm] if s in self.seeds[self.reference]]
        if not shared:
            return None
        key = self._sides(part.split)[0]
        base = pooled(self._matrix(BASE, part.split, key)[:, part.at], len(shared))
        reference, own = (
            self.scores[who][part.split].matrix(key, shared)[:, part.at]
            for who in (self.reference, arm)
        )
        keep = ~np.isnan([base, reference, own]).any(axis=0).all(axis=0)
        try:
            return retained(base[:, keep], reference[:, keep], own[:, keep])
        except StatsError:  # the reference gained nothing that could be kept
            return None

    def _by_type(self, arm: str) -> dict[str, Comparison]:
        """Each constraint type on the headline split; Holm over the types."""
        scores, base = self.scores[arm][self.headline], self.scores[BASE][self.headline]
        found = {}
        for name in scores.types():
            after = scores.type_matrix(name, self.seeds[arm])
            before = pooled(base.type_matrix(name, self.seeds[BASE]), len(after))
            comparison = self._compare(before, after)
            if comparison is not None:
                found[name] = comparison
        return corrected(found)


def _asked(values: Matrix) -> Matrix:
    """Without the problems that no seed has a score for: the measure does not apply to them."""
    return values[:, ~np.isnan(values).all(axis=0)]


def _corrected(comparison: Comparison) -> Comparison:
    """The comparison with its corrected p in `p`, which `outcome` reads."""
    p = comparison.p_adjusted
    return comparison if p is None else replace(comparison, p=p)


def _scaled(found: Comparison, other: Comparison) -> float:
    """The correction of `found`, for another reading of the same comparison."""
    factor = (found.p_adjusted or found.p) / found.p if found.p > 0 else 1.0
    return min(1.0, other.p * factor)
