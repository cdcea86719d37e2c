"""Does a longer chain dilute the instruction? Observed, intervened on, and by attention.

Observed: compliance against the tokens of the thought, within problems of one difficulty. Intervention:
the rules stated first or twice; the thought lengthened with empty sentences, cut to its later half, or
ended with the rules repeated, and the reply after it generated anew. Attention: of the reply's first
tokens.

Source: MathIF (Fu et al. 2025, arXiv 2505.14810), section 5: longer chains obey less, and repeating the
constraint after the chain recovers some of it, at a cost in accuracy. Departs: arms are paired by
problem and have a control of equal length (`padded`), a forced chain is first forced unchanged
(`as_is`), and observation is kept apart from intervention.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import cycle, islice
from typing import ClassVar, final

import numpy as np

from twofold.diagnostics.chain.edits import NEUTRAL
from twofold.diagnostics.chain.elicit import Asker
from twofold.diagnostics.chain.trace import Chain, chain_of
from twofold.diagnostics.diagnostic import Diagnostic, Subject
from twofold.diagnostics.instruction.attention import looked_at, spans
from twofold.diagnostics.row_table import Column, RowTable, holm_corrected
from twofold.scorers import Compliant, Correct
from twofold.stats import average, change
from twofold.storage.jsonl import Row
from twofold.types import (
    Contrast,
    Finding,
    Measure,
    Message,
    OpenModel,
    Problem,
    Response,
    Sampling,
)

# Each arm, and its control on the same problems
CONTROLS = {
    "first": "last",
    "twice": "last",
    "lengthened": "as_is",
    "lengthened_3": "as_is",
    "shortened": "as_is",
    "repeated": "padded",
    "padded": "as_is",
}

ARMS = tuple(dict.fromkeys(["last", "as_is", *CONTROLS]))  # Every arm; `last` is how the audit asks

Answer = tuple[Problem, Response]

CHUNK = 16  # replies that are continued before their rows are yielded


@final
@dataclass(frozen=True)
class Distance(Diagnostic):
    """Compliance by the distance between instruction and reply."""

    name: ClassVar[str] = "distance"
    question: ClassVar[str] = "Does a longer chain dilute the instruction?"
    needs_weights: ClassVar[bool] = False

    def collect(self, subject: Subject, done: AbstractSet[str]) -> Iterator[Row]:
        """Observed replies, arms and attention, one row each; see `Diagnostic.collect`."""
        problems = {
            p.id: p for p in subject.problems if p.constraints and not p.question_states_constraints
        }
        answers = [
            (problems[a.item.problem], a.response)
            for a in subject.first_answers(problems)
            if a.item.condition == "constrained"
        ]
        for problem, response in answers:
            if f"last/{problem.id}" not in done:
                yield _row(subject, "last", problem, response)
        yield from _prompted(subject, problems.values(), done)
        if isinstance(subject.model, OpenModel):
            yield from _forced(subject, subject.model, answers, done)
            yield from _looked(subject, subject.model, answers, done)

    def analyse(
        self, rows: Iterable[Row], problems: Sequence[Problem], *, seed: int = 0
    ) -> Finding:
        """Compliance by arm and by length of the thought, and attention.

        Returns:
            Measures, condition = arm (`last` is how the audit asks): `compliance` and `accuracy`;
            `compliance` after the shorter and the longer half of the thoughts of each difficulty
            (conditions `short_thought`, `long_thought`) and `long_minus_short`; `attention` to the
            `instruction`, to the `control` span, and to instructions that are `near` and `far`, in
            multiples of uniform attention. Contrasts: each arm versus its control, `instruction` versus
            `control`, and the model versus the baseline.
        """
        difficulty = {p.id: p.tags.get("difficulty", "") for p in problems}
        table = RowTable(list(rows), "arm", seed=seed)
        roles = table.roles()
        changes = (each for arm in ARMS for each in table.between(arm, "compliance"))
        return Finding(
            diagnostic=self.name,
            question=self.question,
            measures=[each for role in roles for each in _measures(table, role, difficulty)],
            contrasts=[
                *(each for role in roles for each in _effects(table, role)),
                *holm_corrected(changes),
            ],
            caveats=tuple(_caveats(table)),
        )


def _row(subject: Subject, arm: str, problem: Problem, response: Response) -> Row:
    (obeyed,) = Compliant(how="all")([problem], [response])
    has_answer = problem.answer is not None
    return subject.row(
        f"{arm}/{problem.id}",
        response,
        arm=arm,
        problem=problem.id,
        compliance=obeyed.score,
        accuracy=Correct()([problem], [response])[0].score if has_answer else None,
        thinking=response.n_thinking_tokens if response.thinking is not None else 0,
        finish_reason=response.finish_reason.value,
    )


def stated_text(problem: Problem) -> str:
    """The text that states the constraints, as `Problem.messages` joins it."""
    return " ".join(problem.wordings or [c.instruction() for c in problem.constraints])


def _prompted(
    subject: Subject, problems: Iterable[Problem], done: AbstractSet[str]
) -> Iterator[Row]:
    """The rules stated first, and stated twice."""
    asked = {
        f"{arm}/{problem.id}": (arm, problem, f"{stated_text(problem)}\n{chat[0]['content']}")
        for problem in problems
        for arm, chat in (("first", problem.messages(stated=())), ("twice", problem.messages()))
    }
    chats = {key: [Message(role="user", content=text)] for key, (_, _, text) in asked.items()}
    for key, response in subject.ask(chats, done):
        arm, problem, _ = asked[key]
        yield _row(subject, arm, problem, response)


def _forced(
    subject: Subject, model: OpenModel, answers: Sequence[Answer], done: AbstractSet[str]
) -> Iterator[Row]:
    """The model's own thought, unchanged and changed, each with a generated reply."""
    begun: list[tuple[str, Problem, tuple[int, ...]]] = []
    for problem, response in answers:
        chain = chain_of(model, model.render(problem.messages()), response)
        if isinstance(chain, Chain) and chain.closing:
            for arm, ids in _thoughts(Asker(model), chain, stated_text(problem)):
                begun.append((arm, problem, ids))
    for start in range(0, len(begun), CHUNK):
        chunk = begun[start : start + CHUNK]  # the same ones after any interruption
        if {f"{arm}/{problem.id}" for arm, problem, _ in chunk} <= done:
            continue
        stream = model.continued(
            [problem.messages() for _, problem, _ in chunk],
            [ids for _, _, ids in chunk],
            Sampling(max_tokens=subject.sampling.max_tokens),
            seed=subject.seed,
        )
        for i, response in stream:
            arm, problem, _ = chunk[i]
            if f"{arm}/{problem.id}" not in done:
                yield _row(subject, arm, problem, response)


