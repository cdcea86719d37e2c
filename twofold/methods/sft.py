"""How is a model trained on demonstrations?"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal, final

from pydantic import Field
from pydantic.dataclasses import dataclass

from twofold.methods.demonstrations import Imitation, kept, lines_about, written_reply
from twofold.methods.method import TrainingError
from twofold.methods.rewards import Reward
from twofold.problems import pocket, synthetic
from twofold.problems.instruction_controls import Instructions, prompt
from twofold.storage.jsonl import Row
from twofold.types import FinishReason, Problem, Response
from twofold.validation import SETTINGS


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Sft(Imitation):
    """Supervised fine-tuning on given replies: all of them, or those that a scorer accepts.

    Args:
        demonstrations: JSON lines with `problem` (the id) and `raw` (the whole reply, its thought
            in the base's own tags), such as an audit's `responses.jsonl`. For the `pocket` and
            `synthetic` suites also `solutions` (correct, with the working, constraints ignored) or
            `obedient` (correct and compliant; the pocket model's working is then a thought).
            Lines and problems without a counterpart are skipped.
        instructions: How the prompts state the constraints; all values but `original` are
            controls, see `Instructions`.
        reward: Learn only from replies that this scorer gives at least `at_least`; None = all.
        at_least: See `reward`, in [0, 1].
    """

    name: ClassVar[str] = "sft"

    demonstrations: Path | Literal["solutions", "obedient"]
    instructions: Instructions = "original"
    reward: Reward | None = None
    at_least: Annotated[float, Field(ge=0, le=1)] = 1.0

    def check(self, problems: Sequence[Problem], eval_problems: Sequence[Problem] = ()) -> None:
        """Also refuse demonstrations of none of the problems; see `Method.check`."""
        super().check(problems, eval_problems)
        if not any(self._replies(problems).values()):
            raise TrainingError(
                f"{self.demonstrations} has no row of these problems; use the problems it was made of"
            )

    def rows(self, problems: Sequence[Problem]) -> list[Row]:
        """One row per complete demonstration: the chat and the reply.

        Raises:
            TrainingError: If there is no such file, or a line lacks a key.
        """
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
            response = Response.from_json({"reply": line["raw"], **line})
            found[line["problem"]].append(response)
        return found


_WRITERS = {
    ("pocket", "solutions"): pocket.solution,
    ("pocket", "obedient"): lambda problem: pocket.obedient_reply(problem, thinks=True),
    ("synthetic", "solutions"): synthetic.solution,
    ("synthetic", "obedient"): synthetic.obedient_reply,
}


def _generated(problems: Sequence[Problem], kind: str) -> dict[str, list[Response]]:
    """The demonstrations that a suite generates itself.

    Raises:
        TrainingError: If no problem belongs to such a suite.
    """
    found = {
        problem.id: [written_reply(_WRITERS[suite, kind](problem))]
        for problem in problems
        if (suite := problem.tags.get("source", "")) and (suite, kind) in _WRITERS
    }
    if not found:
        raise TrainingError(
            f"demonstrations: {kind} exist for the pocket and synthetic suites only; name a file instead"
        )
    return found
