"""What is asked of each model? Its own reply, many samples, and of the base every elicitor.

A row is one problem under one arm and one condition (the rules stated or not), with the scores of its
replies. A problem that none of the samples solves is sampled four times as often again before it counts
as not solved: on either side, so that what is found and what is lost rest on the same tries.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, final

from twofold.diagnostics.diagnostic import Subject
from twofold.diagnostics.elicitation.cot_decoding import CotDecoding
from twofold.diagnostics.elicitation.elicitor import Elicited, Elicitor, answer_of, n_generated
from twofold.diagnostics.elicitation.forced_tokens import ForcedTokens
from twofold.diagnostics.elicitation.power import Cooled, PowerSampling
from twofold.diagnostics.elicitation.prompts import HINTS, FewShot, Hinted
from twofold.diagnostics.elicitation.token_shift.collect import TokenShift
from twofold.diagnostics.elicitation.vocabulary import why_not_together
from twofold.errors import RunError
from twofold.problems import conditions
from twofold.scorers import Compliant, Correct
from twofold.scorers.answers.extract import find_answer
from twofold.storage.jsonl import Row
from twofold.types import FinishReason, Message, OpenModel, Problem, Response, Sampling

AS_ASKED = "as_asked"  # the audit's own reply
GREEDY = "greedy"  # the likeliest reply, where the audit samples
SAMPLED = "sampled"
FORCED_OTHERS = "forced_other_tokens"  # those of a reply to another problem
# The base with the tuned model's tokens where they differ, and at as many random positions; see `hybrid`.
ROUTED = ("cross_sampling", "random_positions")
# Arms of the base that need the tuned model too, and are collected with its rows.
WITH_TUNED = (ForcedTokens.name, FORCED_OTHERS, *ROUTED)
AGAIN = 4  # times as many samples where none of the first is right
BLOCKS = 4  # in which power sampling writes a reply
CHUNK = 16  # prompts that are sampled before their rows are yielded
MOST_SHOTS = 8  # examples to choose from

# A problem in a condition, and its chat
Asked = tuple[Problem, str, list[Message]]


@final
@dataclass(frozen=True)
class Collection:
    """The rows of one model.

    Args:
        subject: The model, its role and its replies.
        n: Samples a problem.
        k: Branches of CoT-decoding.
        moves: Moves of power sampling after each block; 0 = no power sampling.
    """

    subject: Subject
    n: int
    k: int
    moves: int = 0

    def rows(self, done: AbstractSet[str]) -> Iterator[Row]:
        """Every row whose key is not in `done`; see `Diagnostic.collect`.

        Raises:
            RunError: If `done` holds rows that were made with other numbers of tries.
        """
        self._require_same_settings(done)
        asked = {
            (problem.id, condition): (problem, condition, chat)
            for condition, problem, chat in conditions.asked(self.subject.problems)
        }
        yield from self._own(asked, done)
        if self.subject.sampling.temperature > 0:
            yield from self._greedy(asked, done)
        for arm, elicitor in self._elicitors().items():
            yield from self._elicited(arm, elicitor, asked, done)
        for arm, elicitor in self._begun_by_the_tuned().items():
            for condition in conditions.CONDITIONS:  # another prompt is then of another problem
                part = {at: each for at, each in asked.items() if at[1] == condition}
                yield from self._elicited(arm, elicitor, part, done)
        yield from self._routed(asked, done)
        yield from self._sampled(asked, done)
        yield from TokenShift(self.subject).rows(done)

    def _own(self, asked: Mapping[tuple[str, str], Asked], done: AbstractSet[str]) -> Iterator[Row]:
        """The audit's own first replies; nothing is asked."""
        problems = {problem.id: problem for problem in self.subject.problems}
        for answer in self.subject.first_answers(problems):
            each = asked[answer.item.problem, answer.item.condition]
            if self._key(AS_ASKED, each) not in done:
                yield self._row(AS_ASKED, each, [answer.response], self.subject.sampling)

    def _greedy(
        self, asked: Mapping[tuple[str, str], Asked], done: AbstractSet[str]
    ) -> Iterator[Row]:
        sampling = Sampling(max_tokens=self.subject.sampling.max_tokens)
        every = list(asked.values())
        finished = {(i, 0) for i, each in enumerate(every) if self._key(GREEDY, each) in done}
        stream = self.subject.model.stream(
            [chat for *_, chat in every], sampling, seed=self.subject.seed, done=finished
        )
        for i, _, reply in stream:
            yield self._row(GREEDY, every[i], [reply], sampling)

    def _elicitors(self) -> dict[str, Elicitor]:
        """The arms of the base, by name; none of the tuned model."""
        if self.subject.role != "baseline":
            return {}
        model = self.subject.model
        shots = sorted(_shots(self.subject), key=lambda shot: (len(shot[0]) + len(shot[1]), shot))
        found: dict[str, Elicitor] = {
            name: Hinted(model, hint=hint) for name, hint in HINTS.items()
        }
        if len(shots) > 1:
            # the shortest, so that they leave room for the problem
            found[FewShot.name] = FewShot(model, shots=tuple(shots[:MOST_SHOTS]))
        if isinstance(model, OpenModel):
            found[CotDecoding.name] = CotDecoding(model, k=self.k)
            if self.moves:
                found[PowerSampling.name] = PowerSampling(model, blocks=BLOCKS, moves=self.moves)
                found[Cooled.name] = Cooled(model)
        return found

    def _begun_by_the_tuned(self) -> dict[str, Elicitor]:
        """The arms of the base that need the tuned model too, collected with its rows."""
        base, tuned = self.subject.scorer, self.subject.model
        if self.subject.role != "model" or base is None or why_not_together(tuned, base):
            return {}
        return {
            ForcedTokens.name: ForcedTokens(base, tuned=tuned),
            FORCED_OTHERS: ForcedTokens(base, tuned=tuned, beginning="another"),
        }

    def _elicited(
        self,
        arm: str,
        elicitor: Elicitor,
        asked: Mapping[tuple[str, str], Asked],
        done: AbstractSet[str],
    ) -> Iterator[Row]:
        every, sampling = list(asked.values()), self.subject.sampling
        finished = {(i, 0) for i, each in enumerate(every) if self._key(arm, each) in done}
        found = elicitor.elicited(
            [chat for *_, chat in every], sampling, seed=self.subject.seed, done=finished
        )
        for reply in found:
            each = every[reply.prompt]
            row = self._row(arm, each, [reply.response], sampling) | _cost(reply)
            if reply.branches:
                row["branches"] = scored(each[0], reply.branches)
            yield row

    def _routed(
        self, asked: Mapping[tuple[str, str], Asked], done: AbstractSet[str]
    ) -> Iterator[Row]:
        """The base with tokens of the tuned model, collected with the tuned model's rows."""
        base, tuned = self.subject.scorer, self.subject.model
        if self.subject.role != "model" or base is None or not isinstance(tuned, OpenModel):
            return
        from twofold.diagnostics.elicitation.hybrid import arms  # imports torch

        if not arms.can_be_routed(base, tuned):
            return
        every, own = list(asked.values()), self.subject.sampling
        finished = {
            (arm, i)
            for arm in ROUTED
            for i, each in enumerate(every)
            if self._key(arm, each) in done
        }
        chats = [chat for *_, chat in every]
        for arm, reply in arms.injected(
            base, tuned, chats, own, seed=self.subject.seed, done=finished
        ):
            row = self._row(arm, every[reply.prompt], [reply.response], own)
            yield row | ({} if reply.n_acted is None else {"n_acted": reply.n_acted})

    def _sampled(
        self, asked: Mapping[tuple[str, str], Asked], done: AbstractSet[str]
    ) -> Iterator[Row]:
        """The samples, in the same chunks after any interruption."""
        every, own = list(asked.values()), self.subject.sampling
        sampling = (
            own if own.temperature > 0 else Sampling(max_tokens=own.max_tokens, temperature=1)
        )
        for start in range(0, len(every), CHUNK):
            chunk = every[start : start + CHUNK]
            open_ = [i for i, each in enumerate(chunk) if self._key(SAMPLED, each) not in done]
            first = self._samples(chunk, open_, sampling, 0, self.n)
            rows = {i: self._row(SAMPLED, chunk[i], first[i], sampling) for i in open_}
            unsolved = [i for i, row in rows.items() if _is_unsolved(row)]
            more = self._samples(chunk, unsolved, sampling, self.n, (1 + AGAIN) * self.n)
            for i in open_:
                yield self._with_more(rows[i], chunk[i], more[i]) if i in more else rows[i]

    def _samples(
        self, chunk: Sequence[Asked], of: Sequence[int], sampling: Sampling, start: int, stop: int
    ) -> dict[int, list[Response]]:
        """The samples `start` to `stop` of some prompts of a chunk, in the batches of the whole chunk."""
        if not of:
            return {}
        others = set(range(len(chunk))) - {*of}
        finished = {(i, g) for i in others for g in range(stop)}
        finished |= {(i, g) for i in of for g in range(start)}
        stream = self.subject.model.stream(
            [chat for *_, chat in chunk], sampling, n=stop, seed=self.subject.seed, done=finished
        )
        found = {(i, g): reply for i, g, reply in stream}
        return {i: [found[i, g] for g in range(start, stop)] for i in of}

    def _row(self, arm: str, asked: Asked, replies: Sequence[Response], sampling: Sampling) -> Row:
        problem, condition, _ = asked
        failed = any(each.finish_reason is FinishReason.failed for each in replies)
        return {
            "role": self.subject.role,
            "key": self._key(arm, asked),
            "arm": arm,
            "condition": condition,
            "problem": problem.id,
            "temperature": float(sampling.temperature),
            "replies": scored(problem, replies),
            **({"retry": True} if failed else {}),
        }

    @property
    def _settings(self) -> dict[str, int]:
        """The arms with a number in their key, so that no row stands for one of another number."""
        named = {SAMPLED: self.n, CotDecoding.name: self.k}
        return named | ({PowerSampling.name: self.moves} if self.moves else {})

    def _key(self, arm: str, asked: Asked) -> str:
        problem, condition, _ = asked
        named = f"{arm}/{self._settings[arm]}" if arm in self._settings else arm
        return f"{named}/{condition}/{problem.id}"

    def _require_same_settings(self, done: AbstractSet[str]) -> None:
        for arm, number in self._settings.items():
            there = {key.split("/")[1] for key in done if key.startswith(f"{arm}/")}
            if other := sorted(there - {str(number)}):
                raise RunError(
                    f"the run holds rows of {arm} with {', '.join(other)} tries a problem, not {number}; "
                    "delete elicitation.jsonl in it to ask again, or choose another --out"
                )

    def _with_more(self, row: Row, asked: Asked, replies: Sequence[Response]) -> Row:
        failed = any(each.finish_reason is FinishReason.failed for each in replies)
        return row | {"more": scored(asked[0], replies)} | ({"retry": True} if failed else {})


