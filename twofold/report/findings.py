"""What does `findings.json` hold? Findings to JSON and back."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NotRequired

from pydantic import BaseModel, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from twofold.errors import RunError
from twofold.storage.reading import InputFile, Kind, kind_of
from twofold.storage.records import ContrastJson, MeasureJson, contrast_to_json, measure_to_json
from twofold.types import Count, Finding, Lineage, Outcome


class _File(TypedDict):
    findings: list[dict[str, object]]
    lost: NotRequired[dict[str, object] | None]


_FILE = TypeAdapter(_File)


class _Record(BaseModel):
    diagnostic: str
    question: str
    measures: tuple[MeasureJson, ...]
    contrasts: tuple[ContrastJson, ...]
    counts: tuple[Count, ...]
    outcome: Outcome | None
    caveats: tuple[str, ...]
    lineage: Lineage = Lineage.unknown


def finding_to_json(finding: Finding) -> dict[str, object]:
    """A finding as JSON values; a RunError if a number is NaN or infinite."""
    row: dict[str, object] = {
        "diagnostic": finding.diagnostic,
        "question": finding.question,
        "measures": [measure_to_json(each) for each in finding.measures],
        "contrasts": [contrast_to_json(each) for each in finding.contrasts],
        "counts": [asdict(each) for each in finding.counts],
        "outcome": None if finding.outcome is None else finding.outcome.value,
        "caveats": list(finding.caveats),
    }
    known = finding.lineage is not Lineage.unknown
    return row | ({"lineage": finding.lineage.value} if known else {})


def finding_from_json(row: Mapping[str, object]) -> Finding:
    """The inverse of `finding_to_json`; unknown fields are ignored.

    Raises:
        RunError: If a field is missing, has the wrong type, or is not finite.
    """
    try:
        return Finding(**dict(_Record.model_validate(row)))
    except ValidationError as error:
        raise RunError(
            f"a finding cannot be read ({error}); run `twofold report` with the version of twofold "
            "that wrote it, or analyse the run again"
        ) from error


def read_findings(path: Path) -> tuple[list[Finding], dict[str, object]]:
    """The findings of a `findings.json`, and its `lost` object.

    Raises:
        RunError: If the file is missing or corrupt.
    """
    if kind_of(path) is Kind.missing:
        raise RunError(
            f"{path} does not exist, so there is nothing to report; finish the run first "
            "(`twofold audit` again with the same --out resumes it)"
        )
    saved = InputFile(path, RunError, "analyse the run again", is_ours=True).json(_FILE)
    return [finding_from_json(row) for row in saved["findings"]], saved.get("lost") or {}
