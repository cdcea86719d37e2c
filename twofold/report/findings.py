"""Which numbers were found? Findings to JSON and back: what `findings.json` holds.

Every other file of the report takes `Finding`s; this one is the only place that knows how they
lie on disk. A number that is not finite is a bug upstream and is refused in both directions: NaN is
no JSON, and a page that shows "nan" hides what went wrong.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from twofold.errors import RunError
from twofold.types import Comparison, Estimate, Finding, Outcome

_ESTIMATES = TypeAdapter(dict[str, Estimate])
_COMPARISONS = TypeAdapter(dict[str, Comparison])
_TEXTS = TypeAdapter(tuple[str, ...])
_COUNTS = TypeAdapter(dict[str, int])


def finding_to_json(finding: Finding) -> dict[str, object]:
    """A finding as JSON values; the inverse of `finding_from_json`.

    Args:
        finding: What a diagnostic found; numbers of numpy's kinds become Python's.

    Returns:
        Plain dicts, lists, strings and numbers. Comparisons keep their None fields out.

    Raises:
        RunError: If a number is NaN or infinite, naming its path; leave that key out instead.

    Example:
        >>> share = Estimate(value=0.5, low=0.2, high=0.8, n=6, method="wilson")
        >>> found = Finding(diagnostic="joint", question="Both?", estimates={"joint": share})
        >>> finding_from_json(finding_to_json(found)) == found
        True
    """
    out: dict[str, object] = {
        "diagnostic": finding.diagnostic,
        "question": finding.question,
        "estimates": {key: asdict(estimate) for key, estimate in finding.estimates.items()},
        "comparisons": {key: _comparison(each) for key, each in finding.comparisons.items()},
        "counts": dict(finding.counts),
        "outcome": None if finding.outcome is None else finding.outcome.value,
        "caveats": list(finding.caveats),
    }
    return {key: _plain(value, f"{finding.diagnostic}/{key}") for key, value in out.items()}


def finding_from_json(row: Mapping[str, object]) -> Finding:
    """A finding from its JSON values.

    Args:
        row: What `finding_to_json` gave.

    Raises:
        RunError: If a field is missing, of another kind, or not finite. Unknown fields are left
            alone, so that a page can be made from a newer run.

    Example:
        >>> finding_from_json({"diagnostic": "joint", "question": "Both?"}).outcome is None
        True
    """
    _plain(row, "findings")
    try:
        outcome = row.get("outcome")
        return Finding(
            diagnostic=str(row["diagnostic"]),
            question=str(row["question"]),
            estimates=_ESTIMATES.validate_python(row.get("estimates", {})),
            comparisons=_COMPARISONS.validate_python(row.get("comparisons", {})),
            counts=_COUNTS.validate_python(row.get("counts", {})),
            outcome=None if outcome is None else Outcome(str(outcome)),
            caveats=_TEXTS.validate_python(row.get("caveats", ())),
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


def _comparison(comparison: Comparison) -> dict[str, object]:
    return {key: value for key, value in asdict(comparison).items() if value is not None}


def _plain(value: object, path: str) -> object:
    """`value` with only JSON's own kinds in it; `path` names the number that is refused."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each, f"{path}/{key}") for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each, f"{path}/{i}") for i, each in enumerate(value)]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    try:
        number = float(value)  # type: ignore[arg-type]
    except TypeError as error:
        raise RunError(f"{path} is a {type(value).__name__}, which is no JSON value") from error
    if not math.isfinite(number):
        raise RunError(f"{path} is {number}; leave out what cannot be computed, never write NaN")
    return int(number) if number.is_integer() and not isinstance(value, float) else number