def _cost(reply: Elicited) -> Row:
    """What the reply cost, where that is more than its own tokens."""
    own = n_generated(reply.response)
    return {} if reply.n_tokens in (None, own) else {"n_tokens": reply.n_tokens}


def _is_unsolved(row: Row) -> bool:
    """Whether a problem without its rules was tried, and never solved."""
    scores = [each["correct"] for each in row["replies"] if each["correct"] is not None]
    return row["condition"] == "unconstrained" and bool(scores) and max(scores) < 1


def scored(problem: Problem, replies: Sequence[Response]) -> list[Row]:
    """What is kept of each reply: right, rules met, whether an answer is stated, which, cost, ending."""
    right: Sequence[Any] = [None] * len(replies)
    if problem.answer is not None:
        judged = Correct(last_number=True)([problem] * len(replies), replies)
        right = [verdict.score for verdict in judged]
    met = Compliant(how="all")([problem] * len(replies), replies)
    return [
        {
            "correct": right[i],
            "met": [
                met[i].parts[key].score if met[i].parts else None for key in problem.constraint_keys
            ],
            "stated": states_answer(reply),
            "answer": answer_of(reply),
            "n_tokens": n_generated(reply),
            "ended": reply.finish_reason.value,
        }
        for i, reply in enumerate(replies)
    ]


