"""Which checkpoint is the last at which both accuracy and obedience are above the base's?

Accuracy can go on rising while obedience falls. A step holds if the 95 % intervals of both gains over the
base, paired on the evaluation problems, lie above zero. The problems that choose a step flatter it, so its
numbers are to be read from an audit on others.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, final

from twofold.methods.trl.evaluation import EVALUATED
from twofold.methods.trl.kept_model import KeptModel

_log = logging.getLogger(__name__)

GAINS = (f"{EVALUATED}accuracy_gain", f"{EVALUATED}obedience_gain")


def is_compared(row: Mapping[str, Any]) -> bool:
    """Whether a row of the log has both gains over the base."""
    return all(gain in row for gain in GAINS)


def holds(row: Mapping[str, Any]) -> bool:
    """Whether the lower bounds of both gains are above zero."""
    return is_compared(row) and all(row[f"{gain}_low"] > 0 for gain in GAINS)


def frontier_step(log: Iterable[Mapping[str, Any]]) -> int | None:
    """The last step that holds; None if none does.

    Example:
        >>> gains = [(20, 0.1, 0.2), (40, 0.1, 0.05), (60, 0.3, -0.1)]
        >>> lows = [f"{gain}_low" for gain in GAINS]
        >>> rows = [dict.fromkeys(GAINS, 0.4) | {"step": s} | dict(zip(lows, low)) for s, *low in gains]
        >>> frontier_step(rows)
        40
    """
    return max((int(row["step"]) for row in log if holds(row)), default=None)


@final
class FrontierCheckpoint:
    """Keeps the model of the last step that holds, and makes it the run's model in the end.

    The trainer's log is the record: a step is in it once its model is kept.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._kept = KeptModel(out, "frontier")

    def saw(self, step: int, found: Mapping[str, float], checkpoint: Path | None) -> None:
        """Keep the model of a checkpoint (the base: None) if it holds."""
        if checkpoint is not None and holds(found):
            self._kept.copy(step, checkpoint)
            self._kept.drop_all_but(step)

    def put_back(self, log: Sequence[Mapping[str, Any]]) -> None:
        """Make the model of the last step that holds the run's model, and say which it is."""
        step = frontier_step(log)
        is_there = step is not None and self._kept.put_back(step)
        holding = f"step {step}" if is_there else "the last checkpoint"
        _log.warning("%s; %s holds the model of %s", in_words(log), self._out, holding)


def in_words(log: Sequence[Mapping[str, Any]]) -> str:
    """The last step that holds, with its gains; or that none does, or none was compared."""
    compared = {int(row["step"]): row for row in log if is_compared(row)}
    if not compared:
        return "accuracy and obedience were never compared with the base's"
    step = frontier_step(compared.values())
    if step is None:
        return (
            f"at none of {len(compared)} checkpoints are accuracy and obedience both above the base's "
            "on the evaluation problems (lower bounds of the paired gains above zero)"
        )
    gains = [f"{compared[step][gain]:+.3f}" for gain in GAINS]
    return (
        f"step {step} is the last at which accuracy and obedience are both above the base's on the "
        f"evaluation problems (gains {gains[0]} and {gains[1]})"
    )
