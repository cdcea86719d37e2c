"""What does `study.json` hold? Its fields as types: the study writes them, the page reads them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, final

from pydantic import PlainSerializer, PlainValidator, TypeAdapter, ValidationError

from twofold.errors import RunError
from twofold.storage.jsonl import Row, replaced
from twofold.storage.records import (
    ContrastRecord,
    MeasureRecord,
    contrast_from_json,
    contrast_to_json,
    measure_from_json,
    measure_to_json,
)
from twofold.types import Contrast, Estimate, Finding, Measure, Outcome

NAME = "study.json"

Key = tuple[str, str]
"""A metric and the condition that it was measured in."""

ACCURACY: Key = ("accuracy", "unconstrained")
CONSTRAINED_ACCURACY: Key = ("accuracy", "constrained")
HACC: Key = ("hacc", "constrained")
JOINT: Key = ("joint", "constrained")
TOKENS: Key = ("tokens", "constrained")
MET: Key = ("met", "constrained")

_Measure = Annotated[
    Measure,
    PlainValidator(measure_from_json, json_schema_input_type=MeasureRecord),
    PlainSerializer(measure_to_json),
]
_Contrast = Annotated[
    Contrast,
    PlainValidator(contrast_from_json, json_schema_input_type=ContrastRecord),
    PlainSerializer(contrast_to_json),
]


@final
@dataclass(frozen=True, kw_only=True)
class ArmRecord:
    """How an arm was made: the settings of its method, its finished seeds, minutes of one training."""

    method: str | None
    reward: str | None
    settings: Row
    seeds: list[int]
    minutes: float | None


@final
@dataclass(frozen=True, kw_only=True)
class SplitRecords:
    """The numbers of a split and of its parts: role = arm, versus = the base."""

    split: str
    measures: list[_Measure]
    contrasts: list[_Contrast]


@final
@dataclass(frozen=True, kw_only=True)
class DiagnosticRecords:
    """The diagnostics of every cell on the first split: role = arm, versus = the base."""

    measures: list[_Measure]
    contrasts: list[_Contrast]


@final
@dataclass(frozen=True, kw_only=True)
class VerdictRecord:
    """Did both rise in an arm, on a split or on a part of it?"""

    split: str
    slice_by: str
    slice: str
    arm: str
    outcome: Outcome


@final
@dataclass(frozen=True, kw_only=True)
class RetainedRecord:
    """The share of the reference arm's gain in accuracy that an arm has, too."""

    split: str
    slice_by: str
    slice: str
    arm: str
    reference: str
    estimate: Estimate


@final
@dataclass(frozen=True, kw_only=True)
class LengthRecord:
    """The replies of an arm with `low` to `high` tokens: their mean length, accuracy and compliance."""

    arm: str
    low: float
    high: float
    tokens: float
    accuracy: Estimate | None
    hacc: Estimate | None


@final
@dataclass(frozen=True, kw_only=True)
class StudyFile:
    """Everything that a study found.

    Args:
        base: The MODEL that every arm starts from.
        train: The problems of training.
        seeds: Of the plan.
        splits: What each split was loaded from; the verdicts rest on the first.
        reference: The arm whose gain in accuracy the others should keep.
        arms: How each arm was made, the base first.
        findings: The numbers of each split.
        verdicts: Did both rise? One for each arm and part; absent where a side was not scored.
        retained: The kept shares of the reference's gain.
        lengths: Accuracy and compliance by length of the reply.
        curves: The followed problems at each checkpoint: `arm`, `seed`, `step` and the scores.
        diagnostics: The diagnostics of the arms.
        floors: What trivial replies score; role = the floor's name.
        samples: One reply of each arm to the same problem.
        failed: Cells that could not be trained or audited, as `ARM/SEED`, and why.
        caveats: What a reader must know before believing a number.
    """

    base: str
    train: str
    seeds: list[int]
    splits: dict[str, str]
    reference: str | None
    arms: dict[str, ArmRecord]
    findings: list[SplitRecords]
    verdicts: list[VerdictRecord]
    retained: list[RetainedRecord]
    lengths: list[LengthRecord]
    curves: list[Row]
    diagnostics: DiagnosticRecords
    floors: list[_Measure]
    samples: dict[str, Row]
    failed: dict[str, str]
    caveats: list[str]

    @property
    def headline(self) -> str:
        """The split that the verdicts rest on."""
        return next(iter(self.splits))

    @property
    def base_arm(self) -> str:
        """The name of the untrained arm."""
        return next(iter(self.arms))

    def finding(self, split: str) -> Finding:
        """The numbers of a split, to be looked up by their names; empty if it has none."""
        mine = [each for each in self.findings if each.split == split]
        return Finding(
            diagnostic="study",
            question="Did both rise?",
            measures=[measure for each in mine for measure in each.measures],
            contrasts=[contrast for each in mine for contrast in each.contrasts],
        )


_FILE = TypeAdapter(StudyFile)


def read(folder: Path) -> StudyFile:
    """The study of a folder.

    Raises:
        RunError: If there is no `study.json`, or it cannot be read.
    """
    file = folder / NAME
    try:
        return _FILE.validate_python(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise RunError(f"{folder} holds no {NAME}; give the folder of a study") from error
    except (json.JSONDecodeError, ValidationError, RunError) as error:
        raise RunError(f"{file} is corrupt ({error}); `twofold report` remakes it") from error


def write(study: StudyFile, folder: Path) -> None:
    """Write `study.json`; the inverse of `read`.

    Raises:
        RunError: If a number is NaN or infinite.
    """
    with replaced(folder / NAME) as file:
        rows = _FILE.dump_python(study, mode="json")
        json.dump(rows, file, indent=1, ensure_ascii=False, allow_nan=False)


def schema() -> dict[str, Any]:
    """The JSON Schema of `study.json`, for `docs/schemas/study.json`."""
    return _FILE.json_schema()
