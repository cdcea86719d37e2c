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
from twofold.errors import StatsError
from twofold.jsonl import Row
from twofold.methods.method import TrainingError
from twofold.problems import instruction_controls
from twofold.scorers import Compliant, Correct
from twofold.stats import chance_corrected, change, corrected, mean, paired
from twofold.types import Comparison, Estimate, Finding, FinishReason, Message, Problem, Response

HOLLOW = "Mind how the reply is written."
"""A sentence in the place of an instruction that says nothing."""

CONDITIONS = ("constrained", "unconstrained", "output_space", "empty", "delusive", "contrary")
"""How a problem is asked; the first two by the audit itself."""

AGAINST = ("unconstrained", "empty", "output_space", "delusive")
"""What `constrained` is held against."""


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
            Estimates `ROLE/CONDITION/met` (share of constraints, by problem) and `/accuracy`;
            `ROLE/chance_corrected` (stated over plain, as a share of what plain leaves);
            `ROLE/pair/passed` (told
            the rule it is met, told the opposite it is broken), `/pair/met`, `/pair/broken` and the
            floor `/pair/blind` (p(1 - p) with p how often the type is met by replies that were told
            nothing). Comparisons `ROLE/constrained_over/CONDITION`, `ROLE/pair_over_blind`;
            `change/...`, model minus baseline.
        """
        work = _Analysis(list(rows), [problem.id for problem in problems], seed)
        estimates: dict[str, Estimate] = {}
        comparisons: dict[str, Comparison] = {}
        for role in work.roles():
            estimates |= {f"{role}/{key}": e for key, e in work.rates(role)}
            comparisons |= {f"{role}/{key}": c for key, c in work.contrasts(role).items()}
        comparisons |= work.changes()
        return Finding(
            diagnostic=self.name,
            question=self.question,
            estimates=estimates,
            comparisons=comparisons,
            caveats=tuple(work.caveats()),
        )


def _asked(problem: Problem, subject: Subject) -> Iterator[tuple[str, Problem, list[Message]]]:
    """Every condition that makes sense for a problem, and its chat."""
    if problem.question_states_constraints:
        return
    for kind in ("output_space", "delusive"):
        try:
            chat = instruction_controls.prompt(problem, kind, subject.problems, subject.seed)
        except TrainingError:
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
class _Analysis:
    rows: Sequence[Row]
    order: Sequence[str]
    seed: int

    def roles(self) -> list[str]:
        return sorted({row["role"] for row in self.rows}, reverse=True)

    def column(self, role: str, condition: str, measure: str) -> dict[str, float]:
        """A measure by problem: `met` (mean over its constraints), `target` or `correct`."""
        found: dict[str, float] = {}
        for row in self.rows:
            if row["role"] == role and row["condition"] == condition:
                value = row.get(measure)
                if measure == "met":
                    scored = [score for score in value or [] if score is not None]
                    value = sum(scored) / len(scored) if scored else None
                if value is not None:
                    found[row["problem"]] = float(value)
        return found

    def rates(self, role: str) -> Iterator[tuple[str, Estimate]]:
        for condition in CONDITIONS:
            for measure, name in (("met", "met"), ("correct", "accuracy")):
                found = self.column(role, condition, measure)
                lost = self._n(role, condition) - len(found)
                if found:
                    yield f"{condition}/{name}", mean([*found.values()], n_unscored=lost)
        stated, plain = (
            self.column(role, "constrained", "met"),
            self.column(role, "unconstrained", "met"),
        )
        shared = sorted(stated.keys() & plain.keys())
        if shared and np.mean([plain[p] for p in shared]) < 1:
            with suppress(StatsError):
                before, after = [plain[p] for p in shared], [stated[p] for p in shared]
                yield "chance_corrected", chance_corrected(after, before, seed=self.seed)
        met, turned, passed, blind = self._pairs(role)
        lost = len(self._asked(role, "contrary")) - len(passed)
        for name, column in (
            ("passed", passed),
            ("met", met),
            ("broken", turned),
            ("blind", blind),
        ):
            if passed:
                yield f"pair/{name}", mean([*column.values()], n_unscored=lost, seed=self.seed)

    def _asked(self, role: str, condition: str) -> set[str]:
        """The problems that were asked under a condition, scored or not."""
        return {
            row["problem"]
            for row in self.rows
            if row["role"] == role and row["condition"] == condition
        }

    def _n(self, role: str, condition: str) -> int:
        return sum(row["role"] == role and row["condition"] == condition for row in self.rows)

    def _pairs(self, role: str) -> tuple[dict[str, float], ...]:
        """Of the problems with a pair: met when told, broken when told the opposite, both, blind."""
        told = self.column(role, "constrained", "target")
        turned = self.column(role, "contrary", "target")
        untold = self.column(role, "unconstrained", "target")
        types = {row["problem"]: row["type"] for row in self.rows}
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

    def contrasts(self, role: str) -> dict[str, Comparison]:
        """`constrained` minus each reduced instruction, and pairs minus their floor; Holm over all."""
        stated = self.column(role, "constrained", "met")
        columns = {
            f"constrained_over/{other}": (self.column(role, other, "met"), stated)
            for other in AGAINST
        }
        _, _, passed, blind = self._pairs(role)
        columns["pair_over_blind"] = (blind, passed)
        found = {}
        for key, (before, after) in columns.items():
            shared = sorted(before.keys() & after.keys())
            other = "contrary" if key == "pair_over_blind" else key.rpartition("/")[2]
            lost = len(self._asked(role, other) & self._asked(role, "constrained")) - len(shared)
            try:
                found[key] = paired(
                    [before[p] for p in shared],
                    [after[p] for p in shared],
                    n_unscored=lost,
                    seed=self.seed,
                )
            except StatsError:
                continue
        return corrected(found)

    def changes(self) -> dict[str, Comparison]:
        """How much each contrast moved, model minus baseline, by problem; Holm over all."""
        if set(self.roles()) != {"model", "baseline"}:
            return {}
        found = {}
        for key in (*(f"constrained_over/{other}" for other in AGAINST), "pair/passed"):
            old, new = (self._contrast(role, key) for role in ("baseline", "model"))
            shared = sorted(old.keys() & new.keys())
            other = "contrary" if key == "pair/passed" else key.rpartition("/")[2]
            lost = len(self._asked("baseline", other) | self._asked("model", other)) - len(shared)
            try:
                found[f"change/{key}"] = change(
                    [old[p] for p in shared],
                    [new[p] for p in shared],
                    n_unscored=lost,
                    seed=self.seed,
                )
            except StatsError:
                continue
        return corrected(found)

    def _contrast(self, role: str, key: str) -> dict[str, float]:
        if key == "pair/passed":
            return self._pairs(role)[2]
        stated = self.column(role, "constrained", "met")
        other = self.column(role, key.rpartition("/")[2], "met")
        return {p: stated[p] - other[p] for p in stated if p in other}

    def caveats(self) -> Iterator[str]:
        if not self.rows:
            yield "No problem states a constraint apart from its question: there is nothing to ablate."
        for role in self.roles():
            n = self._n(role, "constrained")
            if not n:
                yield f"{role}: no problem states a constraint apart from its question; nothing to ablate."
                continue
            without = sum(
                row["type"] is None
                for row in self.rows
                if row["role"] == role and row["condition"] == "constrained"
            )
            if without:
                yield (
                    f"{role}: {without} of {n} problems have no constraint with a natural opposite and are "
                    "in no pair."
                )
            asked = {condition: self._n(role, condition) for condition in CONDITIONS}
            scored = [c for c in asked if self.column(role, c, "met")]
            yield from unscored_in_words(role, asked, scored)
