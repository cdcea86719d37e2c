"""How does a model learn the facts of passages? It answers with and without them, and prefers the first."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, final

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from twofold.methods.method import Problems, TrainedModel, TrainingError
from twofold.methods.rewards import Reward, require_applies
from twofold.methods.rlag.pairs_file import PairsFile
from twofold.methods.rlag.retrieval import passages_by, retriever_named
from twofold.methods.rlag.samples import Asked, Pairs, Winner, informed, old_replies, sampled
from twofold.methods.rlag.weights import Weights
from twofold.methods.tuning import OnPolicy
from twofold.problems import load
from twofold.randomness import rng_for
from twofold.scorers import Correct
from twofold.storage.jsonl import Row
from twofold.types import Sampling, Share
from twofold.validation import SETTINGS

_log = logging.getLogger(__name__)
_ALL_OFF = "every term of the loss is off; raise one of weights"


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Rlag(OnPolicy):
    """Answer with retrieved passages and without, and make the first the model's own.

    In each cycle the model as it stands answers a part of the problems both ways, and the loss then
    raises the likelihood of the passages and of the reply with them, and lowers that of the reply
    without them. Problems with `options` are scored as published; the others are sampled, and what the
    reward accepts counts as right. Problems where no reply with the passages is right are left out, and
    the log counts them.

    Args:
        corpus: What `bm25` searches: JSON lines with `text`, or a text with a blank line between
            passages.
        retriever: `bm25`, or a `Retriever` of your own as `package.module:Name`.
        n_passages: Most passages for a problem.
        weights: The terms of the loss, each with a switch; see `Weights`.
        cycles: Parts of the problems; the replies of each are made by the model of the part before. Not
            with `lora` or `layer_bias` above 1.
        epochs: Passes over a part.
        reward: What says whether a reply is right.
        at_least: Lowest score that is right, in [0, 1].
        verified: Whether the preferred reply must be right; false as published, where nothing checks it.
        winner: The preferred reply: the model's own with the passages (`augmented`), or the right option
            or worked solution (`reference`), an ablation that the paper found worse.
        replay: Problems, as in `--problems`, whose replies by the base are learned beside the pairs, one
            beside each: against forgetting. The next-token loss of samples of the base is, up to a
            constant, the KL divergence from the base, so that no second model is held in memory.
        num_generations: Replies with, and without, the passages to a problem without options.
        temperature: Sampling temperature of the replies, above 0.
        max_completion_length: Token budget of a reply, including the thought.

    Source:
        RLAG, https://arxiv.org/abs/2509.20162; the loss as in its public code, see
        `twofold.methods.rlag.loss`. Departs: replies are verified; free-form replies, context
        distillation (`weights: {distil: ...}`) and replay are ours.
    """

    name: ClassVar[str] = "rlag"
    later: ClassVar[Mapping[str, object]] = OnPolicy.later

    learning_rate: PositiveFloat = 1e-5
    corpus: Path | None = None
    retriever: Annotated[str, Field(pattern=r"^(bm25|[\w.]+:\w+)$")] = "bm25"
    n_passages: PositiveInt = 3
    weights: Weights = field(default_factory=Weights)
    cycles: PositiveInt = 1
    epochs: PositiveFloat = 2.0
    reward: Reward = field(default_factory=Correct)
    at_least: Annotated[float, Field(ge=0, le=1)] = 1.0
    verified: bool = True
    winner: Winner = "augmented"
    replay: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cycles > 1 and (self.lora is not None or self.layer_bias):
            raise TrainingError(
                "cycles above 1 go on from the weights of the cycle before, which an adapter cannot be "
                "trained on; set cycles to 1, or leave out lora and layer_bias"
            )
        if self.weights.are_off(replays=self.replay is not None):
            raise TrainingError(_ALL_OFF)
        retriever_named(self.retriever, self.corpus)

    def configuration(self) -> tuple[type, dict[str, object]]:
        """See `Tuned.configuration`; the trainer is transformers' own."""
        from transformers import TrainingArguments

        return TrainingArguments, self.shared_settings() | {
            "num_train_epochs": self.epochs,
            "remove_unused_columns": False,
        }

    def check(self, problems: Problems, eval_problems: Problems = ()) -> None:
        """Also refuse a problem without a passage, and fewer problems than cycles; see `Method.check`."""
        super().check(problems, eval_problems)
        require_applies(self.reward, problems)
        if self.cycles > len(problems):
            raise TrainingError(
                f"{self.cycles} cycles for {len(problems)} problems leave a cycle without one; lower cycles"
            )
        self._passages(problems)
        if self.replay is not None:
            load(self.replay, profile="fixed", limit=1)

    def rows(self, problems: Problems) -> list[Row]:
        """One row per problem: its chat with the passages in it, the passages, and its id."""
        return [
            {"prompt": informed(p, passages).messages(), "passages": passages, "problem": p.id}
            for p, passages in zip(problems, self._passages(problems), strict=True)
        ]

    def train(
        self, base: str, problems: Problems, *, out: str | Path, eval_problems: Problems = ()
    ) -> TrainedModel:
        """Train; see `Method.train`. Pairs are in `OUT-pairs`, earlier cycles in `OUT-cycle-N`.

        Raises:
            TrainingError: Also if a cycle has no pair, or a passage is longer than the context.
        """
        self.check(problems, eval_problems)
        out = Path(out)
        passages_P = self._passages(problems)
        order = rng_for("rlag", self.seed, "cycles").permutation(len(problems))
        now, n_steps = base, 0
        for number in range(1, self.cycles + 1):
            last = number == self.cycles
            folder = out if last else out.with_name(f"{out.name}-cycle-{number}")
            part = sorted(order[number - 1 :: self.cycles])
            chosen = [problems[i] for i in part], [passages_P[i] for i in part]
            rows = self._pairs(now, base, number, *chosen, out)
            done = self._prefer(
                now, rows, out=folder, eval_problems=eval_problems, compared_with=base
            )
            now, n_steps = str(done.folder), n_steps + done.n_steps
        return TrainedModel(folder=out, base=base, method=self.name, n_steps=n_steps)

    def _passages(self, problems: Problems) -> list[list[str]]:
        """The passages about each problem, retrieved once; a `TrainingError` if a problem has none."""
        questions = tuple(problem.question for problem in problems)
        if questions not in self._kept:
            self._kept[questions] = self._retrieved(problems)
        return self._kept[questions]

    @cached_property
    def _kept(self) -> dict[tuple[str, ...], list[list[str]]]:
        """What was retrieved, by the questions: training has the passages that `check` found."""
        return {}

    def _retrieved(self, problems: Problems) -> list[list[str]]:
        questions = [problem.question for problem in problems]
        found = passages_by(self.retriever, self.corpus, questions, n=self.n_passages)
        missing = [p.id for p, passages in zip(problems, found, strict=True) if not passages]
        if missing:
            raise TrainingError(
                f"{self.retriever} finds no passage for {len(missing)} of {len(problems)} problems "
                f"({', '.join(missing[:3])}{' ...' * (len(missing) > 3)}); add passages about them to the "
                "corpus, or leave these problems out"
            )
        return found

    def _pairs(
        self,
        now: str,
        base: str,
        number: int,
        problems: Problems,
        passages_P: Sequence[Sequence[str]],
        out: Path,
    ) -> list[Row]:
        """The rows of a cycle: read if an earlier start made them, else made and saved beside `out`."""
        file = PairsFile(
            out.with_name(f"{out.name}-pairs") / f"cycle-{number}.jsonl",
            self._identity(now, problems, passages_P, number),
        )
        if (saved := file.read()) is not None:
            return saved
        asked = Asked(
            reward=self.reward,
            at_least=self.at_least,
            verified=self.verified,
            winner=self.winner,
            num_generations=self.num_generations,
            sampling=self._sampling,
            seed=self.seed + number,
        )
        found = sampled(now, problems, passages_P, asked)
        if Share.here().rank == 0:
            _log.warning("cycle %d: %s", number, found)
        if not found.rows:
            raise TrainingError(
                f"cycle {number} has no pair ({found}). Take easier problems, a stronger base or better "
                "passages, draw more or longer replies (max_completion_length), or lower at_least"
            )
        rows = self._with_replay(base, number, found)
        file.write(rows)
        return rows

    def _with_replay(self, base: str, number: int, found: Pairs) -> list[Row]:
        """The pairs, each beside an old reply of the base; other ones in each cycle while they last."""
        if self.replay is None or not self.weights.replay:
            return found.rows
        asked = load(self.replay, profile="fixed")
        old = old_replies(base, asked, self._sampling, seed=self.seed)
        if not old:
            raise TrainingError(
                f"the base ends none of its replies to {self.replay} within max_completion_length; raise it"
            )
        first = (number - 1) * len(found.rows)
        return [row | {"replay": old[(first + i) % len(old)]} for i, row in enumerate(found.rows)]

    @property
    def _sampling(self) -> Sampling:
        return Sampling(max_tokens=self.max_completion_length, temperature=self.temperature)

    def _identity(
        self, now: str, problems: Problems, passages_P: Sequence[Sequence[str]], number: int
    ) -> str:
        """A digest of everything that decides the pairs of a cycle."""
        from twofold.methods.trl.trainable_model import TrainableModel

        weights: Any = TrainableModel(now, lora=None).hashes()
        settings = {key: repr(value) for key, value in self.bound_to().items()}
        asked = [(problem.id, problem.options) for problem in problems]
        content = repr((weights, settings, asked, passages_P, number))
        return hashlib.sha256(content.encode()).hexdigest()

    def _prefer(
        self,
        base: str,
        rows: Sequence[Row],
        *,
        out: Path,
        eval_problems: Problems,
        compared_with: str,
    ) -> TrainedModel:
        """Train on pairs; the folder is begun only when every text is known to fit."""
        from twofold.methods.trl.runner import TrlRunner

        runner = TrlRunner(self, base, rows, out=out, eval_problems=eval_problems)
        if runner.finished is not None:
            return runner.finished
        import datasets

        from twofold.methods.trl.rlag_trainer import RlagTrainer, encoded

        texts = encoded(rows, runner.trainable, self.weights)
        if not texts:
            raise TrainingError(_ALL_OFF)
        trainer = runner.trainer(RlagTrainer, lambda: datasets.Dataset.from_list(texts))
        return runner.run(
            lambda: trainer(weights=self.weights),
            max_tokens=self.max_completion_length,
            compared_with=compared_with,
        )
