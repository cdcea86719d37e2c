"""Where do the models stand? The trade-off plane: capability against obedience, any number of arms."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, final

from markupsafe import Markup

from twofold.report.lettering import Box, Lettering, freest
from twofold.report.shapes import Point, Scale, drawing, label, line, mark, shape_of, shortened
from twofold.report.wording import spread
from twofold.types import Estimate

_LEFT, _RIGHT, _TOP, _BASE = 58.0, 424.0, 18.0, 318.0
_FRAME = Box(_LEFT + 2, 3, 437, _BASE - 1)


# What the height of the plane is, and its label.
Axis = Literal["obedience", "compliance"]
_AXES: dict[Axis, str] = {
    "obedience": "obedience: met told − met untold →",
    "compliance": "compliance: all constraints met →",
}


@dataclass(frozen=True)
class PlanePoint:
    """One point of the plane: capability from left to right, obedience from bottom to top.

    Where nothing was asked untold there is no obedience, and compliance stands in its place.
    """

    name: str
    capability: Estimate
    height: Estimate


@final
@dataclass(frozen=True)
class Plane:
    """The plane, with a cross of two intervals for each arm.

    Args:
        arms: At least one; the first of several is the base.
        floors: What trivial replies score, drawn as dashed lines.
        arrow: Indices of the arms that the arrow connects.
        axis: What the height is.
    """

    arms: Sequence[PlanePoint]
    floors: Mapping[str, Estimate]
    arrow: tuple[int, int] | None = None
    axis: Axis = "compliance"

    @property
    def x_ticks(self) -> list[float]:
        """The ticks of the capability axis."""
        return ticks(*_span([arm.capability for arm in self.arms]))

    @property
    def y_ticks(self) -> list[float]:
        """The ticks of the compliance axis."""
        span = _span([*(arm.height for arm in self.arms), *self.floors.values()])
        return ticks(*span, least=-1.0 if self.axis == "obedience" else 0.0)

    @property
    def is_cropped(self) -> bool:
        """Whether an axis does not run from 0 to 1, so that differences look larger."""
        return any((at[0], at[-1]) != (0.0, 1.0) for at in (self.x_ticks, self.y_ticks))

    def svg(self) -> Markup:
        """The plane as `<svg>`."""
        x = Scale(self.x_ticks[0], self.x_ticks[-1], _LEFT, _RIGHT)
        y = Scale(self.y_ticks[0], self.y_ticks[-1], _BASE, _TOP)
        places = [(x(arm.capability.value), y(arm.height.value)) for arm in self.arms]
        ends = (places[self.arrow[0]], places[self.arrow[1]]) if self.arrow else None
        heights = {name: y(floor.value) for name, floor in self.floors.items()}
        floors = _floor_lines(heights)
        taken = [Box.around([at], 8) for at in places]
        whiskers = [_whiskers(arm, x, y) for arm in self.arms]
        lines = [Box.around(ends, 2) for pair in whiskers for ends in pair]
        lines += [Box.around(((_LEFT, at), (_RIGHT, at)), 1) for _, at in floors]
        lines += [Box.around([at], 4) for at in _along(*ends)] if ends else []
        parts = _axes(x, self.x_ticks, y, self.y_ticks, _AXES[self.axis])
        parts += [line("floor", (_LEFT, at), (_RIGHT, at)) for _, at in floors]
        parts += [_arrow(*ends)] if ends else []
        for index, (at, pair) in enumerate(zip(places, whiskers, strict=True)):
            shape = index + (len(self.arms) == 1)  # a single arm is drawn as the model
            role = "model" if shape else "baseline"
            parts += [line(f"whisker {role}", *ends_) for ends_ in pair]
            parts.append(mark(shape_of(shape), role, at, 6))
        wanted = [_floor_places(names, at) for names, at in floors]
        wanted += [_name_places(arm.name, at) for arm, at in zip(self.arms, places, strict=True)]
        for each in wanted:
            chosen = freest(each, _FRAME, taken, lines)
            taken.append(chosen.box)
            parts.append(chosen.svg())
        said = "; ".join(
            f"{arm.name}: capability {spread(arm.capability)}, {self.axis} {spread(arm.height)}"
            for arm in self.arms
        )
        return drawing("plane", (440, 370), f"Capability against {self.axis}. {said}", parts)


def _floor_lines(heights: Mapping[str, float]) -> list[tuple[str, float]]:
    """The names and height of each line; floors too close for two labels share the lower line."""
    lines: list[tuple[str, float]] = []
    for name, height in sorted(heights.items(), key=lambda pair: pair[1]):
        if lines and height - lines[-1][1] < 14:
            lines[-1] = (f"{lines[-1][0]}, {name}", lines[-1][1])
        else:
            lines.append((name, height))
    return lines


def ticks(low: float, high: float, *, least: float = 0.0) -> list[float]:
    """Three to seven multiples of a round step that cover the part of [low, high] in [least, 1]."""
    low, high = min(max(low, least), 1.0), max(min(high, 1.0), least)
    for step in (0.01, 0.02, 0.05, 0.1, 0.2):
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first <= 6:
            break
    most = round(1 / step)
    while last - first < 2:
        first, last = (first, last + 1) if last < most else (first - 1, last)
    return [round(k * step, 2) for k in range(first, last + 1)]


def _span(estimates: Sequence[Estimate]) -> tuple[float, float]:
    low, high = min(e.low for e in estimates), max(e.high for e in estimates)
    room = max(0.03, 0.12 * (high - low))
    return low - room, high + room


def _axes(
    x: Scale, x_ticks: Sequence[float], y: Scale, y_ticks: Sequence[float], height: str
) -> list[Markup]:
    parts = []
    for tick in x_ticks:
        parts.append(line("grid", (x(tick), _TOP), (x(tick), _BASE)))
        parts.append(label("mid", (x(tick), _BASE + 17), f"{tick:.2f}"))
    for tick in y_ticks:
        parts.append(line("grid", (_LEFT, y(tick)), (_RIGHT, y(tick))))
        parts.append(label("end", (_LEFT - 7, y(tick) + 4), f"{tick:.2f}"))
    parts.append(label("mid", (241, 359), "capability: share right →"))
    upright = '<text class="mid" transform="translate(14 168) rotate(-90)">{}</text>'
    parts.append(Markup(upright).format(height))
    return parts


def _arrow(start: Point, stop: Point) -> Markup:
    """An arrow with a gap at both marks; nothing if they are too close."""
    length = math.dist(start, stop)
    if length < 34:
        return Markup("")
    dx, dy = (stop[0] - start[0]) / length, (stop[1] - start[1]) / length
    tip = stop[0] - 10 * dx, stop[1] - 10 * dy
    neck = tip[0] - 10 * dx, tip[1] - 10 * dy
    head = (tip, (neck[0] - 5 * dy, neck[1] + 5 * dx), (neck[0] + 5 * dy, neck[1] - 5 * dx))
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in head)
    shaft = line("arrow", (start[0] + 9 * dx, start[1] + 9 * dy), neck)
    return shaft + Markup('<polygon class="arrowhead" points="{}"/>').format(points)


def _whiskers(arm: PlanePoint, x: Scale, y: Scale) -> list[tuple[Point, Point]]:
    """The ends of an arm's two intervals."""
    across, up = x(arm.capability.value), y(arm.height.value)
    return [
        ((x(arm.capability.low), up), (x(arm.capability.high), up)),
        ((across, y(arm.height.low)), (across, y(arm.height.high))),
    ]


def _along(start: Point, stop: Point) -> list[Point]:
    """Points along the arrow."""
    parts = (k / 24 for k in range(25))
    return [
        (start[0] + k * (stop[0] - start[0]), start[1] + k * (stop[1] - start[1])) for k in parts
    ]


def _floor_places(names: str, height: float) -> list[Lettering]:
    """Above and below the line, at its right and its left end."""
    return [
        Lettering("small", f"floor: {names}", (at, height + dy), is_end)
        for dy in (-5, 15)
        for at, is_end in ((_RIGHT - 4, True), (_LEFT + 4, False))
    ]


def _name_places(name: str, at: Point) -> list[Lettering]:
    """Places around the mark, near ones first, inward before outward."""
    sides = [(10, False), (-10, True), (30, False), (-30, True)]
    if at[0] > (_LEFT + _RIGHT) / 2:
        sides = [(-dx, not is_end) for dx, is_end in sides]
    return [
        Lettering("name", shortened(name, 22), (at[0] + dx, at[1] + dy), is_end)
        for dy in (-11, 20, -28, 37, -45, 54)
        for dx, is_end in sides
    ]
