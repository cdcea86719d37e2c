"""How does a model learn from replies that are given? Fine-tuning on the reply's tokens alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import PositiveFloat
from pydantic.dataclasses import dataclass

from twofold.methods.method import TrainedModel
from twofold.methods.tuning import Tuned
from twofold.storage.jsonl import Row
from twofold.types import FinishReason, Problem, Response, Scorer
from twofold.validation import SETTINGS


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Imitation(Tuned):
    """A method that ends in imitation: the next-token loss over replies, not over prompts.

    Args:
        learning_rate: The default suits models of a billion weights and more; 3e-4 a small one.
        epochs: Passes over the replies.
    """

    learning_rate: PositiveFloat = 1e-5
    epochs: PositiveFloat = 2.0

    def imitate(
        self, base: str, rows: Sequence[Row], *, out: Path, eval_problems: Sequence[Problem] = ()
    ) -> TrainedModel:
        """Fine-tune `base` on `rows`, each with a `prompt` (chat) and a `completion` (text).

        The prompt is rendered and the completion is tokenised as in sampling, and the end token is
        put after it: what is learned is what the model will be asked for.
        """
        from twofold.methods.trl.runner import TrlRunner

        settings = self.shared_settings() | {
            "num_train_epochs": self.epochs,
            "completion_only_loss": True,
            "max_length": self.trl.get("max_length"),  # TRL cuts at 1024 tokens unless told
        }
        runner = TrlRunner(self, base, rows, out=out)
        if runner.finished is not None:
            return runner.finished
        from trl.trainer.sft_config import SFTConfig

        from twofold.methods.trl.compact_loss import CompactSft

        runner.check(SFTConfig, settings)
        return runner.run(
            lambda: CompactSft(
                model=runner.trainable.network,
                args=SFTConfig(**runner.settings(settings)),
                train_dataset=runner.tokens(),
                processing_class=runner.trainable.tokenizer,
                peft_config=runner.trainable.adapter,
            ),
            eval_problems=eval_problems,
        )


def kept(
    problems: Sequence[Problem],
    responses_P_G: Sequence[Sequence[Response]],
    *,
    by: Scorer,
    at_least: float,
) -> list[Row]:
    """The replies worth imitating: scored at least so high, ended by the model, each text once.

    Args:
        problems: What was asked.
        responses_P_G: The replies to each.
        by: What they are scored by.
        at_least: The lowest score that is kept, in [0, 1]. An unscored reply is never kept.

    Returns:
        Rows of `prompt`, `completion`, `problem` and `score`, in order.

    Example:
        >>> from twofold.scorers import Correct
        >>> problem = Problem(question="7 + 5 = ?", answer="12")
        >>> replies = [Response(raw=text, reply=text) for text in ("#### 12", "#### 13", "#### 12")]
        >>> [row["completion"] for row in kept([problem], [replies], by=Correct(), at_least=1.0)]
        ['#### 12']
    """
    pairs = [(p, r) for p, row in zip(problems, responses_P_G, strict=True) for r in row]
    verdicts = by([p for p, _ in pairs], [r for _, r in pairs])
    rows: dict[tuple[str, str], Row] = {}
    for (problem, response), verdict in zip(pairs, verdicts, strict=True):
        if (
            verdict.score is None
            or verdict.score < at_least
            or response.finish_reason is not FinishReason.answered
        ):
            continue
        row = {"prompt": problem.messages(), "completion": response.raw, "problem": problem.id}
        rows.setdefault((problem.id, response.raw), row | {"score": verdict.score})
    return list(rows.values())
