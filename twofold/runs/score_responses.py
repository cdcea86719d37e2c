"""How do responses become verdicts? Chunk by chunk, for audits and for imported replies."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import final

from twofold.constraints.loose import loose
from twofold.errors import ProblemError
from twofold.models.thinking import unknown_mark
from twofold.problems.floors import floor_replies
from twofold.scorers import Compliant, Correct
from twofold.storage.jsonl import Row
from twofold.types import Item, Problem, Profile, Response, Verdict
from twofold.types.seen import keeps_tokens

CHUNK = 512


def require_scorable(problems: Sequence[Problem]) -> None:
    """Refuse problems of which no reply could be scored, before anything is asked.

    Raises:
        ProblemError: If no problem has a reference answer, a constraint or a checklist.

    Example:
        >>> require_scorable([Problem(question="Why?", answer="So.")])
    """
    if any(p.answer is not None or p.constraints or p.checklist for p in problems):
        return
    raise ProblemError(
        f"none of the {len(problems)} problems has a reference answer, a constraint or a checklist, so no "
        'reply could be scored; add "answer" or "constraints" to them (docs/constraints.md)'
    )


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
                for key in ("n_thinking_tokens", "n_reply_tokens", "n_spent_tokens"):
                    if getattr(response, key) is not None:
                        row[key] = getattr(response, key)
                if mark := unknown_mark(response.reply):
                    row["unknown_mark"] = mark
                if i in correct:
                    row["correct"] = correct[i].to_json()
                if problems[i].constraints:
                    row["compliant"] = compliant[i].to_json()
                    if problems[i].question_states_constraints:
                        row["loose"] = _loose(problems[i], response)
                    if self.profile == "fixed" and keeps_tokens(response.reply):
                        row["special_tokens"] = True
                yield row

    def _correct(
        self, problems: Sequence[Problem], responses: Sequence[Response]
    ) -> dict[int, Verdict]:
        """The verdicts of `Correct` by position, where there is a reference answer."""
        with_answer = [i for i, problem in enumerate(problems) if problem.answer is not None]
        scorer = Correct(profile=self.profile, last_number=True)
        found = scorer([problems[i] for i in with_answer], [responses[i] for i in with_answer])
        return dict(zip(with_answer, found, strict=True))


def _loose(problem: Problem, response: Response) -> dict[str, float | None]:
    """Each constraint on the reply as IFEval's and IFBench's loose accuracy reads it."""
    if response.unscored():
        return dict.fromkeys(problem.constraint_keys)
    scores = [loose(constraint, response.reply).score for constraint in problem.constraints]
    return dict(zip(problem.constraint_keys, scores, strict=True))


def floor_answers(problems: Sequence[Problem]) -> Iterator[tuple[Item, Response]]:
    """The trivial replies as responses of a run: role = the floor's name, condition = `floor`."""
    for floor, problem, reply in floor_replies(problems):
        yield Item(floor, "floor", problem.id, 0), Response(raw=reply, reply=reply)
