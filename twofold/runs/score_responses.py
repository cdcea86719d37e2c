"""From responses to verdicts: the one place where an audit and a score meet the scorers.

Responses stream through in chunks, so that memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import final

from twofold.problems.floors import floor_replies
from twofold.scorers import Compliant, Correct
from twofold.storage.jsonl import Row
from twofold.types import Item, Problem, Profile, Response, Verdict

CHUNK = 512
LOST_LIMIT = 0.05


@final
@dataclass(frozen=True)
class ResponseScores:
    """Applies `Correct` and `Compliant` to saved responses.

    Args:
        problems: The problems by id.
        profile: Which grader judges the answers; the constraints carry their own profile.
    """

    problems: Mapping[str, Problem]
    profile: Profile = "fixed"

    def rows(self, answers: Iterable[tuple[Item, Response]]) -> Iterator[Row]:
        """The rows of `verdicts.jsonl`, one a response, in the order given."""
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
                yield row

    def _correct(
        self, problems: Sequence[Problem], responses: Sequence[Response]
    ) -> dict[int, Verdict]:
        """Verdicts on the answers, by position; problems without a reference answer have none."""
        with_answer = [i for i, problem in enumerate(problems) if problem.answer is not None]
        scorer = Correct(profile=self.profile)
        found = scorer([problems[i] for i in with_answer], [responses[i] for i in with_answer])
        return dict(zip(with_answer, found, strict=True))


def floor_answers(problems: Sequence[Problem]) -> Iterator[tuple[Item, Response]]:
    """The floors' replies as responses of a run: role = the floor's name, condition = `floor`."""
    for floor, problem, reply in floor_replies(problems):
        yield Item(floor, "floor", problem.id, 0), Response(raw=reply, reply=reply)


@final
class LossCount:
    """Counts what was lost on the way: failed calls, missing replies, scorers that gave up.

    A thought that never closed is not lost: it is what the model did with its budget, and is
    reported as such.
    """

    def __init__(self) -> None:
        self.n = 0
        self.of = 0
        self.reasons: dict[str, int] = {}
        self._cells: dict[str, list[int]] = {}

    def counted(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Pass verdict rows through, counting."""
        for row in rows:
            self.of += 1
            cell = self._cells.setdefault(f"{row['role']}, {row['condition']}", [0, 0])
            cell[1] += 1
            reason = _lost(row)
            if reason:
                self.n += 1
                cell[0] += 1
                self.reasons[reason] = self.reasons.get(reason, 0) + 1
            yield row

    @property
    def share(self) -> float:
        """Lost responses over all responses; 0 where there are none."""
        return self.n / self.of if self.of else 0.0

    @property
    def worst(self) -> tuple[str, float]:
        """The role and condition that lost the largest share, and that share."""
        shares = {cell: n / of for cell, (n, of) in self._cells.items()}
        return max(shares.items(), key=lambda pair: pair[1], default=("", 0.0))

    @property
    def is_too_many(self) -> bool:
        """Whether one model in one condition lost more than a result can bear (5 %)."""
        return self.worst[1] > LOST_LIMIT

    def to_json(self) -> Row:
        """Counts, and the most frequent reasons."""
        often = sorted(self.reasons.items(), key=lambda pair: -pair[1])[:10]
        return {
            "n": self.n,
            "of": self.of,
            "share": self.share,
            "too_many": self.is_too_many,
            "reasons": dict(often),
        }


def _lost(row: Row) -> str:
    """Why this response was lost; "" if it was not."""
    if row["finish_reason"] == "failed":
        verdict = row.get("correct") or row.get("compliant") or {}
        return str(verdict.get("reason", "failed"))
    if (
        row["finish_reason"] != "unclosed_thinking"
        and row.get("correct", {"score": 0})["score"] is None
    ):
        return str(row["correct"].get("reason", "unscored"))
    return ""
