"""Does a longer chain dilute the instruction? Seen, caused, and looked at.

Seen: compliance against the tokens of the thought, within problems of one difficulty. Caused: the
same problem with the rules stated first or twice, and the same thought made longer with sentences
that say nothing, cut to its later half, or ended with the rules said again; the reply behind it is
drawn anew. Looked at: the attention of the reply's first tokens.

Source: MathIF (Fu et al. 2025, arXiv 2505.14810), section 5: longer chains obey less, and repeating the
constraint behind the chain brings some of it back, at a cost in accuracy. Departs: arms are paired by
problem and have a control that is as long (`padded`), a forced chain is first forced unchanged
(`as_is`), and what is only seen is kept apart from what was caused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from twofold.diagnostics.chain.edits import NEUTRAL
from twofold.diagnostics.chain.elicit import Asker
from twofold.diagnostics.chain.trace import Chain, chain_of
from twofold.diagnostics.diagnostic import Diagnostic, ScoredResponse, Subject
from twofold.diagnostics.instruction.attention import looked_at, spans
from twofold.diagnostics.lost import unscored_in_words
from twofold.diagnostics.row_table import Column, RowTable, compared, filed, holm_corrected
from twofold.scorers import Compliant, Correct
from twofold.stats import average, change, mean
from twofold.storage.jsonl import Row
from twofold.types import (
    Comparison,
    Contrast,
    Finding,
    FinishReason,
    Measure,
    Message,
    OpenModel,
    Problem,
    Response,
    Sampling,
)

CONTROLS = {
    "first": "last",
    "twice": "last",
    "lengthened": "as_is",
    "lengthened_3": "as_is",
    "shortened": "as_is",
    "repeated": "padded",
    "padded": "as_is",
}
"""Each arm, and the one that it is compared with on the same problems."""

ARMS = tuple(dict.fromkeys(["last", "as_is", *CONTROLS]))
"""Every arm; `last` is how the audit asks."""

CHUNK = 16
"""Replies that are continued before their rows are handed over."""


@final
@dataclass(frozen=True)
class Distance(Diagnostic):
    """Compliance by how far the instruction lies behind."""

    name: ClassVar[str] = "distance"
    question: ClassVar[str] = "Does a longer chain dilute the instruction?"
    needs_weights: ClassVar[bool] = False

    def collect(self, subject: Subject, done: AbstractSet[str]) -> Iterator[Row]:
        """Observed replies, arms and attention, one row each; see `Diagnostic.collect`."""
        problems = {
            p.id: p for p in subject.problems if p.constraints and not p.question_states_constraints
        }
        answers = [
            a
            for a in subject.answers
            if a.item.condition == "constrained"
            and a.item.sample == 0
            and a.item.problem in problems
        ]
        for answer in answers:
            key = f"last/{answer.item.problem}"
            if key not in done:
                yield _row(subject.role, "last", problems[answer.item.problem], answer.response)
        yield from _prompted(subject, list(problems.values()), done)
        if isinstance(subject.model, OpenModel):
            yield from _forced(subject, subject.model, problems, answers, done)
            yield from _looked(subject, subject.model, problems, answers, done)

    def analyse(
        self, rows: Iterable[Row], problems: Sequence[Problem], *, seed: int = 0
    ) -> Finding:
        """What was seen, what each arm does, where the network looks.

        Returns:
            Measures, condition = arm (`last` is how the audit asks): `compliance` and `accuracy`;
            `compliance` behind the shorter and the longer half of the thoughts of each difficulty
            (conditions `short_thought`, `long_thought`) and `long_minus_short`; `attention` to the
            `instruction`, to the `control` span, and to instructions that are `near` and `far`, in
            multiples of even attention. Contrasts: each arm versus its control, `instruction` versus
            `control`, and the model versus the baseline.
        """
        difficulty = {p.id: p.tags.get("difficulty", "") for p in problems}
        work = _Work(RowTable(list(rows), seed=seed), difficulty)
        measures = [each for role in work.table.roles() for each in work.role(role)]
        contrasts = [each for role in work.table.roles() for each in work.arms(role)]
        return Finding(
            diagnostic=self.name,
            question=self.question,
            measures=measures,
            contrasts=[*contrasts, *work.changes()],
            caveats=tuple(work.caveats()),
        )


def _row(role: str, arm: str, problem: Problem, response: Response) -> Row:
    (obeyed,) = Compliant(how="all")([problem], [response])
    (right,) = Correct()([problem], [response]) if problem.answer is not None else (None,)
    row: Row = {
        "role": role,
        "key": f"{arm}/{problem.id}",
        "arm": arm,
        "problem": problem.id,
        "compliance": obeyed.score,
        "accuracy": right.score if right else None,
        "thinking": response.n_thinking_tokens if response.thinking is not None else 0,
        "finish_reason": response.finish_reason.value,
    }
    return row | ({"retry": True} if response.finish_reason is FinishReason.failed else {})


def _said(problem: Problem) -> str:
    """What states the constraints, as `Problem.messages` joins it."""
    return " ".join(problem.wordings or [c.instruction() for c in problem.constraints])


def _prompted(
    subject: Subject, problems: Sequence[Problem], done: AbstractSet[str]
) -> Iterator[Row]:
    """The rules stated first, and stated twice."""
    asked: list[tuple[str, Problem, list[Message]]] = []
    for problem in problems:
        bare = problem.messages(stated=())[0]["content"]
        last = problem.messages()[0]["content"]
        for arm, text in (("first", bare), ("twice", last)):
            content = f"{_said(problem)}\n{text}"
            asked.append((arm, problem, [Message(role="user", content=content)]))
    keys = [f"{arm}/{problem.id}" for arm, problem, _ in asked]
    finished = {(i, 0) for i, key in enumerate(keys) if key in done}
    chats = [chat for _, _, chat in asked]
    stream = subject.model.stream(chats, subject.sampling, seed=subject.seed, done=finished)
    for i, _, response in stream:
        arm, problem, _ = asked[i]
        yield _row(subject.role, arm, problem, response)


def _forced(
    subject: Subject,
    model: OpenModel,
    problems: Mapping[str, Problem],
    answers: Sequence[ScoredResponse],
    done: AbstractSet[str],
) -> Iterator[Row]:
    """The own thought, unchanged and changed, and a reply drawn behind each."""
    begun: list[tuple[str, Problem, tuple[int, ...]]] = []
    for answer in answers:
        problem = problems[answer.item.problem]
        chain = chain_of(model, model.render(problem.messages()), answer.response)
        if isinstance(chain, Chain) and chain.closing:
            for arm, ids in _thoughts(Asker(model), chain, _said(problem)):
                begun.append((arm, problem, ids))
    for start in range(0, len(begun), CHUNK):
        chunk = begun[start : start + CHUNK]  # the same ones however often it was resumed
        keys = [f"{arm}/{problem.id}" for arm, problem, _ in chunk]
        if set(keys) <= done:
            continue
        sampling = Sampling(max_tokens=subject.sampling.max_tokens)
        stream = model.continued(
            [problem.messages() for _, problem, _ in chunk],
            [ids for _, _, ids in chunk],
            sampling,
            seed=subject.seed,
        )
        for i, response in stream:
            arm, problem, _ = chunk[i]
            if keys[i] not in done:
                yield _row(subject.role, arm, problem, response)


def _thoughts(asker: Asker, chain: Chain, said: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The reply up to where its visible part begins, for each arm."""
    head, body = chain.ids[: chain.cuts[0]], chain.ids[chain.cuts[0] :]
    neutral = [token for text in NEUTRAL for token in asker.encode(text)]
    again = asker.encode(f" {said}")

    def filler(n: int) -> tuple[int, ...]:
        return tuple(neutral[i % len(neutral)] for i in range(n))

    half = chain.cuts[len(chain.pieces) // 2] - chain.cuts[0]
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
    subject: Subject,
    model: OpenModel,
    problems: Mapping[str, Problem],
    answers: Sequence[ScoredResponse],
    done: AbstractSet[str],
) -> Iterator[Row]:
    """The attention of each stated reply."""
    for answer in answers:
        problem, response = problems[answer.item.problem], answer.response
        key = f"attention/{problem.id}"
        if key in done:
            continue
        row: Row = {
            "role": subject.role,
            "key": key,
            "arm": "attention",
            "problem": problem.id,
        }
        where = spans(model, problem.messages(), _said(problem))
        if where is None or response.ids is None or not response.has_reply:
            yield row | {"reason": "no instruction with a question as long before it, or no reply"}
            continue
        prompt = Asker(model).encode(model.render(problem.messages()))
        start = response.n_thinking_tokens or 0
        yield row | looked_at(model, prompt, response.ids, start, where)


