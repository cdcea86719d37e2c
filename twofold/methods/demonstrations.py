"""How does a model learn from given replies? By fine-tuning on the tokens of the reply."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, final

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat
from pydantic.dataclasses import dataclass

from twofold.methods.method import Problems, TrainedModel, TrainingError
from twofold.methods.tuning import Tuned
from twofold.models.thinking import ThinkingPolicy, read_said
from twofold.storage.reading import InputFile, Kind, Row, kind_of
from twofold.types import FinishReason, Problem, Response, Scorer
from twofold.validation import SETTINGS, validated


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Imitation(Tuned):
    """A method that minimises the next-token loss over replies, not over prompts.

    Args:
        learning_rate: The default suits models of 1B parameters and more; 3e-4 suits a small one.
        epochs: Passes over the replies.
    """

    learning_rate: PositiveFloat = 1e-5
    epochs: PositiveFloat = 2.0

    def train(
        self, base: str, problems: Problems, *, out: str | Path, eval_problems: Problems = ()
    ) -> TrainedModel:
        """Train on `rows`; see `Method.train`."""
        self.check(problems, eval_problems)
        return self.imitate(base, self.rows(problems), out=out, eval_problems=eval_problems)

    def configuration(self) -> tuple[type, dict[str, object]]:
        """See `Tuned.configuration`."""
        from trl.trainer.sft_config import SFTConfig

        return SFTConfig, self.shared_settings() | {
            "num_train_epochs": self.epochs,
            "completion_only_loss": True,
            "max_length": self.trl.get("max_length"),  # TRL's default truncates at 1024 tokens
        }

    def imitate(
        self, base: str, rows: Sequence[Row], *, out: str | Path, eval_problems: Problems = ()
    ) -> TrainedModel:
        """Fine-tune `base` on `rows` of `prompt` (chat) and `completion`, tokenised as in sampling."""
        from twofold.methods.trl.runner import TrlRunner

        runner = TrlRunner(self, base, rows, out=Path(out), eval_problems=eval_problems)
        if runner.finished is not None:
            return runner.finished
        from twofold.methods.trl.compact_loss import CompactSft

        trainer = runner.trainer(CompactSft, runner.tokens)
        return runner.run(trainer)


def kept(
    problems: Sequence[Problem],
    responses_P_G: Sequence[Sequence[Response]],
    *,
    by: Scorer,
    at_least: float,
) -> list[Row]:
    """The replies to imitate: scored `at_least` in [0, 1], complete, without duplicates.

    Returns:
        Rows of `prompt`, `completion`, `problem` and `score`, in order. Unscored replies are out.
    """
    pairs = [(p, r) for p, row in zip(problems, responses_P_G, strict=True) for r in row]
    verdicts = by([p for p, _ in pairs], [r for _, r in pairs])
    rows: dict[tuple[str, str], Row] = {}
    for (problem, response), verdict in zip(pairs, verdicts, strict=True):
        complete = response.finish_reason is FinishReason.answered
        if complete and verdict.score is not None and verdict.score >= at_least:
            row = {"prompt": problem.messages(), "completion": response.raw, "problem": problem.id}
            rows.setdefault((problem.id, response.raw), row | {"score": verdict.score})
    return list(rows.values())


def written_reply(raw: str) -> Response:
    """The response for a text that we wrote ourselves, with at most one thought in `<think>`."""
    return Response(raw=raw, reply=raw.rpartition("</think>")[2].lstrip("\n"))


def reply_in(line: Row) -> Response:
    """The reply of a line: parted and ended as the line says, or else as an audit reads its `raw`."""
    told = {key: value for key, value in line.items() if value is not None}
    parted = {} if "reply" in told else read_said(told["raw"], policy=ThinkingPolicy()).to_json()
    return Response.from_json(parted | told)


@final
class _Line(BaseModel):
    """What is read of a line. Which of the columns a file must have, `lines_about` is told."""

    model_config = ConfigDict(strict=True)

    problem: str = ""
    role: str = ""
    condition: str = ""
    raw: str = ""
    reply: str | None = None
    thinking: str | None = None
    finish_reason: Annotated[FinishReason | None, Field(strict=False)] = None
    solution: str = ""
    critique: str = ""
    prompt: list[dict[str, str]] = []
    chosen: str = ""
    rejected: str = ""


def lines_about(
    problems: Iterable[Problem], file: Path, keys: Sequence[str], *, remedy: str
) -> list[Row]:
    """The lines of a JSONL file, each with `keys`, whose `problem` is the id of one of `problems`."""
    if kind_of(file, TrainingError) is not Kind.file:
        raise TrainingError(f"there is no file {file}; {remedy}")
    ids = {problem.id for problem in problems}
    rows = []
    written = f"write one object a line; {remedy}"
    for number, line in InputFile(file, TrainingError, written, halves=False).lines():
        if missing := [key for key in keys if key not in line]:
            raise TrainingError(
                f"{file}, line {number} lacks {', '.join(missing)}; a line has {', '.join(keys)}"
            )
        validated(_Line, line, where=f"{file}, line {number}", error=TrainingError)
        if line["problem"] in ids:
            rows.append(line)
    return rows
