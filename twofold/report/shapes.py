"""What is a figure made of? Scales, marks and labels as inline SVG.

Colours come from the style sheet by class, because the page's policy forbids style attributes. All text
is escaped by `Markup.format`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

# Shapes of the arms in order; the base is a ring.
MARKS = ("ring", "disc", "square", "diamond", "triangle")

_CORNERS = {
    "square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    "diamond": ((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
    "triangle": ((0, -1.2), (1.1, 0.9), (-1.1, 0.9)),
}

RATE_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)

Point = tuple[float, float]


@dataclass(frozen=True)
class Scale:
    """A linear map from values in [low, high] to SVG units; values outside are clipped.

    Example:
        >>> Scale(0.0, 1.0, 10, 110)(0.25), Scale(0.0, 1.0, 110, 10)(2.0)
        (35.0, 10.0)
    """

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        """The position of `value`, to a tenth of a unit."""
        part = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + part * (self.stop - self.start), 1)


def line(kind: str, start: Point, stop: Point) -> Markup:
    """A straight line of the CSS class `kind`."""
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
        kind, *start, *stop
    )


def shape_of(index: int) -> str:
    """The shape of the base (0) or of an arm; with many arms they repeat, but the ring is the base's alone.

    Example:
        >>> [shape_of(i) for i in (0, 1, 4, 5)]
        ['ring', 'disc', 'triangle', 'disc']
    """
    _, *of_arms = MARKS
    return of_arms[(index - 1) % len(of_arms)] if index else MARKS[0]


def mark(shape: str, role: str, at: Point, size: float) -> Markup:
    """A point: one of `MARKS`, coloured by the role's class."""
    if shape in ("ring", "disc"):
        return Markup('<circle class="{} {}" cx="{}" cy="{}" r="{}"/>').format(
            shape, role, *at, size
        )
    points = " ".join(f"{at[0] + size * x:.1f},{at[1] + size * y:.1f}" for x, y in _CORNERS[shape])
    return Markup('<polygon class="disc {}" points="{}"/>').format(role, points)


def label(kind: str, at: Point, words: str) -> Markup:
    """A text; `kind` contains `mid` or `end` for its anchor."""
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(kind, *at, words)


def shortened(words: str, longest: int) -> str:
    """At most `longest` characters, ending in "…" if any were cut."""
    return words if len(words) <= longest else words[: max(1, longest - 1)] + "…"


def drawing(kind: str, size: Point, said: str, parts: Sequence[Markup]) -> Markup:
    """A figure of CSS class `kind` with its width and height; screen readers read `said`."""
    return Markup(
        '<svg class="{}" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}</svg>'
    ).format(kind, *size, said, Markup("").join(parts))


def rate_axis(
    y: Scale, left: float, right: float, ticks: Sequence[float] = RATE_TICKS
) -> list[Markup]:
    """A vertical axis, from 0 to 1 by default, with grid lines from `left` to `right`."""
    return [
        part
        for tick in ticks
        for part in (
            line("grid", (left, y(tick)), (right, y(tick))),
            label("end", (left - 6, y(tick) + 4), f"{tick:.2f}"),
        )
    ]
