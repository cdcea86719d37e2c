"""How does a model learn from critiques of solutions? Fine-tuning on the text of the critique."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, final

from pydantic import PositiveInt
from pydantic.dataclasses import dataclass

from twofold.methods.critiques import CheckedCritiques, by_rules, checked, question
from twofold.methods.demonstrations import Imitation, lines_about, written_reply
from twofold.methods.method import Problems, TrainedModel, TrainingError
from twofold.methods.sft import Sft
from twofold.methods.tuning import OnPolicy
from twofold.scorers import Correct
from twofold.storage.jsonl import Row, dumps, replaced
from twofold.storage.reading import Kind, kind_of
from twofold.types import Problem, Sampling
from twofold.validation import SETTINGS

_log = logging.getLogger(__name__)
_REMEDY = (
    "set critiques to JSON lines with `problem`, `solution` and `critique`, or leave it out to "
    "have them written"
)


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Cft(Imitation, OnPolicy):
    """Learn to criticise noisy solutions; after training the model simply answers.

    With one problem and some hundred `num_generations` it is the one-problem form, which can bring out what a
    model has and teach it little.

    Without a file the critiques are written first: the base answers every problem, a critic judges
    the answers, and critiques that the verifier contradicts are dropped. They are saved in
    `OUT.critiques.jsonl` and reused when the run is repeated.

    Args:
        critiques: JSON lines with `problem` (the id), `solution` and `critique`; None = write them.
        with_solutions: Learn from the worked solutions of the bare problems too, each once: critiques
            alone can leave a small model that criticises instead of answering.
        critic: Who writes them: `rules` (pocket and synthetic suites only), or a MODEL.
        num_generations: Solutions per problem to criticise.
        temperature: Sampling temperature of the solutions, above 0.
        max_completion_length: Token budget of a solution and of a critique.

    Source:
        Wang et al. 2025, https://arxiv.org/abs/2501.17703, section 2: loss on the critique given
        question and noisy solution; one problem: https://arxiv.org/abs/2506.03295. Departs: contradicted
        critiques are dropped, the solutions are the base's own unless a file has others, and
        worked solutions may be mixed in.
    """

    name: ClassVar[str] = "cft"
    later: ClassVar[Mapping[str, object]] = {**OnPolicy.later, "with_solutions": False}

    critiques: Path | None = None
    with_solutions: bool = False
    critic: str = "rules"
    num_generations: PositiveInt = 1

    def rows(self, problems: Problems) -> list[Row]:
        """One row per critique that the verifier accepts; without a file, the prompts.

        Raises:
            TrainingError: If there is no such file, a line lacks a key, or nothing is left.
        """
        if self.critiques is None:
            return super().rows(problems)
        return _accepted_rows(self.critiques, problems) + self._solved(problems)

    def _solved(self, problems: Problems) -> list[Row]:
        """The rows of the worked solutions; none if they are not asked for.

        Raises:
            TrainingError: If no problem has one.
        """
        if not self.with_solutions:
            return []
        return Sft(demonstrations="solutions", instructions="empty", seed=self.seed).rows(problems)

    def check(self, problems: Problems, eval_problems: Problems = ()) -> None:
        """Also refuse a file without a usable critique; see `Method.check`."""
        super().check(problems, eval_problems)
        self.rows(problems)
        self._solved(problems)

    def train(
        self, base: str, problems: Problems, *, out: str | Path, eval_problems: Problems = ()
    ) -> TrainedModel:
        """Train; see `Method.train`."""
        self.check(problems, eval_problems)
        out = Path(out)
        file = self.critiques or out.with_name(f"{out.name}.critiques.jsonl")
        if self.critiques is None and kind_of(file) is Kind.missing:
            written = self._written(base, problems)
            if written.dropped:
                _log.warning("%d critiques kept, dropped: %s", len(written.rows), written.reasons)
            file.parent.mkdir(parents=True, exist_ok=True)
            with replaced(file) as lines:
                lines.writelines(dumps(row) + "\n" for row in written.rows)
        rows = _accepted_rows(file, problems) + self._solved(problems)
        return self.imitate(base, rows, out=out, eval_problems=eval_problems)

    def _written(self, base: str, problems: Problems) -> CheckedCritiques:
        """Critiques of the base's own solutions."""
        replies_P_G = self.draw(base, problems, seed=self.seed)
        asked = [p for p, row in zip(problems, replies_P_G, strict=True) for _ in row]
        solutions = [reply for row in replies_P_G for reply in row]
        write = by_rules if self.critic == "rules" else self._by_model
        critiques = write(asked, [solution.raw for solution in solutions])
        return checked(asked, solutions, critiques, by=Correct())

    def _by_model(self, problems: Sequence[Problem], solutions: Sequence[str]) -> list[str]:
        """The greedy critiques of a model."""
        from twofold.models import resolve

        chats = [question(p, text) for p, text in zip(problems, solutions, strict=True)]
        sampling = Sampling(max_tokens=self.max_completion_length)
        return [row[0].reply for row in resolve(self.critic).sample(chats, sampling)]


def _accepted_rows(file: Path, problems: Problems) -> list[Row]:
    """The training rows for the critiques of a file that the verifier accepts."""
    lines = lines_about(problems, file, ("problem", "solution", "critique"), remedy=_REMEDY)
    by_id = {problem.id: problem for problem in problems}
    asked = [by_id[line["problem"]] for line in lines]
    solutions = [written_reply(line["solution"]) for line in lines]
    found = checked(asked, solutions, [line["critique"] for line in lines], by=Correct())
    if not found.rows:
        raise TrainingError(
            f"no critique is usable ({found.reasons or 'the file has none'}); give others or change critic"
        )
    return [
        {
            "prompt": question(by_id[row["problem"]], row["solution"]),
            "completion": row["critique"],
            "problem": row["problem"],
        }
        for row in found.rows
    ]
