"""What do the saved verdicts of a judge say? Shares beside floors, and the judge's own errors. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import final

from twofold.diagnostics.checklist.followbench import followbench
from twofold.diagnostics.checklist.healthbench import healthbench
from twofold.diagnostics.checklist.rule_overlap import decided, numbered, undecided
from twofold.errors import StatsError
from twofold.jsonl import Row
from twofold.stats import agreement, mean, paired
from twofold.types import Comparison, Estimate, Problem, Verdict

EXACT = "exact"
"""The label of the judge that errs never."""

FLOORS = ("bare_answer", "constant")
"""What is judged besides the replies."""

MEASURES: Mapping[str, Callable[..., Estimate]] = MappingProxyType(
    {
        "sensitivity": agreement.sensitivity,
        "specificity": agreement.specificity,
        "kappa": agreement.kappa,
    }
)
"""A judge's errors, by the end of their keys."""

Column = dict[tuple[str, int], float]
"""A value for each (problem, sample) that has one."""


@final
@dataclass(frozen=True)
class Judged:
    """The rows of `checklist.jsonl` that are about the problems' checklists as they are.

    Args:
        rows: As `Checklists` saved them.
        problems: What was asked, by id.
        seed: Of the resampling.
        unsaid: Why numbers are missing that a reader looks for; filled by `errors`.
    """

    rows: Sequence[Row]
    problems: Mapping[str, Problem]
    seed: int
    unsaid: list[str] = field(default_factory=list)

    def judges(self) -> list[str]:
        """The labels of all judges."""
        return sorted({row["judge"] for row in self.rows})

    def of(self, judge: str, role: str, floor: str | None = None) -> list[Row]:
        """The rows of a judge on a role's replies, or on a floor."""
        return [
            row
            for row in self.rows
            if row["judge"] == judge and row["role"] == role and row.get("floor") == floor
        ]

    def groups(self, judge: str) -> Iterator[tuple[str, list[Row]]]:
        """The replies that shares are taken over, and the floors', each by the head of its keys."""
        for role in ("model", "baseline"):
            yield f"{role}/{judge}", self.of(judge, role)
        for floor in FLOORS:
            yield f"floor/{judge}/{floor}", self.of(judge, "model", floor)

    def rates(self, judge: str) -> Iterator[tuple[str, Estimate]]:
        """Shares of criteria and of whole checklists, by category too."""
        for at, rows in self.groups(judge):
            yield from self._mean(f"{at}/mean", [(row["problem"], row["score"]) for row in rows])
            yield from self._mean(f"{at}/all", [(row["problem"], _all(row)) for row in rows])
            for category in self._categories():
                found = [
                    (row["problem"], score)
                    for row in rows
                    for key, score in self._scores(row)
                    if self._category(row["problem"], key) == category
                ]
                yield from self._mean(f"{at}/category/{category}", found)

    def _mean(
        self, key: str, found: Sequence[tuple[str, float | None]]
    ) -> Iterator[tuple[str, Estimate]]:
        scored = [(problem, value) for problem, value in found if value is not None]
        if scored:
            numbers = numbered(p for p, _ in scored)
            values, of = [v for _, v in scored], [numbers[p] for p, _ in scored]
            lost = len({p for p, _ in found}) - len(numbers)
            yield key, mean(values, of, n_unscored=lost, seed=self.seed)

    def _categories(self) -> list[str]:
        there = (c for p in self.problems.values() if p.checklist for c in p.checklist.criteria)
        names = {_named(c.pitfall, c.category) for c in there}
        return sorted(names) if len(names) > 1 else []

    def _scores(self, row: Row) -> Iterator[tuple[str, float | None]]:
        """The criteria's scores; a lost reply has none, a blank one does nothing, good or bad."""
        checklist = self.problems[row["problem"]].checklist
        if row["scores"] or checklist is None:
            yield from row["scores"].items()
            return
        for key, criterion in zip(checklist.keys, checklist.criteria, strict=True):
            yield key, None if row["score"] is None else float(criterion.pitfall)

    def _category(self, problem: str, key: str) -> str:
        checklist = self.problems[problem].checklist
        if checklist is None or key not in checklist.keys:
            return ""
        criterion = checklist.criteria[checklist.keys.index(key)]
        return _named(criterion.pitfall, criterion.category)

    def errors(self, judge: str) -> Iterator[tuple[str, Estimate]]:
        """How the judge does on the criteria that a rule decides, and what that makes of its shares."""
        if judge == EXACT:
            return
        both = [row for role in ("model", "baseline") for row in self.of(judge, role)]
        known = decided(both)
        if not known.truth:
            return
        calibration = agreement.Calibration(known.judged, known.truth, known.of)
        for name, measure in MEASURES.items():
            try:
                yield (
                    f"judge/{judge}/{name}",
                    measure(*known[:3], n_unscored=known.n_lost, seed=self.seed),
                )
            except StatsError as why:
                self.unsaid.append(f"{judge}: no {name}: {why}.")
        for at, rows in self.groups(judge):
            mine, others = decided(rows), undecided(rows)
            lost = {"n_unscored": mine.n_lost, "seed": self.seed}
            if mine.truth:
                yield f"{at}/decided", mean(mine.judged, mine.of, **lost)
                yield f"{at}/decided_exact", mean(mine.truth, mine.of, **lost)
            if not others.judged:
                continue
            lost["n_unscored"] = others.n_lost
            yield f"{at}/open", mean(others.judged, others.of, **lost)
            if at.startswith("floor/"):
                continue  # the judge's errors on replies are not those on a bare answer
            try:
                yield (
                    f"{at}/open_corrected",
                    agreement.corrected_share(
                        others.judged, calibration, others.of, n_unscored=others.n_lost
                    ),
                )
            except StatsError as why:
                self.unsaid.append(f"{at}: no share with its errors taken out: {why}.")

    def published(self, judge: str) -> Iterator[tuple[str, Estimate]]:
        """The scores of the published benchmarks, where their problems were asked."""
        for at, rows in self.groups(judge):
            told = [(self.problems[row["problem"]], _verdict(row, {})) for row in rows]
            ruled = [(self.problems[row["problem"]], _verdict(row, row["exact"])) for row in rows]
            found = followbench(ruled, seed=self.seed) | healthbench(told, seed=self.seed)
            yield from ((f"{at}/{key}", estimate) for key, estimate in found.items())

    def changes(self, judge: str) -> dict[str, Comparison]:
        """Model minus baseline, by problem and sample."""
        found: dict[str, Comparison] = {}
        old, new = self.of(judge, "baseline"), self.of(judge, "model")
        for name, read in (("mean", _score), ("all", _all)):
            before, after = _column(old, read), _column(new, read)
            shared = sorted(before.keys() & after.keys())
            numbers = numbered(problem for problem, _ in shared)
            try:
                found[f"{judge}/{name}"] = paired(
                    [before[at] for at in shared],
                    [after[at] for at in shared],
                    [numbers[problem] for problem, _ in shared],
                    n_unscored=len({p for p, _ in before.keys() ^ after.keys()}),
                    seed=self.seed,
                )
            except StatsError:
                continue
        return found

    def caveats(self, estimates: Mapping[str, Estimate]) -> Iterator[str]:
        """What was lost, and what nothing here can say."""
        for judge in self.judges():
            rows = [row for row in self.rows if row["judge"] == judge and "floor" not in row]
            lost = [row for row in rows if row["score"] is None]
            if lost:
                yield (
                    f"{judge}: {len(lost)} of {len(rows)} replies are unscored, since one criterion or more "
                    f"could not be judged (first: {lost[0].get('reason', 'unscored')})."
                )
            if judge == EXACT or any(key.startswith(f"judge/{judge}/") for key in estimates):
                continue
            why = (
                "it said nothing of the criteria that a rule decides"
                if any(row["exact"] for row in rows)
                else "no rule decides any of these criteria"
            )
            yield (
                f"{judge}: {why}, so nothing here says how often this judge errs; a share that it reports "
                "can be anything."
            )
        yield from self.unsaid


def _verdict(row: Row, known: Mapping[str, float]) -> Verdict:
    """A saved row as the verdict it was made of; `known` stands in for what the judge said."""
    scores = {key: known.get(key, score) for key, score in row["scores"].items()}
    if not scores:
        return Verdict(row["score"], row.get("reason", ""))
    parts = {key: Verdict(score) for key, score in scores.items()}
    scored = [score for score in scores.values() if score is not None]
    whole = sum(scored) / len(scored) if len(scored) == len(scores) else None
    return Verdict(whole, "", parts)


def _named(pitfall: bool, category: str) -> str:
    return "pitfall" if pitfall else category or "uncategorised"


def _score(row: Row) -> float | None:
    score: float | None = row["score"]
    return score


def _all(row: Row) -> float | None:
    """Whether every criterion is met; unscored with the reply."""
    if row["score"] is None:
        return None
    return float(
        all(s is not None and s >= 0.5 for s in row["scores"].values()) and row["score"] > 0
    )


def _column(rows: Sequence[Row], read: Callable[[Row], float | None]) -> Column:
    found = {(row["problem"], row["sample"]): read(row) for row in rows}
    return {at: value for at, value in found.items() if value is not None}
