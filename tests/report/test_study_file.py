"""The schema in the repository is the code's. `python tests/report/test_study_file.py` writes it."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema

from twofold.report.study_file import read, schema, write

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "study.json"


def text() -> str:
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def test_the_schema_in_the_repository_is_what_the_code_gives() -> None:
    assert SCHEMA.read_text() == text()


def test_a_study_survives_the_file_and_fits_the_schema(
    made: Callable[..., Path], tmp_path: Path
) -> None:
    study = read(made(tmp_path))
    rows = json.loads((tmp_path / "study.json").read_text())
    checker = jsonschema.Draft202012Validator(schema())
    checker.validate(rows)
    write(study, tmp_path)
    assert read(tmp_path) == study
    assert rows["findings"][0]["measures"][0]["role"] == "base"
    del rows["findings"][0]["measures"][0]["metric"]
    assert not checker.is_valid(rows)


if __name__ == "__main__":
    SCHEMA.parent.mkdir(exist_ok=True)
    SCHEMA.write_text(text())
