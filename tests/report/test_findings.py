"""Findings survive the way to disk and back, and no number that is none gets there."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pandas
import pytest

from twofold.errors import RunError
from twofold.report.findings import finding_from_json, finding_to_json, read_findings
from twofold.types import Comparison, Contrast, Count, Estimate, Finding, Measure, Outcome, Slice

SHARE = Estimate(value=0.5, low=0.25, high=0.75, n=8, n_unscored=1, method="wilson")
HACC = Measure(role="model", condition="constrained", metric="hacc", estimate=SHARE)
FULL = Finding(
    diagnostic="joint",
    question="Both?",
    measures=(HACC,),
    contrasts=(
        Contrast(
            role="model",
            versus="baseline",
            condition="constrained",
            metric="hacc",
            slice=Slice("type", "punctuation:no_comma"),
            comparison=Comparison(
                difference=SHARE,
                before=SHARE,
                after=SHARE,
                n_improved=3,
                n_regressed=1,
                p=0.625,
                test="exact",
            ),
        ),
    ),
    counts=(Count(role="model", condition="constrained", metric="answered", n=8),),
    outcome=Outcome.underpowered,
    caveats=("few problems",),
)


def test_round_trip_through_text() -> None:
    assert finding_from_json(json.loads(json.dumps(finding_to_json(FULL)))) == FULL


def test_numpy_numbers_become_plain_ones() -> None:
    share = dataclasses.replace(SHARE, value=np.float32(0.5), n=np.int64(8))  # type: ignore[arg-type]
    measure = dataclasses.replace(HACC, estimate=share)
    found = finding_to_json(dataclasses.replace(FULL, measures=(measure,)))
    assert json.loads(json.dumps(found))["measures"][0]["n"] == 8


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused_both_ways(bad: float) -> None:
    estimate = dataclasses.replace(SHARE, high=bad)
    measure = dataclasses.replace(HACC, estimate=estimate)
    with pytest.raises(RunError, match=r"high of the record .*hacc"):
        finding_to_json(dataclasses.replace(FULL, measures=(measure,)))
    row = json.loads(json.dumps(finding_to_json(FULL)))
    row["measures"][0]["high"] = bad
    with pytest.raises(RunError, match=r"high of the record .*hacc"):
        finding_from_json(row)


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "splendid"},
        {"counts": [{"role": "model", "metric": "answered", "n": "many"}]},
        {"measures": [{"value": 0.5}]},
        {"measures": {"old": "form"}},
        {"contrasts": [{}]},
    ],
)
def test_what_cannot_be_read_names_a_remedy(change: dict[str, object]) -> None:
    with pytest.raises(RunError, match="analyse the run again"):
        finding_from_json(finding_to_json(FULL) | change)


def test_pandas_reads_a_finding_in_one_line() -> None:
    table = pandas.DataFrame(FULL.rows())
    assert table.loc[0, ["role", "metric", "value"]].tolist() == ["model", "hacc", 0.5]
    differences = pandas.DataFrame(FULL.contrast_rows())
    assert differences.loc[0, ["slice", "p"]].tolist() == ["punctuation:no_comma", 0.625]


@pytest.mark.parametrize("text", ["", "[1]", '{"lost": {}}', '{"findings": 3}'])
def test_a_file_that_holds_no_findings_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "findings.json"
    path.write_text(text)
    with pytest.raises(RunError, match="analyse the run again"):
        read_findings(path)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="same --out"):
        read_findings(tmp_path / "findings.json")
