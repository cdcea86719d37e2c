"""What does `study.json` hold? Its fields as types, shared by the study and its page."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from pydantic import TypeAdapter

from twofold.errors import RunError
from twofold.storage.jsonl import Row, replaced
from twofold.storage.reading import InputFile, Kind, kind_of
from twofold.storage.records import ContrastJson, MeasureJson
from twofold.types import Contrast, Estimate, Finding, Lineage, Measure, Outcome

NAME = "study.json"

# A metric and its condition.
Key = tuple[str, str]

ACCURACY: Key = ("accuracy", "unconstrained")
CONSTRAINED_ACCURACY: Key = ("accuracy", "constrained")
HACC: Key = ("hacc", "constrained")
OBEDIENCE: Key = ("obedience", "")  # met told minus met untold, so of both conditions
JOINT: Key = ("joint", "constrained")
TOKENS: Key = ("tokens", "constrained")
MET: Key = ("met", "constrained")


@final
@dataclass(frozen=True, kw_only=True)
class ArmRecord:
    """How an arm was made: the settings of its method, its finished seeds, minutes per training.

    `lineage` says what lies between the base and the arm.
    """

    method: str | None
    reward: str | None
    settings: Row
    seeds: list[int]
    minutes: float | None
    lineage: Lineage = Lineage.unknown


@final
@dataclass(frozen=True, kw_only=True)
class SplitRecords:
    """The numbers of a split and of its parts; role = arm, versus = the base."""

    split: str
    measures: list[MeasureJson]
    contrasts: list[ContrastJson]


@final
@dataclass(frozen=True, kw_only=True)
class DiagnosticRecords:
    """The diagnostics of every arm on the first split; role = arm, versus = the base."""

    measures: list[MeasureJson]
    contrasts: list[ContrastJson]

    def finding(self) -> Finding:
        """The diagnostics as one finding, for look-up."""
        return _finding(self.measures, self.contrasts)


@final
@dataclass(frozen=True, kw_only=True)
class VerdictRecord:
    """The verdict of an arm on a split or on a part of it."""

    split: str
    slice_by: str
    slice: str
    arm: str
    outcome: Outcome


@final
@dataclass(frozen=True, kw_only=True)
class RetainedRecord:
    """The share of the reference arm's accuracy gain that an arm retains."""

    split: str
    slice_by: str
    slice: str
    arm: str
    reference: str
    estimate: Estimate


@final
@dataclass(frozen=True, kw_only=True)
class LengthRecord:
    """Mean length, accuracy and compliance of the replies of an arm with `low` to `high` tokens."""

    arm: str
    low: float
    high: float
    tokens: float
    accuracy: Estimate | None
    hacc: Estimate | None


@final
@dataclass(frozen=True, kw_only=True)
class CurveRecord:
    """Means over the `seeds` of an arm at a step of its training, on the evaluation problems.

    Accuracy is that without constraints in the prompt, or with them if nothing was asked without.
    """

    arm: str
    step: int
    seeds: list[int]
    accuracy: Estimate | None
    hacc: Estimate | None
    obedience: Estimate | None


@final
@dataclass(frozen=True, kw_only=True)
class StudyFile:
    """The results of a study.

    Args:
        base: The MODEL that every arm starts from, or is compared with; several as a list with commas.
        train: The training problems; None if every arm was trained elsewhere.
        splits: What each split was loaded from; the verdicts use the first.
        reference: The arm whose accuracy gain the others should retain.
        arms: How each arm was trained, the base first.
        verdicts: One per arm and part; absent where capability or compliance was not scored.
        curves: Scores on the evaluation problems at each checkpoint, with `arm`, `seed` and `step`;
            `frontier` marks the last step of a training that was above the base on both sides.
        curve_means: Their means over the seeds.
        floors: What trivial replies score; role = the floor's name.
        samples: One reply of each arm to the same problem.
        failed: Why a training or an audit failed, by `ARM/SEED`.
        caveats: Limits of the numbers that a reader must know.
    """

    base: str
    train: str | None
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
    floors: list[MeasureJson]
    samples: dict[str, Row]
    failed: dict[str, str]
    caveats: list[str]
    curve_means: list[CurveRecord] = field(default_factory=list)

    @property
    def headline(self) -> str:
        """The split behind the verdicts."""
        return next(iter(self.splits))

    @property
    def base_arm(self) -> str:
        """The name of the untrained arm."""
        return next(iter(self.arms))

    def finding(self, split: str) -> Finding:
        """The numbers of a split as one finding, for look-up; empty if it has none."""
        mine = [each for each in self.findings if each.split == split]
        return _finding(
            [measure for each in mine for measure in each.measures],
            [contrast for each in mine for contrast in each.contrasts],
        )


def _finding(measures: list[Measure], contrasts: list[Contrast]) -> Finding:
    question = "Did both rise?"
    return Finding(diagnostic="study", question=question, measures=measures, contrasts=contrasts)


_FILE = TypeAdapter(StudyFile)


def read(folder: Path) -> StudyFile:
    """The study of a folder; a RunError if `study.json` is missing or corrupt."""
    file = folder / NAME
    if kind_of(file) is Kind.missing:
        raise RunError(f"{folder} holds no {NAME}; give the folder of a study")
    return InputFile(file, RunError, "`twofold report` writes it again", is_ours=True).json(_FILE)


def write(study: StudyFile, folder: Path) -> None:
    """Write `study.json`, the inverse of `read`; NaN and infinity are refused."""
    text = to_json(study)
    with replaced(folder / NAME) as file:
        file.write(text)


def to_json(study: StudyFile) -> str:
    """What `study.json` holds."""
    rows = _FILE.dump_python(study, mode="json")
    return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False)


def schema() -> dict[str, Any]:
    """The JSON Schema of `study.json`, for `docs/schemas/study.json`."""
    return _FILE.json_schema()
