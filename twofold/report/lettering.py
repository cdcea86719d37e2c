"""Where is there room for a label? Each label takes the first of its places that overlaps the least."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

from markupsafe import Markup

from twofold.report.shapes import Point, label

_WIDE = 8.6  # of one character: bold, at the size that a phone shows
_ASCENT, _DESCENT = 12.0, 4.0


@final
@dataclass(frozen=True)
class Box:
    """A rectangle in SVG units."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, points: Iterable[Point], room: float) -> Box:
        """The smallest box around the points, with a margin of `room`."""
        xs, ys = zip(*points, strict=True)
        return cls(min(xs) - room, min(ys) - room, max(xs) + room, max(ys) + room)

    def shared(self, other: Box) -> float:
        """The area of overlap."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0, width) * max(0, height)


@final
@dataclass(frozen=True)
class Lettering:
    """A label of CSS class `kind` at one place; `is_end`: the text ends at `at` instead of starting there."""

    kind: str
    words: str
    at: Point
    is_end: bool

    @property
    def box(self) -> Box:
        """The box of the text, a bit too large, because the font is unknown."""
        width = _WIDE * len(self.words)
        left = self.at[0] - width if self.is_end else self.at[0]
        return Box(left, self.at[1] - _ASCENT, left + width, self.at[1] + _DESCENT)

    def within(self, frame: Box) -> Lettering:
        """The same label, moved as little as possible to lie inside `frame`."""
        box = self.box
        x = self.at[0] + max(0.0, frame.left - box.left) - max(0.0, box.right - frame.right)
        y = self.at[1] + max(0.0, frame.top - box.top) - max(0.0, box.bottom - frame.bottom)
        return Lettering(self.kind, self.words, (x, y), self.is_end)

    def svg(self) -> Markup:
        """The label as SVG text."""
        return label(f"end {self.kind}" if self.is_end else self.kind, self.at, self.words)


def freest(
    places: Sequence[Lettering], frame: Box, taken: Sequence[Box], lines: Sequence[Box]
) -> Lettering:
    """The first place that overlaps least with `taken` (marks, labels), then with `lines`."""
    inside = [place.within(frame) for place in places]

    def cost(place: Lettering) -> tuple[float, ...]:
        return tuple(sum(place.box.shared(box) for box in boxes) for boxes in (taken, lines))

    return min(inside, key=cost)
