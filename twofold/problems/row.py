"""How does a row of a problem file become a `Problem`?

Every format is one `ProblemRow`: a pydantic model whose fields are the keys that are read, validated
strictly (a number is not a text, except in a reference answer). A format is recognised by its required
keys.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Annotated, ClassVar, final

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from twofold.errors import ProblemError
from twofold.types import Problem, Profile
from twofold.validation import complaint

# How we ask for the final answer if the published data do not; constraints can follow the space.
ASK = "\n\nThink it through step by step, then write the final answer inside \\boxed{}. "

# File names that say which part of a data set they hold.
SPLITS = ("train", "validation", "test")


def _digits(value: object) -> object:
    """A number in digits, as a reply would give it: tables store 142 as 142.0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return value
    whole = isinstance(value, int) or value.is_integer()
    return str(int(value)) if whole else format(Decimal(repr(value)), "f")


# A reference answer in a file: a text, or a number.
AnswerText = Annotated[str, BeforeValidator(_digits)]


@final
@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a row comes from: the place for messages, the file's stem (or hub name), its position from 0."""

    where: str
    file: str
    number: int
    split: str = ""

    def tags(self, source: str, source_id: str = "") -> dict[str, str]:
        """The tags of every reader; by default the id is file and position."""
        tags = {"source": source, "source_id": source_id or f"{self.file}#{self.number}"}
        return tags | ({"split": self.split} if self.split else {})


class ProblemRow(BaseModel, ABC):
    """One row of a file format. Subclasses are final; their fields are the keys they read."""

    model_config = ConfigDict(strict=True, frozen=True)

    # The format's name in messages.
    title: ClassVar[str]
    # What every row's answer holds, if the keys alone do not identify the format.
    mark: ClassVar[str] = ""

    @abstractmethod
    def to_problem(self, *, profile: Profile, origin: Origin) -> Problem:
        """The problem of this row; its constraints judge under `profile`."""

    @classmethod
    @final
    def required(cls) -> list[str]:
        """The keys that a row must have."""
        return [name for name, field in cls.model_fields.items() if field.is_required()]

    @classmethod
    @final
    def fits(cls, row: Mapping[str, object]) -> bool:
        """Whether `row` looks like this format."""
        return set(cls.required()) <= set(row) and cls.mark in str(row.get("answer"))


def problem_of(
    kind: type[ProblemRow], row: Mapping[str, object], *, profile: Profile, origin: Origin
) -> Problem:
    """The problem of one raw row (JSON values) in the format `kind`.

    Raises:
        ProblemError: If a key is missing, unknown or of the wrong type, or a constraint cannot be built;
            names the place and what would be valid.
    """
    try:
        return kind.model_validate(dict(row)).to_problem(profile=profile, origin=origin)
    except ValidationError as error:
        found = error.errors(include_url=False)
        faults = "; ".join(complaint(fault, kind.model_fields) for fault in found)
        raise ProblemError(f"{origin.where}: {faults}") from error
    except ProblemError as error:
        raise ProblemError(f"{origin.where}: {error}") from error
