"""The JSON Schemas of settings files, for editors, and of the files of results."""

from functools import reduce
from operator import or_
from typing import Any

from pydantic import TypeAdapter

from twofold.methods import METHODS
from twofold.report import findings_schema, study_file
from twofold.study.plan import Plan


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by its file name in `docs/schemas`.

    Example:
        >>> sorted(schemas())[:3]
        ['findings.json', 'plan.json', 'study.json']
    """
    own = {f"train-{name}.json": TypeAdapter(kind).json_schema() for name, kind in METHODS.items()}
    results = {"findings.json": findings_schema.schema(), "study.json": study_file.schema()}
    return {"plan.json": _plan(), **results, **own}


# An arm's own training problems.
_TRAIN = {"type": "string", "minLength": 1}


def _plan() -> dict[str, Any]:
    """The schema of `Plan`; an arm is a method's name with its settings, without a seed, or checkpoints."""
    study = TypeAdapter(Plan).json_schema()
    anyone: Any = reduce(or_, METHODS.values())
    arm = TypeAdapter(anyone).json_schema()
    for name, kind in METHODS.items():
        own = arm["$defs"][kind.__name__]
        del own["properties"]["seed"]
        own["properties"] |= {"method": {"const": name}, "train": _TRAIN}
        own["required"] = ["method", *own.get("required", ())]
    study["$defs"] = arm.pop("$defs")
    outside = {"method": {"type": "string", "pattern": r"^[\w.]+:\w+$"}, "train": _TRAIN}
    arm["anyOf"].append({"type": "object", "properties": outside, "required": ["method"]})
    given = {"checkpoints": {"type": "array", "items": {"type": "string"}, "minItems": 1}}
    arm["anyOf"].append(
        {
            "type": "object",
            "properties": given,
            "required": ["checkpoints"],
            "additionalProperties": False,
        }
    )
    study["properties"]["arms"] = {
        "type": "object",
        "additionalProperties": arm,
        "minProperties": 1,
    }
    return study
