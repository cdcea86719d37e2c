"""How does a measure or a contrast lie in a file? As a flat record, one for each number.

`findings.json` and `study.json` hold lists of these records, so `pandas.DataFrame(measures)` is a
table. Fields that are None are left out. A number that is not finite is refused in both directions:
NaN is not JSON.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, fields
from typing import Any, get_type_hints

import numpy as np
from pydantic import BaseModel, ValidationError, create_model

from twofold.errors import RunError
from twofold.storage.jsonl import Row
from twofold.types import Comparison, Contrast, Estimate, Measure, Slice


def _model(name: str, names: Sequence[str], numbers: type) -> type[BaseModel]:
    """The fields of a record: what it is of, then the numbers."""
    hints = get_type_hints(numbers)
    about: dict[str, Any] = dict.fromkeys(names, (str, ...))
    for field in fields(numbers):
        default = ... if field.default is MISSING else field.default
        about[field.name] = (hints[field.name], default)
    return create_model(name, **about)


_NAMES = ("condition", "metric", "slice_by", "slice")
MeasureRecord = _model("MeasureRecord", ("role", *_NAMES), Estimate)
"""The fields of a measure in a file, for validation and for JSON Schemas."""

ContrastRecord = _model("ContrastRecord", ("role", "versus", *_NAMES), Comparison)
"""The fields of a contrast in a file, for validation and for JSON Schemas."""


def measure_to_json(measure: Measure) -> Row:
    """A measure as a flat record of JSON values.

    Args:
        measure: The measure; numpy numbers become Python numbers.

    Raises:
        RunError: If a number is NaN or infinite.

    Example:
        >>> half = Estimate(value=0.5, low=0.2, high=0.8, n=6, method="wilson")
        >>> measure_to_json(Measure(role="model", metric="joint", estimate=half))["slice_by"]
        ''
    """
    names = {"role": measure.role, "condition": measure.condition, "metric": measure.metric}
    return _finite(names | _slice(measure.slice) | asdict(measure.estimate))


def measure_from_json(row: Mapping[str, Any]) -> Measure:
    """The inverse of `measure_to_json`; unknown fields are ignored.

    Raises:
        RunError: If a field is missing, of another type, or not finite.
    """
    numbers = _read(MeasureRecord, row)
    part = Slice(numbers.pop("slice_by"), numbers.pop("slice"))
    names = {key: numbers.pop(key) for key in ("role", "condition", "metric")}
    return Measure(**names, slice=part, estimate=Estimate(**numbers))


def contrast_to_json(contrast: Contrast) -> Row:
    """A contrast as a record of JSON values; its three estimates are objects.

    Args:
        contrast: The contrast; numpy numbers become Python numbers.

    Raises:
        RunError: If a number is NaN or infinite.
    """
    names = {"role": contrast.role, "versus": contrast.versus}
    names |= {"condition": contrast.condition, "metric": contrast.metric}
    numbers = {k: v for k, v in asdict(contrast.comparison).items() if v is not None}
    return _finite(names | _slice(contrast.slice) | numbers)


def contrast_from_json(row: Mapping[str, Any]) -> Contrast:
    """The inverse of `contrast_to_json`; unknown fields are ignored.

    Raises:
        RunError: If a field is missing, of another type, or not finite.
    """
    numbers = _read(ContrastRecord, row)
    part = Slice(numbers.pop("slice_by"), numbers.pop("slice"))
    names = {key: numbers.pop(key) for key in ("role", "versus", "condition", "metric")}
    return Contrast(**names, slice=part, comparison=Comparison(**numbers))


def _slice(part: Slice) -> dict[str, str]:
    return {"slice_by": part.by, "slice": part.value}


def _read(model: type[BaseModel], row: Mapping[str, Any]) -> Row:
    """The validated fields of a record."""
    try:
        return dict(model.model_validate(_finite(row)))
    except ValidationError as error:
        raise RunError(
            f"{_said(row)} cannot be read ({error}); run `twofold report` with the version of "
            "twofold that wrote it, or analyse the run again"
        ) from error


def _finite(row: Mapping[str, Any], name: str = "") -> Row:
    """The record with Python's numbers, all of them finite."""
    name = name or _said(row)
    found: Row = {}
    for key, value in row.items():
        value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, float) and not math.isfinite(value):
            raise RunError(
                f"{key} of {name} is {value}; leave out what cannot be computed, never write NaN"
            )
        found[key] = _finite(value, f"{key} of {name}") if isinstance(value, Mapping) else value
    return found


def _said(row: Mapping[str, Any]) -> str:
    """What a record is of, for a message."""
    names = ("role", "versus", *_NAMES)
    return "the record " + str({key: row[key] for key in names if row.get(key)})
