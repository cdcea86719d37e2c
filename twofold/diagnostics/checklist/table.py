"""From a judge's saved verdicts to records: shares, floors, and the judge's errors. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import final

from twofold.diagnostics.checklist.followbench import followbench
from twofold.diagnostics.checklist.healthbench import healthbench
from twofold.diagnostics.checklist.rule_overlap import decided, numbered, undecided
from twofold.diagnostics.row_table import Column, compared, filed
from twofold.errors import StatsError
from twofold.problems.floors import FLOORS
from twofold.stats import agreement, mean, paired
from twofold.stats.agreement import THRESHOLD
from twofold.storage.jsonl import Row
from twofold.types import ALL, Contrast, Estimate, Measure, Problem, Slice, Verdict

EXACT = "exact"  # The label of the judge that uses rules only and makes no errors

JUDGE = "judge"  # The role of a judge's own errors


@final
@dataclass(frozen=True)
class Judged:
    """The rows of `checklist.jsonl` that are about the current checklists."""

    rows: Sequence[Row]
    problems: Mapping[str, Problem]
    seed: int
    missing: list[str] = field(default_factory=list)  # estimates that `errors` could not make

    def judges(self) -> list[str]:
        """The labels of all judges."""
        return sorted({row["judge"] for row in self.rows})

    def of(self, judge: str, role: str) -> list[Row]:
        """A judge's verdicts on the replies of a role or floor."""
        return [
            row
            for row in self.rows
            if row["judge"] == judge and row.get("floor", row["role"]) == role
        ]

    def groups(self, judge: str) -> Iterator[tuple[str, list[Row]]]:
        """The rows by role, the floors last."""
        for role in ("model", "baseline", *FLOORS):
            yield role, self.of(judge, role)

    def shares(self, judge: str) -> Iterator[Measure]:
        """Shares of criteria (all, and by category) and of whole checklists that are met."""
        for role, rows in self.groups(judge):
            found: dict[tuple[str, Slice], list[tuple[str, float | None]]] = {
                ("mean", ALL): [(row["problem"], row["score"]) for row in rows],
                ("all", ALL): [(row["problem"], _all(row)) for row in rows],
            }
            for category in self._categories():
                found["met", Slice("category", category)] = []
            for row in rows:
                for key, score in self._scores(row):
                    part = Slice("category", self._category(row["problem"], key))
                    found.get(("met", part), []).append((row["problem"], score))
            for (metric, part), scores in found.items():
                yield from filed(role, metric, self._mean(scores), condition=judge, slice=part)

    def _mean(self, found: Sequence[tuple[str, float | None]]) -> Estimate | None:
        """The mean of (problem, score) pairs; None if nothing is scored."""
        scored = [(problem, value) for problem, value in found if value is not None]
        if not scored:
            return None
        numbers = numbered(p for p, _ in scored)
        lost = len({p for p, _ in found}) - len(numbers)
        of = [numbers[p] for p, _ in scored]
        return mean([v for _, v in scored], of, n_unscored=lost)

    def _categories(self) -> list[str]:
        """The categories of all criteria; none if there is only one."""
        there = (c for p in self.problems.values() if p.checklist for c in p.checklist.criteria)
        names = {_named(c.pitfall, c.category) for c in there}
        return sorted(names) if len(names) > 1 else []

    def _scores(self, row: Row) -> Iterator[tuple[str, float | None]]:
        """The criteria's scores: None for an unscored reply; a blank one only avoids pitfalls."""
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

    def errors(self, judge: str) -> Iterator[Measure]:
        """The judge compared with the rules, and its shares corrected for its errors."""
        if judge == EXACT:
            return
        both = [row for role in ("model", "baseline") for row in self.of(judge, role)]
        known = decided(both)
        if not known.truth:
            return
        calibration = agreement.Calibration(known.judged, known.truth, known.of)
        for measure in (agreement.sensitivity, agreement.specificity, agreement.kappa):
            name = measure.__name__
            made = partial(measure, *known[:3], n_unscored=known.n_lost)
            yield from filed(JUDGE, name, self._tried(f"{judge}: no {name}", made), condition=judge)
        for role, rows in self.groups(judge):
            ruled, others = decided(rows), undecided(rows)
            for metric, items, values in (
                ("decided", ruled, ruled.judged),
                ("decided_exact", ruled, ruled.truth),
                ("open", others, others.judged),
            ):
                if values:
                    share = mean(values, items.of, n_unscored=items.n_lost)
                    yield from filed(role, metric, share, condition=judge)
            if others.judged and role not in FLOORS:  # errors on replies say nothing of the floors
                made = partial(
                    agreement.corrected_share,
                    others.judged,
                    calibration,
                    others.of,
                    n_unscored=others.n_lost,
                )
                found = self._tried(f"{judge}, {role}: no share corrected for its errors", made)
                yield from filed(role, "open_corrected", found, condition=judge)

    def _tried(self, complaint: str, made: Callable[[], Estimate]) -> Estimate | None:
        """The estimate; None and a caveat if it cannot be made."""
        try:
            return made()
        except StatsError as why:
            self.missing.append(f"{complaint}: {why}.")
            return None

    def published(self, judge: str) -> Iterator[Measure]:
        """The scores of FollowBench and HealthBench, where their problems were asked."""
        for role, rows in self.groups(judge):
            told = [(self.problems[row["problem"]], _verdict(row, {})) for row in rows]
            ruled = [(self.problems[row["problem"]], _verdict(row, row["exact"])) for row in rows]
            for (metric, part), estimate in followbench(ruled).items():
                yield from filed(role, metric, estimate, condition=judge, slice=part)
            for part, estimate in healthbench(told, seed=self.seed).items():
                yield from filed(role, "healthbench_score", estimate, condition=judge, slice=part)

    def changes(self, judge: str) -> Iterator[Contrast]:
        """Model minus baseline, paired by problem and sample."""
        for metric, read in (("mean", _score), ("all", _all)):
            before, after = (
                Column.of(
                    {(row["problem"], row["sample"]): read(row) for row in self.of(judge, role)}
                )
                for role in ("baseline", "model")
            )
            shared = sorted(before.values.keys() & after.values.keys())
            numbers = numbered(problem for problem, _ in shared)
            try:
                found = paired(
                    [before.values[at] for at in shared],
                    [after.values[at] for at in shared],
                    [numbers[problem] for problem, _ in shared],
                    n_unscored=len({p for p, _ in before.values.keys() ^ after.values.keys()}),
                    seed=self.seed,
                )
            except StatsError:
                continue
            yield from compared("model", "baseline", metric, found, condition=judge)

    def caveats(self, measures: Sequence[Measure]) -> Iterator[str]:
        """Unscored replies, and judges whose error rate is unknown."""
        checked = {each.condition for each in measures if each.role == JUDGE} | {EXACT}
        for judge in self.judges():
            rows = [row for row in self.rows if row["judge"] == judge and "floor" not in row]
            lost = [row for row in rows if row["score"] is None]
            if lost:
                yield (
                    f"{judge}: {len(lost)} of {len(rows)} replies are unscored, since at least one criterion "
                    f"could not be judged (first: {lost[0].get('reason', 'unscored')})."
                )
            if judge not in checked:
                why = (
                    "it gave no verdict on the criteria that a rule decides"
                    if any(row["exact"] for row in rows)
                    else "no rule decides any of these criteria"
                )
                yield f"{judge}: {why}, so this judge's error rate is unknown; do not rely on its shares."
        yield from self.missing


def _verdict(row: Row, known: Mapping[str, float]) -> Verdict:
    """A saved row as a verdict; `known` overrides what the judge said."""
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
    """Whether every criterion is met; None for an unscored reply."""
    if row["score"] is None:
        return None
    is_met = all(s is not None and s >= THRESHOLD for s in row["scores"].values())
    return float(is_met and row["score"] > 0)
