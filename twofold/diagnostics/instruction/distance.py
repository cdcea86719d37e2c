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
from twofold.errors import StatsError
from twofold.jsonl import Row
from twofold.scorers import Compliant, Correct
from twofold.stats import average, change, corrected, mean, paired
from twofold.types import (
    Comparison,
    Estimate,
    Finding,
    FinishReason,
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
"""Each arm, and the one that it is held against on the same problems."""

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
            Estimates `ROLE/ARM/compliance` and `/accuracy` (`last` is how the audit asks);
            `ROLE/seen/short` and `/long` (compliance behind the shorter and the longer half of the
            thoughts of each difficulty) and `ROLE/seen/long_minus_short`; `ROLE/attention/...`
            (multiples of even attention; `near` and `far` by distance). Comparisons `ROLE/ARM`
            (compliance, arm minus its control), `ROLE/cost/ARM` (accuracy),
            `ROLE/attention_over_control`; `change/ARM`, model minus baseline.
        """
        work = _Analysis(list(rows), {p.id: p.tags.get("difficulty", "") for p in problems}, seed)
        estimates: dict[str, Estimate] = {}
        comparisons: dict[str, Comparison] = {}
        for role in work.roles():
            estimates |= {f"{role}/{key}": e for key, e in work.role(role)}
            comparisons |= {f"{role}/{key}": c for key, c in work.arms(role).items()}
        return Finding(
            diagnostic=self.name,
            question=self.question,
            estimates=estimates,
            comparisons=comparisons | work.changes(),
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
class _Analysis:
    rows: Sequence[Row]
    difficulty: Mapping[str, str]
    seed: int

    def roles(self) -> list[str]:
        return sorted({row["role"] for row in self.rows}, reverse=True)

    def column(self, role: str, arm: str, measure: str) -> dict[str, float]:
        """A measure by problem; what is unscored is left out."""
        return {
            row["problem"]: float(row[measure])
            for row in self.rows
            if row["role"] == role and row["arm"] == arm and row.get(measure) is not None
        }

    def role(self, role: str) -> Iterator[tuple[str, Estimate]]:
        for arm in dict.fromkeys(["last", "as_is", *CONTROLS]):
            asked = len(self.asked(role, arm))
            for measure in ("compliance", "accuracy"):
                found = self.column(role, arm, measure)
                if found:
                    yield f"{arm}/{measure}", mean([*found.values()], n_unscored=asked - len(found))
        yield from self._seen(role)
        yield from self._attention(role)

    def _seen(self, role: str) -> Iterator[tuple[str, Estimate]]:
        """Compliance behind shorter and longer thoughts of problems of one difficulty."""
        obeyed = self.column(role, "last", "compliance")
        tokens = self.column(role, "last", "thinking")
        strata: dict[str, list[str]] = {}
        for problem in obeyed:
            if tokens.get(problem, 0) > 0:
                strata.setdefault(self.difficulty.get(problem, ""), []).append(problem)
        halves: dict[str, list[float]] = {"short": [], "long": []}
        moved: list[float] = []
        for members in strata.values():
            members.sort(key=lambda p: (tokens[p], p))
            n = len(members) // 2
            if not n:
                continue
            halved = {"short": members[:n], "long": members[-n:]}
            for name, half in halved.items():
                halves[name] += [obeyed[p] for p in half]
            centre = float(np.mean([obeyed[p] for half in halved.values() for p in half]))
            moved += [2 * (obeyed[p] - centre) for p in halved["long"]]
            moved += [-2 * (obeyed[p] - centre) for p in halved["short"]]
        for name, values in halves.items():
            if values:
                yield f"seen/{name}", mean(values)
        if len(moved) > 1:
            yield "seen/long_minus_short", average(moved, seed=self.seed)

    def _attention(self, role: str) -> Iterator[tuple[str, Estimate]]:
        distance = self.column(role, "attention", "distance")
        for span in ("instruction", "control"):
            found = self.column(role, "attention", span)
            lost = len(self.asked(role, "attention")) - len(found)
            if len(found) > 1:
                looked = average([*found.values()], n_unscored=lost, seed=self.seed)
                yield f"attention/{span}", looked
        found = self.column(role, "attention", "instruction")
        order = sorted(found, key=lambda p: (distance[p], p))
        third = len(order) // 3
        for name, part in (("near", order[:third]), ("far", order[-third:] if third else [])):
            if len(part) > 1:
                yield f"attention/{name}", average([found[p] for p in part], seed=self.seed)

    def arms(self, role: str) -> dict[str, Comparison]:
        """Each arm minus its control; Holm over compliance and over accuracy apart."""
        out: dict[str, Comparison] = {}
        for prefix, measure in (("", "compliance"), ("cost/", "accuracy")):
            family = {
                f"{prefix}{arm}": found
                for arm, control in CONTROLS.items()
                if (found := self._paired((role, control), (role, arm), measure))
            }
            out |= corrected(family)
        old, new = (self.column(role, "attention", span) for span in ("control", "instruction"))
        if len(old) > 1:
            shared = sorted(old.keys() & new.keys())
            out["attention_over_control"] = change(
                [old[p] for p in shared],
                [new[p] for p in shared],
                n_unscored=len(self.asked(role, "attention")) - len(shared),
                seed=self.seed,
            )
        return out

    def changes(self) -> dict[str, Comparison]:
        """Compliance of each arm, model minus baseline; Holm over the arms."""
        if set(self.roles()) != {"model", "baseline"}:
            return {}
        found = {
            f"change/{arm}": pair
            for arm in dict.fromkeys(["last", "as_is", *CONTROLS])
            if (pair := self._paired(("baseline", arm), ("model", arm), "compliance"))
        }
        return corrected(found)

    def asked(self, role: str, arm: str) -> set[str]:
        """The problems with a row in an arm, scored or not."""
        return {row["problem"] for row in self.rows if (row["role"], row["arm"]) == (role, arm)}

    def _paired(
        self, old: tuple[str, str], new: tuple[str, str], measure: str
    ) -> Comparison | None:
        """One arm (`role, arm`) minus another on the problems that both were asked."""
        before, after = self.column(*old, measure), self.column(*new, measure)
        shared = sorted(before.keys() & after.keys())
        lost = len(self.asked(*old) & self.asked(*new)) - len(shared)
        try:
            return paired(
                [before[p] for p in shared],
                [after[p] for p in shared],
                n_unscored=lost,
                seed=self.seed,
            )
        except StatsError:
            return None

    def caveats(self) -> Iterator[str]:
        if not self.rows:
            yield "No problem states a constraint apart from its question: none is far from a reply."
        for role in self.roles():
            there = [row for row in self.rows if row["role"] == role and row["arm"] == "last"]
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
            rows = {arm: len(self.asked(role, arm)) for arm in ("last", "as_is", *CONTROLS)}
            scored = [arm for arm in rows if self.column(role, arm, "compliance")]
            yield from unscored_in_words(role, rows, scored)
        if any(row["arm"] == "attention" and "instruction" in row for row in self.rows):
            yield "Attention is where a network looks, not why it obeys: read it beside the arms."
