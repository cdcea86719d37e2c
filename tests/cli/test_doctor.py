"""Does `twofold doctor` say what is there, and what to do about what is not?"""

import subprocess
import sys
from pathlib import Path

import pytest

from twofold.cli import doctor


def test_every_extra_is_told_with_its_packages() -> None:
    """Those of the project's own file, so that none is forgotten."""
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    section = text.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    named = {line.partition(" =")[0] for line in section.splitlines() if " = [" in line} - {"dev"}
    assert {*doctor.EXTRAS} == named
    for extra in named:
        assert doctor.packages(extra), extra


def test_what_is_missing_has_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "installed", lambda name: None if name == "trl" else "1.0")
    (line,) = [each for each in doctor.findings() if each.startswith("  train")]
    assert line.endswith("missing (trl): pip install 'twofold[train]'")
    (other,) = [each for each in doctor.findings() if each.startswith("  judges")]
    assert other.endswith(": installed")


def test_it_runs_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from twofold.cli import doctor; print('\\n'.join(doctor.findings()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "torch is missing: pip install 'twofold[hf]'" in done.stdout
