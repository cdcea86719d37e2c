"""How is a model trained on demonstrations that lie in a file?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal, final

from pydantic import Field
from pydantic.dataclasses import dataclass

from twofold.methods.demonstrations import Imitation, kept
from twofold.methods.method import TrainedModel, TrainingError
from twofold.methods.rewards import Reward
from twofold.problems import pocket, synthetic
from twofold.problems.instruction_controls import Instructions, prompt
from twofold.storage.jsonl import Row, read_lines
from twofold.types import FinishReason, Problem, Response
from twofold.validation import SETTINGS


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Sft(Imitation):
    """Supervised fine-tuning on given replies, all or those that a scorer passes.

    Args:
        demonstrations: JSON lines with `problem` (the id) and `raw` (the whole reply, its thought in
            the base's own tags), as in an audit's `responses.jsonl`. Lines of other problems are
            passed over. For the `pocket` and the `synthetic` suite also `solutions`, right with the
            working shown and no heed paid to constraints, or `obedient`, right and obeying (the pocket
            model's working is then in a thought). Problems of other sources are passed over.
        instructions: What the prompts say of the constraints; all but `original` are controls, see
            `Instructions`.
        reward: Only replies that this scores at least `at_least` are learned; None = all.
        at_least: See `reward`, in [0, 1].
    """

    name: ClassVar[str] = "sft"

    demonstrations: Path | Literal["solutions", "obedient"]
    instructions: Instructions = "original"
    reward: Reward | None = None
    at_least: Annotated[float, Field(ge=0, le=1)] = 1.0

    def rows(self, problems: Sequence[Problem]) -> list[Row]:
        """One row a demonstration that its writer ended: the chat and the reply to it.

        Raises:
            TrainingError: If there is no such file, or a line lacks a key.
        """
        found = self._replies(problems)
        if self.reward is not None:
            rows = kept(
                problems,
                [found.get(problem.id, []) for problem in problems],
                by=self.reward,
                at_least=self.at_least,
            )
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
        """The demonstrations of each problem."""
        if not isinstance(self.demonstrations, Path):
            return _written(problems, self.demonstrations)
        found: dict[str, list[Response]] = {problem.id: [] for problem in problems}
        if not self.demonstrations.is_file():
            raise TrainingError(
                f"there is no file {self.demonstrations}; set demonstrations to JSON lines with "
                "`problem` and `raw`, such as an audit's responses.jsonl"
            )
        for number, line in enumerate(read_lines(self.demonstrations), 1):
            if not {"problem", "raw"} <= set(line):
                raise TrainingError(
                    f"{self.demonstrations}, line {number} lacks `problem` or `raw`; each line is "
                    '{"problem": id, "raw": reply}'
                )
            if line["problem"] in found:
                response = Response.from_json({"reply": line["raw"], **line})
                found[line["problem"]].append(response)
        return found

    def train(
        self,
        base: str,
        problems: Sequence[Problem],
        *,
        out: Path,
        eval_problems: Sequence[Problem] = (),
    ) -> TrainedModel:
        """Train; see `Method.train`."""
        return self.imitate(base, self.rows(problems), out=out, eval_problems=eval_problems)


def _written(
    problems: Sequence[Problem], kind: Literal["solutions", "obedient"]
) -> dict[str, list[Response]]:
    """The demonstrations that a suite writes itself.

    Raises:
        TrainingError: If no problem is of a suite that does.
    """
    found = {}
    for problem in problems:
        match problem.tags.get("source"), kind:
            case "pocket", "solutions":
                raw = pocket.solution(problem)
            case "pocket", "obedient":
                raw = pocket.obedient_reply(problem, thinks=True)
            case "synthetic", "solutions":
                raw = synthetic.solution(problem)
            case "synthetic", "obedient":
                raw = synthetic.obedient_reply(problem)
            case _:
                continue
        reply = raw.rpartition("</think>")[2].lstrip("\n")
        found[problem.id] = [Response(raw=raw, reply=reply)]
    if not found:
        raise TrainingError(
            f"demonstrations: {kind} are written for the pocket and the synthetic suite alone; for "
            "other problems name a file of JSON lines with `problem` and `raw`"
        )
    return found
