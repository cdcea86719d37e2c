"""What does `findings.json` look like? Its JSON Schema, for `docs/schemas/findings.json`."""

from typing import Any

from pydantic import TypeAdapter, create_model

from twofold.storage.records import ContrastRecord, MeasureRecord
from twofold.types import Count, Lineage, Outcome


def schema() -> dict[str, Any]:
    """The schema: a list of findings, each with its records, and what was lost on the way.

    Example:
        >>> schema()["required"]
        ['findings', 'lost']
    """
    fields: dict[str, Any] = {
        "diagnostic": (str, ...),
        "question": (str, ...),
        "measures": (list[MeasureRecord], ...),  # type: ignore[valid-type]
        "contrasts": (list[ContrastRecord], ...),  # type: ignore[valid-type]
        "counts": (list[Count], ...),
        "outcome": (Outcome | None, ...),
        "caveats": (list[str], ...),
        "lineage": (Lineage, Lineage.unknown),
    }
    finding: Any = create_model("Finding", **fields)
    file = create_model("FindingsFile", findings=(list[finding], ...), lost=(dict[str, Any], ...))
    return TypeAdapter(file).json_schema()
