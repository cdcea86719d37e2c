"""A study's page: every arm is there, nothing is invented, hostile text stays text."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from twofold.errors import RunError
from twofold.report.study import Page, summary, write
from twofold.report.study_file import HACC, read
from twofold.stats import crossed_mean, crossed_paired
from twofold.types import Slice

Made = Callable[..., Path]
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def test_every_arm_its_verdict_and_no_number_that_is_not_in_the_file(
    made: Made, tmp_path: Path
) -> None:
    page = write(made(tmp_path)).read_text()
    for words in ("Both rose", "Worse", "late", "none finished", "bare answer", "0.900"):
        assert words in page
    saved = (tmp_path / "study.json").read_text()
    values = {f"{abs(float(x)):.3f}" for x in re.findall(r"-?\d+\.\d+(?:e-?\d+)?|-?\d+", saved)}
    shown = re.findall(r"<b>[+−]?(\d\.\d{3})</b>", page)
    assert shown
    assert set(shown) <= values


def test_hostile_text_stays_text(made: Made, tmp_path: Path) -> None:
    page = write(made(tmp_path)).read_text()
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page
    assert page.count("<script") == 1  # its own
    assert "default-src &#39;none&#39;" in page


def test_the_plane_stands_alone(made: Made, tmp_path: Path) -> None:
    write(made(tmp_path))
    svg = (tmp_path / "plane.svg").read_text()
    assert svg.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert "rose" in svg and "<style>" in svg and "http" not in svg[60:]


def test_text_for_the_terminal(made: Made, tmp_path: Path) -> None:
    text = summary(made(tmp_path))
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert [row.split("|")[1].strip() for row in rows] == ["arm", "base", "rose", "paid", "late"]
    assert "not finished" in rows[4] and "0.000" not in rows[4]
    assert (
        "**rose**: Both rose, one training run. One training run: with 100 problems, 15 % of"
        in text
    )
    assert "retains 0.900" in text
    assert "floor of compliance: bare answer 0.230" in text


@pytest.mark.parametrize("text", ["{", "[]", '{"arms": {"a": {"method": 1}}}'])
def test_a_corrupt_file_is_told(made: Made, tmp_path: Path, text: str) -> None:
    made(tmp_path)
    (tmp_path / "study.json").write_text(text)
    with pytest.raises(RunError, match=r"corrupt"):
        write(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_a_number_that_is_not_finite_is_told(made: Made, tmp_path: Path) -> None:
    file = made(tmp_path) / "study.json"
    file.write_text(re.sub(r'"value": [0-9.]+', '"value": NaN', file.read_text(), count=1))
    with pytest.raises(RunError, match=r"study\.json is corrupt .*NaN is no JSON value"):
        write(tmp_path)


def test_a_part_has_its_own_row(made: Made, tmp_path: Path) -> None:
    study = read(made(tmp_path))
    (whole,) = study.findings
    part = Slice("kind", "even")
    split = replace(
        whole,
        measures=[*whole.measures, *(replace(m, slice=part) for m in whole.measures[:4])],
        contrasts=[*whole.contrasts, *(replace(c, slice=part) for c in whole.contrasts[:4])],
    )
    page = write(made(tmp_path, findings=[split])).read_text()
    rows = re.findall('<tr><th scope="row">(test.*?)</th>', page)
    assert [row.replace("<wbr>", "") for row in rows] == ["test", "test, kind = even"] * 2
    shown = Page.of(tmp_path)
    assert shown.comparison("rose", HACC, part=part) == shown.comparison("rose", HACC)
    assert shown.comparison("paid", HACC, part=part) is None
    assert shown.says("rose") is not None and shown.says("rose", part=part) is None


def test_where_nothing_was_asked_without_constraints_accuracy_is_with_them(
    made: Made, tmp_path: Path
) -> None:
    (whole,) = read(made(tmp_path)).findings
    kept = replace(
        whole,
        measures=[m for m in whole.measures if m.condition != "unconstrained"],
        contrasts=[c for c in whole.contrasts if c.condition != "unconstrained"],
    )
    page = Page.of(made(tmp_path, findings=[kept]))
    assert page.plane is not None and [arm.name for arm in page.plane.arms][:2] == ["base", "rose"]
    said = page.says("rose")
    assert said is not None and said.numbers.startswith("Capability +")


def test_no_study_here(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no study\.json"):
        write(tmp_path)


def test_seeds_make_the_page_say_so(made: Made, tmp_path: Path) -> None:
    page = write(made(tmp_path, seeds=[0, 1, 2])).read_text()
    assert "other training seeds" in page
    assert "other training seeds" not in write(made(tmp_path)).read_text()
    change = crossed_paired([[0.0, 1, 0]] * 2, [[1.0, 1, 0]] * 2)
    assert "2 seeds" in crossed_mean([[0.0, 1, 0]] * 2).method
    assert change.difference.n == 3
