"""How is a model trained on demonstrations that lie in a file?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, final

from twofold.jsonl import Row, read_lines
from twofold.methods.demonstrations import Imitation, kept
from twofold.methods.method import Checkpoint, TrainingError
from twofold.types import Ended, Problem, Response, Scorer


@final
@dataclass(frozen=True, kw_only=True)
class Sft(Imitation):
    """Supervised fine-tuning on given replies, all or those that a scorer passes.

    Args:
        demonstrations: JSON lines with `problem` (the id) and `raw` (the whole reply, its thought in
            the base's own tags), as in an audit's `responses.jsonl`. Lines of other problems are
            passed over.
        reward: Only replies that this scores at least `at_least` are learned; None = all.
        at_least: See `reward`, in [0, 1].

    Raises:
        TrainingError: If a setting is out of its range.
    """

    name: ClassVar[str] = "sft"

    demonstrations: Path
    reward: Scorer | None = None
    at_least: float = 1.0

    def rows(self, problems: Sequence[Problem]) -> list[Row]:
        """One row a demonstration that its writer ended: the chat and the reply to it.

        Raises:
            TrainingError: If there is no such file, or a line lacks a key.
        """
        by_id = {problem.id: problem for problem in problems}
        found: dict[str, list[Response]] = {problem: [] for problem in by_id}
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
        if self.reward is not None:
            return kept(
                problems,
                [found[problem.id] for problem in problems],
                by=self.reward,
                at_least=self.at_least,
            )
        return [
            {"prompt": by_id[i].messages(), "completion": response.raw, "problem": i}
            for i, responses in found.items()
            for response in responses
            if response.ended is Ended.answered
        ]

    def train(
        self,
        base: str,
        problems: Sequence[Problem],
        *,
        out: Path,
        held_out: Sequence[Problem] = (),
    ) -> Checkpoint:
        """Train; see `Method.train`."""
        return self.imitate(base, self.rows(problems), out=out, held_out=held_out)
