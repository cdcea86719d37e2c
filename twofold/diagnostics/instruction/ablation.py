"""Does the model read the instruction, or does it know what outputs look like?

Each problem is asked again with its constraints' sentences reduced, replaced by an empty one, swapped
or negated; the reply is always scored against the true constraints. Replies without the instruction
(`unconstrained`) give the null rate; `output_space` names only the form of the output. Only a model that
reads obeys both a rule and its opposite.

Source: Kung and Peng 2023, "Do models really learn to follow instructions?" (arXiv 2305.11383): there
a random guess in the right output space gets 42.6 EM where instruction tuning gets 43, with few
examples a task. Departs: their task definitions are here the sentences that state constraints, and
nothing is trained (`twofold train sft` with `instructions:` does that). Pairs of a rule and its
opposite are ours.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, final

from twofold.diagnostics.diagnostic import Diagnostic, Subject
from twofold.diagnostics.instruction.contrary import contrary
from twofold.diagnostics.row_table import Column, RowTable, filed, holm_corrected
from twofold.errors import ProblemError, StatsError
from twofold.problems import instruction_controls
from twofold.scorers import Compliant, Correct
from twofold.stats import chance_corrected
from twofold.storage.jsonl import Row
from twofold.types import Contrast, Finding, Measure, Message, Problem, Response

HOLLOW = "Mind how the reply is written."  # An empty sentence in place of the instruction

# How a problem is asked; the first two by the audit itself
CONDITIONS = ("constrained", "unconstrained", "output_space", "empty", "delusive", "contrary")

# The instructions that say less than `constrained`
REDUCED = ("unconstrained", "empty", "output_space", "delusive")


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
        for answer in subject.first_answers(problems):
            condition, problem = answer.item.condition, problems[answer.item.problem]
            if f"{condition}/{problem.id}" not in done:
                yield _row(subject, condition, problem, answer.response, answer.correct)
        asked = {
            f"{condition}/{problem.id}": (condition, problem, chat)
            for problem in problems.values()
            for condition, chat in _asked(problem, subject)
        }
        chats = {key: chat for key, (_, _, chat) in asked.items()}
        for key, response in subject.ask(chats, done):
            condition, problem, _ = asked[key]
            correct = Correct()([problem], [response])[0].score if problem.answer else None
            yield _row(subject, condition, problem, response, correct)

    def analyse(
        self, rows: Iterable[Row], problems: Sequence[Problem], *, seed: int = 0
    ) -> Finding:
        """Compliance by condition, and what each part of the instruction is worth.

        Returns:
            Measures by condition: `met` (share of constraints, by problem) and `accuracy`;
            `chance_corrected`; `pair_passed` (the rule is met when stated and broken when its opposite
            is), `pair_met`, `pair_broken` and the floor `pair_blind` (p(1 - p) with p the null rate of
            the type). Contrasts: `met` under `constrained` versus each reduced instruction,
            `pair_passed` versus `pair_blind`, and both as `instruction_effect` and `pair_passed` of the
            model versus the baseline.
        """
        table = RowTable(list(rows), seed=seed)
        roles = table.roles()
        effects = [each for role in roles for each in holm_corrected(_effects(table, role))]
        return Finding(
            diagnostic=self.name,
            question=self.question,
            measures=[each for role in roles for each in _rates(table, role)],
            contrasts=[*effects, *holm_corrected(_changes(table))],
            caveats=tuple(_caveats(table)),
        )


def _asked(problem: Problem, subject: Subject) -> Iterator[tuple[str, list[Message]]]:
    """Every condition that applies to a problem, and its chat."""
    if problem.question_states_constraints:
        return
    for kind in ("output_space", "delusive"):
        try:
            chat = instruction_controls.prompt(problem, kind, subject.problems, subject.seed)
        except ProblemError:
            continue  # no other problem has other types
        yield kind, chat
    yield "empty", problem.messages(stated=[HOLLOW])
    target = _target(problem)
    if target is not None:
        said = list(problem.wordings or [c.instruction() for c in problem.constraints])
        said[target] = contrary(problem.constraints[target]) or ""
        yield "contrary", problem.messages(stated=said)


def _target(problem: Problem) -> int | None:
    """The constraint that is negated: the first that has an opposite."""
    return next((i for i, c in enumerate(problem.constraints) if contrary(c) is not None), None)


def _row(
    subject: Subject, condition: str, problem: Problem, response: Response, correct: float | None
) -> Row:
    (verdict,) = Compliant(how="all")([problem], [response])
    target = _target(problem)
    scores = [verdict.parts[k].score if verdict.parts else None for k in problem.constraint_keys]
    return subject.row(
        f"{condition}/{problem.id}",
        response,
        problem=problem.id,
        condition=condition,
        finish_reason=response.finish_reason.value,
        met=scores,
        target=None if target is None else scores[target],
        type=None if target is None else problem.constraints[target].name,
        correct=correct,
    )


def _rates(table: RowTable, role: str) -> Iterator[Measure]:
    for condition in CONDITIONS:
        for field, metric in (("met", "met"), ("correct", "accuracy")):
            yield from table.measure(role, condition, metric, table.column(role, condition, field))
    stated, null = (table.column(role, each, "met").values for each in CONDITIONS[:2])
    shared = sorted(stated.keys() & null.keys())
    before, after = [null[p] for p in shared], [stated[p] for p in shared]
    with suppress(StatsError):  # no problem has both, or the null rate is 1
        found = chance_corrected(after, before)
        yield from filed(role, "chance_corrected", found, condition="constrained")
    for metric, column in _pairs(table, role).items():
        yield from table.measure(role, "", metric, column)


def _pairs(table: RowTable, role: str) -> dict[str, Column]:
    """The measures of a rule and its opposite, on the problems that have both."""
    stated, contrary_, null = (
        table.column(role, each, "target") for each in ("constrained", "contrary", "unconstrained")
    )
    types = {row["problem"]: row["type"] for row in table.rows}
    by_type: dict[str, list[float]] = {}
    for problem, score in null.values.items():
        by_type.setdefault(types[problem], []).append(score)
    rate = {name: sum(scores) / len(scores) for name, scores in by_type.items()}
    pairs = [
        (problem, met, 1 - contrary_.values[problem], rate[types[problem]])
        for problem, met in stated.values.items()
        if problem in contrary_.values and types[problem] in rate
    ]
    columns = {
        "pair_passed": {problem: met * broken for problem, met, broken, _ in pairs},
        "pair_met": {problem: met for problem, met, _, _ in pairs},
        "pair_broken": {problem: broken for problem, _, broken, _ in pairs},
        "pair_blind": {problem: blind * (1 - blind) for problem, _, _, blind in pairs},
    }
    return {metric: Column(values, contrary_.asked) for metric, values in columns.items()}


def _effects(table: RowTable, role: str) -> Iterator[Contrast]:
    """`constrained` minus each reduced instruction, and pairs minus their floor."""
    for other in REDUCED:
        yield from table.within(role, other, "constrained", "met")
    pairs = _pairs(table, role)
    blind = Column(pairs["pair_blind"].values, table.column(role, "constrained", "target").asked)
    names = (role, "pair_blind", "", "pair_passed")
    yield from table.contrast(names, blind, pairs["pair_passed"])


def _changes(table: RowTable) -> Iterator[Contrast]:
    """How much each effect changed, model minus baseline, by problem."""
    for other in REDUCED:
        effect = partial(table.minus, first="constrained", second=other, field="met", asked=other)
        yield from table.changed(other, "instruction_effect", effect)
    yield from table.changed("", "pair_passed", lambda role: _pairs(table, role)["pair_passed"])


def _caveats(table: RowTable) -> Iterator[str]:
    if not table.rows:
        yield "No problem states a constraint outside its question, so there is nothing to ablate."
    for role in table.roles():
        types = [row["type"] for row in table.select(role, "constrained")]
        if not types:
            yield (
                f"{role}: no problem states a constraint outside its question, so there is nothing to "
                "ablate."
            )
            continue
        if n := types.count(None):
            yield (
                f"{role}: {n} of {len(types)} problems have no constraint with a natural opposite and "
                "are in no pair."
            )
        yield from table.unscored(role, "met", CONDITIONS)