@final
@dataclass(frozen=True)
class _Work:
    """One analysis of the arms."""

    table: RowTable
    difficulty: Mapping[str, str]

    def _column(self, role: str, arm: str, measure: str) -> Column:
        return self.table.column(measure, role, arm=arm)

    def role(self, role: str) -> Iterator[Measure]:
        for arm in ARMS:
            n = len(self.table.asked(role, arm=arm))
            for metric in ("compliance", "accuracy"):
                rate = self.table.mean(self._column(role, arm, metric), n)
                yield from filed(role, metric, rate, condition=arm)
        yield from self._seen(role)
        yield from self._attention(role)

    def _seen(self, role: str) -> Iterator[Measure]:
        """Compliance behind shorter and longer thoughts of problems of one difficulty."""
        obeyed = self._column(role, "last", "compliance")
        tokens = self._column(role, "last", "thinking")
        strata: dict[str, list[str]] = {}
        for problem in obeyed:
            if tokens.get(problem, 0) > 0:
                strata.setdefault(self.difficulty.get(problem, ""), []).append(problem)
        halves: dict[str, list[float]] = {"short_thought": [], "long_thought": []}
        moved: list[float] = []
        for members in strata.values():
            members.sort(key=lambda p: (tokens[p], p))
            n = len(members) // 2
            if not n:
                continue
            short, long = members[:n], members[-n:]
            halves["short_thought"] += [obeyed[p] for p in short]
            halves["long_thought"] += [obeyed[p] for p in long]
            centre = float(np.mean([obeyed[p] for p in (*short, *long)]))
            moved += [2 * (obeyed[p] - centre) for p in long]
            moved += [-2 * (obeyed[p] - centre) for p in short]
        for condition, values in halves.items():
            if values:
                rate = mean(values, seed=self.table.seed)
                yield from filed(role, "compliance", rate, condition=condition)
        yield from self._average(role, "long_minus_short", moved)

    def _average(
        self, role: str, metric: str, values: Sequence[float], lost: int = 0, condition: str = ""
    ) -> Iterator[Measure]:
        if len(values) > 1:
            found = average(values, n_unscored=lost, seed=self.table.seed)
            yield from filed(role, metric, found, condition=condition)

    def _attention(self, role: str) -> Iterator[Measure]:
        n = len(self.table.asked(role, arm="attention"))
        for span in ("instruction", "control"):
            looked = [*self._column(role, "attention", span).values()]
            yield from self._average(role, "attention", looked, n - len(looked), span)
        distance = self._column(role, "attention", "distance")
        found = self._column(role, "attention", "instruction")
        order = sorted(found, key=lambda p: (distance[p], p))
        third = len(order) // 3
        for name, part in (("near", order[:third]), ("far", order[-third:] if third else [])):
            yield from self._average(role, "attention", [found[p] for p in part], condition=name)

    def arms(self, role: str) -> Iterator[Contrast]:
        """Each arm minus its control; Holm over compliance and over accuracy apart."""
        for metric in ("compliance", "accuracy"):
            family: list[Contrast] = []
            for arm, control in CONTROLS.items():
                found = self._paired((role, control), (role, arm), metric)
                family += compared(role, control, metric, found, condition=arm)
            yield from holm_corrected(family)
        old, new = (self._column(role, "attention", span) for span in ("control", "instruction"))
        if len(old) > 1:
            n = len(self.table.asked(role, arm="attention"))
            found = self.table.paired(old, new, n, change)
            yield from compared(role, "control", "attention", found, condition="instruction")

    def changes(self) -> list[Contrast]:
        """Compliance of each arm, model minus baseline; Holm over the arms."""
        if not self.table.is_pair:
            return []
        found: list[Contrast] = []
        for arm in ARMS:
            moved = self._paired(("baseline", arm), ("model", arm), "compliance")
            found += compared("model", "baseline", "compliance", moved, condition=arm)
        return holm_corrected(found)

    def _paired(self, old: tuple[str, str], new: tuple[str, str], metric: str) -> Comparison | None:
        """One arm (`role, arm`) minus another on the problems that both were asked."""
        asked = [self.table.asked(role, arm=arm) for role, arm in (old, new)]
        return self.table.paired(
            self._column(*old, metric), self._column(*new, metric), len(asked[0] & asked[1])
        )

    def caveats(self) -> Iterator[str]:
        if not self.table.rows:
            yield "No problem states a constraint apart from its question: none is far from a reply."
        for role in self.table.roles():
            there = [row for row in self.table.rows if row["role"] == role and row["arm"] == "last"]
            thought = sum(row["thinking"] != 0 for row in there)  # None = of unknown length
            if not there:
                yield f"{role}: no problem states a constraint apart from its question."
            elif thought < 2:
                yield (
                    f"{role}: {thought} of {len(there)} replies think before they answer, so no chain "
                    "lies between instruction and reply: the arms on chains and what is seen are left "
                    "out."
                )
            elif thought < len(there):
                yield (
                    f"{role}: {thought} of {len(there)} replies think before they answer; the arms on "
                    "chains rest on these alone."
                )
            rows = {
                arm: len(self.table.asked(role, arm=arm)) for arm in ("last", "as_is", *CONTROLS)
            }
            scored = [arm for arm in rows if self._column(role, arm, "compliance")]
            yield from unscored_in_words(role, rows, scored)
        if any(row["arm"] == "attention" and "instruction" in row for row in self.table.rows):
            yield "Attention is where a network looks, not why it obeys: read it beside the arms."
