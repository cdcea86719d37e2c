"""Findings survive the way to disk and back, and no number that is none gets there."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from twofold.errors import RunError
from twofold.report.findings import finding_from_json, finding_to_json, read_findings
from twofold.types import Comparison, Estimate, Finding, Outcome

SHARE = Estimate(value=0.5, low=0.25, high=0.75, n=8, n_unscored=1, method="wilson")
FULL = Finding(
    diagnostic="joint",
    question="Both?",
    estimates={"model/constrained/hacc": SHARE},
    comparisons={
        "compliance": Comparison(
            difference=SHARE,
            before=SHARE,
            after=SHARE,
            n_improved=3,
            n_regressed=1,
            p=0.625,
            test="exact",
        )
    },
    counts={"model/constrained/finish_reason/answered": 8},
    outcome=Outcome.underpowered,
    caveats=("few problems",),
)


def test_round_trip_through_text() -> None:
    assert finding_from_json(json.loads(json.dumps(finding_to_json(FULL)))) == FULL


def test_numpy_numbers_become_plain_ones() -> None:
    share = dataclasses.replace(SHARE, value=np.float32(0.5), n=np.int64(8))  # type: ignore[arg-type]
    counts = {"a": np.int64(3)}
    found = finding_to_json(dataclasses.replace(FULL, estimates={"a": share}, counts=counts))  # type: ignore[arg-type]
    assert json.loads(json.dumps(found))["estimates"]["a"]["n"] == 8
    assert found["counts"] == {"a": 3}


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused_both_ways(bad: float) -> None:
    broken = dataclasses.replace(FULL, estimates={"key": dataclasses.replace(SHARE, high=bad)})
    with pytest.raises(RunError, match="joint/estimates/key/high"):
        finding_to_json(broken)
    row = finding_to_json(FULL)
    row["estimates"] = {"key": dataclasses.asdict(SHARE) | {"high": bad}}
    with pytest.raises(RunError, match="estimates/key/high"):
        finding_from_json(row)


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "splendid"},
        {"counts": {"a": "many"}},
        {"estimates": {"a": {"value": 0.5}}},
        {"comparisons": {"a": {}}},
    ],
)
def test_what_cannot_be_read_names_a_remedy(change: dict[str, object]) -> None:
    with pytest.raises(RunError, match="analyse the run again"):
        finding_from_json(finding_to_json(FULL) | change)


@pytest.mark.parametrize("text", ["", "[1]", '{"lost": {}}', '{"findings": 3}'])
def test_a_file_that_holds_no_findings_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "findings.json"
    path.write_text(text)
    with pytest.raises(RunError, match="analyse the run again"):
        read_findings(path)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="same --out"):
        read_findings(tmp_path / "findings.json")
