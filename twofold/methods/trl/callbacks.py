"""What is watched while a model trains: numbers that are numbers, and problems it never sees?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, final

import torch
from torch.distributed.tensor import DTensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from twofold.methods.method import TrainingError
from twofold.methods.trl.early_stopping import EVAL_METRIC, BestCheckpoint
from twofold.methods.trl.reward import UNSCORED, judged
from twofold.models.hf import HfModel
from twofold.scorers import Compliant, Correct, Product
from twofold.types import Problem, Response, Sampling, Scorer, Verdict

PATIENCE = 20
"""Steps without a single reward after which a run stops: the scorer is down."""


@final
class SoundNumbers(TrainerCallback):
    """Stops a run before a loss that is no number reaches the weights.

    The gradients are looked at before each step of the optimiser, so no checkpoint is ever written
    from broken weights. Where they are not at hand (DeepSpeed keeps its own), the log tells, a step
    later and before the next checkpoint.

    Args:
        out: The run's folder, for the message.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._n_unrewarded = 0

    def on_pre_optimizer_step(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Refuse gradients that hold NaN or infinity."""
        gradients = [p.grad for p in kwargs["model"].parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if isinstance(norm, DTensor):  # sharded by FSDP
            norm = norm.full_tensor()
        if gradients and not bool(torch.isfinite(norm)):
            raise stopped(self._out, f"the gradient of step {state.global_step + 1} is no number")

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Refuse a loss that is no number, and a reward that has been missing for long."""
        for key in ("loss", "grad_norm"):
            value = (logs or {}).get(key)
            if value is not None and not torch.isfinite(torch.tensor(float(value))):
                raise stopped(self._out, f"the {key} of step {state.global_step} is {value}")
        if logs and UNSCORED in logs:
            self._n_unrewarded = self._n_unrewarded + 1 if logs[UNSCORED] == 1.0 else 0
            if self._n_unrewarded >= PATIENCE:
                raise TrainingError(
                    f"no reply has had a reward for {PATIENCE} steps (up to step {state.global_step}): "
                    "the scorer does not work, the problems lack what it measures, or "
                    "max_completion_length cuts every thought off. Mend that and give the same "
                    "command again; it goes on from the last checkpoint"
                )


def stopped(out: Path, why: str) -> TrainingError:
    """The error of a run whose numbers went bad.

    Args:
        out: The run's folder.
        why: Which number did.
    """
    kept = sorted((p.name for p in out.glob("checkpoint-*/")), key=lambda name: (len(name), name))
    where = (
        f"{' and '.join(kept)} in {out} were written before" if kept else "no checkpoint was due"
    )
    return TrainingError(
        f"training stopped: {why}, so nothing more was learned or saved; {where}. Train into another "
        "--out with a lower learning_rate or more warmup_steps, from a checkpoint as --base if it "
        "still answers well"
    )


@final
class EvalCallback(TrainerCallback):
    """Audits every checkpoint on problems that training does not see, from its files.

    Sampled at temperature 1 with one seed: that distribution is what training shapes, and greedy
    replies hide a change until it tips over. The base is asked before the first step. Logged beside
    the trainer's own numbers, to wherever it reports: `eval/correct`,
    `eval/compliant_all`, `eval/joint` (means over the scored replies),
    `eval/unscored` and `eval/tokens` (mean length of thought and reply), and of each of
    `measures` the mean as `eval/NAME` and the share that it leaves unscored as
    `eval/NAME_unscored`.

    Args:
        problems: What is asked, at least one.
        base: What is trained.
        log: Takes a row of numbers.
        max_tokens: Budget of a reply.
        measures: What else is measured, under names of its own.
        eval_metric: Looks at `eval/eval_metric` after each checkpoint; None = there is none.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        *,
        base: str,
        log: Callable[[dict[str, float]], None],
        max_tokens: int,
        measures: Mapping[str, Scorer] = MappingProxyType({}),
        eval_metric: BestCheckpoint | None = None,
    ) -> None:
        self._problems = problems
        self._base = base
        self._log = log
        self._sampling = Sampling(max_tokens=max_tokens, temperature=1.0)
        self._measures = measures
        self._best = eval_metric

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: Any,
    ) -> None:
        """Ask the base, or a checkpoint that a kill left unmeasured."""
        step = int(state.global_step)
        if state.is_world_process_zero:
            if step == 0:
                self._look(0, None)
            elif self._best is not None and not self._best.has_seen(step):
                self._look(step, _saved(args, step))
        control.should_training_stop |= self._is_past()

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: Any,
    ) -> None:
        """Ask the checkpoint that was just written."""
        step = int(state.global_step)
        if state.is_world_process_zero:
            self._look(step, _saved(args, step))
        control.should_training_stop |= self._is_past()

    def _look(self, step: int, folder: Path | None) -> None:
        """Measure a checkpoint, or the base, and take note of its eval_metric."""
        found = self._ask(str(folder or self._base))
        if self._best is not None:
            self._best.saw(step, found.get(EVAL_METRIC), folder)

    def _is_past(self) -> bool:
        """Whether the run is past its best, as the first process has measured it.

        The others wait for its answer: one that stopped alone would leave them waiting for ever.
        """
        if self._best is None:
            return False
        told = [self._best.is_past]
        if torch.distributed.is_initialized():
            torch.distributed.broadcast_object_list(told, src=0)
        return told[0]

    def _ask(self, spec: str) -> dict[str, float]:
        model = HfModel(spec, use_cache=False)
        chats = [problem.messages() for problem in self._problems]
        responses = [row[0] for row in model.sample(chats, self._sampling)]
        found = measured(self._problems, responses, self._measures)
        self._log(dict(found))
        return found


def _saved(args: TrainingArguments, step: int) -> Path:
    return Path(str(args.output_dir)) / f"checkpoint-{step}"


def measured(
    problems: Sequence[Problem],
    responses: Sequence[Response],
    measures: Mapping[str, Scorer] = MappingProxyType({}),
) -> dict[str, float]:
    """The means that `EvalCallback` logs; a measure without a scored reply is left out.

    Args:
        problems: What was asked, at least one.
        responses: One answer a problem.
        measures: What else is measured, by name.
    """
    verdicts = Product((Correct(), Compliant("all")))(problems, responses)
    columns: dict[str, list[Verdict]] = {"joint": verdicts}
    for name in ("correct", "compliant_all"):
        columns[name] = [verdict.parts[name] for verdict in verdicts]
    columns |= {name: judged(scorer, problems, responses) for name, scorer in measures.items()}
    found: dict[str, float] = {}
    for name, column in columns.items():
        scores = [verdict.score for verdict in column if verdict.score is not None]
        if scores:
            found[f"eval/{name}"] = sum(scores) / len(scores)
        if name in measures:  # a judge may be silent where correctness is not
            found[f"eval/{name}_unscored"] = 1 - len(scores) / len(column)
    found["eval/unscored"] = sum(v.score is None for v in verdicts) / len(verdicts)
    tokens = [(r.n_thinking_tokens or 0) + (r.n_reply_tokens or 0) for r in responses]
    found["eval/tokens"] = sum(tokens) / len(responses)
    return found
