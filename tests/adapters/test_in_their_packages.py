"""Does a converted folder give our reward inside the package that it was written for?

Set `TWOFOLD_VERIFIERS_PYTHON`, `TWOFOLD_INSPECT_PYTHON` or `TWOFOLD_LM_EVAL_PYTHON` to a Python that has
that package: its folder is then run inside it. Set `TWOFOLD_VERL_SOURCE` or `TWOFOLD_OPENRLHF_SOURCE` to
the folder that holds the package of that name, unpacked from its wheel.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from twofold.adapters.data import convert
from twofold.constraints import from_spec
from twofold.types import Problem

sys.path.insert(0, str(Path(__file__).parent))
from serving import served

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
BOTH = Problem(question="7 + 5 = ?", answer="12", constraints=(NO_COMMA,))
FREE = Problem(question="1 + 1 = ?", answer="2")
NEITHER = Problem(question="Say something else.")
# SoftGate for BOTH and the replies in `foreign.py`, by hand.
EXPECTED = [1.0, 2 / 3, 1 / 6, None]


def foreign(kind: str, folder: Path, *, source: bool = False) -> Any:
    """What a package made of a converted folder; skipped where there is none."""
    name = f"TWOFOLD_{kind.upper()}_{'SOURCE' if source else 'PYTHON'}"
    if not os.environ.get(name):
        what = "the unpacked wheel of" if source else "a Python with"
        pytest.skip(f"{name} does not name {what} {kind}")
    python = sys.executable if source else os.environ[name]
    paths = [path for path in sys.path if path.endswith("site-packages")]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [python, str(Path(__file__).with_name("foreign.py")), kind, str(folder)]
    done = subprocess.run(
        [*command, json.dumps(paths)], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_verifiers_itself(tmp_path: Path) -> None:
    convert([BOTH, FREE, NEITHER], "verifiers", out=tmp_path / "v")
    ran = foreign("verifiers", tmp_path / "v")
    assert ran["found"] == pytest.approx([1, 2 / 3, 1 / 6, 0, 1, 0])
    assert ran["tasks"] == 2 and ran["prompt"] == BOTH.messages()[0]["content"]


def test_verifiers_itself_ends_in_an_error_where_a_check_fails(tmp_path: Path) -> None:
    convert([BOTH], "verifiers", reward="failing:Silent", out=tmp_path / "v")
    own_module_path(tmp_path / "v/twofold_tasks.py")
    found = foreign("verifiers", tmp_path / "v")["found"]
    assert all("is unscored" in found[i] and "TaskError" not in found[i] for i in (0, 1, 2, 4))
    assert found[3] == found[5] == 0.0


def own_module_path(file: Path) -> None:
    """Let a reward file find the scorers of these tests."""
    text = file.read_text()
    file.write_text(f"import sys\n\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n{text}")


def test_the_source_of_verl(tmp_path: Path) -> None:
    convert([BOTH], "verl", out=tmp_path / "v")
    assert foreign("verl", tmp_path / "v", source=True)["found"] == [1.0, 2 / 3, 1 / 6, 0.0]
    convert([BOTH], "verl", reward="failing:Silent", out=tmp_path / "v")
    own_module_path(tmp_path / "v/reward.py")
    found = foreign("verl", tmp_path / "v", source=True)["found"]
    assert all(each.startswith("UnscoredError") for each in found[:3]) and found[3] == 0.0


def test_the_source_of_openrlhf(tmp_path: Path) -> None:
    convert([BOTH], "openrlhf", out=tmp_path / "o")
    found = foreign("openrlhf", tmp_path / "o", source=True)["found"]
    assert [score for score, _ in found] == pytest.approx([1.0, 2 / 3, 1 / 6, 0.0])
    assert [unfinished for _, unfinished in found] == [0, 0, 0, 1]
    convert([BOTH], "openrlhf", reward="failing:Silent", out=tmp_path / "o")
    own_module_path(tmp_path / "o/reward.py")
    found = foreign("openrlhf", tmp_path / "o", source=True)["found"]
    assert found == [None, None, None, [0.0, 1.0]]


@pytest.mark.parametrize("reward", ["soft_gate", "failing:Silent"])
def test_the_source_of_openrlhf_over_http(
    reward: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the Python of verifiers, which has the HTTP client that OpenRLHF uses."""
    pytest.importorskip("fastapi", reason="pip install 'twofold[serve]'")
    if not os.environ.get("TWOFOLD_OPENRLHF_SOURCE"):
        pytest.skip("TWOFOLD_OPENRLHF_SOURCE does not name the unpacked wheel of openrlhf")
    python = os.environ.get("TWOFOLD_VERIFIERS_PYTHON", "")
    monkeypatch.setenv("TWOFOLD_OPENRLHF_REMOTE_PYTHON", python)
    convert([BOTH], "openrlhf", out=tmp_path / "o")
    with served(tmp_path, "--reward", reward, "--concurrency", "1") as server:
        monkeypatch.setenv("TWOFOLD_URL", f"http://127.0.0.1:{server.port}/openrlhf")
        ran = foreign("openrlhf_remote", tmp_path / "o")
    if reward == "soft_gate":
        assert ran["found"] == ran["scores"] == [[1.0], [2 / 3], [1 / 6], [0.0]]
    else:
        assert ran["found"] == ran["scores"] == [None, None, None, [0.0]]


def test_inspect_itself(tmp_path: Path) -> None:
    convert([BOTH, FREE], "inspect", out=tmp_path / "i")
    ran = foreign("inspect", tmp_path / "i")
    assert ran["found"] == EXPECTED
    assert ran["mean"] == pytest.approx((1 + 2 / 3 + 1 / 6) / 3)


def test_lm_eval_itself(tmp_path: Path) -> None:
    same = [
        Problem(question=BOTH.question + " " * i, answer="12", constraints=(NO_COMMA,))
        for i in range(4)
    ]
    convert(same, "lm-eval", out=tmp_path / "l")
    ran = foreign("lm_eval", tmp_path / "l")
    assert ran["found"] == EXPECTED and ran["unscored"] == 0.25
    assert ran["mean"] == pytest.approx((1 + 2 / 3 + 1 / 6) / 3)
