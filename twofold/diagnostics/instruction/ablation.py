"""Does the model read the instruction, or does it know what outputs look like?

Each problem is asked again with its constraints' sentences reduced, emptied, swapped and turned
round; the reply is always held against the true constraints. What a reply gets that was never told
of them (`unconstrained`) is the null; what the mere name of the form brings (`output_space`) is not
understanding either; and a rule and its opposite are both obeyed only by a reader.

Source: Kung and Peng 2023, "Do models really learn to follow instructions?" (arXiv 2305.11383): there
a random guess in the right output space gets 42.6 EM where instruction tuning gets 43, with few
examples a task. Departs: their task definitions are here the sentences that state constraints, and
nothing is trained (`twofold train sft` with `instructions:` does that). Pairs of a rule and its
opposite are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from twofold.diagnostics.diagnostic import Diagnostic, Subject
from twofold.diagnostics.instruction.contrary import contrary
from twofold.diagnostics.lost import unscored_in_words
from twofold.diagnostics.row_table import Column, RowTable, compared, filed, holm_corrected
from twofold.errors import ProblemError, StatsError
from twofold.problems import instruction_controls
from twofold.scorers import Compliant, Correct
from twofold.stats import chance_corrected, change
from twofold.storage.jsonl import Row
from twofold.types import Contrast, Finding, FinishReason, Measure, Message, Problem, Response

HOLLOW = "Mind how the reply is written."
"""A sentence in the place of an instruction that says nothing."""

CONDITIONS = ("constrained", "unconstrained", "output_space", "empty", "delusive", "contrary")
"""How a problem is asked; the first two by the audit itself."""

REDUCED = ("unconstrained", "empty", "output_space", "delusive")
"""The instructions that say less than `constrained`."""


@final
@dataclass(frozen=True)
class Ablation(Diagnostic):
    """The same problems with the instruction taken away piece by piece."""

    name: ClassVar[str] = "ablation"
    question: ClassVar[str] = (
        "Does the model read the instruction, or does it know what outputs look like?"
    )
    needs_weights: ClassVar[bool] = False

    def collect(self, subject: Subject, done: AbstractSet[str]) -> Iterator[Row]:
        """Ask under each condition; see `Diagnostic.collect`."""
        problems = {problem.id: problem for problem in subject.problems if problem.constraints}
        for answer in subject.answers:
            item = answer.item
            key = f"{item.condition}/{item.problem}"
            if item.sample == 0 and item.problem in problems and key not in done:
                row = _row(subject.role, item.condition, problems[item.problem], answer.response)
                yield row | {"correct": answer.correct}
        asked = [each for problem in problems.values() for each in _asked(problem, subject)]
        keys = [f"{condition}/{problem.id}" for condition, problem, _ in asked]
        finished = {(i, 0) for i, key in enumerate(keys) if key in done}
        stream = subject.model.stream(
            [chat for _, _, chat in asked], subject.sampling, seed=subject.seed, done=finished
        )
        for i, _, response in stream:
            condition, problem, _ = asked[i]
            (verdict,) = Correct()([problem], [response]) if problem.answer else (None,)
            row = _row(subject.role, condition, problem, response)
            yield row | {"correct": verdict.score if verdict else None}

    def analyse(
        self, rows: Iterable[Row], problems: Sequence[Problem], *, seed: int = 0
    ) -> Finding:
        """Compliance by condition, and what each part of the instruction is worth.

        Returns:
            Measures by condition: `met` (share of constraints, by problem) and `accuracy`;
            `chance_corrected`; `pair_passed` (told the rule it is met, told the opposite it is broken),
            `pair_met`, `pair_broken` and the floor `pair_blind` (p(1 - p) with p how often the type is
            met by replies that were told nothing). Contrasts: `met` under `constrained` versus each
            reduced instruction, `pair_passed` versus `pair_blind`, and both once more as
            `instruction_effect` and `pair_passed` of the model versus the baseline.
        """
        work = _Work(RowTable(list(rows), seed=seed))
        measures = [each for role in work.table.roles() for each in work.rates(role)]
        contrasts = [each for role in work.table.roles() for each in work.contrasts(role)]
        return Finding(
            diagnostic=self.name,
            question=self.question,
            measures=measures,
            contrasts=[*contrasts, *work.changes()],
            caveats=tuple(work.caveats()),
        )


def _asked(problem: Problem, subject: Subject) -> Iterator[tuple[str, Problem, list[Message]]]:
    """Every condition that makes sense for a problem, and its chat."""
    if problem.question_states_constraints:
        return
    for kind in ("output_space", "delusive"):
        try:
            chat = instruction_controls.prompt(problem, kind, subject.problems, subject.seed)
        except ProblemError:
            continue  # no other problem has other types
        yield kind, problem, chat
    yield "empty", problem, problem.messages(stated=[HOLLOW])
    target = _target(problem)
    if target is not None:
        said = list(problem.wordings or [c.instruction() for c in problem.constraints])
        said[target] = contrary(problem.constraints[target]) or ""
        yield "contrary", problem, problem.messages(stated=said)


def _target(problem: Problem) -> int | None:
    """The constraint that is turned round: the first that has an opposite."""
    return next((i for i, c in enumerate(problem.constraints) if contrary(c) is not None), None)


def _row(role: str, condition: str, problem: Problem, response: Response) -> Row:
    (verdict,) = Compliant(how="all")([problem], [response])
    target = _target(problem)
    scores = [verdict.parts[k].score if verdict.parts else None for k in problem.constraint_keys]
    row: Row = {
        "role": role,
        "key": f"{condition}/{problem.id}",
        "problem": problem.id,
        "condition": condition,
        "finish_reason": response.finish_reason.value,
        "met": scores,
        "target": None if target is None else scores[target],
        "type": None if target is None else problem.constraints[target].name,
    }
    return row | ({"retry": True} if response.finish_reason is FinishReason.failed else {})


@final
@dataclass(frozen=True)
class _Work:
    """One analysis of the ablations."""

    table: RowTable

    def _column(self, role: str, condition: str, measure: str = "met") -> Column:
        return self.table.column(measure, role, condition=condition)

    def _asked(self, role: str, condition: str) -> set[str]:
        return self.table.asked(role, condition=condition)

    def _n(self, role: str, condition: str) -> int:
        return sum(1 for _ in self.table.select(role, condition=condition))

    def rates(self, role: str) -> Iterator[Measure]:
        for condition in CONDITIONS:
            n = self._n(role, condition)
            for field, metric in (("met", "met"), ("correct", "accuracy")):
                rate = self.table.mean(self._column(role, condition, field), n)
                yield from filed(role, metric, rate, condition=condition)
        told, untold = self._column(role, "constrained"), self._column(role, "unconstrained")
        shared = sorted(told.keys() & untold.keys())
        if shared and np.mean([untold[p] for p in shared]) < 1:
            with suppress(StatsError):
                before, after = [untold[p] for p in shared], [told[p] for p in shared]
                found = chance_corrected(after, before, seed=self.table.seed)
                yield from filed(role, "chance_corrected", found, condition="constrained")
        met, broken, passed, blind = self._pairs(role)
        n = len(self._asked(role, "contrary"))
        for metric, column in (
            ("pair_passed", passed),
            ("pair_met", met),
            ("pair_broken", broken),
            ("pair_blind", blind),
        ):
            yield from filed(role, metric, self.table.mean(column, n))

    def _pairs(self, role: str) -> tuple[Column, ...]:
        """Of the problems with a pair: met when told, broken when told the opposite, both, blind."""
        told = self._column(role, "constrained", "target")
        turned = self._column(role, "contrary", "target")
        untold = self._column(role, "unconstrained", "target")
        types = {row["problem"]: row["type"] for row in self.table.rows}
        by_type: dict[str, list[float]] = {}
        for problem, score in untold.items():
            by_type.setdefault(types[problem], []).append(score)
        rate = {name: sum(scores) / len(scores) for name, scores in by_type.items()}
        shared = [p for p in told if p in turned and types[p] in rate]
        return (
            {p: told[p] for p in shared},
            {p: 1 - turned[p] for p in shared},
            {p: told[p] * (1 - turned[p]) for p in shared},
            {p: rate[types[p]] * (1 - rate[types[p]]) for p in shared},
        )

    def contrasts(self, role: str) -> list[Contrast]:
        """`constrained` minus each reduced instruction, and pairs minus their floor; Holm over all."""
        told, asked = self._column(role, "constrained"), self._asked(role, "constrained")
        found: list[Contrast] = []
        for other in REDUCED:
            n = len(self._asked(role, other) & asked)
            effect = self.table.paired(self._column(role, other), told, n)
            found += compared(role, other, "met", effect, condition="constrained")
        _, _, passed, blind = self._pairs(role)
        n = len(self._asked(role, "contrary") & asked)
        found += compared(role, "pair_blind", "pair_passed", self.table.paired(blind, passed, n))
        return holm_corrected(found)

    def changes(self) -> list[Contrast]:
        """How much each contrast moved, model minus baseline, by problem; Holm over all."""
        if not self.table.is_pair:
            return []
        found: list[Contrast] = []
        for other in REDUCED:
            old, new = (self._effect(role, other) for role in ("baseline", "model"))
            n = len(self._asked("baseline", other) | self._asked("model", other))
            moved = self.table.paired(old, new, n, change)
            found += compared("model", "baseline", "instruction_effect", moved, condition=other)
        old, new = (self._pairs(role)[2] for role in ("baseline", "model"))
        n = len(self._asked("baseline", "contrary") | self._asked("model", "contrary"))
        found += compared(
            "model", "baseline", "pair_passed", self.table.paired(old, new, n, change)
        )
        return holm_corrected(found)

    def _effect(self, role: str, other: str) -> Column:
        """Met under `constrained` minus met under a reduced instruction."""
        told, reduced = self._column(role, "constrained"), self._column(role, other)
        return {p: told[p] - reduced[p] for p in told if p in reduced}

    def caveats(self) -> Iterator[str]:
        if not self.table.rows:
            yield "No problem states a constraint apart from its question: there is nothing to ablate."
        for role in self.table.roles():
            n = self._n(role, "constrained")
            if not n:
                yield f"{role}: no problem states a constraint apart from its question; nothing to ablate."
                continue
            without = sum(
                row["type"] is None
                for row in self.table.rows
                if row["role"] == role and row["condition"] == "constrained"
            )
            if without:
                yield (
                    f"{role}: {without} of {n} problems have no constraint with a natural opposite and are "
                    "in no pair."
                )
            asked = {condition: self._n(role, condition) for condition in CONDITIONS}
            scored = [c for c in asked if self.table.column("met", role, condition=c)]
            yield from unscored_in_words(role, asked, scored)
