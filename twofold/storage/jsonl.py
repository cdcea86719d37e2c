"""How are the tables of a run read and written? As JSON lines, through `reading` and `writing`."""

from collections.abc import Container, Iterator
from pathlib import Path

from twofold.errors import RunError
from twofold.storage import tables
from twofold.storage.reading import InputFile, Row
from twofold.storage.writing import LONE, cut_torn_line, dumps, named_disk_errors, replaced

__all__ = [
    "LONE",
    "Row",
    "cut_torn_line",
    "dumps",
    "named_disk_errors",
    "read_known",
    "read_lines",
    "replaced",
]

_REMEDY = (
    "if it is one of ours, restore it from a copy, or choose another --out. Delete that line only if the "
    "rest of the file is whole (a run then samples its item again)"
)


def read_lines(path: Path) -> Iterator[Row]:
    """The rows of a table of ours, one at a time; the name of the file says which columns it has.

    Raises:
        RunError: If a line is not a JSON object, or lacks a column; names file, line and remedy.
    """
    table = path.name.partition(".")[0]
    file = InputFile(path, RunError, _REMEDY, is_ours=True)
    for number, row in file.lines():
        if why := tables.wrong(table, row):
            raise file.broken(f", line {number}", why)
        yield row


def read_known(path: Path, known: Container[str]) -> Iterator[Row]:
    """The rows of a table of ours; where they are about problems, about `known` ones, by their ids.

    Raises:
        RunError: As `read_lines`, and if a row is about another problem.
    """
    for row in read_lines(path):
        if path.stem in tables.ABOUT_PROBLEMS and row["problem"] not in known:
            raise RunError(
                f"{path} has a row about problem {row['problem']}, which problems.jsonl lacks. Nothing "
                "was changed; restore both from a copy, or make the run again with another --out"
            )
        yield row
