"""What does a step of GRPO cost with our reward, and where does its time go?

Ours is `Grpo.train` with `SoftGate` and with other shapes, its logged metrics and its callbacks; the
other side is TRL's trainer with a constant reward, on the same rows. Both train the pocket model for
a few steps alternately (A B B A ...), without the first step of each. The learning rate is too small
to move a weight and the same seed is set before each step, so both sides sample the same replies; if
they do not, nothing is reported. On a CPU the time is process time, which other programs hardly
affect.
"""

from __future__ import annotations

import logging
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import transformers
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from benchmarks.ratio import Ratio
from twofold.methods import Grpo
from twofold.methods.trl.runner import TrlRunner
from twofold.models import loading
from twofold.models.quiet import quiet
from twofold.problems import load
from twofold.scorers import SoftGate
from twofold.types import Problem

BASE = "pocket"
N_STEPS, N_ROUNDS = 4, 6
LIMIT = 1.05

GRPO = Grpo(
    reward=SoftGate(),
    steps=N_STEPS,
    batch=8,
    max_completion_length=96,
    learning_rate=1e-12,
    save_steps=N_STEPS + 1,
    precheck_problems=0,
    trl={"report_to": "none"},
)

SHAPES = {
    "SoftGate": GRPO,
    "SoftGate, graded": replace(GRPO, reward="soft_gate_graded"),
    "correct, then compliant": replace(
        GRPO, reward="correct_then_compliant", aggregation="lexicographic"
    ),
    "contrast pairs": replace(GRPO, contrast=True),
}

SAMPLING, REWARD, BATCH, GRADIENT = PARTS = (
    "_generate",
    "_calculate_rewards",
    "_prepare_inputs",
    "training_step",
)
"""The timed methods of the trainer; the third contains the first two, the last contains all."""


now = time.process_time if loading.device().type == "cpu" else time.perf_counter


class Clock(transformers.TrainerCallback):
    """Times the steps of one training run, each up to the start of the next.

    A step includes its logging and data loading; only saving is left out.
    """

    def __init__(self) -> None:
        self.steps: list[Counter[str]] = []
        self.replies: list[object] = []
        self._start = 0.0

    def on_step_begin(
        self, _args: Any, state: transformers.TrainerState, *_: Any, **__: Any
    ) -> None:
        """End the previous step and start the next, with its fixed seed."""
        self._end()
        torch.manual_seed(state.global_step)
        self.steps.append(Counter())
        self._start = now()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """End the last step."""
        self._end()

    def _end(self) -> None:
        if self.steps:
            self.steps[-1]["whole"] += now() - self._start

    @property
    def seconds(self) -> Counter[str]:
        """Seconds of all steps and of each part, without the first step (warm-up)."""
        return sum(self.steps[1:], Counter())


@contextmanager
def timed(clock: Clock) -> Iterator[None]:
    """Within this context a `GRPOTrainer` reports its times to `clock`."""

    def watched(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(self: GRPOTrainer, *args: Any, **kwargs: Any) -> Any:
            start = now()
            done = work(self, *args, **kwargs)
            clock.steps[-1][name] += now() - start
            if name == SAMPLING:
                clock.replies.append(done[1])
            return done

        return wrapped

    made = GRPOTrainer.__init__

    def init(self: GRPOTrainer, *args: Any, **kwargs: Any) -> None:
        made(self, *args, **kwargs)
        self.add_callback(clock)

    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(GRPOTrainer, "__init__", init))
        for name in PARTS:
            wrapped = watched(name, getattr(GRPOTrainer, name))
            patches.enter_context(mock.patch.object(GRPOTrainer, name, wrapped))
        yield


def nothing(completions: Sequence[object], **_: object) -> list[float]:
    return [0.0] * len(completions)


def ours(method: Grpo, problems: Sequence[Problem], out: Path) -> None:
    method.train(BASE, problems, out=out)


def bare(method: Grpo, problems: Sequence[Problem], out: Path) -> None:
    """TRL's trainer as users run it, on the same rows in the same order."""
    runner = TrlRunner(method, BASE, method.rows(problems), out=out)
    on_gpu = loading.device().type == "cuda"
    settings = GRPOConfig(
        output_dir=str(out),
        per_device_train_batch_size=GRPO.rows_a_step,
        num_generations=GRPO.num_generations,
        max_completion_length=GRPO.max_completion_length,
        max_steps=N_STEPS,
        learning_rate=GRPO.learning_rate,
        lr_scheduler_type="constant",
        shuffle_dataset=False,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        use_cpu=not on_gpu,
        bf16=on_gpu and torch.cuda.is_bf16_supported(),
        activation_checkpointing=on_gpu,
        dataloader_pin_memory=on_gpu,
        disable_tqdm=True,
    )
    with quiet():
        trainer = GRPOTrainer(
            model=runner.trainable.network,
            reward_funcs=nothing,
            args=settings,
            train_dataset=runner.data(n_steps=N_STEPS),
            processing_class=runner.trainable.tokenizer,
        )
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()


def clocked(train: Callable[[Path], None]) -> Clock:
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder, timed(clock):
        train(Path(folder, "run"))
    return clock


def measure() -> list[Ratio]:
    logging.getLogger(GRPOTrainer.__module__).setLevel(logging.ERROR)
    logging.getLogger("twofold").setLevel(logging.ERROR)
    return [compared(name, method) for name, method in SHAPES.items()]


def compared(name: str, method: Grpo) -> Ratio:
    problems = load(f"{BASE}:{method.batch * N_STEPS}:train", profile="fixed")
    sides = [partial(ours, method, problems), partial(bare, method, problems)]
    rounds: list[tuple[Clock, Clock]] = []
    for number in range(N_ROUNDS):
        if number % 2:
            b, a = clocked(sides[1]), clocked(sides[0])
        else:
            a, b = clocked(sides[0]), clocked(sides[1])
        if a.replies != b.replies:
            raise SystemExit(
                "the two sides sampled different replies, so their times cannot be compared"
            )
        rounds.append((a, b))
    return Ratio(
        name=f"a GRPO step of {method.batch} x {method.num_generations} replies, {name}",
        rounds=[a.seconds["whole"] / b.seconds["whole"] for a, b in rounds],
        limit=LIMIT,
        ours=told([a for a, _ in rounds]),
        theirs=f"TRL with a constant reward: {told([b for _, b in rounds])}",
    )


def told(clocks: Sequence[Clock]) -> str:
    """'2.00 s (sampling 41 %, ...)': the mean of a step, median over rounds, and its parts.

    The update is the loss and its gradient; the rest is the optimiser, logging and everything else.
    """
    seconds = [clock.seconds for clock in clocks]
    shares = {
        "sampling": [s[SAMPLING] / s["whole"] for s in seconds],
        "reward": [s[REWARD] / s["whole"] for s in seconds],
        "update": [(s[GRADIENT] - s[BATCH]) / s["whole"] for s in seconds],
        "rest": [
            1 - (s[SAMPLING] + s[REWARD] + s[GRADIENT] - s[BATCH]) / s["whole"] for s in seconds
        ],
    }
    step = statistics.median(s["whole"] for s in seconds) / (N_STEPS - 1)
    parts = ", ".join(f"{name} {statistics.median(x):.1%}" for name, x in shares.items())
    return f"{step:.2f} s ({parts})"
