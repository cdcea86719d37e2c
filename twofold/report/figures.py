"""How large, and how certain? Estimates as small figures: mosaic, intervals, ladders and bars.

Nothing is shown by colour alone, and every number drawn is also in a table next to the figure.
"""

from collections.abc import Mapping

from markupsafe import Markup

from twofold.report.shapes import Scale, drawing, label, line, mark, rate_axis, shortened
from twofold.report.wording import spread
from twofold.types import Estimate, FinishReason

_SHAPES = {"baseline": "ring", "model": "disc", "null": "diamond", "blind": "square"}


def mosaic(cells: Mapping[str, Estimate]) -> Markup:
    """The four cells as areas: right, then wrong, from left to right; the disobedient part is hatched."""
    parts, left = [], 0.0
    for answer in ("right", "wrong"):
        shares = {kind: cells[f"{answer}_{kind}"].value for kind in ("disobedient", "obedient")}
        both, top = sum(shares.values()), 0.0
        for kind, share in shares.items():
            height = 150 * share / both if both else 0.0
            parts.append(_tile(f"{answer} {kind}", (left, top, 300 * both, height), share))
            top += height
        left += 300 * both
    said = ", ".join(f"{name.replace('_', ' and ')} {cells[name].value:.3f}" for name in cells)
    return drawing("mosaic", (300, 150), f"The four cells: {said}", parts)


def intervals(estimates: Mapping[str, Estimate], lowest: float = 0.0) -> Markup:
    """Points (baseline, model or null) with intervals on one short axis to 1, for a table cell."""
    x = Scale(lowest, 1.0, 6, 154)
    height = 12.0 * len(estimates) + 6
    parts = [line("grid", (x(at), 0), (x(at), height)) for at in (lowest, (lowest + 1) / 2, 1.0)]
    for index, (name, estimate) in enumerate(estimates.items()):
        y = 12.0 * index + 9
        parts.append(line(f"whisker {name}", (x(estimate.low), y), (x(estimate.high), y)))
        parts.append(mark(_SHAPES[name], name, (x(estimate.value), y), 3.5))
    said = "; ".join(f"{name} {spread(estimate)}" for name, estimate in estimates.items())
    return drawing("intervals", (160, height), said, parts)


def ladder(said: str, values: Mapping[str, Mapping[str, Estimate]]) -> Markup:
    """One measure over the values of a tag, `{value: {role: estimate}}`, from left to right."""
    slot = max(52.0, 372 / max(1, len(values)))
    width = 52 + slot * len(values)
    y = Scale(0.0, 1.0, 168, 12)
    parts = rate_axis(y, 40, width - 4)
    for index, (value, by_role) in enumerate(values.items()):
        middle = 44 + slot * (index + 0.5)
        parts.append(label("mid", (middle, 188), shortened(value, round(slot / 7))))
        for role, estimate in by_role.items():
            x = middle + (0 if len(by_role) == 1 else -7 if role == "baseline" else 7)
            parts += point(role, x, y, estimate)
    return drawing("ladder", (width, 198), said, parts)


def point(kind: str, x: float, y: Scale, estimate: Estimate) -> list[Markup]:
    """A mark (of a kind in `_SHAPES`) with its vertical interval at `x`."""
    return [
        line(f"whisker {kind}", (x, y(estimate.low)), (x, y(estimate.high))),
        mark(_SHAPES[kind], kind, (x, y(estimate.value)), 4.5),
    ]


def bar(counts: Mapping[FinishReason, int]) -> Markup:
    """The finish reasons as one stacked bar."""
    total, left, parts = max(1, sum(counts.values())), 0.0, []
    for ended in FinishReason:
        width = 300 * counts.get(ended, 0) / total
        if width:
            rect = Markup('<rect class="{}" x="{:.2f}" y="0" width="{:.2f}" height="18"/>')
            parts.append(rect.format(ended.value, left, width))
        left += width
    said = ", ".join(f"{ended.value.replace('_', ' ')} {n}" for ended, n in counts.items())
    return drawing("shares", (300, 18), said, parts)


def _tile(kind: str, box: tuple[float, float, float, float], share: float) -> Markup:
    left, top, width, height = box
    rect = Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>')
    parts = [rect.format(f"tile {kind}", *box)]
    if kind.endswith(" disobedient"):
        parts += _hatching(left, top, width, height)
    if width >= 44 and height >= 20:
        x, y = left + width / 2, top + height / 2
        parts.append(rect.format("plate", x - 20, y - 9, 40, 18))
        parts.append(label("mid", (x, y + 4.5), f"{share:.2f}"))
    return Markup("").join(parts)


def _hatching(left: float, top: float, width: float, height: float) -> list[Markup]:
    """Diagonal lines eight units apart, clipped to the box."""
    lines, foot, right, base = [], left - height, left + width, top + height
    while foot < right:
        first, last = max(foot, left), min(foot + height, right)
        lines.append(line("hatch", (first, base - (first - foot)), (last, base - (last - foot))))
        foot += 8
    return lines
