"""The documents say what the code does. `python tests/golden/test_docs.py` writes the table anew."""

from pathlib import Path

from twofold.constraints import CONSTRAINTS
from twofold.diagnostics import DIAGNOSTICS

DOCUMENT = Path(__file__).parents[2] / "docs" / "constraints.md"
HEAD = """# The constraints, and where `fixed` departs from `official`

`official` repeats the published checkers bit for bit, oddities included. `fixed` does what the
instruction's words say. A blank reply breaks every constraint under both. This table is made from
the classes themselves (`departure`) and checked by a test.

| constraint | group | `fixed` departs |
|---|---|---|
"""


def document() -> str:
    lines = []
    for name in sorted(CONSTRAINTS):
        cls = CONSTRAINTS[name]
        departure = cls.departure.replace("|", "\\|") or "nowhere"
        lines.append(f"| `{name}` | {cls.group} | {departure} |\n")
    return HEAD + "".join(lines)


def test_the_table_of_constraints_is_up_to_date():
    assert DOCUMENT.read_text(encoding="utf-8") == document()


def test_every_file_named_in_the_methods_table_exists():
    root = DOCUMENT.parents[1]
    text = (root / "docs" / "methods.md").read_text() + (root / "docs" / "index.md").read_text()
    named = {part for part in text.split("`") if part.startswith("twofold/")}
    assert len(named) > 10
    assert [name for name in sorted(named) if not (root / name).exists()] == []


def test_every_diagnostic_is_mapped_to_its_paper():
    table = (DOCUMENT.parent / "methods.md").read_text()
    assert [name for name in DIAGNOSTICS if f"| `{name}` |" not in table] == ["joint"]


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
