"""Does `twofold doctor` say what is there, and what to do about what is not?"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from twofold.cli import doctor
from twofold.cli.exits import require


def test_every_extra_is_told_with_its_packages() -> None:
    """Those of the project's own file, so that none is forgotten."""
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    section = text.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    named = {line.partition(" =")[0] for line in section.splitlines() if " = [" in line} - {
        "dev",
        "docs",
    }
    assert {*doctor.EXTRAS} == named
    for extra in named:
        assert doctor.packages(extra), extra


def test_every_remedy_names_an_extra_that_is_there_and_is_quoted() -> None:
    """A shell would take the brackets for a pattern."""
    named = set()
    for file in sorted(Path(doctor.__file__).parents[1].rglob("*.py")):
        for before, extras in re.findall(r"(.?)twofold\[([\w,-]+)\]", file.read_text()):
            assert before == "'", f"{file.name}: twofold[{extras}]"
            named |= {*extras.split(",")}
    assert named <= {*doctor.EXTRAS}


def test_all_that_is_missing_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    require("json")
    with pytest.raises(typer.Exit) as ended:
        require("llama_cpp_no_such", "json", "twofold_no_such")
    assert ended.value.exit_code == 2
    told = "error: llama_cpp_no_such, twofold_no_such are not installed: pip install 'twofold["
    assert capsys.readouterr().err.startswith(told)


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


@pytest.mark.parametrize(
    ("command", "missing", "extra"),
    [
        (("study", "--out", "out"), "torch", "hf"),
        (("merge", "pocket", "pocket", "--base", "pocket", "--out", "out"), "torch", "hf"),
        (
            ("train", "grpo", "--base", "pocket", "--problems", "pocket:4", "--out", "out"),
            "trl",
            "train",
        ),
    ],
)
def test_a_command_without_its_packages_names_the_extra(
    tmp_path: Path, command: tuple[str, ...], missing: str, extra: str
) -> None:
    """The package is hidden, and so is that it is installed, as in an environment without it."""
    code = (
        "import importlib.abc, importlib.metadata as m, sys\n"
        f"hidden, real = {missing!r}, m.version\n"
        "class Hide(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == hidden:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Hide())\n"
        "def version(name):\n"
        "    if name == hidden: raise m.PackageNotFoundError(name)\n"
        "    return real(name)\n"
        "from twofold.cli import doctor\n"
        "doctor.version = version\n"
        f"sys.argv = ['twofold', *{list(command)!r}]\n"
        "from twofold.cli import main; main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert f"pip install 'twofold[{extra}]'" in done.stderr
    assert not (tmp_path / "out").exists()
