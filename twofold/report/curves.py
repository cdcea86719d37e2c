"""How did training go? One small panel per arm: accuracy, compliance and obedience by step.

Bold: the mean over the seeds, with a band for its interval where the scores were saved by problem; thin:
each seed; upright: the last step of a seed at which accuracy and obedience were both above the base's.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from twofold.report.shapes import RATE_TICKS, Point, Scale, drawing, label, line, rate_axis
from twofold.report.study_file import CurveRecord
from twofold.types import Estimate

# The label of each key of the log, and the mean that belongs to it. Older logs have `correct`, accuracy with
# the constraints in the prompt, and no `accuracy` without.
AXES = {
    "correct": ("accuracy", "accuracy"),
    "accuracy": ("accuracy", "accuracy"),
    "compliant_all": ("compliance", "hacc"),
    "obedience": ("obedience", "obedience"),
}
_GAINS = ("accuracy_gain", "obedience_gain")

_LEFT, _RIGHT, _TOP, _BASE = 40.0, 330.0, 12.0, 168.0


def panel(
    name: str, rows: Sequence[Mapping[str, Any]], means: Sequence[CurveRecord] = ()
) -> Markup:
    """The curves of an arm on the evaluation problems, by training step.

    Example:
        >>> rows = [{"seed": 0, "step": s, "correct": s / 40} for s in (0, 20)]
        >>> str(panel("joint", rows)).count("<polyline")
        2
    """
    keys = keys_of(rows)
    steps = sorted({row["step"] for row in rows})
    last = steps[-1] if steps else 0
    x = Scale(0.0, float(max(last, 1)), _LEFT, _RIGHT)
    lowest = _lowest(rows, means)
    y = Scale(lowest, 1.0, _BASE, _TOP)
    below = [-each for each in RATE_TICKS[:0:-1] if -each >= lowest]
    parts = rate_axis(y, _LEFT, _RIGHT, (*below, *RATE_TICKS))
    for at in sorted({0, last}):
        parts.append(label("mid", (x(at), _BASE + 18), str(at)))
    for step in sorted({row["step"] for row in rows if row.get("frontier")}):
        parts.append(line("frontier", (x(step), _TOP), (x(step), _BASE)))
    said = []
    for key in keys:
        bounds = [(x(step), each) for step, each in _estimates(means, key)]
        parts.append(_band(key, [(at, y(e.low), y(e.high)) for at, e in bounds]))
    for key in keys:
        words, _ = AXES[key]
        for seed in sorted({row["seed"] for row in rows}):
            own = [row for row in rows if row["seed"] == seed and key in row]
            own.sort(key=lambda row: row["step"])
            parts.append(_path(f"thin {key}", [(x(r["step"]), y(r[key])) for r in own]))
        known = {step: each.value for step, each in _estimates(means, key)}
        values = [(step, known.get(step, _mean(rows, key, step))) for step in steps]
        bold = [(step, value) for step, value in values if value is not None]
        parts.append(_path(f"curve {key}", [(x(step), y(value)) for step, value in bold]))
        if bold:
            said.append(f"{words} from {bold[0][1]:.2f} to {bold[-1][1]:.2f}")
    return drawing("ladder", (352, 192), f"{name}: {', '.join(said)}", [p for p in parts if p])


def keys_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys that are drawn: accuracy without constraints where it was logged, else with them."""
    there = [key for key in AXES if any(key in row for row in rows)]
    return [key for key in there if key != "correct" or "accuracy" not in there]


def frontier(rows: Sequence[Mapping[str, Any]]) -> str:
    """The last step of each seed that was above the base on both sides, in words; "" if not compared."""
    compared = [row for row in rows if all(gain in row for gain in _GAINS)]
    last = {row["seed"]: row["step"] for row in rows if row.get("frontier")}
    seeds = sorted({row["seed"] for row in compared})
    said = [f"last at step {last[seed]}" if seed in last else "at no step" for seed in seeds]
    if not said:
        return ""
    if len(said) > 1:
        said = [f"{each} (seed {seed})" for each, seed in zip(said, seeds, strict=True)]
    return f"Accuracy and obedience both above the base's: {', '.join(said)}."


def _estimates(means: Sequence[CurveRecord], key: str) -> Iterator[tuple[int, Estimate]]:
    """The step and the mean of each step that has one."""
    _, name = AXES[key]
    for each in means:
        found: Estimate | None = getattr(each, name)
        if found is not None:
            yield each.step, found


def _lowest(rows: Sequence[Mapping[str, Any]], means: Sequence[CurveRecord]) -> float:
    """Where the axis begins: at 0, or at the tick below the lowest obedience."""
    values = [row["obedience"] for row in rows if "obedience" in row]
    values += [each.low for _, each in _estimates(means, "obedience")]
    lowest = min(values, default=0.0)
    return min(0.0, max(-1.0, math.floor(4 * lowest) / 4))


def _mean(rows: Sequence[Mapping[str, Any]], key: str, step: int) -> float | None:
    """The mean over the seeds with a number for this step."""
    values = [row[key] for row in rows if row["step"] == step and key in row]
    return sum(values) / len(values) if values else None


def _path(kind: str, points: Sequence[Point]) -> Markup:
    if len(points) < 2:
        return Markup("")
    return Markup('<polyline class="{}" points="{}"/>').format(kind, _joined(points))


def _band(key: str, bounds: Sequence[tuple[float, float, float]]) -> Markup:
    """The area between the ends of the intervals; `bounds` are place, low and high."""
    if len(bounds) < 2:
        return Markup("")
    outline = [(at, high) for at, _, high in bounds] + [(at, low) for at, low, _ in bounds[::-1]]
    return Markup('<polygon class="band {}" points="{}"/>').format(key, _joined(outline))


def _joined(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
