"""How are problems kept in a file? As JSONL, one problem a line, UTF-8, in our own form.

    {"question": "What is 3 + 4?", "answer": "7",
     "constraints": [{"name": "punctuation:no_comma", "args": {}}]}

Only `question` is required. The other keys are the fields of `twofold.types.Problem`; a `checklist` is
`{"writer": "...", "criteria": [{"text": "...", "weight": 75, "pitfall": false, ...}]}` with the fields of
`twofold.types.checklist.Criterion`. The profile is the reader's choice, so it is not in the file.
"""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar, final

from pydantic import BaseModel, ConfigDict, Field

from twofold.constraints import from_spec, register
from twofold.errors import ProblemError
from twofold.problems.row import SPLITS, AnswerText, Origin, ProblemRow, problem_of
from twofold.storage.jsonl import dumps, replaced
from twofold.storage.reading import InputFile
from twofold.types import Problem, Profile
from twofold.types.checklist import Category, Checklist, Criterion

# What to do about a broken file of problems.
REMEDY = "write one object a line, as {...} in JSON and UTF-8 (a JSON array must be split)"


@final
class Spec(BaseModel):
    """A constraint in a file: its registry name and arguments."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    name: str
    args: dict[str, object] | None = None


@final
class CriterionSpec(BaseModel):
    """A criterion in a file: the fields of `Criterion`."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    text: str
    weight: float = 100.0
    pitfall: bool = False
    category: Category = ""
    title: str = ""
    rule: str = ""
    program: str = ""
    tags: list[str] = Field(default_factory=list)


@final
class ChecklistSpec(BaseModel):
    """A checklist in a file."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    criteria: list[CriterionSpec]
    writer: str = ""

    def to_checklist(self) -> Checklist:
        """The checklist as it was written."""
        made = [Criterion(**c.model_dump() | {"tags": tuple(c.tags)}) for c in self.criteria]
        return Checklist(criteria=tuple(made), writer=self.writer)


@final
class OwnRow(ProblemRow):
    """A problem in our own form; an unknown key is an error, since it is most likely a typo."""

    model_config = ConfigDict(extra="forbid")
    title: ClassVar[str] = "own form"

    question: str
    answer: AnswerText | None = None
    constraints: list[Spec] = Field(default_factory=list)
    wordings: list[str] | None = None
    ask: str = ""
    question_states_constraints: bool = False
    checklist: ChecklistSpec | None = None
    solution: str | None = None
    options: list[str] = Field(default_factory=list)
    tags: dict[str, str] = Field(default_factory=dict)

    def to_problem(self, *, profile: Profile, origin: Origin) -> Problem:
        """The problem as it was written, with its own tags."""
        built = [from_spec(spec.name, spec.args, profile=profile) for spec in self.constraints]
        given: dict[str, Any] = {key: getattr(self, key) for key in type(self).model_fields}
        given |= {
            "constraints": tuple(built),
            "wordings": None if self.wordings is None else tuple(self.wordings),
            "checklist": self.checklist and self.checklist.to_checklist(),
            "options": tuple(self.options),
        }
        return Problem(**given)


def rows(path: Path, *, growing: bool = False) -> Iterator[tuple[Origin, dict[str, Any]]]:
    """The objects of a JSONL file, one at a time; blank lines are skipped.

    Args:
        path: The file.
        growing: Whether we are writing it line by line, so that the last one may be torn.

    Raises:
        ProblemError: If the file cannot be read, or a line is no JSON object; names the line.
    """
    stem = path.name.partition(".jsonl")[0] if ".jsonl" in path.name else path.stem
    split = stem if stem in SPLITS else ""
    file = InputFile(path, ProblemError, REMEDY, halves=False, is_ours=growing, is_growing=growing)
    for number, (n_line, row) in enumerate(file.lines()):
        where = f"{path}, line {n_line}"
        yield Origin(where=where, file=stem, number=number, split=split), row


def read(path: str | Path, *, profile: Profile, growing: bool = False) -> list[Problem]:
    """The problems of a file in our own form; `growing` as for `rows`.

    Raises:
        ProblemError: If a line is not a problem in our form; names file, line and remedy.
    """
    found = rows(Path(path), growing=growing)
    return [problem_of(OwnRow, row, profile=profile, origin=origin) for origin, row in found]


def write(path: str | Path, problems: Iterable[Problem]) -> None:
    """Write problems in our own form, as a whole or not at all; `read` then knows their constraints.

    Raises:
        RunError: If the file cannot be written; an existing file is intact.
        ProblemError: If two of the constraints' classes have one name.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "one.jsonl"
        >>> write(path, [Problem(question="What is 3 + 4?", answer="7")])
        >>> read(path, profile="fixed")[0].answer
        '7'
    """
    rows = rows_of(problems)
    with replaced(Path(path)) as file:
        file.writelines(dumps(row) + "\n" for row in rows)


def rows_of(problems: Iterable[Problem]) -> list[dict[str, object]]:
    """Problems as rows in our own form, whose constraints `read` then knows.

    Raises:
        ProblemError: If two of the constraints' classes have one name.
    """
    problems = list(problems)
    for cls in {type(constraint) for problem in problems for constraint in problem.constraints}:
        register(cls)
    return [to_row(problem) for problem in problems]


def to_row(problem: Problem) -> dict[str, object]:
    """The problem as JSON values in our own form; fields with their default value are left out.

    Example:
        >>> to_row(Problem(question="What is 3 + 4?", answer="7", tags={"source": "hand"}))
        {'question': 'What is 3 + 4?', 'answer': '7', 'tags': {'source': 'hand'}}
    """
    written = {
        "constraints": [{"name": c.name, "args": c.args()} for c in problem.constraints],
        "wordings": list(problem.wordings or ()),
        "checklist": problem.checklist and checklist_row(problem.checklist),
        "options": list(problem.options),
        "tags": dict(problem.tags),
    }
    values = {f.name: getattr(problem, f.name) for f in fields(problem)}
    default = Problem(question=problem.question)
    return {
        key: written.get(key, value)
        for key, value in values.items()
        if key == "question" or value != getattr(default, key)
    }


def checklist_row(checklist: Checklist) -> dict[str, object]:
    """A checklist as JSON values in our own form; empty fields are left out.

    Example:
        >>> checklist_row(Checklist(criteria=(Criterion(text="Is it short?", weight=50),)))
        {'criteria': [{'text': 'Is it short?', 'weight': 50}]}
    """
    criteria = [
        {k: list(v) if isinstance(v, tuple) else v for k, v in vars(each).items() if v}
        for each in checklist.criteria
    ]
    return {"criteria": criteria} | ({"writer": checklist.writer} if checklist.writer else {})
