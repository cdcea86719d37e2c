"""Did both rise, in which arm, and on what? From the saved scores to `study.json`; pure.

Every difference is paired with the base by problem, every interval covers new problems and
(from two seeds on) new trainings, and the verdicts of a split share one Holm correction: among ten
arms one would rise by chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from twofold.errors import StatsError
from twofold.jsonl import Row
from twofold.stats import crossed_mean, crossed_paired, holm, mean, outcome, retained
from twofold.study.plan import BASE
from twofold.study.scores import MEASURES, Matrix, Scores, pooled
from twofold.types import Comparison, Estimate, Outcome

SIDES = ("capability", "compliance")
COMPARED = (*SIDES, "joint", "constrained_accuracy")
N_BINS = 5


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

    def arms(self) -> dict[str, Row]:
        """Every estimate of every arm."""
        found: dict[str, Row] = {}
        for arm in self._finished():
            splits = {name: self._measured(arm, split, at) for name, split, at in self._groups()}
            found[arm] = {
                **splits[self.headline],
                "splits": splits,
                "types": self._types(arm),
            }
        return found

    def contrasts(self) -> dict[str, Row]:
        """Every paired difference to the base, with its verdict."""
        trained = [arm for arm in self._finished() if arm != BASE]
        if BASE not in self.scores:
            return {}
        splits: dict[str, dict[str, Row]] = {arm: {} for arm in trained}
        for name, split, at in self._groups():
            found = {arm: self._differences(arm, split, at) for arm in trained}
            adjusted = _adjusted(found)
            for arm in trained:
                verdict = self._verdict(arm, split, at, adjusted[arm])
                row: Row = dict(adjusted[arm])
                row["verdict"] = None if verdict is None else verdict.value
                row["retained"] = self._retained(arm, split, at)
                splits[arm][name] = row
        return {
            arm: {**splits[arm][self.headline], "splits": splits[arm], "types": self._by_type(arm)}
            for arm in trained
        }

    def lengths(self) -> dict[str, list[Row]]:
        """Accuracy and compliance of each arm by the length of its replies, the same bins for all."""
        tokens = {arm: self._matrix(arm, self.headline, "tokens") for arm in self._finished()}
        pooled = np.concatenate([m[~np.isnan(m)] for m in tokens.values()] or [np.array([])])
        if not pooled.size:
            return {}
        edges = np.unique(np.ceil(np.quantile(pooled, np.linspace(0, 1, N_BINS + 1))))
        found: dict[str, list[Row]] = {}
        for arm, lengths in tokens.items():
            right = self._matrix(arm, self.headline, "constrained_accuracy")
            obeys = self._matrix(arm, self.headline, "compliance")
            found[arm] = []
            for low, high in pairwise([-np.inf, *(edges[1:] if len(edges) > 1 else edges)]):
                inside = (lengths > low) & (lengths <= high)
                if inside.any():
                    row: Row = {"low": float(max(low + 1, edges[0])), "high": float(high)}
                    row["tokens"] = float(lengths[inside].mean())
                    row["accuracy"] = self._estimate(arm, np.where(inside, right, np.nan))
                    row["compliance"] = self._estimate(arm, np.where(inside, obeys, np.nan))
                    found[arm].append(row)
        return found

    def _finished(self) -> list[str]:
        return [arm for arm, seeds in self.seeds.items() if seeds]

    def _groups(self) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
        """Each split, and each of its groups: name, split, which of its problems."""
        splits = next(iter(self.scores.values()))
        for split, scores in splits.items():
            yield split, split, np.ones(len(scores.problems), dtype=np.bool_)
            for tag in self.by:
                values = [problem.tags.get(tag, "") for problem in scores.problems]
                for value in sorted({*values} - {""}):
                    yield f"{split}/{tag}={value}", split, np.array([v == value for v in values])

    def _matrix(self, arm: str, split: str, measure: str, *, worst: bool = False) -> Matrix:
        """The scores of an arm, a row a seed."""
        return self.scores[arm][split].matrix(measure, self.seeds[arm], unclosed_as_wrong=worst)

    def _estimate(self, arm: str, values: Matrix, *, scale: float = 1.0) -> Estimate | None:
        """The mean of an arm's scores; None if nothing is scored.

        The base was trained once, so its seeds are no trainings but samples of the same problems.
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

    def _measured(self, arm: str, split: str, at: NDArray[np.bool_]) -> Row:
        row: Row = {}
        for measure in MEASURES:
            values = self._matrix(arm, split, measure)[:, at]
            scale = float(np.nanmax(values, initial=1.0)) if measure == "tokens" else 1.0
            estimate = self._estimate(arm, values, scale=scale)
            if estimate is not None:
                row[measure] = estimate
        return row

    def _types(self, arm: str) -> Row:
        scores = self.scores[arm][self.headline]
        found = {
            name: self._estimate(arm, scores.type_matrix(name, self.seeds[arm]))
            for name in scores.types()
        }
        return {name: estimate for name, estimate in found.items() if estimate is not None}

    def _paired(self, before: Matrix, after: Matrix) -> Comparison | None:
        keep = ~(np.isnan(before) | np.isnan(after)).all(axis=0)
        if not keep.any():
            return None
        return crossed_paired(before[:, keep], after[:, keep], seed=self.seed)

    def _differences(
        self, arm: str, split: str, at: NDArray[np.bool_], *, worst: bool = False
    ) -> dict[str, Comparison]:
        found = {}
        for measure in COMPARED:
            after = self._matrix(arm, split, measure, worst=worst)[:, at]
            before = pooled(self._matrix(BASE, split, measure, worst=worst)[:, at], len(after))
            comparison = self._paired(before, after)
            if comparison is not None:
                found[measure] = comparison
        return found

    def _verdict(
        self, arm: str, split: str, at: NDArray[np.bool_], found: Mapping[str, Comparison]
    ) -> Outcome | None:
        """Over capability and compliance; `unfinished` if it hangs on thoughts that never ended."""
        if not all(side in found for side in SIDES):
            return None
        verdict = outcome(*(_corrected(found[side]) for side in SIDES))
        worst = self._differences(arm, split, at, worst=True)
        if any(worst[side].difference != found[side].difference for side in SIDES):
            corrected = {
                s: replace(worst[s], p_adjusted=_scaled(found[s], worst[s])) for s in SIDES
            }
            if outcome(*(_corrected(corrected[side]) for side in SIDES)) != verdict:
                return Outcome.unfinished
        return verdict

    def _retained(self, arm: str, split: str, at: NDArray[np.bool_]) -> Row:
        """Which share of the reference's gain in capability this arm has, too."""
        if self.reference in (None, arm) or self.reference not in self._finished():
            return {}
        shared = [s for s in self.seeds[arm] if s in self.seeds[self.reference]]
        if not shared:
            return {}
        rows = [
            self.scores[who][split].matrix("capability", shared)[:, at]
            for who in (self.reference, arm)
        ]
        rows.insert(0, pooled(self._matrix(BASE, split, "capability")[:, at], len(shared)))
        keep = ~np.isnan(np.stack(rows)).any(axis=0).all(axis=0)
        try:
            return {self.reference: retained(*(row[:, keep] for row in rows))}
        except StatsError:  # the reference gained nothing that could be kept
            return {}

    def _by_type(self, arm: str) -> dict[str, Comparison]:
        scores = self.scores[arm][self.headline]
        found = {}
        for name in scores.types():
            after = scores.type_matrix(name, self.seeds[arm])
            before = self.scores[BASE][self.headline].type_matrix(name, self.seeds[BASE])
            comparison = self._paired(pooled(before, len(after)), after)
            if comparison is not None:
                found[name] = comparison
        adjusted = holm({name: comparison.p for name, comparison in found.items()})
        return {name: replace(c, p_adjusted=adjusted[name]) for name, c in found.items()}