def states_answer(reply: Response) -> int | None:
    r"""Whether a reply says what its answer is: 1 or 0; None if there is no reply.

    The last number of a reply that says nothing of the kind is no stated answer, although an audit
    judges by it.

    Example:
        >>> said = (r"\boxed{4}", "The sum is 4.", "So 4 it was then", "Hm.")
        >>> [states_answer(Response(raw="", reply=text)) for text in said]
        [1, 1, 0, 0]
    """
    if not reply.has_reply:
        return None
    found = find_answer(reply.reply, truncated=reply.finish_reason is FinishReason.truncated)
    return int(found is not None and found.place != "last")


def _shots(subject: Subject) -> Iterator[tuple[str, str]]:
    """Examples: other problems with a worked solution, a right reply of the base, or the bare answer.

    The base's own reply shows it nothing that it does not say. It must state its answer, because the form
    is what an example is for. No example states a rule.
    """
    own = {
        each.item.problem: each.response.reply
        for each in subject.answers
        if each.item.sample == 0
        and each.item.condition == "unconstrained"
        and each.correct == 1
        and states_answer(each.response)
    }
    for problem in subject.problems:
        if problem.answer is None or problem.question_states_constraints:
            continue
        reply = (
            problem.solution or own.get(problem.id) or f"The answer is \\boxed{{{problem.answer}}}."
        )
        yield problem.messages(stated=())[0]["content"], reply