def _thoughts(asker: Asker, chain: Chain, said: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The reply up to its visible part, for each arm."""
    head, body = chain.ids[: chain.cuts[0]], chain.ids[chain.cuts[0] :]
    neutral = [token for text in NEUTRAL for token in asker.encode(text)]
    again = asker.encode(f" {said}")
    half = chain.cuts[len(chain.pieces) // 2] - chain.cuts[0]

    def filler(n: int) -> tuple[int, ...]:
        return tuple(islice(cycle(neutral), n))

    arms = {
        "as_is": body,
        "lengthened": body + filler(len(body)),
        "lengthened_3": body + filler(3 * len(body)),
        "shortened": body[half:],
        "repeated": body + again,
        "padded": body + filler(len(again)),
    }
    for arm, ids in arms.items():
        yield arm, (*head, *ids, *chain.closing)


def _looked(
    subject: Subject, model: OpenModel, answers: Sequence[Answer], done: AbstractSet[str]
) -> Iterator[Row]:
    """The attention of each reply to a stated constraint."""
    for problem, response in answers:
        key = f"attention/{problem.id}"
        if key in done:
            continue
        row: Row = {"role": subject.role, "key": key, "arm": "attention", "problem": problem.id}
        where = spans(model, problem.messages(), stated_text(problem))
        if where is None or response.ids is None or not response.has_reply:
            yield row | {"reason": "no instruction after an equally long question, or no reply"}
            continue
        prompt = Asker(model).encode(model.render(problem.messages()))
        start = response.n_thinking_tokens or 0
        yield row | looked_at(model, prompt, response.ids, start, where)


def _measures(table: RowTable, role: str, difficulty: Mapping[str, str]) -> Iterator[Measure]:
    for arm in ARMS:
        for metric in ("compliance", "accuracy"):
            yield from table.measure(role, arm, metric, table.column(role, arm, metric))
    yield from _by_length(table, role, difficulty)
    columns = {
        each: table.column(role, "attention", each)
        for each in ("instruction", "control", "distance")
    }
    for span in ("instruction", "control"):
        yield from table.measure(role, span, "attention", columns[span], estimator=average)
    looked, distance = columns["instruction"].values, columns["distance"].values
    order = sorted(looked, key=lambda p: (distance[p], p))
    third = len(order) // 3
    for name, part in (("near", order[:third]), ("far", order[len(order) - third :])):
        column = Column.of({problem: looked[problem] for problem in part})
        yield from table.measure(role, name, "attention", column, estimator=average)


def _by_length(table: RowTable, role: str, difficulty: Mapping[str, str]) -> Iterator[Measure]:
    """Compliance after shorter and longer thoughts of problems of one difficulty."""
    obeyed = table.column(role, "last", "compliance").values
    tokens = table.column(role, "last", "thinking").values
    strata: dict[str, list[str]] = {}
    for problem in obeyed:
        if tokens.get(problem, 0) > 0:
            strata.setdefault(difficulty.get(problem, ""), []).append(problem)
    short: list[str] = []
    long: list[str] = []
    moved: dict[tuple[str, str], float] = {}
    for members in strata.values():
        members.sort(key=lambda p: (tokens[p], p))
        n = len(members) // 2
        halves = {"long": members[len(members) - n :], "short": members[:n]}
        short, long = short + halves["short"], long + halves["long"]
        if n:
            centre = float(np.mean([obeyed[p] for p in (*halves["short"], *halves["long"])]))
            for name, sign in (("long", 2), ("short", -2)):
                moved |= {(name, p): sign * (obeyed[p] - centre) for p in halves[name]}
    for condition, half in (("short_thought", short), ("long_thought", long)):
        column = Column.of({problem: obeyed[problem] for problem in half})
        yield from table.measure(role, condition, "compliance", column)
    yield from table.measure(role, "", "long_minus_short", Column.of(moved), estimator=average)


def _effects(table: RowTable, role: str) -> Iterator[Contrast]:
    """Each arm minus its control; one family for compliance and one for accuracy."""
    for metric in ("compliance", "accuracy"):
        yield from holm_corrected(
            each
            for arm, control in CONTROLS.items()
            for each in table.within(role, control, arm, metric)
        )
    control, instruction = (
        table.column(role, "attention", span) for span in ("control", "instruction")
    )
    names = (role, "control", "instruction", "attention")
    yield from table.contrast(names, control, instruction, test=change)


def _caveats(table: RowTable) -> Iterator[str]:
    if not table.rows:
        yield "No problem states a constraint outside its question, so none can be moved."
    for role in table.roles():
        there = table.select(role, "last")
        n = sum(row["thinking"] != 0 for row in there)  # None = of unknown length
        if not there:
            yield f"{role}: no problem states a constraint outside its question."
        elif n < 2:
            yield (
                f"{role}: {n} of {len(there)} replies think before they answer, so no chain lies between "
                "instruction and reply, and the measures of chains are left out."
            )
        elif n < len(there):
            yield (
                f"{role}: {n} of {len(there)} replies think before they answer; the arms that change "
                "chains rest on these alone."
            )
        yield from table.unscored(role, "compliance", ARMS)
    if any(row["arm"] == "attention" and "instruction" in row for row in table.rows):
        yield "Attention shows where a network looks, not why it obeys: read it beside the arms."
