"""Are the schemas that editors read those of the code? `python tests/study/test_schemas.py` writes them."""

import json
import re
from pathlib import Path

import pytest
import yaml

from twofold.study.schemas import schemas

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "schemas"
STUDIES = [
    path
    for path in sorted([*ROOT.glob("recipes/*/*.yaml"), *ROOT.glob("twofold/study/*.yaml")])
    if "arms:" in path.read_text()
]


def text(schema: dict[str, object]) -> str:
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def test_the_files_are_what_the_code_says() -> None:
    files = [path for path in FOLDER.glob("*.json") if path.name != "study.schema.json"]  # results
    found = {path.name: path.read_text() for path in files}
    assert found == {name: text(schema) for name, schema in schemas().items()}


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_shipped_study_fits_its_schema(path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    checker = jsonschema.Draft202012Validator(schemas()["plan.json"])
    text = re.sub(r"(\d)e-", r"\1.0e-", path.read_text())  # YAML 1.1 takes 3e-4 for a text
    study = yaml.safe_load(text)
    checker.validate(study)
    next(iter(study["arms"].values()))["stepz"] = 1
    assert not checker.is_valid(study)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_the_schema_that_a_study_names_is_there(path: Path) -> None:
    mark = "# yaml-language-server: $schema="
    named = [line.removeprefix(mark) for line in path.read_text().splitlines() if mark in line]
    assert all((path.parent / name).is_file() for name in named)
    assert named or "recipes" not in path.parts


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, schema in schemas().items():
        (FOLDER / name).write_text(text(schema))
