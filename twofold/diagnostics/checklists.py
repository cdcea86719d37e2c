"""Do the replies meet their checklists, and how often does the judge who says so err?

A judged share is as good as its judge, so none stands alone here: beside it are what a bare answer and a
constant reply get from the same judge, and, wherever some criteria are decided by a rule, how the judge
does on those: sensitivity, specificity, kappa, and the share that it would report if it did not err.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import ClassVar, final

from twofold.diagnostics.diagnostic import Answer, Diagnostic, Subject
from twofold.errors import StatsError
from twofold.jsonl import Row
from twofold.judges import Judge, MeetsChecklist
from twofold.judges.beside import decided, numbered, undecided
from twofold.judges.followbench import followbench
from twofold.judges.healthbench import healthbench
from twofold.judges.spec import exact
from twofold.stats import agreement, corrected, mean, paired
from twofold.types import Comparison, Estimate, Finding, Problem, Response, Verdict

CHUNK = 32
"""Replies that are judged in one call and then saved."""

EXACT = "exact"
"""The label of the judge that errs never."""

FLOORS = ("bare_answer", "constant")

_MEASURES = {
    "sensitivity": agreement.sensitivity,
    "specificity": agreement.specificity,
    "kappa": agreement.kappa,
}


@final
@dataclass(frozen=True)
class Checklists(Diagnostic):
    """What a judge makes of the replies, criterion by criterion.

    Args:
        judge: Who judges.
        label: What the judge is called in tables: the spec it was asked for by. Rows of another judge
            stand beside these.
    """

    name: ClassVar[str] = "checklist"
    question: ClassVar[str] = (
        "Do the replies meet their checklists, and how often does the judge who says so err?"
    )
    needs_weights: ClassVar[bool] = False
    judge: Judge = field(default_factory=exact)
    label: str = EXACT

    def collect(self, subject: Subject, done: AbstractSet[str]) -> Iterator[Row]:
        """Judge every reply that was asked for with its constraints stated; see `Diagnostic.collect`."""
        return self.rows(subject.role, subject.problems, subject.answers, done)

    def rows(
        self,
        role: str,
        problems: Sequence[Problem],
        answers: Iterable[Answer],
        done: AbstractSet[str] = frozenset(),
    ) -> Iterator[Row]:
        """The rows of replies wherever they come from; the floors stand among those of `model`.

        Args:
            role: `model` or `against`.
            problems: What was asked.
            answers: The replies, taken one at a time.
            done: Keys of the rows that are on disk already.
        """
        by_id = {problem.id: problem for problem in problems}
        asked = chain(
            (
                (by_id[a.item.problem], a.response, a.item.sample, "")
                for a in answers
                if _is_judged(a, by_id[a.item.problem])
            ),
            _floors(problems) if role == "model" else (),
        )
        waiting = (
            each for each in asked if _key(self.label, each[0], each[2], each[3]) not in done
        )
        while chunk := list(islice(waiting, CHUNK)):
            of, replies = [p for p, *_ in chunk], [r for _, r, *_ in chunk]
            said = MeetsChecklist(self.judge)(of, replies)
            known = MeetsChecklist(exact())(of, replies)
            for (problem, _, sample, floor), told, true in zip(chunk, said, known, strict=True):
                row: Row = {
                    "role": role,
                    "key": _key(self.label, problem, sample, floor),
                    "judge": self.label,
                    "problem": problem.id,
                    "sample": sample,
                    "score": told.score,
                    "scores": _scores(told),
                    "exact": {k: s for k, s in _scores(true).items() if s is not None},
                }
                row |= {"floor": floor} if floor else {}
                row |= {"checklist": _digest(problem)}
                yield row | ({} if told.is_scored else {"reason": told.reason})

    def analyse(
        self, rows: Iterable[Row], problems: Sequence[Problem], *, seed: int = 0
    ) -> Finding:
        """Shares of criteria and of whole checklists, and the judge's own errors.

        Returns:
            By judge J: estimates `ROLE/J/mean` (weighted mean), `ROLE/J/all` (every criterion met),
            `ROLE/J/category/NAME`, and the same of each floor under `floor/J/FLOOR`; where rules decide
            some criteria and J is no rule itself, `judge/J/sensitivity`, `/specificity`, `/kappa` over both
            roles,
            `ROLE/J/decided` and `/decided_exact`, the share of those criteria met as judged and as it is, and
            `ROLE/J/open` and `/open_corrected`, the share of the others as judged and as it would be if
            the judge errs on them as on those; for the published files
            `ROLE/J/followbench/...` and `ROLE/J/healthbench/...` (see those modules), FollowBench with its
            rules where there are any, as published, and the judge elsewhere. Comparisons `J/mean` and
            `J/all`, model minus against; Holm over all.
        """
        by_id = {p.id: p for p in problems}
        saved = list(rows)
        about = [row for row in saved if row.get("checklist") == _digest(by_id[row["problem"]])]
        n_stale = len(saved) - len(about)
        work = _Analysis(about, by_id, seed)
        comparisons: dict[str, Comparison] = {}
        estimates: dict[str, Estimate] = {}
        for judge in work.judges():
            estimates |= dict(work.rates(judge))
            estimates |= dict(work.errors(judge))
            estimates |= dict(work.published(judge))
            comparisons |= work.changes(judge)
        return Finding(
            diagnostic=self.name,
            question=self.question,
            estimates=estimates,
            comparisons=corrected(comparisons),
            caveats=(*_nothing(list(by_id.values()), n_stale), *work.caveats(estimates)),
        )


def _nothing(problems: Sequence[Problem], n_stale: int) -> Iterator[str]:
    """Why there is less than a reader expects."""
    if problems and not any(problem.checklist for problem in problems):
        yield (
            "No problem here has a checklist, so nothing was judged; write them with `twofold checklist "
            "write`."
        )
    if n_stale:
        yield (
            f"{n_stale} saved verdicts are on other checklists than the problems have now, and are in no "
            "number."
        )


def _is_judged(answer: Answer, problem: Problem) -> bool:
    wanted = "stated" if problem.is_bound else "plain"
    return problem.checklist is not None and answer.item.condition == wanted


def _floors(problems: Sequence[Problem]) -> Iterator[tuple[Problem, Response, int, str]]:
    """What replies would get that do nothing for it."""
    answers = Counter(p.answer for p in problems if p.answer is not None)
    usual = min(answers, key=lambda a: (-answers[a], a)) if answers else "5"
    for problem in problems:
        if problem.checklist is None:
            continue
        texts = {"constant": f"\\boxed{{{usual}}}"}
        if problem.answer is not None:
            texts["bare_answer"] = f"\\boxed{{{problem.answer}}}"
        for name, text in texts.items():
            yield problem, Response(raw=text, reply=text), 0, name


def _key(label: str, problem: Problem, sample: int, floor: str) -> str:
    return "/".join(filter(None, (label, floor, problem.id, _digest(problem), str(sample))))


def _digest(problem: Problem) -> str:
    return problem.checklist.digest if problem.checklist else ""


def _scores(verdict: Verdict) -> dict[str, float | None]:
    return {key: part.score for key, part in verdict.parts.items()}


Column = dict[tuple[str, int], float]
"""A value for each (problem, sample) that has one."""


@final
@dataclass(frozen=True)
class _Analysis:
    rows: Sequence[Row]
    problems: Mapping[str, Problem]
    seed: int
    unsaid: list[str] = field(default_factory=list)
    """Why numbers are missing that a reader looks for; filled by `errors`."""

    def judges(self) -> list[str]:
        return sorted({row["judge"] for row in self.rows})

    def of(self, judge: str, role: str, floor: str | None = None) -> list[Row]:
        return [
            row
            for row in self.rows
            if row["judge"] == judge and row["role"] == role and row.get("floor") == floor
        ]

    def groups(self, judge: str) -> Iterator[tuple[str, list[Row]]]:
        """The replies that shares are taken over, and the floors', each by the head of its keys."""
        for role in ("model", "against"):
            yield f"{role}/{judge}", self.of(judge, role)
        for floor in FLOORS:
            yield f"floor/{judge}/{floor}", self.of(judge, "model", floor)

    def rates(self, judge: str) -> Iterator[tuple[str, Estimate]]:
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
        both = [row for role in ("model", "against") for row in self.of(judge, role)]
        known = decided(both)
        if not known.truth:
            return
        calibration = agreement.Calibration(known.judged, known.truth, known.of)
        for name, measure in _MEASURES.items():
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
        found: dict[str, Comparison] = {}
        old, new = self.of(judge, "against"), self.of(judge, "model")
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


def _column(rows: Sequence[Row], read: object) -> Column:
    assert callable(read)
    found = {(row["problem"], row["sample"]): read(row) for row in rows}
    return {at: value for at, value in found.items() if value is not None}
