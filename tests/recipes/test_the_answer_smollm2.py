"""The table of SmolLM2 is what its saved replies give, and its plan is one that a study reads."""

import json
import re
import tarfile
from importlib import import_module
from pathlib import Path

import pytest

pytest.importorskip("torch")

from twofold.models.composed import KINDS
from twofold.study import finalize, read

smollm2 = import_module("recipes.the_answer.smollm2")
RECIPE = Path(smollm2.__file__).parent


def test_the_readme_has_the_table_of_the_saved_replies(tmp_path: Path) -> None:
    with tarfile.open(RECIPE / "smollm2.tar.xz") as saved:
        saved.extractall(tmp_path, filter="data")
    plan = tmp_path / "answer" / "study.yaml"
    there = rf"{smollm2.OUT}/(\w+\.jsonl)"
    plan.write_text(re.sub(there, rf"{tmp_path}/\1", plan.read_text()))
    finalize(read(plan), plan.parent)
    text = (RECIPE / "README.md").read_text()
    rows = smollm2.table(plan.parent).splitlines()
    assert len(rows) > 20
    assert [row for row in rows if row not in text] == []


def test_the_plan_is_one_that_a_study_reads(tmp_path: Path) -> None:
    made = {name: str(tmp_path / name) for name in ("merge_ties", *smollm2.REMEDIES)}
    for name in ("train", *smollm2.SPLITS):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"question": f"{name}?"}) + "\n")
    plan = read(smollm2.plan(tmp_path, list(smollm2.TRAINED), made))
    assert [arm.name for arm in plan.arms] == ["sft", "sft_obedient", *smollm2.TRAINED, *made]
    assert {arm.name for arm in plan.trained_here} == {*smollm2.TRAINED}
    assert {*smollm2.REMEDIES} <= {*KINDS}
