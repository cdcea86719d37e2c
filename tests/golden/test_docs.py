"""The documents say what the code does. `python tests/golden/test_docs.py` writes the table anew."""

import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema

from twofold import diagnostics
from twofold.constraints import CONSTRAINTS, from_spec
from twofold.diagnostics import DIAGNOSTICS
from twofold.judges.writing import written_by_rules
from twofold.models.scripted import ScriptedModel
from twofold.report import findings_schema
from twofold.runs.audit import audit
from twofold.runs.score import score
from twofold.types import Problem

DOCUMENT = Path(__file__).parents[2] / "docs" / "constraints.md"
HEAD = """# The constraints, and where `fixed` departs from `official`

`official` repeats the published checkers bit for bit, oddities included. `fixed` does what the
instruction's words say. A blank reply breaks every constraint under both. This table is made from
the classes themselves (`departure`) and checked by a test.

| constraint | group | family | `fixed` departs |
|---|---|---|---|
"""


def document() -> str:
    lines = []
    for name in sorted(CONSTRAINTS):
        cls = CONSTRAINTS[name]
        departure = cls.departure.replace("|", "\\|") or "nowhere"
        lines.append(f"| `{name}` | {cls.group} | {cls.family} | {departure} |\n")
    return HEAD + "".join(lines)


def test_the_table_of_constraints_is_up_to_date():
    assert DOCUMENT.read_text(encoding="utf-8").startswith(document())


def test_every_file_named_in_the_methods_table_exists():
    root = DOCUMENT.parents[1]
    text = (root / "docs" / "methods.md").read_text() + (root / "docs" / "index.md").read_text()
    named = {part for part in text.split("`") if part.startswith("twofold/")}
    assert len(named) > 10
    assert [name for name in sorted(named) if not (root / name).exists()] == []


def test_every_diagnostic_is_mapped_to_its_paper():
    table = (DOCUMENT.parent / "methods.md").read_text()
    assert [name for name in DIAGNOSTICS if f"| `{name}` |" not in table] == ["joint"]


def test_the_document_lists_every_file_that_a_run_writes(tmp_path):
    """An audit with diagnostics and a judge, and a score; and their findings fit the schema."""
    no_comma = from_spec("punctuation:no_comma", None, profile="fixed")
    asked = [
        Problem(question=f"What is {i} + 2?", answer=str(i + 2), constraints=(no_comma,))
        for i in range(4)
    ]
    asked = [replace(problem, checklist=written_by_rules(problem)) for problem in asked]
    model = ScriptedModel(lambda prompt, sample: r"It is \boxed{4}.")
    more = diagnostics.diagnostics_named("variants,ablation", judge="exact")
    audit(model, asked, out=tmp_path / "audit", baseline=model, diagnostics=more)
    audit(model, asked, out=tmp_path / "alone")
    replies = tmp_path / "alone" / "responses.jsonl"
    score(replies, asked, out=tmp_path / "score", profile="official")
    score(replies, asked, out=tmp_path / "again")
    listed = set(re.findall(r"`([^`]+)`", (DOCUMENT.parent / "run_directory.md").read_text()))
    for run in ("audit", "score", "again"):
        there = {
            re.sub(r"\.lock\.\d+", ".lock.N", path.name) for path in (tmp_path / run).iterdir()
        }
        assert there - listed == set()
        found = json.loads((tmp_path / run / "findings.json").read_text())
        jsonschema.validate(found, findings_schema.schema())
    assert {"verdicts.official.jsonl", "verdicts.fixed.jsonl"} <= {
        path.name for run in ("score", "again") for path in (tmp_path / run).iterdir()
    }


if __name__ == "__main__":
    _, mark, rest = DOCUMENT.read_text(encoding="utf-8").partition("\n## ")
    DOCUMENT.write_text(document() + mark + rest, encoding="utf-8")
