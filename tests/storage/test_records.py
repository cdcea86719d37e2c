"""Records of measures and contrasts survive the file, and what is not finite never gets there."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from twofold.errors import RunError
from twofold.stats import paired
from twofold.storage.records import (
    contrast_from_json,
    contrast_to_json,
    measure_from_json,
    measure_to_json,
)
from twofold.types import Contrast, Estimate, Measure, Slice

HALF = Estimate(value=0.5, low=0.2, high=0.8, n=6, n_unscored=1, method="wilson")
MET = Measure(
    role="model",
    condition="constrained",
    metric="met",
    slice=Slice("type", "keywords:existence"),
    estimate=HALF,
)
ROSE = Contrast(
    role="model",
    versus="baseline",
    condition="constrained",
    metric="hacc",
    comparison=paired([0] * 9, [1] * 9),
)


def test_there_and_back() -> None:
    row = json.loads(json.dumps(measure_to_json(MET)))
    assert list(row) == [
        "role", "condition", "metric", "slice_by", "slice",
        "value", "low", "high", "n", "n_unscored", "level", "method",
    ]  # fmt: skip
    assert measure_from_json(row | {"newer": 1}) == MET
    row = json.loads(json.dumps(contrast_to_json(ROSE)))
    assert "p_adjusted" not in row and row["difference"]["value"] == 1.0
    assert contrast_from_json(row) == ROSE


def test_numbers_of_numpy_become_pythons() -> None:
    found = measure_to_json(replace(MET, estimate=replace(HALF, value=np.float64(0.5), n=np.int64(6))))  # type: ignore[arg-type]  # fmt: skip
    assert type(found["value"]) is float and type(found["n"]) is int


def test_a_number_that_is_not_finite_is_refused_and_named() -> None:
    broken = replace(MET, estimate=replace(HALF, low=math.nan))
    with pytest.raises(RunError, match=r"low of .*keywords:existence.* is nan"):
        measure_to_json(broken)
    before = replace(ROSE.comparison.before, high=math.inf)
    with pytest.raises(RunError, match=r"high of before of .*'hacc'"):
        contrast_to_json(replace(ROSE, comparison=replace(ROSE.comparison, before=before)))
    with pytest.raises(RunError, match="value of"):
        measure_from_json(measure_to_json(MET) | {"value": math.nan})


@pytest.mark.parametrize("change", [{"value": None}, {"metric": 3}, {"n": "many"}])
def test_a_record_of_another_shape_is_told(change: dict[str, object]) -> None:
    with pytest.raises(RunError, match="cannot be read"):
        measure_from_json(measure_to_json(MET) | change)
    row = contrast_to_json(ROSE)
    del row["versus"]
    with pytest.raises(RunError, match="versus"):
        contrast_from_json(row)
