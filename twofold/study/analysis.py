"""Did both rise, in which arm, and on which problems? From saved scores to the records of `study.json`.

Differences are paired with the base by problem. Intervals cover new problems and, with two or more
seeds, new training runs. The verdicts of a split share one Holm correction.
"""

from collections.abc import Iterator, Mapping, Sequence
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
    MET,
    OBEDIENCE,
    TOKENS,
    Key,
    LengthRecord,
    RetainedRecord,
    SplitRecords,
    VerdictRecord,
)
from twofold.stats import corrected, outcome, retained, with_habit
from twofold.study.plan import BASE
from twofold.study.scores import (
    MEASURES,
    SIGNED,
    Asked,
    Matrix,
    Scores,
    difference,
    estimate,
    pooled,
)
from twofold.types import ALL, Comparison, Contrast, Estimate, Measure, Outcome, Slice

COMPARED = (ACCURACY, OBEDIENCE, HACC, JOINT, CONSTRAINED_ACCURACY)
N_BINS = 5


@final
@dataclass(frozen=True)
class Part:
    """A part of a split: all of it, or the problems whose tag has one value."""

    split: str
    slice: Slice
    at: NDArray[np.bool_]

    @property
    def labels(self) -> dict[str, str]:
        """The part as fields of a record."""
        return {"split": self.split, "slice_by": self.slice.by, "slice": self.slice.value}


