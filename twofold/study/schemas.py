"""Which keys may a settings file have? JSON Schemas for editors."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from pydantic import TypeAdapter

from twofold.methods import METHODS
from twofold.study.plan import Plan


def schemas() -> dict[str, dict[str, Any]]:
    """The schemas of a study's file and of each method's `--config` file, by file name."""
    own = {f"train-{name}.json": TypeAdapter(kind).json_schema() for name, kind in METHODS.items()}
    return {"study.json": _study(), **own}


def _study() -> dict[str, Any]:
    """The schema of `Plan`; an arm is a `method` with its settings, without a seed."""
    study = TypeAdapter(Plan).json_schema()
    anyone: Any = reduce(or_, METHODS.values())
    arm = TypeAdapter(anyone).json_schema()
    for name, kind in METHODS.items():
        own = arm["$defs"][kind.__name__]
        del own["properties"]["seed"]
        own["properties"]["method"] = {"const": name}
        own["required"] = ["method", *own.get("required", ())]
    study["$defs"] = arm.pop("$defs")
    study["properties"]["arms"] = {
        "type": "object",
        "additionalProperties": arm,
        "minProperties": 1,
    }
    return study