def _asked(values: Matrix) -> Matrix:
    """Without the problems that no seed has a score for: the measure does not apply to them."""
    return values[:, ~np.isnan(values).all(axis=0)]


def _adjusted(found: Mapping[str, Mapping[str, Comparison]]) -> dict[str, dict[str, Comparison]]:
    """Holm's correction over capability and compliance of all arms."""
    family = {
        f"{arm}/{side}": row[side].p for arm, row in found.items() for side in SIDES if side in row
    }
    adjusted = holm(family)
    return {
        arm: {
            key: replace(c, p_adjusted=adjusted[f"{arm}/{key}"]) if key in SIDES else c
            for key, c in row.items()
        }
        for arm, row in found.items()
    }


def _corrected(comparison: Comparison) -> Comparison:
    """The comparison with its corrected p, which `outcome` reads."""
    p = comparison.p_adjusted
    return comparison if p is None else replace(comparison, p=p)


def _scaled(found: Comparison, other: Comparison) -> float:
    """The correction of `found`, for another reading of the same comparison."""
    factor = (found.p_adjusted or found.p) / found.p if found.p > 0 else 1.0
    return min(1.0, other.p * factor)


def to_json(value: Any) -> Any:
    """Estimates and comparisons as JSON values, at any depth."""
    if isinstance(value, (Estimate, Comparison)):
        return {k: to_json(v) for k, v in asdict(value).items() if v is not None}
    if isinstance(value, Mapping):
        return {key: to_json(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value
