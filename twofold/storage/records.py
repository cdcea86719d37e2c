"""How is a measure or a contrast stored? As one flat record, in `findings.json` and `study.json`.

Fields that are None are left out. NaN and infinity are refused when writing and when reading.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, fields
from typing import Annotated, Any, get_type_hints

import numpy as np
from pydantic import BaseModel, PlainSerializer, PlainValidator, ValidationError, create_model

from twofold.errors import RunError
from twofold.storage.jsonl import Row
from twofold.types import Comparison, Contrast, Estimate, Measure, Slice
from twofold.types.finding import names

MEASURE = ("role", "condition", "metric", "slice_by", "slice")
CONTRAST = ("role", "versus", "condition", "metric", "slice_by", "slice")


def _model(name: str, labels: Sequence[str], numbers: type) -> type[BaseModel]:
    """The fields of a record: its labels, then the numbers."""
    hints = get_type_hints(numbers)
    record: dict[str, Any] = dict.fromkeys(labels, (str, ...))
    for field in fields(numbers):
        default = ... if field.default is MISSING else field.default
        record[field.name] = (hints[field.name], default)
    return create_model(name, **record)


# The fields of a stored measure, for validation and for JSON Schemas.
MeasureRecord = _model("MeasureRecord", MEASURE, Estimate)

# The fields of a stored contrast, for validation and for JSON Schemas.
ContrastRecord = _model("ContrastRecord", CONTRAST, Comparison)


def measure_to_json(measure: Measure) -> Row:
    """A measure as a flat record; numpy numbers become Python numbers.

    Raises:
        RunError: If a number is NaN or infinite.
    """
    return _finite(names(measure) | asdict(measure.estimate))


def measure_from_json(row: Mapping[str, Any]) -> Measure:
    """The inverse of `measure_to_json`; unknown fields are ignored.

    Raises:
        RunError: If a field is missing, has the wrong type, or is not finite.
    """
    labels, numbers = _read(MeasureRecord, MEASURE, row)
    return Measure(**labels, estimate=Estimate(**numbers))


def contrast_to_json(contrast: Contrast) -> Row:
    """A contrast as a record whose three estimates are objects; as `measure_to_json`."""
    numbers = asdict(contrast.comparison).items()
    return _finite(names(contrast) | {k: v for k, v in numbers if v is not None})


def contrast_from_json(row: Mapping[str, Any]) -> Contrast:
    """The inverse of `contrast_to_json`; as `measure_from_json`."""
    labels, numbers = _read(ContrastRecord, CONTRAST, row)
    return Contrast(**labels, comparison=Comparison(**numbers))


# The types as fields of a pydantic model.
MeasureJson = Annotated[
    Measure,
    PlainValidator(measure_from_json, json_schema_input_type=MeasureRecord),
    PlainSerializer(measure_to_json),
]
ContrastJson = Annotated[
    Contrast,
    PlainValidator(contrast_from_json, json_schema_input_type=ContrastRecord),
    PlainSerializer(contrast_to_json),
]


def _read(
    model: type[BaseModel], labels: Sequence[str], row: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The validated fields of a record: its labels, with the slice, and its numbers."""
    try:
        numbers = dict(model.model_validate(_finite(row)))
    except ValidationError as error:
        raise RunError(
            f"{_described(row)} cannot be read ({error}); run `twofold report` with the version of "
            "twofold that wrote it, or analyse the run again"
        ) from error
    found = {label: numbers.pop(label) for label in labels}
    return found | {"slice": Slice(found.pop("slice_by"), found["slice"])}, numbers


def _finite(row: Mapping[str, Any], name: str = "") -> Row:
    """The record with Python numbers, all of them finite."""
    name = name or _described(row)
    found: Row = {}
    for key, value in row.items():
        value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, float) and not math.isfinite(value):
            raise RunError(
                f"{key} of {name} is {value}; leave out what cannot be computed, never write NaN"
            )
        found[key] = _finite(value, f"{key} of {name}") if isinstance(value, Mapping) else value
    return found


def _described(row: Mapping[str, Any]) -> str:
    return "the record " + str({key: row[key] for key in CONTRAST if row.get(key)})
