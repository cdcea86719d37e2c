"""What is a form of checklists? Rows with a question and a list of items, each item a criterion."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, final

from twofold.errors import ProblemError
from twofold.problems import io
from twofold.storage.jsonl import Row
from twofold.types import Problem
from twofold.types.checklist import Checklist, Criterion

Placed = tuple[str, Mapping[str, object]]
"""Where a row stands, for messages, and the row."""


@final
@dataclass(frozen=True)
class FormRead:
    """What was read of a file in another form.

    Args:
        problems: One a row.
        dropped: One line for each criterion that was not taken: place, reason, text.
    """

    problems: tuple[Problem, ...]
    dropped: tuple[str, ...]


class Form(ABC):
    """A way to write checklists down. Subclasses are frozen dataclasses.

    A row that cannot be what it claims (a key missing, a text where a number belongs) is an error; a
    single criterion that our law does not take (a weight of 0, a sign that means two things) is dropped
    with its reason, and the others of its row stay.
    """

    name: ClassVar[str]
    question_keys: ClassVar[tuple[str, ...]]
    """Where the question stands, the first one for writing."""
    list_keys: ClassVar[tuple[str, ...]]
    """Where the list stands, likewise."""
    answer_key: ClassVar[str] = ""
    """Where the reference answer stands; "" = nowhere."""

    @abstractmethod
    def to_criterion(self, item: object, where: str) -> Criterion | str:
        """The criterion of an item, or the reason why it is none.

        Raises:
            ProblemError: If the item has not the form.
        """

    @abstractmethod
    def to_item(self, criterion: Criterion) -> object:
        """The criterion as an item."""

    def items(self, value: object, where: str) -> Sequence[object]:
        """The items of a list as it stands in a row."""
        if not isinstance(value, list):
            raise ProblemError(f"{where} is {value!r:.40}; write a list of criteria")
        return value

    def listed(self, items: Sequence[object]) -> object:
        """The items as a row holds them."""
        return list(items)

    def question(self, value: object, where: str) -> str:
        """The question as a row holds it."""
        return text_of(value, where)

    def asked(self, question: str) -> object:
        """The question as it is written into a row."""
        return question

    @final
    def read(self, rows: Iterable[Placed]) -> FormRead:
        """The problems of the rows, and what was dropped."""
        problems: list[Problem] = []
        dropped: list[str] = []
        for number, (where, row) in enumerate(rows):
            criteria: list[Criterion] = []
            key = _key(row, self.list_keys, where)
            for i, item in enumerate(self.items(row[key], f"{where}: {key}"), 1):
                made = self.to_criterion(item, f"{where}: {key} {i}")
                if isinstance(made, Criterion):
                    criteria.append(made)
                else:
                    dropped.append(f"{where}: {key} {i}: {made}: {item!r:.80}")
            asked = _key(row, self.question_keys, where)
            answer = row.get(self.answer_key) if self.answer_key else None
            problem = Problem(
                question=self.question(row[asked], f"{where}: {asked}"),
                answer=None if not answer else text_of(answer, f"{where}: {self.answer_key}"),
                checklist=Checklist(criteria=tuple(criteria), writer=self.name)
                if criteria
                else None,
                tags={"source": self.name, "source_id": f"{self.name}#{number}"},
            )
            problems.append(problem)
        return FormRead(tuple(problems), tuple(dropped))

    @final
    def row(self, problem: Problem) -> Row:
        """The row of a problem: everything it is asked, its answer where there is a place, its list.

        Raises:
            ProblemError: If the problem has no checklist.
        """
        if problem.checklist is None:
            raise ProblemError(
                f"problem {problem.id} has no checklist; write one first, or leave the problem out"
            )
        items = [self.to_item(criterion) for criterion in problem.checklist.criteria]
        row: Row = {self.question_keys[0]: self.asked(problem.messages()[0]["content"])}
        if self.answer_key and problem.answer is not None:
            row[self.answer_key] = problem.answer
        return row | {self.list_keys[0]: self.listed(items)}


def rows_of(source: Path | Sequence[Mapping[str, object]]) -> Iterator[Placed]:
    """Rows with their places: of a file of JSON lines, of one JSON array, or as they are given.

    Raises:
        ProblemError: If the file cannot be read, or what it holds is no list of objects.
    """
    if not isinstance(source, Path):
        yield from ((f"row {i}", row) for i, row in enumerate(source, 1))
        return
    try:
        is_array = source.read_bytes().lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    except OSError as error:
        raise ProblemError(
            f"cannot read {source}: {error.strerror}; name a JSON file that you may read"
        ) from error
    if not is_array:
        yield from ((origin.where, row) for origin, row in io.rows(source))
        return
    try:
        values = json.loads(source.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ProblemError(
            f"{source}: this is not JSON ({error}); write an array of rows"
        ) from error
    for i, row in enumerate(values, 1):
        if not isinstance(row, dict):
            raise ProblemError(f"{source}, row {i} is {row!r:.40}; write each row as {{...}}")
        yield f"{source}, row {i}", row


def _key(row: Mapping[str, object], keys: Sequence[str], where: str) -> str:
    """The first of the keys that the row has."""
    for key in keys:
        if key in row:
            return key
    has = ", ".join(map(str, row)) or "nothing"
    raise ProblemError(f"{where} has no {' or '.join(map(repr, keys))}; add it (it has: {has:.80})")


def object_of(item: object, known: Sequence[str], where: str) -> Mapping[str, object]:
    """An item as an object of known keys.

    Raises:
        ProblemError: If it is none, or has another key.
    """
    if not isinstance(item, dict):
        raise ProblemError(f"{where} is {item!r:.40}; write an object with {', '.join(known)}")
    if unknown := [str(key) for key in item if key not in known]:
        raise ProblemError(
            f"{where}: the key {unknown[0]!r} is unknown; known: {', '.join(known)}; take it out"
        )
    return item


def text_of(value: object, where: str) -> str:
    """A text that is not blank.

    Raises:
        ProblemError: If it is none.
    """
    if not isinstance(value, str) or not value.strip():
        raise ProblemError(f"{where} is {value!r:.40}; write a text")
    return value


def number_of(value: object, where: str) -> float:
    """A finite number, never a text that looks like one.

    Raises:
        ProblemError: If it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e9:
        raise ProblemError(f"{where} is {value!r:.40}; write a number such as 5")
    return float(value)


def as_number(value: float) -> float | int:
    """The number, without `.0` where it is whole."""
    return int(value) if float(value).is_integer() else value
