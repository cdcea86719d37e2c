"""What do the paths of the server take?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from twofold.adapters.server.admission import Refused
from twofold.validation import complaint

T = TypeVar("T", bound=BaseModel)

# Replies in one request.
MOST_ITEMS = 1024


@final
class RewardItem(BaseModel):
    """One reply to be scored: `problem` is an id, a row or its text; `response` a text or messages."""

    model_config = ConfigDict(strict=True, extra="forbid")

    problem: str | dict[str, Any]
    response: str | dict[str, Any] | list[Any]


@final
class RemoteBody(BaseModel):
    """What OpenRLHF posts; other keys are ignored."""

    model_config = ConfigDict(strict=True)

    query: list[str] = Field(max_length=MOST_ITEMS)
    prompts: list[str]
    labels: list[str]

    def rows(self) -> list[tuple[str, str, str]]:
        """Query, prompt and label of each reply; refused if they differ in number."""
        if not len(self.query) == len(self.prompts) == len(self.labels):
            raise Refused(422, "query, prompts and labels differ in number; give one of each")
        return list(zip(self.query, self.prompts, self.labels, strict=True))


def items(value: object) -> list[RewardItem]:
    """The replies of a body of `/reward`: an object, or a list of them."""
    if not isinstance(value, list):
        return [read(RewardItem, value)]
    if not 1 <= len(value) <= MOST_ITEMS:
        raise Refused(422, f"{len(value)} replies in one request; send 1 to {MOST_ITEMS}")
    return [read(RewardItem, each, f"item {i}: ") for i, each in enumerate(value)]


def read(kind: type[T], value: object, where: str = "") -> T:
    """A body in the form that a path takes; refused with the first fault."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        if not isinstance(value, Mapping):
            wanted = ", ".join(kind.model_fields)
            raise Refused(422, f"{where}send an object with the keys {wanted}") from error
        raise Refused(422, where + complaint(fault, kind.model_fields)) from error
