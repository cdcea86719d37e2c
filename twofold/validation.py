"""How are values from outside validated? By pydantic, with error messages in our own words."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import ConfigDict, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass
from pydantic.dataclasses import is_pydantic_dataclass

from twofold.errors import TwofoldError, nearest

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

T = TypeVar("T")

# An unknown key is most likely a typo, and no setting is NaN or infinite.
SETTINGS = ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)


def validated(
    kind: type[T],
    values: Mapping[str, object],
    *,
    where: object,
    error: type[TwofoldError],
    unknown: str = "",
) -> T:
    """Build the settings object `kind` (a pydantic dataclass or model) from a mapping.

    Args:
        kind: The class to build.
        values: Its fields by name.
        where: Start of an error message: the file, or the place in it.
        error: Class of the error to raise.
        unknown: Hint that follows an unknown key: where such keys belong.

    Raises:
        TwofoldError: Of class `error`, if a key or a value is invalid.
    """
    made: Any = kind
    if is_dataclass(kind) and not is_pydantic_dataclass(kind):  # from outside twofold
        made = checked_dataclass(kind, config=SETTINGS, frozen=True, kw_only=True)
    try:
        built = cast(T, made(**values))
    except ValidationError as wrong:
        fault = wrong.errors(include_url=False)[0]
        hint = f" ({unknown})" if unknown and fault["type"] in _UNKNOWN else ""
        message = complaint(fault, inspect.signature(kind).parameters)
        raise error(f"{where}: {message}{hint}") from wrong
    except TwofoldError as wrong:  # checks across fields, names of models and judges
        raise error(f"{where}: {wrong}") from wrong
    for key, value in values.items():
        if _lost_bool(value, getattr(built, key, None)):
            raise error(f"{where}: {key!r} should be a number, but it is {value!r:.60}")
    return built


def _lost_bool(given: object, taken: object) -> bool:
    """Whether a truth value was taken as a number, as pydantic does."""
    if isinstance(given, list | tuple) and isinstance(taken, list | tuple):
        return len(given) == len(taken) and any(map(_lost_bool, given, taken))
    return isinstance(given, bool) and isinstance(taken, int | float) and type(taken) is not bool


_MISSING = ("missing", "missing_keyword_only_argument")
_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")


def complaint(fault: ErrorDetails, known: Iterable[str]) -> str:
    """The message for one entry of `ValidationError.errors()`; `known` are the valid keys."""
    # pydantic writes a member of a union as "name[...]"
    key = ".".join(part for part in map(str, fault["loc"]) if "[" not in part)
    if fault["type"] in _MISSING:
        return f"the key {key!r} is missing; add it"
    if fault["type"] in _UNKNOWN:
        remedy = "take it out" if len(fault["loc"]) > 1 else nearest(key, known)
        return f"the key {key!r} is unknown; {remedy}"
    if fault["type"] == "value_error":
        return f"{key}: {fault['ctx']['error']}"
    message = re.sub(r"^\w+ (?=should|is )", "", fault["msg"])
    return f"{key!r} {message}, but it is {fault['input']!r:.60}"
