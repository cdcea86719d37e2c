"""How did training go? One small panel an arm: both axes over the steps, a thin line a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from twofold.report.shapes import Point, Scale, drawing, label, line

AXES = {"correct": "accuracy", "compliant_all": "compliance"}
"""What is drawn: the key in the log, and what it is called."""

_LEFT, _RIGHT, _TOP, _BASE = 40.0, 330.0, 12.0, 168.0


def panel(name: str, rows: Sequence[Mapping[str, Any]]) -> Markup:
    """Accuracy and compliance of an arm on the followed problems, by step.

    Args:
        name: The arm's, for a screen reader.
        rows: With `seed`, `step` and the keys of `AXES`; a measure that was not scored is absent.

    Example:
        >>> rows = [{"seed": 0, "step": s, "correct": s / 40} for s in (0, 20)]
        >>> str(panel("joint", rows)).count("<polyline")
        2
    """
    last = max((row["step"] for row in rows), default=0)
    x = Scale(0.0, float(max(last, 1)), _LEFT, _RIGHT)
    y = Scale(0.0, 1.0, _BASE, _TOP)
    parts: list[Markup] = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(line("grid", (_LEFT, y(tick)), (_RIGHT, y(tick))))
        parts.append(label("end", (_LEFT - 6, y(tick) + 4), f"{tick:.2f}"))
    steps = sorted({row["step"] for row in rows})
    for at in sorted({0, last}):
        parts.append(label("mid", (x(at), _BASE + 18), str(at)))
    said = []
    for key, words in AXES.items():
        for seed in sorted({row["seed"] for row in rows}):
            own = [row for row in rows if row["seed"] == seed and key in row]
            own.sort(key=lambda row: row["step"])
            parts.append(_path(f"thin {key}", [(x(r["step"]), y(r[key])) for r in own]))
        means = [(step, found) for step in steps if (found := _mean(rows, key, step)) is not None]
        parts.append(_path(f"curve {key}", [(x(step), y(value)) for step, value in means]))
        if means:
            said.append(f"{words} from {means[0][1]:.2f} to {means[-1][1]:.2f}")
    return drawing("ladder", (352, 192), f"{name}: {', '.join(said)}", [p for p in parts if p])


def _mean(rows: Sequence[Mapping[str, Any]], key: str, step: int) -> float | None:
    """Over the seeds that have a number for this step."""
    values = [row[key] for row in rows if row["step"] == step and key in row]
    return sum(values) / len(values) if values else None


def _path(kind: str, points: Sequence[Point]) -> Markup:
    if len(points) < 2:
        return Markup("")
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return Markup('<polyline class="{}" points="{}"/>').format(kind, joined)
