"""Do the replies meet their checklists, and how often does the judge who says so err?

A judged share is as good as its judge, so none stands alone here: beside it are what a bare answer and a
constant reply get from the same judge, and, wherever some criteria are decided by a rule, how the judge
does on those: sensitivity, specificity, kappa, and the share that it would report if it did not err.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import ClassVar, Self, final

from twofold.diagnostics.checklist.table import EXACT, Judged
from twofold.diagnostics.diagnostic import Diagnostic, ScoredResponse, Subject
from twofold.errors import RunError
from twofold.jsonl import Row, dumps
from twofold.judges import Judge, MeetsChecklist
from twofold.judges.cache import identity
from twofold.judges.spec import Programs, exact, named
from twofold.stats import corrected
from twofold.types import Comparison, Estimate, Finding, Problem, Response, Verdict

CHUNK = 32
"""Replies that are judged in one call and then saved."""


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

    @classmethod
    def by(cls, spec: str, programs: Programs | None = None) -> Self:
        """The judge that a text names, called by it; see `twofold.judges.spec.named`."""
        return cls(named(spec, programs), f"{spec}+{programs}" if programs else spec)

    def collect(self, subject: Subject, done: AbstractSet[str]) -> Iterator[Row]:
        """Judge every reply that was asked for with its constraints stated; see `Diagnostic.collect`.

        Raises:
            RunError: If the run holds verdicts of another judge that was called the same: another model
                behind the same address or in the same folder.
        """
        if any(k.startswith(f"{self.label}@") and not k.startswith(f"{self._mark}/") for k in done):
            raise RunError(
                f"the run holds verdicts of another judge that was called {self.label} too; delete "
                f"{self.table}.jsonl in it to judge again, or choose another --out"
            )
        return self.rows(subject.role, subject.problems, subject.answers, done)

    @property
    def _mark(self) -> str:
        """The label, with what decides the verdicts: a model's fingerprint, prompts, settings."""
        if self.label == EXACT:
            return EXACT
        content = dumps({"judge": identity(self.judge)})
        return f"{self.label}@{hashlib.sha256(content.encode()).hexdigest()[:8]}"

    def rows(
        self,
        role: str,
        problems: Sequence[Problem],
        answers: Iterable[ScoredResponse],
        done: AbstractSet[str] = frozenset(),
    ) -> Iterator[Row]:
        """The rows of replies wherever they come from; the floors stand among those of `model`.

        Args:
            role: `model` or `baseline`.
            problems: What was asked.
            answers: The replies, taken one at a time.
            done: Keys of the rows that are on disk already.
        """
        by_id = {problem.id: problem for problem in problems}
        mark = self._mark
        asked = chain(
            (
                (by_id[a.item.problem], a.response, a.item.sample, "")
                for a in answers
                if _is_judged(a, by_id[a.item.problem])
            ),
            _floors(problems) if role == "model" else (),
        )
        waiting = (each for each in asked if _key(mark, each[0], each[2], each[3]) not in done)
        while chunk := list(islice(waiting, CHUNK)):
            of, replies = [p for p, *_ in chunk], [r for _, r, *_ in chunk]
            said = MeetsChecklist(self.judge)(of, replies)
            known = MeetsChecklist(exact())(of, replies)
            for (problem, _, sample, floor), told, true in zip(chunk, said, known, strict=True):
                row: Row = {
                    "role": role,
                    "key": _key(mark, problem, sample, floor),
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
            `J/all`, model minus baseline; Holm over all.
        """
        by_id = {p.id: p for p in problems}
        saved = list(rows)
        about = [row for row in saved if row.get("checklist") == _digest(by_id[row["problem"]])]
        n_stale = len(saved) - len(about)
        work = Judged(about, by_id, seed)
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


def _is_judged(answer: ScoredResponse, problem: Problem) -> bool:
    wanted = "constrained" if problem.is_bound else "unconstrained"
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


def _key(mark: str, problem: Problem, sample: int, floor: str) -> str:
    return "/".join(filter(None, (mark, floor, problem.id, _digest(problem), str(sample))))


def _digest(problem: Problem) -> str:
    return problem.checklist.digest if problem.checklist else ""


def _scores(verdict: Verdict) -> dict[str, float | None]:
    return {key: part.score for key, part in verdict.parts.items()}
