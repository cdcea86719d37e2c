"""Does a training go on to the same end after a kill, a full disk or a short write, wherever it is?

A sample of the file events of each work, drawn evenly; `python tests/kills/trials.py` tries them all.
"""

import shutil
import sys
from pathlib import Path

import pytest

pytest.importorskip("trl")
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "models")]

from trials import run  # noqa: E402

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="file events are counted on Linux"),
    pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler"),
]


@pytest.mark.parametrize(
    ("work", "mode", "n_tried"),
    [
        ("sft", "kill", 9),
        ("applied", "kill", 5),
        ("grpo", "kill", 5),
        ("rlag", "kill", 6),
        ("study", "kill", 5),
        ("sft", "full", 5),
    ],
)
def test_it_ends_the_same(work: str, mode: str, n_tried: int, tmp_path: Path) -> None:
    summary = run(tmp_path, work, mode, n_tried=n_tried)
    assert summary["events"] > 100  # the writers in C++ and Rust are seen as well
    assert summary["tried"] == n_tried
    assert summary["unequal"] == []


def test_a_torn_marker_is_noticed(tmp_path: Path) -> None:
    """The events around the end of a checkpoint, where the sample might not look."""
    summary = run(tmp_path, "sft", "kill", n_tried=12, about="whole.json")
    assert summary["tried"] == 12 and summary["unequal"] == []


def test_pairs_are_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    summary = run(tmp_path, "rlag", "kill", n_tried=6, about="pairs")
    assert summary["tried"] == 6 and summary["unequal"] == []


@pytest.mark.parametrize("about", ["evaluations", "frontier"])
def test_what_an_evaluation_keeps_is_the_same(about: str, tmp_path: Path) -> None:
    summary = run(tmp_path, "kept", "kill", n_tried=5, about=about)
    assert summary["tried"] == 5 and summary["unequal"] == []
