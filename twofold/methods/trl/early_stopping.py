"""When is a policy past its best? A metric on held-out problems, apart from the reward.

A reward that is judged can be gamed: it goes on rising while what it stands for falls. So the
checkpoints are also measured by something that is not trained on, the best one is kept, and a run
whose metric has not risen for long is stopped.
"""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import final

from twofold.storage.jsonl import replaced

EVAL_METRIC = "eval/eval_metric"
"""The number that is looked at."""

ROUNDING = 1e-9
"""A sum in another order is no rise."""

_KEPT = "best"
_RECORD = "eval_metric.json"
_NOT_THE_MODEL = ("optimizer", "scheduler", "rng_state", "trainer_state", "training_args", "scaler")


@final
class BestCheckpoint:
    """Keeps the best checkpoint of a run and says when the run is past it.

    Everything it knows lies in the run's folder, so that a resumed run goes on with it. The base counts
    as the first checkpoint: a run that never beats it ends with its last one, and a warning says so.

    Args:
        out: The run's folder.
        early_stopping_patience: Checkpoints without a rise after which the run is past its best, at least 1.

    Source:
        Early stopping on a second judge did as much against rubric hacking as rubric dropout in arXiv
        2608.11669.
    """

    def __init__(self, out: Path, early_stopping_patience: int) -> None:
        self._folder = out / _KEPT
        self._out = out
        self._patience = early_stopping_patience

    def saw(self, step: int, eval_metric: float | None, checkpoint: Path | None) -> None:
        """Take note of a checkpoint; a metric that could not be measured is no rise and no fall.

        Args:
            step: Its step.
            eval_metric: The metric there, the higher the better; None = unscored.
            checkpoint: Its folder; None for the base.
        """
        seen = self.record()
        if eval_metric is None or self.has_seen(step):
            return
        is_best = all(eval_metric > row["eval_metric"] + ROUNDING for row in seen)
        kept = self._folder / f"step-{step}"
        if is_best and checkpoint is not None:
            _copied(checkpoint, kept)
        self._folder.mkdir(exist_ok=True)
        with replaced(self._folder / _RECORD) as file:
            json.dump([*seen, {"step": step, "eval_metric": eval_metric}], file)
        if is_best:
            for other in self._folder.glob("step-*"):
                if other != kept:
                    shutil.rmtree(other)

    def has_seen(self, step: int) -> bool:
        """Whether the metric of a step is known."""
        return any(row["step"] == step for row in self.record())

    def record(self) -> list[dict[str, float]]:
        """Step and metric of every checkpoint seen so far."""
        file = self._folder / _RECORD
        found: list[dict[str, float]] = json.loads(file.read_text()) if file.exists() else []
        return found

    @property
    def is_past(self) -> bool:
        """Whether the metric has not risen over the last `early_stopping_patience` checkpoints."""
        seen = self.record()
        best = self._best(seen)
        return best is not None and len(seen) - 1 - seen.index(best) >= self._patience

    @staticmethod
    def _best(seen: list[dict[str, float]]) -> dict[str, float] | None:
        """The first of those with the highest metric."""
        top = max((row["eval_metric"] for row in seen), default=0.0)
        return next((row for row in seen if row["eval_metric"] >= top - ROUNDING), None)

    def put_back(self) -> None:
        """Make the best checkpoint the run's model, if one beat the base.

        What the record does not name was cut short by a kill, and is never put back.
        """
        seen = self.record()
        best = self._best(seen)
        kept = self._folder / f"step-{best['step'] if best else 0}"
        log = logging.getLogger(__name__)
        if kept.is_dir():
            shutil.copytree(kept, self._out, dirs_exist_ok=True)
            log.warning(
                "%s holds the model of %s, the best by eval_metric",
                self._out,
                kept.name,
            )
            return
        why = (
            "no checkpoint beat the base by eval_metric"
            if seen
            else "eval_metric could not be measured on any checkpoint"
        )
        log.warning("%s; %s holds the last one", why, self._out)


def _copied(checkpoint: Path, kept: Path) -> None:
    """Copy what makes the model of a checkpoint, whole or not at all."""
    part = kept.with_name("part")
    for old in (part, kept):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(
        checkpoint,
        part,
        ignore=lambda _, names: [n for n in names if n.startswith(_NOT_THE_MODEL)],
    )
    part.rename(kept)
