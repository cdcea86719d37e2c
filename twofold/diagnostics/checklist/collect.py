"""Do the replies meet their checklists, and how often is the judge wrong?

A judged share is only as good as its judge. The same judge scores the floors (a bare answer and a
constant reply). If rules decide some criteria, the judge's sensitivity, specificity and kappa on these
correct its shares.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import ClassVar, Self, final

from twofold.diagnostics.checklist.table import EXACT, Judged
from twofold.diagnostics.diagnostic import Diagnostic, ScoredResponse, Subject
from twofold.diagnostics.row_table import holm_corrected
from twofold.errors import RunError
from twofold.judges import Judge, MeetsChecklist
from twofold.judges.cache import identity
from twofold.judges.spec import Programs, exact, judge_named
from twofold.problems.floors import floor_replies
from twofold.storage.jsonl import Row, dumps
from twofold.types import Finding, FinishReason, Problem, Response, Verdict

CHUNK = 32  # replies judged in one call and then saved


@final
@dataclass(frozen=True)
class Checklists(Diagnostic):
    """A judge's verdict on every criterion of every reply.

    Args:
        judge: The judge.
        label: Its name in rows and tables: its spec. One run can hold rows of several judges.
    """

    name: ClassVar[str] = "checklist"
    question: ClassVar[str] = (
        "Do the replies meet their checklists, and how often is the judge wrong?"
    )
    needs_weights: ClassVar[bool] = False
    judge: Judge = field(default_factory=exact)
    label: str = EXACT

    @classmethod
    def by(cls, spec: str, programs: Programs | None = None) -> Self:
        """The judge that a spec names, labelled with it; see `twofold.judges.spec.judge_named`."""
        return cls(judge_named(spec, programs), f"{spec}+{programs}" if programs else spec)

    def collect(self, subject: Subject, done: AbstractSet[str]) -> Iterator[Row]:
        """Judge every reply whose prompt stated the constraints; see `Diagnostic.collect`.

        Raises:
            RunError: If the run holds verdicts of another judge with the same label, e.g. another model
                at the same address, or those that version 0.1.0 made.
        """
        if any(k.startswith(f"{self.label}@") and not k.startswith(f"{self._mark}/") for k in done):
            raise RunError(
                f"the run holds verdicts of a different judge that is also called {self.label} (or those "
                f"of an older twofold); delete {self.table}.jsonl in it to judge again, or choose another "
                "--out"
            )
        return self.rows(subject.role, subject.problems, subject.answers, done)

    @property
    def _mark(self) -> str:
        """The label with a hash of what determines the verdicts: model, prompts, settings."""
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
        """The rows of any replies; the floors are judged once, with the role `model`."""
        by_id = {problem.id: problem for problem in problems}
        mark = self._mark
        asked = chain(
            (
                (by_id[a.item.problem], a.response, a.item.sample, "")
                for a in answers
                if _is_judged(a, by_id[a.item.problem])
            ),
            (
                (problem, Response(raw=reply, reply=reply), 0, floor)
                for floor, problem, reply in (floor_replies(problems) if role == "model" else ())
                if problem.checklist is not None
            ),
        )
        keyed = ((_key(mark, each[0], each[2], each[3]), each) for each in asked)
        waiting = ((key, each) for key, each in keyed if key not in done)
        while chunk := list(islice(waiting, CHUNK)):
            of, replies = [p for _, (p, *_) in chunk], [r for _, (_, r, *_) in chunk]
            said = MeetsChecklist(self.judge)(of, replies)
            known = MeetsChecklist(exact())(of, replies)
            for (key, (problem, reply, sample, floor)), told, true in zip(
                chunk, said, known, strict=True
            ):
                yield {
                    "role": role,
                    "key": key,
                    "judge": self.label,
                    "problem": problem.id,
                    "sample": sample,
                    "score": told.score,
                    "scores": _scores(told),
                    "exact": {k: s for k, s in _scores(true).items() if s is not None},
                    **({"floor": floor} if floor else {}),
                    "checklist": _digest(problem),
                    "parts": {key: part.to_json() for key, part in told.parts.items()},
                    **({} if told.is_scored else {"reason": told.reason}),
                    **({"retry": True} if self._is_asked_again(told, reply) else {}),
                }

    def _is_asked_again(self, told: Verdict, reply: Response) -> bool:
        """Whether the same command judges a reply again: what a server that was down may still decide.

        As in `CachedJudge`, that is whatever is unscored: a verdict does not show whether a server
        was down or the judge will never know. Rules never change their mind, and a thought that
        never ended stays without a reply.
        """
        if told.is_scored:
            return False
        has_failed = reply.finish_reason is FinishReason.failed
        return has_failed or (reply.has_reply and self.label != EXACT)

    def analyse(
        self, rows: Iterable[Row], problems: Sequence[Problem], *, seed: int = 0
    ) -> Finding:
        """Shares of criteria and of whole checklists, and the judge's errors.

        Returns:
            The condition is the judge's label. For each role and floor: `mean` (weighted mean), `all`
            (every criterion met), `met` by category, `followbench_...` (by its published rules where
            there are any) and `healthbench_score`. If rules decide some criteria and the judge is a model:

            - role `judge`: `sensitivity`, `specificity`, `kappa`, over the replies of both roles;
            - `decided`, `decided_exact`: the share of those criteria met, by the judge and by the rules;
            - `open`, `open_corrected`: the share of the other criteria met, by the judge and corrected
              for its errors, assuming the same errors on these criteria.

            Contrasts `mean` and `all`, one Holm family.
        """
        by_id = {p.id: p for p in problems}
        saved = list(rows)
        current = [row for row in saved if row.get("checklist") == _digest(by_id[row["problem"]])]
        work = Judged(current, by_id, seed)
        made = [(work.shares(j), work.errors(j), work.published(j)) for j in work.judges()]
        measures = [measure for parts in made for part in parts for measure in part]
        contrasts = [contrast for judge in work.judges() for contrast in work.changes(judge)]
        n_stale = len(saved) - len(current)
        return Finding(
            diagnostic=self.name,
            question=self.question,
            measures=measures,
            contrasts=holm_corrected(contrasts),
            caveats=(*_absent(problems, n_stale), *work.caveats(measures)),
        )


def _absent(problems: Sequence[Problem], n_stale: int) -> Iterator[str]:
    """Why results may be missing."""
    if problems and not any(problem.checklist for problem in problems):
        yield (
            "No problem here has a checklist, so nothing was judged; write them with `twofold checklist "
            "write`."
        )
    if n_stale:
        yield (
            f"{n_stale} saved verdicts are about checklists that have changed since; they are left out."
        )


def _is_judged(answer: ScoredResponse, problem: Problem) -> bool:
    wanted = "constrained" if problem.is_bound else "unconstrained"
    return problem.checklist is not None and answer.item.condition == wanted


def _key(mark: str, problem: Problem, sample: int, floor: str) -> str:
    return "/".join(filter(None, (mark, floor, problem.id, _digest(problem), str(sample))))


def _digest(problem: Problem) -> str:
    return problem.checklist.digest if problem.checklist else ""


def _scores(verdict: Verdict) -> dict[str, float | None]:
    return {key: part.score for key, part in verdict.parts.items()}
