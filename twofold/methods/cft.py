"""How does a model learn from critiques of solutions? Fine-tuning on the critique alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, final

from pydantic import PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from twofold.methods.critiques import Kept, by_rules, checked, question
from twofold.methods.demonstrations import Imitation
from twofold.methods.method import TrainedModel, TrainingError
from twofold.scorers import Correct
from twofold.storage.jsonl import Row, dumps, read_lines, replaced
from twofold.types import Problem, Response, Sampling
from twofold.validation import SETTINGS

_log = logging.getLogger(__name__)


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Cft(Imitation):
    """Learn to say what is wrong with a noisy solution; asked afterwards, the model just answers.

    Without a file the critiques are made first: the base answers every problem, a critic judges
    the answers, and what the verifier contradicts is dropped. They are kept in
    `OUT.critiques.jsonl`, and used again if the training is given again.

    Args:
        critiques: JSON lines with `problem` (the id), `solution` and `critique`; None = make them.
        critic: Who writes them: `rules` (for the pocket and the synthetic suite), or a MODEL.
        num_generations: Solutions a problem that are made, at least 1.
        temperature: At which the base answers, above 0.
        max_completion_length: Token budget of a solution and of a critique.

    Source:
        Wang et al. 2025, https://arxiv.org/abs/2501.17703, section 2: loss on the critique given
        question and noisy solution. Departs: contradicted critiques are dropped, and the solutions
        are the base's own unless a file has others.
    """

    name: ClassVar[str] = "cft"

    critiques: Path | None = None
    critic: str = "rules"
    num_generations: PositiveInt = 1
    temperature: PositiveFloat = 1.0
    max_completion_length: PositiveInt = 512

    def rows(self, problems: Sequence[Problem]) -> list[Row]:
        """One row a critique that the verifier does not contradict; without a file, what is asked.

        Raises:
            TrainingError: If there is no such file, a line lacks a key, or nothing is left.
        """
        if self.critiques is None:
            return [{"prompt": problem.messages(), "problem": problem.id} for problem in problems]
        return _rows(self._read(self.critiques, problems), problems)

    def train(
        self,
        base: str,
        problems: Sequence[Problem],
        *,
        out: Path,
        eval_problems: Sequence[Problem] = (),
    ) -> TrainedModel:
        """Train; see `Method.train`."""
        if self.critiques is not None:
            return self.imitate(base, self.rows(problems), out=out, eval_problems=eval_problems)
        file = out.with_name(f"{out.name}.critiques.jsonl")
        if not file.exists():
            self._write(file, self._made(base, problems))
        rows = _rows(self._read(file, problems), problems)
        return self.imitate(base, rows, out=out, eval_problems=eval_problems)

    def _made(self, base: str, problems: Sequence[Problem]) -> Kept:
        from twofold.methods.draw import draw

        sampling = Sampling(max_tokens=self.max_completion_length, temperature=self.temperature)
        replies = draw(base, problems, sampling, n=self.num_generations, seed=self.seed)
        pairs = [(p, r) for p, row in zip(problems, replies, strict=True) for r in row]
        asked, solutions = [p for p, _ in pairs], [r for _, r in pairs]
        texts = [solution.raw for solution in solutions]
        write = by_rules if self.critic == "rules" else self._asked
        critiques = write(asked, texts)
        return checked(asked, solutions, critiques, by=Correct())

    def _asked(self, problems: Sequence[Problem], solutions: Sequence[str]) -> list[str]:
        """The critiques of a model, greedily."""
        from twofold.models import resolve

        chats = [question(p, text) for p, text in zip(problems, solutions, strict=True)]
        sampling = Sampling(max_tokens=self.max_completion_length)
        return [row[0].reply for row in resolve(self.critic).sample(chats, sampling)]

    def _write(self, file: Path, kept: Kept) -> None:
        if kept.dropped:
            told = ", ".join(f"{n} {why}" for why, n in kept.dropped.items())
            _log.warning("%d critiques kept, dropped: %s", len(kept.rows), told)
        file.parent.mkdir(parents=True, exist_ok=True)
        with replaced(file) as out:
            out.writelines(dumps(row) + "\n" for row in kept.rows)

    def _read(self, file: Path, problems: Sequence[Problem]) -> Kept:
        """The critiques of a file that may be learned from; those of other problems are passed over."""
        if not file.is_file():
            raise TrainingError(
                f"there is no file {file}; set critiques to JSON lines with `problem`, `solution` and "
                "`critique`, or leave it out"
            )
        by_id = {problem.id: problem for problem in problems}
        lines = []
        for number, line in enumerate(read_lines(file), 1):
            if not {"problem", "solution", "critique"} <= set(line):
                raise TrainingError(
                    f"{file}, line {number} lacks `problem`, `solution` or `critique`; each line is "
                    '{"problem": id, "solution": text, "critique": text}'
                )
            if line["problem"] in by_id:
                lines.append(line)
        solutions = [
            Response(raw=s, reply=s.rpartition("</think>")[2].lstrip("\n"))
            for s in (line["solution"] for line in lines)
        ]
        asked = [by_id[line["problem"]] for line in lines]
        return checked(asked, solutions, [line["critique"] for line in lines], by=Correct())


def _rows(kept: Kept, problems: Sequence[Problem]) -> list[Row]:
    if not kept.rows:
        told = ", ".join(f"{n} {why}" for why, n in kept.dropped.items()) or "there is none"
        raise TrainingError(
            f"no critique can be learned from ({told}); give others or another critic"
        )
    by_id = {problem.id: problem for problem in problems}
    return [
        {
            "prompt": question(by_id[row["problem"]], row["solution"]),
            "completion": row["critique"],
            "problem": row["problem"],
        }
        for row in kept.rows
    ]
