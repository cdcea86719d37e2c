"""What users type is a promise: the names of `twofold` and every command with its options.

`python tests/golden/test_public_surface.py` writes the file anew. Changing a line of it is a decision:
say in the commit why, and what a user has to do.
"""

import inspect
import subprocess
import sys
from difflib import unified_diff
from pathlib import Path

import typer

import twofold
from twofold.cli import app

GOLDEN = Path(__file__).with_name("public_surface.txt")


def surface() -> str:
    names = [f"twofold.{name}{parameters(getattr(twofold, name))}" for name in twofold.__all__]
    return "\n".join([*names, "", *commands(typer.main.get_command(app), "twofold")]) + "\n"


def parameters(found: object) -> str:
    """The parameters by name, with a star before those that only go by name."""
    given = inspect.signature(found).parameters.values()  # type: ignore[arg-type]
    by_name = [p.name for p in given if p.kind is p.KEYWORD_ONLY]
    plain = [p.name for p in given if p.kind is not p.KEYWORD_ONLY]
    return f"({', '.join([*plain, *(['*'] if by_name else []), *by_name])})"


def commands(command, path: str):
    arguments = [p.name.upper() for p in command.params if p.param_type_name == "argument"]
    yield " ".join([path, *arguments])
    for option in sorted(p.opts[0] for p in command.params if p.param_type_name == "option"):
        yield f"    {option}"
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        yield from commands(inner, f"{path} {name}")


def test_the_public_surface_is_as_it_was():
    there, now = GOLDEN.read_text().splitlines(), surface().splitlines()
    changed = "\n".join(unified_diff(there, now, "promised", "now", lineterm="", n=1))
    assert not changed, (
        f"{changed}\n\nIf that is meant: python {Path(__file__).name} writes it anew."
    )


def test_every_public_name_has_an_example_that_runs():
    """The doctests run with the others; here it is only looked whether there is one."""
    assert [name for name in twofold.__all__ if ">>>" not in getattr(twofold, name).__doc__] == []


def test_every_path_of_a_public_function_may_be_a_text():
    for name in twofold.__all__:
        for each in inspect.signature(getattr(twofold, name)).parameters.values():
            if "Path" in str(each.annotation):
                kinds = {kind.rpartition(".")[2] for kind in str(each.annotation).split(" | ")}
                assert kinds >= {"str", "Path"}, (name, each)


def test_names_are_imported_when_they_are_asked_for():
    probe = "; ".join(
        [
            "import sys, twofold",
            "assert set(dir(twofold)) >= set(twofold.__all__)",
            "assert not [m for m in sys.modules if m.startswith('twofold.')]",
            "[getattr(twofold, name) for name in twofold.__all__]",
            "assert twofold.audit.__name__ == 'audit' and callable(twofold.score)",
            "assert 'torch' not in sys.modules and 'transformers' not in sys.modules",
            "import twofold.runs.audit; assert callable(twofold.audit)",
        ]
    )
    subprocess.run([sys.executable, "-c", probe], check=True)


def test_help_pulls_in_no_torch():
    probe = (
        "import sys; sys.argv = ['twofold', 'audit', '--help']\n"
        "from twofold.cli import main\n"
        "try: main()\n"
        "finally: assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True)


if __name__ == "__main__":
    GOLDEN.write_text(surface())
