"""Figures: well-formed SVG at the right places, and names that stay text."""

import itertools
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from twofold.report.figures import bar, intervals, ladder, mosaic
from twofold.report.lettering import Box, Lettering, freest
from twofold.report.plane import Plane, PlanePoint, ticks
from twofold.types import Estimate, FinishReason

HOSTILE = '"><script>alert(1)</script>&'


def share(value: float) -> Estimate:
    low, high = max(0.0, value - 0.1), min(1.0, value + 0.1)
    return Estimate(value=value, low=low, high=high, n=9, method="by hand")


def parsed(svg: Markup) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


@given(st.floats(-0.2, 1.2), st.floats(0, 1.4))
def test_ticks_cover_what_lies_between_0_and_1(low: float, width: float) -> None:
    found = ticks(low, low + width)
    assert 3 <= len(found) <= 7
    assert found[0] <= max(min(low, 1.0), 0.0) + 1e-9
    assert found[-1] >= min(low + width, 1.0) - 1e-9
    assert 0 <= found[0] < found[-1] <= 1
    steps = {round(b - a, 9) for a, b in itertools.pairwise(found)}
    assert len(steps) == 1


def test_the_plane_puts_arms_where_they_belong() -> None:
    arms = [PlanePoint("old", share(0.5), share(0.3)), PlanePoint(HOSTILE, share(0.7), share(0.6))]
    svg = parsed(Plane(arms, {"constant": share(0.1)}, arrow=(0, 1)).svg())
    old, new = (svg.find(f".//circle[@class='{kind}']") for kind in ("ring baseline", "disc model"))
    assert old is not None
    assert new is not None
    assert float(old.attrib["cx"]) < float(new.attrib["cx"])  # more capable is to the right
    assert float(old.attrib["cy"]) > float(new.attrib["cy"])  # more obedient is higher
    assert len(svg.findall(".//line[@class='floor']")) == 1
    assert len(svg.findall(".//polygon[@class='arrowhead']")) == 1
    assert HOSTILE in svg.attrib["aria-label"]
    assert not svg.findall(".//script")


def test_the_plane_takes_one_arm_and_many() -> None:
    for n in (1, 7):
        arms = [PlanePoint(f"arm {i}", share(i / 10), share(i / 10)) for i in range(n)]
        svg = parsed(Plane(arms, {}).svg())
        names = [each.text for each in svg.iter("text") if "name" in each.attrib["class"]]
        assert names == [f"arm {i}" for i in range(n)]


def test_labels_stay_inside_and_off_the_marks() -> None:
    for value in (0.0, 0.07, 0.5, 1.0):
        arms = [
            PlanePoint("the base of it all", share(value), share(value)),
            PlanePoint("w" * 30, share(1), share(1)),
        ]
        svg = parsed(Plane(arms, {"bare answer": share(0.9), "constant": share(0.0)}).svg())
        marks = [(float(c.attrib["cx"]), float(c.attrib["cy"])) for c in svg.findall("circle")]
        boxes = []
        for each in svg.iter("text"):
            if each.attrib["class"].split()[-1] in ("name", "small"):
                at = float(each.attrib["x"]), float(each.attrib["y"])
                boxes.append(Lettering("", each.text or "", at, "end" in each.attrib["class"]).box)
        assert len(boxes) == 4
        for box in boxes:
            assert 58 <= box.left < box.right <= 440
            assert 0 <= box.top < box.bottom <= 318
            assert not any(box.left < x < box.right and box.top < y < box.bottom for x, y in marks)
        assert all(a.shared(b) == 0 for a, b in itertools.combinations(boxes, 2))


def test_axes_that_leave_something_out_are_cropped() -> None:
    wide = Estimate(value=0.5, low=0.0, high=1.0, n=2, method="by hand")
    assert not Plane([PlanePoint("a", wide, wide)], {}).is_cropped
    assert Plane([PlanePoint("a", wide, share(0.5))], {}).is_cropped


def test_the_freest_place_is_the_first_of_equals() -> None:
    frame = Box(0, 0, 100, 100)
    left, right = Lettering("", "ab", (10, 50), False), Lettering("", "ab", (60, 50), False)
    assert freest([left, right], frame, [], []) == left
    assert freest([left, right], frame, [], [Box(0, 40, 20, 60)]) == right
    small = Box(60, 49, 61, 50)  # a little of a label weighs more than much of a line
    assert freest([right, left], frame, [small], [Box(0, 40, 20, 60)]) == left
    assert Lettering("", "ab", (99, 2), False).within(frame).box.right == pytest.approx(100)


def test_mosaic_areas_are_the_shares() -> None:
    cells = {
        "right_obedient": share(0.3),
        "right_disobedient": share(0.1),
        "wrong_obedient": share(0.15),
        "wrong_disobedient": share(0.45),
    }
    tiles = parsed(mosaic(cells)).findall("./rect")
    areas = {
        tile.attrib["class"]: float(tile.attrib["width"]) * float(tile.attrib["height"]) / 45_000
        for tile in tiles
        if tile.attrib["class"].startswith("tile")
    }
    for name, estimate in cells.items():
        assert areas["tile " + name.replace("_", " ")] == pytest.approx(estimate.value, abs=0.001)


def test_mosaic_of_a_model_that_is_never_right() -> None:
    cells = dict.fromkeys(("right_obedient", "right_disobedient", "wrong_obedient"), share(0.0))
    tiles = parsed(mosaic(cells | {"wrong_disobedient": share(1.0)})).findall("./rect")
    areas = {
        tile.attrib["class"]: float(tile.attrib["width"]) * float(tile.attrib["height"]) / 45_000
        for tile in tiles
        if tile.attrib["class"].startswith("tile")
    }
    assert areas.pop("tile wrong disobedient") == pytest.approx(1, abs=0.001)
    assert sum(areas.values()) == 0


def test_bar_widths_are_the_counts() -> None:
    rects = parsed(bar({FinishReason.answered: 3, FinishReason.failed: 1})).findall("rect")
    assert [float(rect.attrib["width"]) for rect in rects] == [225, 75]
    assert not parsed(bar({FinishReason.answered: 0})).findall("rect")


def test_dots_lie_inside_their_intervals() -> None:
    svg = parsed(intervals({"baseline": share(0.2), "model": share(0.8), "null": share(0.5)}))
    assert [mark.attrib["class"] for mark in svg if mark.tag != "line"] == [
        "ring baseline",
        "disc model",
        "disc null",
    ]


def test_ladder_escapes_its_values() -> None:
    svg = parsed(ladder("rates", {HOSTILE: {"model": share(0.5)}}))
    assert not svg.findall(".//script")
