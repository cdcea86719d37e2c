"""How did training go? One small panel per arm: accuracy and compliance by step, a thin line per seed."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from twofold.report.shapes import Point, Scale, drawing, label, rate_axis

# The label of each key of the log.
AXES = {"correct": "accuracy", "compliant_all": "compliance"}

_LEFT, _RIGHT, _TOP, _BASE = 40.0, 330.0, 12.0, 168.0


def panel(name: str, rows: Sequence[Mapping[str, Any]]) -> Markup:
    """Accuracy and compliance of an arm on the evaluation problems, by training step.

    Example:
        >>> rows = [{"seed": 0, "step": s, "correct": s / 40} for s in (0, 20)]
        >>> str(panel("joint", rows)).count("<polyline")
        2
    """
    steps = sorted({row["step"] for row in rows})
    last = steps[-1] if steps else 0
    x = Scale(0.0, float(max(last, 1)), _LEFT, _RIGHT)
    y = Scale(0.0, 1.0, _BASE, _TOP)
    parts = rate_axis(y, _LEFT, _RIGHT)
    for at in sorted({0, last}):
        parts.append(label("mid", (x(at), _BASE + 18), str(at)))
    said = []
    for key, words in AXES.items():
        for seed in sorted({row["seed"] for row in rows}):
            own = [row for row in rows if row["seed"] == seed and key in row]
            own.sort(key=lambda row: row["step"])
            parts.append(_path(f"thin {key}", [(x(r["step"]), y(r[key])) for r in own]))
        means = [(step, mean) for step in steps if (mean := _mean(rows, key, step)) is not None]
        parts.append(_path(f"curve {key}", [(x(step), y(value)) for step, value in means]))
        if means:
            said.append(f"{words} from {means[0][1]:.2f} to {means[-1][1]:.2f}")
    return drawing("ladder", (352, 192), f"{name}: {', '.join(said)}", [p for p in parts if p])


def _mean(rows: Sequence[Mapping[str, Any]], key: str, step: int) -> float | None:
    """The mean over the seeds with a number for this step."""
    values = [row[key] for row in rows if row["step"] == step and key in row]
    return sum(values) / len(values) if values else None


def _path(kind: str, points: Sequence[Point]) -> Markup:
    if len(points) < 2:
        return Markup("")
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return Markup('<polyline class="{}" points="{}"/>').format(kind, joined)
