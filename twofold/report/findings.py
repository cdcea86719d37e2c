"""Which numbers were found? Findings to JSON and back: what `findings.json` holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from twofold.errors import RunError
from twofold.storage.records import (
    contrast_from_json,
    contrast_to_json,
    measure_from_json,
    measure_to_json,
)
from twofold.types import Count, Finding, Outcome

_COUNTS = TypeAdapter(tuple[Count, ...])
_CAVEATS = TypeAdapter(tuple[str, ...])


def finding_to_json(finding: Finding) -> dict[str, object]:
    """A finding as JSON values; the inverse of `finding_from_json`.

    Raises:
        RunError: If a number is NaN or infinite, naming its record.

    Example:
        >>> from twofold.types import Estimate, Measure
        >>> half = Estimate(value=0.5, low=0.2, high=0.8, n=6, method="wilson")
        >>> both = Measure(role="model", metric="joint", estimate=half)
        >>> found = Finding(diagnostic="joint", question="Both?", measures=(both,))
        >>> finding_from_json(finding_to_json(found)) == found
        True
    """
    return {
        "diagnostic": finding.diagnostic,
        "question": finding.question,
        "measures": [measure_to_json(each) for each in finding.measures],
        "contrasts": [contrast_to_json(each) for each in finding.contrasts],
        "counts": [asdict(each) for each in finding.counts],
        "outcome": None if finding.outcome is None else finding.outcome.value,
        "caveats": list(finding.caveats),
    }


def finding_from_json(row: Mapping[str, object]) -> Finding:
    """A finding from its JSON values; unknown fields are ignored.

    Raises:
        RunError: If a field is missing, of another kind, or not finite.
    """
    try:
        outcome, measures, contrasts = row["outcome"], row["measures"], row["contrasts"]
        if not isinstance(measures, list) or not isinstance(contrasts, list):
            raise ValueError("measures and contrasts are lists")
        return Finding(
            diagnostic=str(row["diagnostic"]),
            question=str(row["question"]),
            measures=tuple(measure_from_json(each) for each in measures),
            contrasts=tuple(contrast_from_json(each) for each in contrasts),
            counts=_COUNTS.validate_python(row["counts"]),
            outcome=None if outcome is None else Outcome(str(outcome)),
            caveats=_CAVEATS.validate_python(row["caveats"]),
        )
    except (KeyError, ValueError, ValidationError) as error:
        raise RunError(
            f"a finding cannot be read ({error}); run `twofold report` with the version of twofold "
            "that wrote it, or analyse the run again"
        ) from error


def read_findings(path: Path) -> tuple[list[Finding], dict[str, object]]:
    """The findings of a run and what was lost on the way.

    Args:
        path: A `findings.json`.

    Returns:
        The findings in their order, and the `lost` object as it stands.

    Raises:
        RunError: If the file is missing, is no JSON, or holds a finding that cannot be read.
    """
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(
            f"{path} does not exist, so there is nothing to report; finish the run first "
            "(`twofold audit` again with the same --out takes up where it stopped)"
        ) from error
    except ValueError as error:
        raise RunError(f"{path} is no JSON ({error}); analyse the run again") from error
    if not isinstance(saved, dict) or not isinstance(saved.get("findings"), list):
        raise RunError(f'{path} holds no "findings" list; analyse the run again')
    return [finding_from_json(row) for row in saved["findings"]], dict(saved.get("lost") or {})
