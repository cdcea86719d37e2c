"""A study's page: every arm is there, nothing is invented, hostile text stays text."""

import json
import re
from pathlib import Path

import pytest

from twofold.errors import RunError
from twofold.report.study import Page, differences, summary, write
from twofold.stats import crossed_mean, crossed_paired, paired, proportion
from twofold.study.analysis import to_json

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def measured(share: float) -> dict[str, object]:
    return {
        key: proportion(round(100 * share), 100)
        for key in ("capability", "stated_accuracy", "compliance", "joint")
    }


def contrast(up: int, down: int) -> dict[str, object]:
    change = paired([0] * up + [1] * down + [0] * 60, [1] * up + [0] * down + [0] * 60)
    return dict.fromkeys(("capability", "stated_accuracy", "compliance", "joint"), change)


def made(folder: Path, **changed: object) -> Path:
    """A study with a base, an arm that rose, one that paid, and one that is not finished."""
    about = {"method": "grpo", "reward": "soft_gate", "settings": {"steps": 2}, "seeds": [0]}
    base = {"method": None, "reward": None, "settings": {}, "seeds": [0], "minutes": None}
    row = {"seed": 0, "unscored": 0.0, "tokens": 9.0}
    found: dict[str, object] = {
        "base": HOSTILE,
        "train": "pocket:9:train",
        "seeds": [0],
        "splits": {"test": "pocket:13"},
        "reference": "paid",
        "arms": {
            "base": base | measured(0.5) | {"splits": {"test": measured(0.5)}, "types": {}},
            "rose": about
            | {"minutes": 1.5}
            | measured(0.9)
            | {
                "splits": {"test": measured(0.9)},
                "types": {"startend:quotation": proportion(9, 9)},
            },
            "paid": about | {"minutes": None} | measured(0.2) | {"splits": {"test": measured(0.2)}},
            "late": about | {"seeds": [], "minutes": None},
        },
        "contrasts": {
            "rose": contrast(30, 2)
            | {"verdict": "both_rise", "retained": {"paid": proportion(9, 10)}, "types": {}}
            | {"splits": {"test": contrast(30, 2) | {"verdict": "both_rise", "retained": {}}}},
            "paid": contrast(2, 30)
            | {"verdict": "worse", "retained": {}, "types": {}}
            | {"splits": {"test": contrast(2, 30) | {"verdict": None, "retained": {}}}},
        },
        "floors": {"compliance": {"bare answer": proportion(23, 100)}},
        "curves": {
            "rose": [row | {"step": s, "correct": s / 10, "compliant_all": 0.5} for s in (0, 2, 4)],
            "base": [],
        },
        "lengths": {
            "rose": [
                {
                    "low": 1,
                    "high": 9,
                    "tokens": 5.0,
                    "accuracy": proportion(5, 9),
                    "compliance": None,
                }
            ]
        },
        "samples": {
            "rose": {
                "problem": {"question": HOSTILE, "answer": "1", "instructions": [HOSTILE]},
                "raw": HOSTILE,
                "correct": 1.0,
                "parts": {"startend:quotation": 0.0, "x": None},
            }
        },
        "failed": {},
        "caveats": [f"late is not finished {HOSTILE}"],
    }
    folder.mkdir(exist_ok=True)
    (folder / "study.json").write_text(json.dumps(to_json(found | changed)))
    (folder / "manifest.json").write_text(json.dumps({"identity": {}, "command": "twofold study"}))
    return folder


def test_every_arm_its_verdict_and_no_number_that_is_not_in_the_file(tmp_path: Path) -> None:
    page = write(made(tmp_path)).read_text()
    for words in ("Both rose", "Worse", "late", "none finished", "bare answer", "0.900"):
        assert words in page
    saved = (tmp_path / "study.json").read_text()
    values = {f"{abs(float(x)):.3f}" for x in re.findall(r"-?\d+\.\d+(?:e-?\d+)?|-?\d+", saved)}
    shown = re.findall(r"<b>[+−]?(\d\.\d{3})</b>", page)
    assert shown
    assert set(shown) <= values


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    page = write(made(tmp_path)).read_text()
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page
    assert page.count("<script") == 1  # its own
    assert "default-src &#39;none&#39;" in page


def test_the_plane_stands_alone(tmp_path: Path) -> None:
    write(made(tmp_path))
    svg = (tmp_path / "plane.svg").read_text()
    assert svg.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert "rose" in svg and "<style>" in svg and "http" not in svg[60:]


def test_text_for_the_terminal(tmp_path: Path) -> None:
    text = summary(made(tmp_path))
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert [row.split("|")[1].strip() for row in rows] == ["arm", "base", "rose", "paid", "late"]
    assert "not finished" in rows[4] and "0.000" not in rows[4]
    assert "**rose**: Both rose." in text
    assert "keeps 0.900" in text
    assert "floor of compliance: bare answer 0.230" in text
    assert "| rose " in differences(Page.of(tmp_path))


@pytest.mark.parametrize("text", ["{", "[]", '{"arms": {"a": {"capability": {"value": 1}}}}'])
def test_a_corrupt_file_is_told(tmp_path: Path, text: str) -> None:
    made(tmp_path)
    (tmp_path / "study.json").write_text(text)
    with pytest.raises(RunError, match=r"corrupt"):
        write(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_no_study_here(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no study\.json"):
        write(tmp_path)


def test_seeds_make_the_page_say_so(tmp_path: Path) -> None:
    page = write(made(tmp_path, seeds=[0, 1, 2])).read_text()
    assert "other training seeds" in page
    assert "other training seeds" not in write(made(tmp_path)).read_text()
    change = crossed_paired([[0.0, 1, 0]] * 2, [[1.0, 1, 0]] * 2)
    assert "2 seeds" in crossed_mean([[0.0, 1, 0]] * 2).method
    assert change.difference.n == 3
