"""When should training stop? When a held-out metric other than the reward stops rising.

A reward with a judge can be exploited: it keeps rising while true quality falls. So checkpoints are
also measured by a metric that is not trained on, and the best one is kept.
"""

import json
import logging
from pathlib import Path
from typing import final

from twofold.methods.trl.kept_model import KeptModel
from twofold.storage.jsonl import replaced

EVAL_METRIC = "eval/eval_metric"
ROUNDING = 1e-9  # a smaller difference is not a rise

_RECORD = "eval_metric.json"


@final
class BestCheckpoint:
    """Keeps the best checkpoint of a run, and says when the run is past it.

    The base counts as the first checkpoint: a run that never beats it ends with its last one. The
    state is in the run's folder, so that a resumed run continues with it.

    Source:
        arXiv 2608.11669: early stopping on a second judge was as effective against rubric hacking as
        rubric dropout.
    """

    def __init__(self, out: Path, early_stopping_patience: int) -> None:
        self._kept = KeptModel(out, "best")
        self._folder = self._kept.folder
        self._out = out
        self._patience = early_stopping_patience

    def saw(self, step: int, eval_metric: float | None, checkpoint: Path | None) -> None:
        """Record a checkpoint (the base: folder None); an unscored metric (None) is ignored."""
        seen = self.record()
        if eval_metric is None or self.has_seen(step):
            return
        is_best = all(eval_metric > row["eval_metric"] + ROUNDING for row in seen)
        if is_best and checkpoint is not None:
            self._kept.copy(step, checkpoint)
        self._folder.mkdir(exist_ok=True)
        with replaced(self._folder / _RECORD) as file:
            json.dump([*seen, {"step": step, "eval_metric": eval_metric}], file)
        if is_best:
            self._kept.drop_all_but(step)

    def has_seen(self, step: int) -> bool:
        """Whether the metric of a step is recorded."""
        return any(row["step"] == step for row in self.record())

    def record(self) -> list[dict[str, float]]:
        """Step and metric of each checkpoint so far."""
        file = self._folder / _RECORD
        return list(json.loads(file.read_text())) if file.exists() else []

    @property
    def is_past(self) -> bool:
        """Whether the metric has not risen over the last `early_stopping_patience` checkpoints."""
        seen = self.record()
        return bool(seen) and len(seen) - 1 - _best(seen) >= self._patience

    def put_back(self) -> None:
        """Make the best checkpoint the run's model, if one beat the base."""
        seen = self.record()
        step = int(seen[_best(seen)]["step"]) if seen else 0
        log = logging.getLogger(__name__)
        if self._kept.put_back(step):
            log.warning("%s holds the model of step-%d, the best by eval_metric", self._out, step)
        elif seen:
            log.warning("no checkpoint beat the base; %s holds the last one", self._out)
        else:
            log.warning("eval_metric was never measured; %s holds the last checkpoint", self._out)


def _best(seen: list[dict[str, float]]) -> int:
    """The index of the first checkpoint with the highest metric."""
    top = max(row["eval_metric"] for row in seen)
    return next(i for i, row in enumerate(seen) if row["eval_metric"] >= top - ROUNDING)
