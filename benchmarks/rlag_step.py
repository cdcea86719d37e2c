"""What does a step of RLAG cost beside the forward and backward passes of its own tokens? (SmolLM2, LoRA)

Ours is the whole step of the trainer: batches, loss, clipping, optimiser, log. The other side reads the
same texts one at a time, so without padding, by the network's own next-token loss, and goes backward.
The time is process time, which other programs hardly affect; both sides in turn, step by step.
"""

import statistics
import tempfile
import time
from pathlib import Path

import torch
from transformers import PrinterCallback, TrainerCallback

from benchmarks.ratio import Ratio
from twofold.methods.rlag import Rlag
from twofold.methods.rlag.weights import Weights
from twofold.methods.trl.rlag_trainer import RlagTrainer, encoded
from twofold.methods.trl.runner import TrlRunner
from twofold.models.quiet import quiet
from twofold.problems import knowledge

ROWS, LIMIT, ROUNDS = 2, 1.3, 3


class _Clock(TrainerCallback):
    """The seconds of each step."""

    def __init__(self):
        self.seconds = []

    def on_step_begin(self, args, state, control, **_):
        self._start = time.process_time()

    def on_step_end(self, args, state, control, **_):
        self.seconds.append(time.process_time() - self._start)


def _pairs(problems):
    """Rows as a cycle makes them, without asking a model: all texts are there, none is the same."""
    from twofold.methods.rlag.samples import Pairs

    found = Pairs()
    world = knowledge.World()
    for problem in problems:
        passages = [world.passage(name) for name in knowledge.TRAIN_NAMES[:3]]
        found.add(problem, passages, problem.solution, "It is \\boxed{none}.", same=False)
    return found.rows


def _plain(network, texts):
    """Forward and backward over each text alone, without padding, by the network's own loss."""
    for row in texts:
        for text in row["texts"]:
            ids = torch.tensor([text["ids"]])
            network(input_ids=ids, labels=ids, use_cache=False).loss.backward()
    network.zero_grad()


def measure():
    rows = _pairs(knowledge.suite("train")[:ROWS])
    weights = Weights(distil=0.5)
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus.jsonl"
        knowledge.write_passages(corpus)
        method = Rlag(
            corpus=corpus,
            weights=weights,
            lora=8,
            batch=ROWS,
            epochs=ROUNDS + 1,
            trl={"report_to": "none", "save_strategy": "no"},
        )
        runner = TrlRunner(method, "smollm2", rows, out=Path(folder) / "run")
        texts = encoded(rows, runner.trainable, weights)
        with quiet():
            trainer = runner.trainer(RlagTrainer, lambda: texts)(weights=weights)
        clock = _Clock()
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(clock)
        theirs = []

        class Beside(TrainerCallback):
            def on_step_end(self, args, state, control, **_):
                start = time.process_time()
                _plain(trainer.model, texts)
                theirs.append(time.process_time() - start)

        trainer.add_callback(Beside())
        with quiet():
            trainer.train()
    n_tokens = sum(len(text["ids"]) for row in texts for text in row["texts"])
    ours = clock.seconds[1:]  # the first step of each warms up
    return [
        Ratio(
            name=f"a step of {ROWS} questions, {n_tokens} tokens",
            rounds=[a / b for a, b in zip(ours, theirs[1:], strict=True)],
            limit=LIMIT,
            ours=f"{statistics.median(ours):.2f} s",
            theirs=f"{statistics.median(theirs[1:]):.2f} s",
        )
    ]
