"""What is a form of checklists? Rows with a question and a list of items, one per criterion."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, final

from pydantic import TypeAdapter

from twofold.errors import ProblemError
from twofold.problems import io
from twofold.storage.reading import InputFile, Row
from twofold.types import Problem
from twofold.types.checklist import Checklist, Criterion

_ARRAY: TypeAdapter[list[object]] = TypeAdapter(list[object])

# The place of a row, for messages, and the row.
Placed = tuple[str, Mapping[str, object]]


@final
@dataclass(frozen=True)
class FormRead:
    """The problems of a file in another form, and a line for each criterion that was dropped."""

    problems: tuple[Problem, ...]
    dropped: tuple[str, ...]


class Form(ABC):
    """A way to store checklists. Subclasses are frozen dataclasses.

    A malformed row (a key missing, a text instead of a number) is an error. A single criterion that
    ours cannot express (a weight of 0, an ambiguous sign) is dropped with its reason, and the
    others of its row stay.
    """

    name: ClassVar[str]
    question_keys: ClassVar[tuple[str, ...]]  # of the question; the first one is written
    list_keys: ClassVar[tuple[str, ...]]  # of the list, likewise
    answer_key: ClassVar[str] = ""  # of the reference answer; "" = none

    @abstractmethod
    def to_criterion(self, item: object, where: str) -> Criterion | str:
        """The criterion of an item, or the reason why it is none.

        Raises:
            ProblemError: If the item is malformed.
        """

    @abstractmethod
    def to_item(self, criterion: Criterion) -> object:
        """The criterion as an item."""

    def items(self, value: object, where: str) -> Sequence[object]:
        """The items of the list in a row."""
        if not isinstance(value, list):
            raise ProblemError(f"{where} is {value!r:.40}; write a list of criteria")
        return value

    def listed(self, items: Sequence[object]) -> object:
        """The list for a row."""
        return list(items)

    def question(self, value: object, where: str) -> str:
        """The question in a row."""
        return text_of(value, where)

    def asked(self, question: str) -> object:
        """The question for a row."""
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
            listed = Checklist(criteria=tuple(criteria), writer=self.name) if criteria else None
            problem = Problem(
                question=self.question(row[asked], f"{where}: {asked}"),
                answer=text_of(answer, f"{where}: {self.answer_key}") if answer else None,
                checklist=listed,
                tags={"source": self.name, "source_id": f"{self.name}#{number}"},
            )
            problems.append(problem)
        return FormRead(tuple(problems), tuple(dropped))

    @final
    def row(self, problem: Problem) -> Row:
        """The row of a problem: its whole prompt, its answer if the form has one, its list.

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
    """Rows with their places: from a file of JSON lines or one JSON array, or as they are given.

    Raises:
        ProblemError: If the file cannot be read, or is no list of objects.
    """
    if not isinstance(source, Path):
        yield from ((f"row {i}", row) for i, row in enumerate(source, 1))
        return
    file = InputFile(source, ProblemError, "write an array of rows, each as {...}", halves=False)
    if not file.starts_with("["):
        yield from ((origin.where, row) for origin, row in io.rows(source))
        return
    values: list[object] = file.json(_ARRAY)
    for i, row in enumerate(values, 1):
        if not isinstance(row, dict):
            raise ProblemError(f"{source}, row {i} is {row!r:.40}; write each row as {{...}}")
        yield f"{source}, row {i}", row


def _key(row: Mapping[str, object], keys: Sequence[str], where: str) -> str:
    """The first of the keys that the row has."""
    if found := next((key for key in keys if key in row), None):
        return found
    has = ", ".join(map(str, row)) or "nothing"
    raise ProblemError(f"{where} has no {' or '.join(map(repr, keys))}; add it (it has: {has:.80})")


def object_of(item: object, known: Sequence[str], where: str) -> Mapping[str, object]:
    """An item as an object without unknown keys."""
    if not isinstance(item, dict):
        raise ProblemError(f"{where} is {item!r:.40}; write an object with {', '.join(known)}")
    if unknown := [str(key) for key in item if key not in known]:
        raise ProblemError(
            f"{where}: the key {unknown[0]!r} is unknown; known: {', '.join(known)}; take it out"
        )
    return item


def text_of(value: object, where: str) -> str:
    """A text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise ProblemError(f"{where} is {value!r:.40}; write a text")
    return value


def title_of(row: Mapping[str, object], key: str, where: str) -> str:
    """The text under a key that may be missing."""
    title = row.get(key) or ""
    if not isinstance(title, str):
        raise ProblemError(f"{where}, {key} is {title!r:.40}; write a text or leave it out")
    return title


def number_of(value: object, where: str) -> float:
    """A finite number, never a text that looks like one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e9:
        raise ProblemError(f"{where} is {value!r:.40}; write a number such as 5")
    return float(value)


def as_number(value: float) -> float | int:
    """The number, without `.0` if it is whole."""
    return int(value) if float(value).is_integer() else value
