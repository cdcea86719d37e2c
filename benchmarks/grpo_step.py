"""What does a step of GRPO cost with our reward, and where does its time go?

Ours is what `Grpo.train` runs, with `SoftGate`, the measures that it follows and its callbacks;
the other side is TRL's trainer with a constant reward. Both train the pocket model in one process
and take their steps in turn. The learning rate is too small to move a weight and the same seed is
set before each step, so both sides draw the very same replies and the pair of times is a fair one
however long they are; if they do not, nothing is reported.
"""

from __future__ import annotations

import logging
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import torch
import transformers
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from benchmarks.ratio import Ratio
from twofold.methods import Grpo
from twofold.methods.loop import Loop
from twofold.models import loading
from twofold.problems import load
from twofold.scorers import SoftGate
from twofold.types import Problem

BASE = "pocket"
N_ROUNDS = 12
N_STEPS = N_ROUNDS + 2  # the first warms up, and beside the last the other side tidies up
BATCH, MAX_TOKENS = 12, 96
LIMIT = 1.05

GRPO = Grpo(
    reward=SoftGate(),
    steps=N_STEPS,
    batch=BATCH,
    max_completion_length=MAX_TOKENS,
    learning_rate=1e-12,
    save_steps=N_STEPS + 1,
    probe=0,
    trl={"report_to": "none"},
)

WATCHED = ("_generate", "_calculate_rewards", "_prepare_inputs", "training_step")
"""What is timed inside of a step: sampling, reward, both and what is around them, all to the gradient."""

_here = threading.local()


class Clock(transformers.TrainerCallback):
    """The times of one side, which takes a step when the other has taken one."""

    def __init__(self, mine: threading.Semaphore, other: threading.Semaphore) -> None:
        self._mine = mine
        self._other = other
        self._start: float | None = None
        self.steps: list[float] = []
        self.parts: dict[str, list[float]] = defaultdict(list)
        self.replies: list[object] = []

    def on_step_begin(
        self,
        args: transformers.TrainingArguments,
        state: transformers.TrainerState,
        control: transformers.TrainerControl,
        **_: object,
    ) -> None:
        """End the step before, wait, and begin: log and data of a step count."""
        self._end()
        self._mine.acquire()
        torch.manual_seed(state.global_step)
        self._start = time.perf_counter()

    def on_train_end(
        self,
        args: transformers.TrainingArguments,
        state: transformers.TrainerState,
        control: transformers.TrainerControl,
        **_: object,
    ) -> None:
        """End the last step."""
        self._end()

    def _end(self) -> None:
        if self._start is not None:
            self.steps.append(time.perf_counter() - self._start)
        self._other.release()

    def run(self, train: Callable[[], object]) -> None:
        """Train on this thread; the other side is not left waiting if that fails."""
        self._mine.acquire()
        _here.clock = self
        try:
            train()
        finally:
            self._other.release()

    def shares(self) -> dict[str, float]:
        """Seconds of the middle step's parts, each the median over the rounds."""
        sampling, reward, prepare, to_gradient = (
            statistics.median(self.parts[name][1:-1]) for name in WATCHED
        )
        update = to_gradient - prepare
        rest = statistics.median(self.rounds) - sampling - reward - update
        return {"sampling": sampling, "reward": reward, "update": update, "rest": rest}

    @property
    def rounds(self) -> list[float]:
        return self.steps[1:-1]


@contextmanager
def watched() -> Iterator[None]:
    """While open, every trainer keeps the time of the thread that it was made on."""
    with ExitStack() as stack:
        for name in WATCHED:
            stack.enter_context(mock.patch.object(GRPOTrainer, name, timed(name)))
        made = GRPOTrainer.__init__

        def init(self: GRPOTrainer, *args: object, **kwargs: object) -> None:
            made(self, *args, **kwargs)
            self.add_callback(_here.clock)

        stack.enter_context(mock.patch.object(GRPOTrainer, "__init__", init))
        yield


def timed(name: str) -> Callable[..., object]:
    work = getattr(GRPOTrainer, name)

    def wrapped(self: GRPOTrainer, *args: object, **kwargs: object) -> object:
        start = time.perf_counter()
        done = work(self, *args, **kwargs)
        _here.clock.parts[name].append(time.perf_counter() - start)
        if name == "_generate":
            _here.clock.replies.append(done[1])
        return done

    return wrapped


def nothing(completions: Sequence[object], **_: object) -> list[float]:
    return [0.0] * len(completions)


def bare(problems: Sequence[Problem], out: Path) -> None:
    """TRL's trainer as one would use it, on the same rows in the same order."""
    loop = Loop(GRPO, BASE, GRPO.rows(problems), out=out)
    on_gpu = loading.device().type == "cuda"
    settings = GRPOConfig(
        output_dir=str(out),
        per_device_train_batch_size=GRPO.rows_a_step,
        num_generations=GRPO.num_generations,
        max_completion_length=MAX_TOKENS,
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
    with loading.quiet():
        trainer = GRPOTrainer(
            model=loop.trainee.network,
            reward_funcs=nothing,
            args=settings,
            train_dataset=loop.data(n_steps=N_STEPS),
            processing_class=loop.trainee.tokenizer,
        )
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()


def measure() -> list[Ratio]:
    logging.getLogger(GRPOTrainer.__module__).setLevel(logging.ERROR)
    problems = load(f"{BASE}:{BATCH * N_STEPS}:train", profile="fixed")
    turns = threading.Semaphore(1), threading.Semaphore(0)
    ours, theirs = Clock(turns[0], turns[1]), Clock(turns[1], turns[0])
    with tempfile.TemporaryDirectory() as folder, watched(), ThreadPoolExecutor(2) as pool:
        first = pool.submit(ours.run, lambda: GRPO.train(BASE, problems, out=Path(folder, "ours")))
        second = pool.submit(theirs.run, lambda: bare(problems, Path(folder, "bare")))
        first.result()
        second.result()
    if ours.replies != theirs.replies:
        raise SystemExit("the two sides drew different replies, so their times say nothing")
    return [
        Ratio(
            name=f"a GRPO step, {GRPO.rows_a_step} replies of at most {MAX_TOKENS} tokens",
            rounds=[a / b for a, b in zip(ours.rounds, theirs.rounds, strict=True)],
            limit=LIMIT,
            ours=told(ours),
            theirs=f"TRL with a constant reward: {told(theirs)}",
        )
    ]


def told(clock: Clock) -> str:
    """'2.00 s: sampling 41 %, ...'"""
    whole = statistics.median(clock.rounds)
    parts = ", ".join(f"{name} {value / whole:.1%}" for name, value in clock.shares().items())
    return f"{whole:.2f} s ({parts})"
