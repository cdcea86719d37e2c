"""What is monitored during training? That numbers are finite, and held-out problems."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, final

import torch
from torch.distributed.tensor import DTensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from twofold.methods.method import TrainingError
from twofold.methods.trl.checkpoints import checkpoint, save_log
from twofold.methods.trl.early_stopping import EVAL_METRIC, BestCheckpoint
from twofold.methods.trl.reward import UNSCORED, judged
from twofold.models.hf import HfModel
from twofold.scorers import Compliant, Correct, Product
from twofold.types import Problem, Response, Sampling, Scorer, Verdict

# Logged at every evaluation, whatever could be scored.
TOKENS = "eval/tokens"

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
class EvalCallback(TrainerCallback):
    """Evaluates the base and every checkpoint on held-out problems.

    Replies are sampled at temperature 1 with a fixed seed: training shapes that distribution, and
    greedy replies hide small changes. Logged: `eval/correct`, `eval/compliant_all`, `eval/joint` (means
    over the scored replies), `eval/unscored`, `eval/tokens` (mean length of thought and reply), and for
    each of `measures` the mean `eval/NAME` and the unscored share `eval/NAME_unscored`.
    """

    problems: Sequence[Problem]
    _: KW_ONLY
    base: str
    log: Callable[[dict[str, float]], None]
    max_tokens: int
    measures: Mapping[str, Scorer] = field(default_factory=dict)
    eval_metric: BestCheckpoint | None = None

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
        """Evaluate the checkpoint of this step (0: the base) on the first process."""
        if state.is_world_process_zero:
            step = int(state.global_step)
            folder = checkpoint(Path(str(args.output_dir)), step) if step else None
            found = self._ask(str(folder or self.base))
            if self.eval_metric is not None:
                self.eval_metric.saw(step, found.get(EVAL_METRIC), folder)
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

    def _ask(self, spec: str) -> dict[str, float]:
        sampling = Sampling(max_tokens=self.max_tokens, temperature=1.0)
        chats = [problem.messages() for problem in self.problems]
        rows = HfModel(spec, use_cache=False).sample(chats, sampling)
        found = measured(self.problems, [row[0] for row in rows], self.measures)
        self.log(dict(found))
        return found


def measured(
    problems: Sequence[Problem],
    responses: Sequence[Response],
    measures: Mapping[str, Scorer] = MappingProxyType({}),
) -> dict[str, float]:
    """The means that `EvalCallback` logs for one reply per problem, by metric name."""
    verdicts = Product((Correct(), Compliant("all")))(problems, responses)
    columns: dict[str, list[Verdict]] = {"joint": verdicts}
    columns |= {n: [v.parts[n] for v in verdicts] for n in ("correct", "compliant_all")}
    columns |= {name: judged(scorer, problems, responses) for name, scorer in measures.items()}
    found: dict[str, float] = {}
    for name, column in columns.items():
        scores = [verdict.score for verdict in column if verdict.score is not None]
        if scores:
            found[f"eval/{name}"] = sum(scores) / len(scores)
        if name in measures:  # a judge may fail where correctness does not
            found[f"eval/{name}_unscored"] = 1 - len(scores) / len(column)
    found["eval/unscored"] = sum(v.score is None for v in verdicts) / len(verdicts)
    tokens = [(r.n_thinking_tokens or 0) + (r.n_reply_tokens or 0) for r in responses]
    found[TOKENS] = sum(tokens) / len(responses)
    return found
