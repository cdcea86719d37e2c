"""How do responses become verdicts? Chunk by chunk, for audits and for imported replies."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import final

from twofold.constraints.loose import loose
from twofold.problems.floors import floor_replies
from twofold.scorers import Compliant, Correct
from twofold.storage.jsonl import Row
from twofold.types import Item, Problem, Profile, Response, Verdict
from twofold.types.seen import keeps_tokens

CHUNK = 512
LOST_LIMIT = 0.05


@final
@dataclass(frozen=True)
class ResponseScores:
    """Applies `Correct` (under `profile`) and `Compliant` to the responses to `problems`, by id."""

    problems: Mapping[str, Problem]
    profile: Profile = "fixed"

    def rows(self, answers: Iterable[tuple[Item, Response]]) -> Iterator[Row]:
        """The rows of `verdicts.jsonl`, one per response, in order."""
        answers = iter(answers)
        while chunk := list(islice(answers, CHUNK)):
            items = [item for item, _ in chunk]
            problems = [self.problems[item.problem] for item in items]
            responses = [response for _, response in chunk]
            correct = self._correct(problems, responses)
            compliant = Compliant(how="all")(problems, responses)
            for i, response in enumerate(responses):
                row = items[i].to_json() | {"finish_reason": response.finish_reason.value}
                for key in ("n_thinking_tokens", "n_reply_tokens"):
                    if getattr(response, key) is not None:
                        row[key] = getattr(response, key)
                if i in correct:
                    row["correct"] = correct[i].to_json()
                if problems[i].constraints:
                    row["compliant"] = compliant[i].to_json()
                    if problems[i].question_states_constraints and response.unscored() is None:
                        row["loose"] = _loose(problems[i], response.reply)
                    if self.profile == "fixed" and keeps_tokens(response.reply):
                        row["special_tokens"] = True
                yield row

    def _correct(
        self, problems: Sequence[Problem], responses: Sequence[Response]
    ) -> dict[int, Verdict]:
        """The verdicts of `Correct` by position, where there is a reference answer."""
        with_answer = [i for i, problem in enumerate(problems) if problem.answer is not None]
        scorer = Correct(profile=self.profile)
        found = scorer([problems[i] for i in with_answer], [responses[i] for i in with_answer])
        return dict(zip(with_answer, found, strict=True))


def _loose(problem: Problem, reply: str) -> dict[str, float | None]:
    """Each constraint on the reply as IFEval's and IFBench's loose accuracy reads it."""
    scores = [loose(constraint, reply).score for constraint in problem.constraints]
    return dict(zip(problem.constraint_keys, scores, strict=True))


def floor_answers(problems: Sequence[Problem]) -> Iterator[tuple[Item, Response]]:
    """The trivial replies as responses of a run: role = the floor's name, condition = `floor`."""
    for floor, problem, reply in floor_replies(problems):
        yield Item(floor, "floor", problem.id, 0), Response(raw=reply, reply=reply)


@final
class LossCount:
    """Counts lost responses: failed calls, missing replies, scorers that failed.

    Unclosed thinking is not lost: it is what the model did with its budget.
    """

    def __init__(self) -> None:
        self.n = 0
        self.of = 0
        self.reasons: Counter[str] = Counter()
        self._cells: dict[str, list[int]] = {}

    def counted(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same verdict rows, counted."""
        for row in rows:
            self.of += 1
            cell = self._cells.setdefault(f"{row['role']}, {row['condition']}", [0, 0])
            cell[1] += 1
            if reason := _lost(row):
                self.n += 1
                cell[0] += 1
                self.reasons[reason] += 1
            yield row

    @property
    def share(self) -> float:
        """The share of lost responses."""
        return self.n / self.of if self.of else 0.0

    @property
    def worst(self) -> tuple[str, float]:
        """The role and condition with the largest lost share, and that share."""
        shares = {cell: n / of for cell, (n, of) in self._cells.items()}
        return max(shares.items(), key=lambda pair: pair[1], default=("", 0.0))

    @property
    def is_too_many(self) -> bool:
        """Whether a model lost more than 5 % in a condition."""
        return self.worst[1] > LOST_LIMIT

    def to_json(self) -> Row:
        """The counts, and the ten most frequent reasons."""
        return {
            "n": self.n,
            "of": self.of,
            "share": self.share,
            "too_many": self.is_too_many,
            "reasons": dict(self.reasons.most_common(10)),
        }


def _lost(row: Row) -> str:
    """Why a response was lost; "" if it was not."""
    if row["finish_reason"] == "failed":
        verdict = row.get("correct") or row.get("compliant") or {}
        return str(verdict.get("reason", "failed"))
    correct = row.get("correct", {"score": 0})
    if row["finish_reason"] != "unclosed_thinking" and correct["score"] is None:
        return str(correct.get("reason", "unscored"))
    return ""
