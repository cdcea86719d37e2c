"""How are FollowBench's files read? JSON arrays of requests with one more requirement at each level.

A group is one request at levels 0 (the seed) to 5. What a level adds is only visible beside the
level before, so a row is read with its whole group.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, final

from pydantic import Field, TypeAdapter

from twofold.errors import ProblemError
from twofold.problems.row import Origin, ProblemRow
from twofold.storage.reading import InputFile, Kind, kind_of
from twofold.types import Problem, Profile
from twofold.types.checklist import Checklist, Criterion

# The six kinds of requirement, in the order of the paper; each is a file.
CATEGORIES = ("content", "situation", "style", "format", "example", "mixed")

SUFFIX = "_constraints"

TOP = 5

WRITER = "FollowBench"

# Rows that a reply which does as it is told fails under the published rules: by category and group, the
# least level and why.
UNMEETABLE = {
    ("format", "22"): (4, "its number is a sentence of one word, and more than 20 are wanted"),
    ("content", "20"): (1, "its targets are of another event than the request asks for"),
}
_ARRAY = TypeAdapter(list[dict[str, Any]])
_REMEDY = (
    "FollowBench's files are JSON arrays of objects; take the published file as it is, or give a file "
    "with one object a line another name"
)


@final
class FollowBenchRow(ProblemRow):
    """A row of FollowBench at level 1 or above, with the levels below it.

    The checklist has one criterion for each level up to its own: does the reply meet what that level
    added? There is no reference answer; the tag `followbench_target` holds what the published rules
    compare with.

    Source: Jiang et al. 2024, https://arxiv.org/abs/2310.20410, section 3; data of YJiangcm/FollowBench.
    Departs: the published judge reads all instructions at once and answers with a list; here each
    addition is a criterion, in our words. In the example category only noise is added to the
    demonstrations, so every criterion asks for the form of the answer.
    """

    title: ClassVar[str] = f"FollowBench (a JSON array in a file *{SUFFIX}.json)"

    example_id: int
    category: str
    source: str
    level: int = Field(ge=1, le=TOP)
    instruction: str
    target: str
    # The instructions of levels 0 to `level` ("" without a seed), added by `rows`.
    evolution: list[str] = Field(default_factory=list)

    def to_problem(self, *, profile: Profile, origin: Origin) -> Problem:
        """The problem of this level, without constraints.

        Raises:
            ProblemError: If the file's name has no category, or the levels below are missing.
        """
        file = origin.file.removesuffix(SUFFIX)
        if file not in CATEGORIES:
            raise ProblemError(
                f"the file name {origin.file!r} has no FollowBench category; rename it to "
                f"CATEGORY{SUFFIX}.json, with one of {', '.join(CATEGORIES)}"
            )
        if len(self.evolution) != self.level + 1:
            raise ProblemError(
                f"level {self.level} came without the levels below it; use the published file, a JSON "
                f"array named CATEGORY{SUFFIX}.json"
            )
        tags = origin.tags("followbench", f"{file}/{self.example_id}/{self.level}") | {
            "file": origin.file,
            "category": file,
            "group": str(self.example_id),
            "level": str(self.level),
            "followbench_source": self.source,
        }
        return Problem(
            question=self.instruction,
            question_states_constraints=True,
            checklist=Checklist(criteria=self._criteria(file), writer=WRITER),
            tags=tags | ({"followbench_target": self.target} if self.target else {}),
        )

    def _criteria(self, file: str) -> tuple[Criterion, ...]:
        """One criterion per level, all of one weight."""
        kinds = self.category.split(", ") if file == "mixed" else []
        kinds = kinds if len(kinds) == self.level else [file] * self.level
        form = answer_form(self.target, "ANSWER") if file == "example" else ""
        return tuple(
            Criterion(
                text=_demonstrated(i, form) if form else _added(i, *self.evolution[i - 1 : i + 1]),
                title=f"what level {i} adds",
                tags=(f"level:{i}", f"kind:{kind}"),
            )
            for i, kind in enumerate(kinds, 1)
        )


def _added(level: int, before: str, after: str) -> str:
    """The question whether a reply meets what a level added."""
    if not before.strip():
        return f"At level {level} the request reads:\n\n{after}\n\nDoes the reply do what it asks?"
    return (
        f"The request asks for one thing more at each level. At level {level - 1} it reads:\n\n"
        f"{before}\n\nAt level {level} it reads:\n\n{after}\n\n"
        f"Does the reply do what level {level} asks beyond level {level - 1}?"
    )


def _demonstrated(level: int, form: str) -> str:
    """The question whether a reply has the form of the demonstrations."""
    return (
        "The request shows solved questions in several forms, more mixed at each level "
        f"(here level {level} of {TOP}), then a last question. Answers to questions that are worded "
        f"like the last one have this form, with ANSWER for the answer itself:\n\n{form}\n\n"
        "Is the reply in that form?"
    )


def answer_form(target: str, answer: str) -> str:
    r"""The answer's part of a template `{instruction}` line end `...{answer}...`, filled; "" if not one.

    The templates are Python format strings, filled here by replacement: a format string from a file
    could reach into objects.

    Example:
        >>> answer_form("{instruction}\n{{'bot': '{answer}'}}", "yes")
        "{'bot': 'yes'}"
    """
    head, found, form = target.partition("{instruction}\n")
    before, slot, after = form.partition("{answer}")
    if head or not found or not slot:
        return ""
    return answer.join(part.replace("{{", "{").replace("}}", "}") for part in (before, after))


def rows(path: Path) -> Iterator[tuple[Origin, dict[str, Any]]]:
    """The rows of a FollowBench file at level 1 and above, each with the levels below it.

    Raises:
        ProblemError: If the file cannot be read, is no array of objects, or a group lacks a level.
    """
    entries = _array(path)
    texts = {_place(row, row.get("level")): row.get("instruction") for row in entries}
    for number, row in enumerate(entries):
        level = row.get("level")
        if level == 0:
            continue
        where = f"{path}, row {number + 1}"
        if isinstance(level, int) and 1 <= level <= TOP:
            path_of_levels = [texts.get(_place(row, i)) for i in range(level + 1)]
            path_of_levels[0] = path_of_levels[0] or ""
            if None in path_of_levels:
                raise ProblemError(
                    f"{where}: group {row.get('example_id')} has level {level} but not level "
                    f"{path_of_levels.index(None)}; take the published file as it is"
                )
            row = row | {"evolution": path_of_levels}
        yield Origin(where=where, file=path.stem, number=number), row


def files(directory: Path) -> list[Path]:
    """FollowBench's files in `directory` (some of the six, or none), in the order of the paper."""
    published = [directory / f"{category}{SUFFIX}.json" for category in CATEGORIES]
    return [path for path in published if kind_of(path, ProblemError) is Kind.file]


def _place(row: dict[str, Any], level: object) -> str:
    return f"{row.get('example_id')}/{level}"


def _array(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON array."""
    return InputFile(path, ProblemError, _REMEDY, halves=False).json(_ARRAY)
