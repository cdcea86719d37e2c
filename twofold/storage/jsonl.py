"""How are JSON files read and written, so that a killed process never leaves half a file?"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from twofold.errors import RunError

# One JSON object of a table.
Row = dict[str, Any]

LONE = "backslashreplace"  # a lone surrogate becomes a JSON escape; a bad byte makes a corrupt line


def dumps(value: object) -> str:
    """Compact JSON on one line; NaN and infinity, which JSON has not, are refused."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def read_lines(path: Path) -> Iterator[Row]:
    """The objects of a JSONL file, one at a time.

    Raises:
        RunError: If a line is not a JSON object; names file, line and remedy.
    """
    with path.open(encoding="utf-8", errors=LONE) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise _corrupt(path, number, str(error)) from error
            if not isinstance(row, dict):
                raise _corrupt(path, number, "it is not a JSON object")
            yield row


def _corrupt(path: Path, number: int, why: str) -> RunError:
    return RunError(
        f"{path}, line {number} is corrupt ({why}). Nothing was changed. Delete that line (a run "
        "then samples its item again), restore the file from a copy, or choose another --out."
    )


@contextmanager
def replaced(path: Path) -> Iterator[IO[str]]:
    """A file that is replaced atomically: written next to `path`, then renamed.

    Raises:
        RunError: If the disk is full; the old file is intact.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with named_disk_errors(path), temporary.open("x", encoding="utf-8", errors=LONE) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def named_disk_errors(path: Path) -> Iterator[None]:
    """Turn an `OSError` into a `RunError` that names what is kept and the remedy."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"cannot write {path}: {error.strerror}. Finished items are kept; free some space (or choose "
            "a writable directory) and give the same command again to resume."
        ) from error


def cut_torn_line(path: Path) -> None:
    """Drop an incomplete last line, which a killed process leaves; its item is sampled again."""
    with path.open("rb+") as file:
        start = end = file.seek(0, os.SEEK_END)
        tail = b""
        while start and b"\n" not in tail:
            start = max(0, start - 65536)
            file.seek(start)
            tail = file.read(end - start)
        keep = start + tail.rfind(b"\n") + 1 if b"\n" in tail else 0
        if keep != end:
            file.truncate(keep)
