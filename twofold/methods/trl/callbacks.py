"""What is monitored during training? That numbers are finite, and held-out problems."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any, final

import torch
from torch.distributed.tensor import DTensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from twofold.methods.method import TrainingError
from twofold.methods.trl import evaluation
from twofold.methods.trl.checkpoints import checkpoint, save_log
from twofold.methods.trl.early_stopping import EVAL_METRIC, BestCheckpoint
from twofold.methods.trl.evaluation import TOKENS, Evaluation, Replies
from twofold.methods.trl.frontier import FrontierCheckpoint
from twofold.methods.trl.reward import UNSCORED
from twofold.models.composed import from_folder, is_composed
from twofold.models.hf import HfModel
from twofold.problems.conditions import asked
from twofold.progress import Progress
from twofold.types import Model, Problem, Sampling, Scorer

PATIENCE = 20  # steps without a single reward after which a run stops: the scorer is down


@final
class SoundNumbers(TrainerCallback):
    """Stops a run before a non-finite gradient or loss reaches the weights.

    Gradients are checked before each optimiser step, so no checkpoint has broken weights. If they
    are not accessible (DeepSpeed), the log is checked, one step later and before the next checkpoint.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._n_unrewarded = 0

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Refuse gradients with NaN or infinity."""
        gradients = [p.grad for p in kwargs["model"].parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if isinstance(norm, DTensor):  # sharded by FSDP
            norm = norm.full_tensor()
        if gradients and not bool(torch.isfinite(norm)):
            raise stopped(self._out, f"the gradient of step {state.global_step + 1} is not finite")

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Refuse a non-finite loss, and a reward that has been missing for `PATIENCE` steps."""
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
                    "max_completion_length cuts off every thought. Fix that and run the same "
                    "command again; it resumes from the last checkpoint"
                )


def stopped(out: Path, why: str) -> TrainingError:
    """The error of a run with a non-finite number; `out` is its folder, `why` names the number."""
    kept = sorted((p.name for p in out.glob("checkpoint-*/")), key=lambda name: (len(name), name))
    saved = (
        f"{' and '.join(kept)} in {out} were saved before that"
        if kept
        else "there is no checkpoint yet"
    )
    return TrainingError(
        f"training stopped: {why}, so nothing more was learned or saved; {saved}. Train into another "
        "--out with a lower learning_rate or more warmup_steps, from a checkpoint as --base if it "
        "still answers well"
    )


@final
@dataclass(eq=False)
class Steps(TrainerCallback):
    """Tells a `Progress` of the steps; transformers has a bar of its own on a terminal."""

    progress: Progress

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Note how many steps there are, and how many an earlier call has done."""
        self.progress.total = int(state.max_steps)
        self.progress.before = int(state.global_step)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Note a step."""
        self.progress.advance()


@final
@dataclass(eq=False)
class EvalCallback(TrainerCallback):
    """Evaluates the base and every checkpoint on held-out problems, told and untold in one batch.

    Replies are sampled at temperature 1 with a fixed seed: training shapes that distribution, and
    greedy replies hide small changes. Logged, of the replies to the usual prompts: `eval/correct`,
    `eval/compliant_all`, `eval/joint` (means over the scored replies), `eval/unscored`, `eval/tokens` (mean
    length of thought and reply), and for each of `measures` the mean `eval/NAME` and the unscored share
    `eval/NAME_unscored`. Of both conditions, each with `_low`, `_high`, `_n` and `_n_unscored`:
    `eval/accuracy` (untold where that was asked), `eval/obedience` (met told minus met untold),
    `eval/chance_corrected`, and of a checkpoint the gains over the base, `eval/accuracy_gain` and
    `eval/obedience_gain`. The scores are saved by problem, in `evaluations/`.
    """

    problems: Sequence[Problem]
    _: KW_ONLY
    base: str
    log: Callable[[dict[str, float]], None]
    max_tokens: int
    measures: Mapping[str, Scorer] = field(default_factory=dict)
    eval_metric: BestCheckpoint | None = None
    frontier: FrontierCheckpoint | None = None

    def __post_init__(self) -> None:
        self.problems = tuple({problem.id: problem for problem in self.problems}.values())

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Evaluate the base, or a checkpoint that an interrupted run did not evaluate."""
        if not any(row["step"] == state.global_step and TOKENS in row for row in state.log_history):
            self._evaluate(args, state)
        control.should_training_stop |= self._is_past()

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Evaluate the new checkpoint."""
        self._evaluate(args, state)
        control.should_training_stop |= self._is_past()

    def _evaluate(self, args: TrainingArguments, state: TrainerState) -> None:
        """Evaluate the checkpoint of this step (0: the base) on the first process.

        What is kept is kept before the log with the evaluation is saved: a kill before that repeats all.
        """
        if state.is_world_process_zero:
            step, out = int(state.global_step), Path(str(args.output_dir))
            folder = checkpoint(out, step) if step else None
            found = self._ask(str(folder or self.base), step, out)
            if self.eval_metric is not None:
                self.eval_metric.saw(step, found.get(EVAL_METRIC), folder)
            if self.frontier is not None:
                self.frontier.saw(step, found, folder)
            if folder is not None:
                save_log(folder, state)

    def _is_past(self) -> bool:
        """Whether to stop, as the first process decides; all processes must stop together."""
        if self.eval_metric is None:
            return False
        decision = [self.eval_metric.is_past]
        if torch.distributed.is_initialized():
            torch.distributed.broadcast_object_list(decision, src=0)
        return decision[0]

    def _ask(self, spec: str, step: int, out: Path) -> dict[str, float]:
        """Sample, save and log; what is logged."""
        sampling = Sampling(max_tokens=self.max_tokens, temperature=1.0)
        chats = [chat for *_, chat in asked(self.problems)]
        said = _loaded(spec).sample(chats, sampling)
        replies = Replies(self.problems, [row[0] for row in said])
        rows = replies.rows()
        evaluation.write(out, step, rows)
        base = evaluation.read(out, 0, self.problems) if step else None
        now = Evaluation(self.problems, rows)
        found = replies.means(self.measures) | evaluation.logged(now, base)
        self.log(dict(found))
        return found


def _loaded(spec: str) -> Model:
    """The model of a checkpoint, whose replies no later run will ask for again."""
    folder = Path(spec)
    return from_folder(folder) if is_composed(folder) else HfModel(spec, use_cache=False)
