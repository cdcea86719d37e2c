"""What is a figure made of? Scales, marks and lettering as inline SVG.

A figure takes its colours from the page's style sheet by class, never by a style attribute, which
the page's policy forbids. Text goes through `Markup.format`, which escapes it, so that a model's
name or a tag's value cannot become markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

MARKS = ("ring", "disc", "square", "diamond", "triangle")
"""Shapes of the arms, in order: the base is a ring, what came of it is filled."""

_CORNERS = {
    "square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    "diamond": ((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
    "triangle": ((0, -1.2), (1.1, 0.9), (-1.1, 0.9)),
}

Point = tuple[float, float]


@dataclass(frozen=True)
class Scale:
    """A linear map from values in [low, high] to a length in SVG units.

    Example:
        >>> Scale(0.0, 1.0, 10, 110)(0.25)
        35.0
        >>> Scale(0.0, 1.0, 110, 10)(2.0)  # what lies outside is drawn at the edge
        10.0
    """

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        """Where `value` stands, in SVG units, to a tenth."""
        part = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + part * (self.stop - self.start), 1)


def line(kind: str, start: Point, stop: Point) -> Markup:
    """A straight line; `kind` is its class in the style sheet."""
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
        kind, *start, *stop
    )


def mark(shape: str, role: str, at: Point, size: float) -> Markup:
    """A point: one of `MARKS`, coloured by the role's class.

    Example:
        >>> mark("ring", "baseline", (10, 20), 4)
        Markup('<circle class="ring baseline" cx="10" cy="20" r="4"/>')
    """
    if shape in ("ring", "disc"):
        return Markup('<circle class="{} {}" cx="{}" cy="{}" r="{}"/>').format(
            shape, role, *at, size
        )
    points = " ".join(f"{at[0] + size * x:.1f},{at[1] + size * y:.1f}" for x, y in _CORNERS[shape])
    return Markup('<polygon class="disc {}" points="{}"/>').format(role, points)


def label(kind: str, at: Point, words: str) -> Markup:
    """Lettering; `kind` holds `mid` or `end` for its anchor.

    Example:
        >>> label("mid", (1, 2), "<b>")
        Markup('<text class="mid" x="1.0" y="2.0">&lt;b&gt;</text>')
    """
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(kind, *at, words)


def shortened(words: str, longest: int) -> str:
    """At most `longest` characters, the last one an ellipsis if any were dropped.

    Example:
        >>> shortened("minerva", 5)
        'mine…'
    """
    return words if len(words) <= longest else words[: max(1, longest - 1)] + "…"


def drawing(kind: str, size: Point, said: str, parts: Sequence[Markup]) -> Markup:
    """The whole figure.

    Args:
        kind: Its class in the style sheet.
        size: Width and height in SVG units.
        said: What a screen reader says for it.
        parts: What is drawn, back to front.
    """
    return Markup(
        '<svg class="{}" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}</svg>'
    ).format(kind, *size, said, Markup("").join(parts))
