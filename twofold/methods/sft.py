"""How is a model trained on demonstrations?"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal, final

from pydantic import Field
from pydantic.dataclasses import dataclass

from twofold.methods.applied import bare, is_editable, pairs
from twofold.methods.demonstrations import Imitation, kept, lines_about, reply_in, written_reply
from twofold.methods.method import Problems, TrainedModel, TrainingError
from twofold.methods.rewards import Reward
from twofold.methods.tuning import OnPolicy
from twofold.problems import pocket, synthetic
from twofold.problems.instruction_controls import Instructions, prompt
from twofold.scorers import Correct
from twofold.storage.jsonl import Row
from twofold.types import FinishReason, Problem, Response, Scorer
from twofold.validation import SETTINGS

_log = logging.getLogger(__name__)


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Sft(Imitation, OnPolicy):
    """Supervised fine-tuning on given replies: all of them, or those that a scorer accepts.

    Args:
        demonstrations: JSON lines with `problem` (the id) and `raw` (the whole reply, its thought
            in the base's own tags), such as an audit's `responses.jsonl`. Or one of
            `solutions` (correct, with the working, constraints ignored; for problems that have a
            worked solution), `obedient` (correct and compliant; the pocket and synthetic suites
            only; the pocket model's working is then a thought) and `applied` (right replies edited
            by rule so that they obey, each beside the same reply unedited to the problem without its
            constraints, see `methods.applied`). Lines and problems without a counterpart are skipped.
        applied_to: What `applied` edits: the base's `own` replies to the problems without their
            constraints, sampled first, or the worked `solutions`.
        instructions: How the prompts state the constraints; all values but `original` are
            controls, see `Instructions`.
        reward: Learn only from replies that this scorer gives at least `at_least`; None = all,
            for `applied` those that are correct.
        at_least: See `reward`, in [0, 1].
        num_generations: Own replies per problem that are sampled for `applied`.
        temperature: Sampling temperature of the own replies, above 0.
        max_completion_length: Token budget of an own reply, including the thought.
    """

    name: ClassVar[str] = "sft"
    asks: ClassVar[Mapping[str, str]] = {
        "demonstrations": "solutions, obedient, applied, or a JSONL file with `problem` and `raw`"
    }
    later: ClassVar[Mapping[str, object]] = {
        **OnPolicy.later,
        "applied_to": "own",
        "num_generations": 8,
        "temperature": 1.0,
        "max_completion_length": 512,
    }

    demonstrations: Path | Literal["solutions", "obedient", "applied"]
    applied_to: Literal["own", "solutions"] = "own"
    instructions: Instructions = "original"
    reward: Reward | None = None
    at_least: Annotated[float, Field(ge=0, le=1)] = 1.0

    def check(self, problems: Sequence[Problem], eval_problems: Sequence[Problem] = ()) -> None:
        """Also refuse demonstrations of none of the problems; see `Method.check`."""
        super().check(problems, eval_problems)
        if self.demonstrations != "applied":
            if not any(self._replies(problems).values()):
                raise TrainingError(
                    f"{self.demonstrations} has no row of these problems; use the problems it was made of"
                )
        elif not any(is_editable(p) and self._by.applies(p) for p in problems):
            raise TrainingError(
                f"demonstrations: applied needs problems that {self._by.name} can score and that state "
                "constraints apart from the question, of types that can be applied to a given reply "
                "(see docs/constraints.md); none of these is one"
            )
        elif self.applied_to == "solutions":
            _generated([problem for problem in problems if is_editable(problem)], "solutions")

    def rows(self, problems: Sequence[Problem]) -> list[Row]:
        """One row per complete demonstration: the chat and the reply.

        Where `applied` edits own replies, which are not sampled yet, the chats that will be asked.

        Raises:
            TrainingError: If there is no such file, a line lacks a key, or `applied` makes no pair.
        """
        if self.demonstrations == "applied":
            if self.applied_to == "own":
                return super().rows([bare(problem) for problem in problems if is_editable(problem)])
            solved = _generated(problems, "solutions")
            return self._told(problems, [solved.get(problem.id, []) for problem in problems])
        found = self._replies(problems)
        if self.reward is not None:
            replies_P_G = [found.get(problem.id, []) for problem in problems]
            rows = kept(problems, replies_P_G, by=self.reward, at_least=self.at_least)
        else:
            rows = [
                {"completion": response.raw, "problem": i}
                for i, responses in found.items()
                for response in responses
                if response.finish_reason is FinishReason.answered
            ]
        prompts = {p.id: prompt(p, self.instructions, problems, self.seed) for p in problems}
        return [row | {"prompt": prompts[row["problem"]]} for row in rows]

    def train(
        self, base: str, problems: Problems, *, out: str | Path, eval_problems: Problems = ()
    ) -> TrainedModel:
        """Train; see `Method.train`.

        Raises:
            TrainingError: Also if no own reply makes a pair.
        """
        if self.demonstrations != "applied" or self.applied_to != "own":
            return super().train(base, problems, out=out, eval_problems=eval_problems)
        self.check(problems, eval_problems)
        asked = [problem for problem in problems if is_editable(problem)]
        replies = self.draw(base, [bare(problem) for problem in asked], seed=self.seed)
        drawn = dict(zip((problem.id for problem in asked), replies, strict=True))
        rows = self._told(problems, [drawn.get(problem.id, []) for problem in problems])
        return self.imitate(base, rows, out=out, eval_problems=eval_problems)

    @property
    def _by(self) -> Scorer:
        """What says which replies are edited."""
        return self.reward or Correct()

    def _told(self, problems: Problems, replies_P_G: Sequence[Sequence[Response]]) -> list[Row]:
        """The pairs that the replies make, with the prompts under the control; the rest is logged."""
        found = pairs(problems, replies_P_G, by=self._by, at_least=self.at_least)
        if not found.rows:
            raise TrainingError(
                f"demonstrations: applied found {found}. Take easier problems, a stronger base or other "
                "types of constraints, or draw more replies"
            )
        if found.left_out:
            _log.warning("%s", found)
        by_id = {problem.id: problem for problem in problems}
        for row in found.rows:
            if row["edited"]:
                told = by_id[row["problem"]]
                row["prompt"] = prompt(told, self.instructions, problems, self.seed)
        return found.rows

    def _replies(self, problems: Sequence[Problem]) -> dict[str, list[Response]]:
        """The demonstrations by problem id."""
        if not isinstance(self.demonstrations, Path):
            return _generated(problems, self.demonstrations)
        remedy = (
            "set demonstrations to JSON lines with `problem` and `raw`, such as an audit's "
            "responses.jsonl"
        )
        found: dict[str, list[Response]] = {problem.id: [] for problem in problems}
        for line in lines_about(problems, self.demonstrations, ("problem", "raw"), remedy=remedy):
            found[line["problem"]].append(reply_in(line))
        return found


_WRITERS = {
    ("pocket", "solutions"): pocket.solution,
    ("pocket", "obedient"): lambda problem: pocket.obedient_reply(problem, thinks=True),
    ("synthetic", "solutions"): synthetic.solution,
    ("synthetic", "obedient"): synthetic.obedient_reply,
}


def _generated(problems: Sequence[Problem], kind: str) -> dict[str, list[Response]]:
    """The demonstrations that come with the problems: a suite writes them, or they have a solution.

    Raises:
        TrainingError: If no problem has one.
    """
    found: dict[str, list[Response]] = {}
    for problem in problems:
        if write := _WRITERS.get((problem.tags.get("source", ""), kind)):
            found[problem.id] = [written_reply(write(problem))]
        elif kind == "solutions" and problem.solution is not None:
            found[problem.id] = [written_reply(problem.solution)]
    if not found:
        raise TrainingError(
            f"demonstrations: {kind} exist for the pocket and synthetic suites"
            f"{' and for problems with a solution' * (kind == 'solutions')} only; name a file instead"
        )
    return found
