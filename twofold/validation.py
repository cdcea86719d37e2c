"""Do values from outside fit? pydantic checks them; what it finds is told in our words.

Settings are pydantic dataclasses or models: types, ranges, unknown keys and the JSON Schema for editors
all come from their fields.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

from pydantic import ConfigDict, ValidationError

from twofold.errors import TwofoldError, nearest

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

T = TypeVar("T")

SETTINGS = ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)
"""How settings are read: an unknown key is most likely a typo, and no setting is NaN or infinite."""


def validated(
    kind: type[T],
    values: Mapping[str, object],
    *,
    where: object,
    error: type[TwofoldError],
    unknown: str = "",
) -> T:
    """The settings that a mapping holds.

    Args:
        kind: A pydantic dataclass or model; the keys are its fields.
        values: Its fields by name.
        where: What the message of an error begins with: the file, or the place in it.
        error: What is raised.
        unknown: What is said after an unknown key: where such keys belong.

    Raises:
        TwofoldError: Of the kind `error`, if a key or a value does not fit; the message names the key,
            what was given and what fits.
    """
    try:
        return kind(**values)
    except ValidationError as wrong:
        fault = wrong.errors(include_url=False)[0]
        besides = f" ({unknown})" if unknown and fault["type"] in _UNKNOWN else ""
        told = complaint(fault, inspect.signature(kind).parameters)
        raise error(f"{where}: {told}{besides}") from wrong
    except TwofoldError as wrong:  # what only its other fields or a model's name tell
        raise error(f"{where}: {wrong}") from wrong


_MISSING = ("missing", "missing_keyword_only_argument")
_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")


def complaint(fault: ErrorDetails, known: Iterable[str]) -> str:
    """One fault that pydantic found, in our words.

    Args:
        fault: One of `ValidationError.errors()`.
        known: The keys that would fit, for an unknown one.
    """
    loc = [str(part) for part in fault["loc"]]
    key = ".".join(
        part for part in loc if "[" not in part
    )  # pydantic's word for a member of a union
    if fault["type"] in _MISSING:
        return f"the key {key!r} is missing; add it"
    if fault["type"] in _UNKNOWN:
        within = len(fault["loc"]) > 1
        return f"the key {key!r} is unknown; {'take it out' if within else nearest(key, known)}"
    if fault["type"] == "value_error":
        return f"{key}: {fault['ctx']['error']}"
    told = re.sub(r"^\w+ (?=should|is )", "", fault["msg"])
    return f"{key!r} {told}, but it is {fault['input']!r:.60}"
