"""How do the numbers of a finished run reach a tracker of experiments? trackio, wandb or TensorBoard.

Each number goes with its interval, its n and what was lost, since a tracker's chart shows what it is given.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal, get_args

from twofold.errors import RunError
from twofold.report.table import Source, rows

Tracker = Literal["trackio", "wandb", "tensorboard"]

_LABELS = ("split", "diagnostic", "role", "versus", "condition", "metric", "slice_by", "slice")
_NUMBERS = ("value", "low", "high", "n", "n_unscored", "p", "p_adjusted")


def numbers(source: Source) -> dict[str, float]:
    """Every number of a run by a name with slashes; what a record does not have is left out.

    Example:
        >>> from twofold.stats import proportion
        >>> from twofold.types import Finding, Measure
        >>> right = Measure(role="model", metric="accuracy", estimate=proportion(3, 4))
        >>> class Result:
        ...     findings = (Finding(diagnostic="joint", question="?", measures=(right,)),)
        >>> [*numbers(Result())][:2], numbers(Result())["joint/model/accuracy/n"]
        (['joint/model/accuracy/value', 'joint/model/accuracy/low'], 4)
    """
    found: dict[str, float] = {}
    for row in rows(source):
        labels = [
            f"minus {row[key]}" if key == "versus" else row[key] for key in _LABELS if row[key]
        ]
        name = "/".join(str(label).replace("/", "_") for label in labels)
        for key in _NUMBERS:
            if row[key] is not None:
                found[f"{name}/{key}"] = row[key]
    return found


def log(source: Source, to: Tracker, *, place: str | Path, name: str) -> int:
    """Log every number of a finished run once.

    Args:
        source: What `twofold.audit` returned, or the directory of an audit, a score or a study.
        to: The tracker.
        place: The project in trackio or wandb; for TensorBoard the folder, to which a file is added.
        name: The name of the run in it.

    Returns:
        How many numbers were logged.

    Raises:
        RunError: If the tracker is not known or not installed, or the directory is no finished run.
            Nothing is logged then.

    Example:
        >>> import tempfile
        >>> class Nothing:
        ...     findings = ()
        >>> log(Nothing(), "tensorboard", place=tempfile.mkdtemp(), name="new")
        0
    """
    if to not in get_args(Tracker):
        raise RunError(f"there is no tracker {to!r}; name one of {', '.join(get_args(Tracker))}")
    found = numbers(source)
    if to == "tensorboard":
        _to_tensorboard(found, Path(place) / name)
        return len(found)
    module = _installed(to)
    module.init(project=str(place), name=name)
    try:
        module.log(found)
    finally:
        module.finish()
    return len(found)


def _installed(to: Tracker) -> Any:
    """The module of a tracker, which both have the same functions."""
    import importlib

    try:
        return importlib.import_module(to)
    except ImportError as error:
        raise RunError(f"{to} is not installed; pip install {to}") from error


def _to_tensorboard(found: dict[str, float], folder: Path) -> None:
    """One file of events, through TensorBoard's own writer, which needs no torch."""
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError as error:
        raise RunError("tensorboard is not installed; pip install tensorboard") from error
    writer = EventFileWriter(str(folder))
    try:
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in found.items()]
        writer.add_event(Event(wall_time=time.time(), step=0, summary=Summary(value=values)))
    finally:
        writer.close()