@final
@dataclass(frozen=True)
class StudyAnalysis:
    """The analysis of a study's scores.

    Args:
        scores: By arm, then by split; `BASE` among them.
        seeds: The finished seeds of each arm.
        headline: The split behind the verdicts.
        by: Tags by which a split is broken down.
        reference: The arm whose gain the others should retain; None = no such arm.
        base_is_trained: Whether the seeds of the base are training runs, not samples of one model.
    """

    scores: Mapping[str, Mapping[str, Scores]]
    seeds: Mapping[str, Sequence[int]]
    headline: str
    by: Sequence[str] = ()
    reference: str | None = None
    base_is_trained: bool = False

    def findings(self) -> list[SplitRecords]:
        """The estimates of every arm and its paired differences to the base, by split."""
        return [
            SplitRecords(split=split, measures=self._measures(split), contrasts=self._paired(split))
            for split in self._splits
        ]

    def verdicts(self) -> list[VerdictRecord]:
        """The verdict of each arm on each part where both sides were scored."""
        return [
            VerdictRecord(**part.labels, arm=arm, outcome=verdict)
            for part, found in self._differences
            for arm in self._trained
            if (verdict := self._verdict(arm, part, found)) is not None
        ]

    def retained(self) -> list[RetainedRecord]:
        """The share of the reference's accuracy gain that each arm retains."""
        return [
            RetainedRecord(**part.labels, arm=arm, reference=str(self.reference), estimate=kept)
            for part in self._parts
            for arm in self._trained
            if (kept := self._retained(arm, part)) is not None
        ]

    def lengths(self) -> list[LengthRecord]:
        """Accuracy and compliance of each arm by reply length, in the same bins for all arms."""
        tokens = {arm: self._matrix(arm, self.headline, TOKENS) for arm in self._finished}
        counted = np.concatenate([m[~np.isnan(m)] for m in tokens.values()] or [np.array([])])
        if not counted.size:
            return []
        edges = np.unique(np.ceil(np.quantile(counted, np.linspace(0, 1, N_BINS + 1))))
        found = []
        for arm, lengths in tokens.items():
            right, met = (
                self._matrix(arm, self.headline, key) for key in (CONSTRAINED_ACCURACY, HACC)
            )
            for low, high in pairwise([-np.inf, *(edges[1:] if len(edges) > 1 else edges)]):
                inside = (lengths > low) & (lengths <= high)
                if inside.any():
                    found.append(
                        LengthRecord(
                            arm=arm,
                            low=float(max(low + 1, edges[0])),
                            high=float(high),
                            tokens=float(lengths[inside].mean()),
                            accuracy=self._inside(arm, CONSTRAINED_ACCURACY, right, inside),
                            hacc=self._inside(arm, HACC, met, inside),
                        )
                    )
        return found

    def caveats(self) -> list[str]:
        """How many replies of which arms have no score, a sentence for each split."""
        return [
            f"{split}: replies without a score are left out (accuracy untold / told / all constraints "
            f"met): {'; '.join(lost)}. A problem counts as unscored if no run of the arm has a score for it."
            for split in self._splits
            if (lost := [*self._lost(split)])
        ]

    def _lost(self, split: str) -> Iterator[str]:
        """The replies without a score of each arm that has some, by measure."""
        for arm in self._finished:
            scores, seeds = self.scores[arm][split], self.seeds[arm]
            counts = [scores.n_lost(key, seeds) for key in (ACCURACY, CONSTRAINED_ACCURACY, HACC)]
            if any(lost for lost, _ in counts):
                yield f"{arm} {' / '.join(f'{lost} of {of}' for lost, of in counts)}"

    @property
    def _finished(self) -> list[str]:
        return [arm for arm, seeds in self.seeds.items() if seeds]

    def _is_trained(self, arm: str) -> bool:
        """Whether the seeds of an arm are training runs."""
        return arm != BASE or self.base_is_trained

    @property
    def _trained(self) -> list[str]:
        return [arm for arm in self._finished if arm != BASE]

    @property
    def _splits(self) -> Mapping[str, Scores]:
        """The scores of one arm by split; all arms have the same problems."""
        return next(iter(self.scores.values()))

    @cached_property
    def _parts(self) -> list[Part]:
        """Each split as a whole, then by tag."""
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
        """Every arm minus the base on each part, Holm-corrected over both sides of all arms."""
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
        """The two measures of the verdict: accuracy and obedience.

        Where nothing was asked without constraints they are accuracy with them, and compliance.
        """
        asked = any(scores[split].was_asked(ACCURACY[1]) for scores in self.scores.values())
        return (ACCURACY, OBEDIENCE) if asked else (CONSTRAINED_ACCURACY, HACC)

    def _matrix(self, arm: str, split: str, key: Key, *, worst: bool = False) -> Matrix:
        """The scores of an arm, a row per seed."""
        return self.scores[arm][split].matrix(key, self.seeds[arm], unclosed_as_wrong=worst)

    def _asked(self, arm: str, split: str, key: Key) -> Asked:
        """The problems that could have a score of a measure."""
        return self.scores[arm][split].asked(key, self.seeds[arm])

    def _inside(
        self, arm: str, key: Key, values: Matrix, inside: NDArray[np.bool_]
    ) -> Estimate | None:
        """A measure of the replies inside a bin of lengths."""
        asked = self._asked(arm, self.headline, key) & inside.any(axis=0)
        return estimate(np.where(inside, values, np.nan), asked, is_trained=self._is_trained(arm))

    def _measures(self, split: str) -> list[Measure]:
        """The estimates of a split; constraint types on the headline split only."""
        found: list[Measure] = []
        for part in self._parts:
            for arm in self._finished if part.split == split else ():
                for key in MEASURES:
                    values = self._matrix(arm, split, key)[:, part.at]
                    tokens = (0.0, float(np.nanmax(values, initial=1.0)))
                    limits = {TOKENS: tokens, OBEDIENCE: SIGNED}.get(key)
                    asked = self._asked(arm, split, key)[part.at]
                    each = estimate(values, asked, is_trained=self._is_trained(arm), limits=limits)
                    found += filed(arm, key[0], each, condition=key[1], slice=part.slice)
        for arm in self._finished if split == self.headline else ():
            for name in self._splits[split].types():
                mine, seeds = self.scores[arm][split], self.seeds[arm]
                asked = mine.type_asked(name, seeds)
                for key, limits in ((MET, None), (OBEDIENCE, SIGNED)):
                    values = mine.type_matrix(name, seeds, key)
                    each = estimate(values, asked, is_trained=self._is_trained(arm), limits=limits)
                    kind = Slice("type", name)
                    found += filed(arm, key[0], each, condition=key[1], slice=kind)
        return found

    def _paired(self, split: str) -> list[Contrast]:
        """The contrasts of a split; constraint types on the headline split only."""
        found: list[Contrast] = []
        for part, row in self._differences:
            for (arm, (metric, condition)), each in row.items() if part.split == split else ():
                found += compared(arm, BASE, metric, each, condition=condition, slice=part.slice)
        for arm in self._trained if split == self.headline else ():
            for key in (MET, OBEDIENCE):
                for name, each in self._by_type(arm, key).items():
                    kind = Slice("type", name)
                    found += compared(arm, BASE, key[0], each, condition=key[1], slice=kind)
        return found

    def _difference(
        self, arm: str, part: Part, key: Key, *, worst: bool = False
    ) -> Comparison | None:
        """An arm minus the base on a part of a split."""
        base, own = (
            self._matrix(each, part.split, key, worst=worst)[:, part.at] for each in (BASE, arm)
        )
        asked = self._asked(BASE, part.split, key) & self._asked(arm, part.split, key)
        limits = SIGNED if key == OBEDIENCE else None
        return difference(
            base, own, asked[part.at], limits=limits, base_is_trained=self.base_is_trained
        )

    def _verdict(
        self, arm: str, part: Part, found: Mapping[tuple[str, Key], Comparison]
    ) -> Outcome | None:
        """The outcome; `unfinished` if it depends on how unclosed thinking is counted."""
        keys = self._sides(part.split)
        if not all((arm, key) in found for key in keys):
            return None
        sides = [found[arm, key] for key in keys]
        compliance = found.get((arm, HACC))
        verdict = _outcome(keys, sides, compliance)
        worst = [
            replace(each, p_adjusted=_scaled(side, each))
            for side, key in zip(sides, keys, strict=True)
            if (each := self._difference(arm, part, key, worst=True)) is not None
        ]
        same = [side.difference for side in sides] == [each.difference for each in worst]
        if (
            not same
            and _outcome(keys, worst, self._difference(arm, part, HACC, worst=True)) != verdict
        ):
            return Outcome.unfinished
        return verdict

    def _retained(self, arm: str, part: Part) -> Estimate | None:
        """The retained share of the reference's gain; None without a gain or a common seed."""
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
            found = retained(base[:, keep], reference[:, keep], own[:, keep])
        except StatsError:  # the reference has no gain
            return None
        asked = [
            self._asked(each, part.split, key)[part.at] for each in (BASE, self.reference, arm)
        ]
        return replace(found, n_unscored=int((np.all(asked, axis=0) & ~keep).sum()))

    def _by_type(self, arm: str, key: Key) -> dict[str, Comparison]:
        """An arm minus the base by constraint type on the headline split, Holm-corrected."""
        scores, base = self.scores[arm][self.headline], self.scores[BASE][self.headline]
        sides = ((BASE, base), (arm, scores))
        found = {}
        for name in scores.types():
            before, after = (each.type_matrix(name, self.seeds[who], key) for who, each in sides)
            asked = [each.type_asked(name, self.seeds[who]) for who, each in sides]
            comparison = difference(
                before,
                after,
                asked[0] & asked[1],
                limits=SIGNED if key == OBEDIENCE else None,
                base_is_trained=self.base_is_trained,
            )
            if comparison is not None:
                found[name] = comparison
        return corrected(found)


def _outcome(
    keys: Sequence[Key], sides: Sequence[Comparison], compliance: Comparison | None
) -> Outcome:
    """The outcome on both sides; a habit where obedience is a side and compliance alone rises."""
    capability, other = (side.with_adjusted_p() for side in sides)
    if OBEDIENCE in keys and compliance is not None:
        return with_habit(capability, other, compliance)
    return outcome(capability, other)


def _scaled(found: Comparison, other: Comparison) -> float:
    """The p-value of `other` under the Holm factor of `found`."""
    factor = (found.p_adjusted or found.p) / found.p if found.p > 0 else 1.0
    return min(1.0, other.p * factor)
