"""Does a panel of training curves draw what the logs hold, and say at which step both were above the base?"""

import re
from collections.abc import Callable
from pathlib import Path

from twofold.report.curves import frontier, keys_of, panel
from twofold.report.study import write
from twofold.report.study_file import CurveRecord
from twofold.stats import proportion
from twofold.storage.jsonl import Row
from twofold.types import Estimate

OLD = [
    {"arm": "rose", "seed": 0, "step": s, "correct": s / 40, "compliant_all": 0.5} for s in (0, 20)
]


def row(step: int, accuracy: float, obedience: float, *, seed: int = 0, **more: object) -> Row:
    gains = {"accuracy_gain": 0.1, "obedience_gain": 0.1} if step else {}
    found = {"arm": "rose", "seed": seed, "step": step, "correct": 0.9, "compliant_all": 0.6}
    return found | {"accuracy": accuracy, "obedience": obedience} | gains | more


def signed(value: float, low: float, high: float) -> Estimate:
    return Estimate(value=value, low=low, high=high, n=9, n_unscored=0, method="by hand")


def record(step: int, obedience: Estimate | None) -> CurveRecord:
    share = proportion(5, 10)
    return CurveRecord(
        arm="rose", step=step, seeds=[0], accuracy=share, hacc=share, obedience=obedience
    )


def drawn(svg: str, tag: str) -> list[str]:
    return re.findall(rf'<{tag} class="([^"]+)"', svg)


def test_a_log_of_before_draws_accuracy_with_constraints_and_compliance() -> None:
    svg = str(panel("old", OLD))
    assert keys_of(OLD) == ["correct", "compliant_all"]
    assert drawn(svg, "polyline") == [
        *("thin correct", "curve correct"),
        *("thin compliant_all", "curve compliant_all"),
    ]
    assert "band" not in svg and "frontier" not in svg and frontier(OLD) == ""
    assert "accuracy from 0.00 to 0.50, compliance from 0.50 to 0.50" in svg
    assert ">-0.25<" not in svg


def test_a_new_log_draws_three_lines_and_accuracy_without_constraints() -> None:
    svg = str(panel("new", [row(0, 0.2, 0.1), row(20, 0.4, 0.3)]))
    assert [kind for kind in drawn(svg, "polyline") if "curve" in kind] == [
        *("curve accuracy", "curve compliant_all", "curve obedience")
    ]
    assert "accuracy from 0.20 to 0.40" in svg and "obedience from 0.10 to 0.30" in svg


def test_the_mean_has_a_band_and_the_axis_reaches_the_lowest_obedience() -> None:
    rows = [row(0, 0.2, 0.1), row(20, 0.4, 0.3)]
    means = [record(0, signed(0.1, -0.3, 0.4)), record(20, signed(0.2, 0.0, 0.5))]
    svg = str(panel("new", rows, means))
    assert drawn(svg, "polygon") == ["band accuracy", "band compliant_all", "band obedience"]
    # the axis runs from -0.5 at 168 to 1 at 12: 104 units a point
    (band,) = re.findall(r'"band obedience" points="([^"]+)"', svg)
    assert band == "40.0,74.4 330.0,64.0 330.0,116.0 40.0,147.2"
    assert [t for t in re.findall(r">(-?\d\.\d\d)<", svg) if t[0] == "-"] == ["-0.50", "-0.25"]
    assert "obedience from 0.10 to 0.20" in svg  # the mean of the records, not of the rows
    assert "band obedience" not in str(panel("new", rows, [record(0, None), means[1]]))


def test_the_last_step_above_the_base_is_drawn_and_said() -> None:
    rows = [row(0, 0.2, 0.1), row(20, 0.4, 0.3, frontier=True), row(40, 0.5, 0.1)]
    (at,) = re.findall(r'<line class="frontier" x1="([^"]+)"', str(panel("new", rows)))
    assert at == "185.0"  # half way from 40 to 330
    assert frontier(rows) == "Accuracy and obedience both above the base's: last at step 20."
    other = [row(0, 0.2, 0.1, seed=1), row(20, 0.1, 0.1, seed=1)]
    assert frontier(other) == "Accuracy and obedience both above the base's: at no step."
    assert frontier([*rows, *other]).endswith("last at step 20 (seed 0), at no step (seed 1).")


def test_the_page_has_them(made: Callable[..., Path], tmp_path: Path) -> None:
    rows = [row(0, 0.2, 0.1), row(20, 0.4, 0.3, frontier=True)]
    means = [record(0, signed(0.1, 0.0, 0.2)), record(20, signed(0.3, 0.1, 0.5))]
    page = write(made(tmp_path, curves=rows, curve_means=means)).read_text()
    assert "last at step 20." in page and 'class="band obedience"' in page
    old = write(made(tmp_path)).read_text()
    assert "both above the base's:" not in old and "curve correct" in old
