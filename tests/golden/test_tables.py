"""Saved rows give the numbers that they gave under the old names, to twelve digits.

`tables/` holds the rows of one audit with every diagnostic, of one `score` of the MathIF files and of one
study, beside the numbers that the code made of them before results became records. The column `old_key` is
what a number was called then.
"""

import csv
import gzip
import io
import json
import os
from pathlib import Path

import pytest

from twofold.diagnostics import ANALYSES
from twofold.diagnostics.joint.table import JointTable
from twofold.problems import io as problem_io
from twofold.problems import load, pocket
from twofold.study.analysis import StudyAnalysis
from twofold.study.scores import Scores
from twofold.types import Finding, Slice

TABLES = Path(__file__).parent / "tables"
SHARED = Path(os.environ["TWOFOLD_SHARED"])
ARMS = ("base", "sft", "answer_only", "joint")


def text(path):
    return gzip.decompress(path.read_bytes()).decode()


def rows(path):
    return [json.loads(line) for line in text(path).splitlines()]


def golden(name):
    """The expected numbers, by diagnostic or split."""
    found = {}
    for row in csv.DictReader(io.StringIO(text(TABLES / name / "numbers.csv.gz"))):
        found.setdefault(row["diagnostic"], []).append(row)
    return found


def same(number, told):
    """Whether a number is the golden one; the last digits of a sum differ between kinds of processors."""
    if isinstance(number, float) and told != "None":
        return number == pytest.approx(float(told), rel=1e-12, abs=0, nan_ok=True)
    return repr(number) == told


def assert_same(found: Finding, expected):
    """Every golden number is among the records; none is left over."""
    for row in expected:
        names = {"role": row["role"], "condition": row["condition"]}
        names["slice"] = Slice(row["slice_by"], row["slice"])
        if row["versus"]:
            comparison = found.comparison(row["metric"], versus=row["versus"], **names)
            assert comparison is not None, row["old_key"]
            number = comparison.difference
            assert same(comparison.p, row["p"]), row["old_key"]
            if row["p_adjusted"]:
                assert same(comparison.p_adjusted, row["p_adjusted"]), row["old_key"]
        else:
            number = found.estimate(row["metric"], **names)
            assert number is not None, row["old_key"]
        for field in ("value", "low", "high", "n", "n_unscored"):
            assert same(getattr(number, field), row[field]), (row["old_key"], field)
    n_contrasts = sum(bool(row["versus"]) for row in expected)
    assert (len(found.measures), len(found.contrasts)) == (len(expected) - n_contrasts, n_contrasts)


@pytest.mark.parametrize("analysis", ANALYSES, ids=lambda each: each.name)
def test_an_audit_with_every_diagnostic(analysis, tmp_path):
    table = TABLES / "audit" / f"{analysis.table}.jsonl.gz"
    if not table.exists():
        # made by `score`, by `--judge`, and newer than these tables
        assert analysis.name in ("profiles", "checklist", "elicitation")
        return
    (tmp_path / "problems.jsonl").write_text(text(TABLES / "audit" / "problems.jsonl.gz"))
    problems = problem_io.read(tmp_path / "problems.jsonl", profile="fixed")
    found = analysis.analyse(rows(table), problems)
    assert_same(found, golden("audit")[analysis.name])


@pytest.mark.parametrize("name", ["joint", "profiles"])
def test_a_score_of_the_mathif_files(name):
    folder = SHARED / "data" / "mathif"
    if not folder.exists():
        pytest.skip(f"{folder} is absent; set TWOFOLD_SHARED to the folder that holds data/mathif")
    problems = list({p.id: p for p in load(folder, profile="fixed")}.values())
    (analysis,) = (each for each in ANALYSES if each.name == name)
    found = analysis.analyse(rows(TABLES / "score" / f"{name}.jsonl.gz"), problems)
    assert_same(found, golden("score")[name])


def test_a_study():
    problems = {"test": pocket.suite(300), "ood": pocket.suite(130, split="ood")}
    scores = {
        arm: {
            split: Scores(
                of, {0: JointTable.of(of, rows(TABLES / "study" / arm / f"{split}.jsonl.gz"))}
            )
            for split, of in problems.items()
        }
        for arm in ARMS
    }
    tags = ("constraint_types", "competes")
    work = StudyAnalysis(scores, dict.fromkeys(ARMS, (0,)), "test", tags, reference="answer_only")
    verdicts = {(v.split, v.arm, v.slice_by, v.slice): v.outcome for v in work.verdicts()}
    expected = golden("study")
    numbers: dict[str, list] = {"test": [], "ood": []}
    n_verdicts = 0
    for row in (row for of in expected.values() for row in of):
        split = row["diagnostic"]
        if row["metric"] == "outcome":
            there = verdicts[split, row["role"], row["slice_by"], row["slice"]]
            assert there == {"powerless": "underpowered"}.get(row["value"], row["value"])
            n_verdicts += 1
        else:
            numbers[split].append(row)
    assert n_verdicts == len(verdicts)
    for records in work.findings():
        found = Finding(
            diagnostic="study",
            question="?",
            measures=[m for m in records.measures if m.slice.by != "type"],
            contrasts=[c for c in records.contrasts if c.slice.by != "type"],
        )
        assert_same(found, numbers[records.split])
