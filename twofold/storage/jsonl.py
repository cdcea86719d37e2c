"""Files of JSON lines: a line is whole or is an error, a file is replaced whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from twofold.errors import RunError

Row = dict[str, Any]
"""One JSON object of a table."""

LONE = "backslashreplace"  # half a surrogate becomes its JSON escape; a bad byte, a corrupt line


def dumps(value: object) -> str:
    """Compact JSON on one line; NaN and infinity are refused, since they are no JSON values."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def read_lines(path: Path) -> Iterator[Row]:
    """The objects of a JSONL file, one at a time.

    Raises:
        RunError: If a line is no JSON object; names file, line and what to do.
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
        "then makes its item again), restore the file from a copy, or choose another --out."
    )


@contextmanager
def replaced(path: Path) -> Iterator[IO[str]]:
    """A file that appears whole or not at all: written beside `path`, then put in its place.

    Raises:
        RunError: If the disk is full; what was there is intact.
    """
    with named_disk_errors(path):
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with (
            named_disk_errors(path),
            os.fdopen(handle, "w", encoding="utf-8", errors=LONE) as file,
        ):
            yield file
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def named_disk_errors(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into an error that says what is kept and what to do."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"cannot write {path}: {error.strerror}. Finished items are kept; make room (or name a "
            "place that can be written) and give the same command again to go on."
        ) from error


def cut_torn_line(path: Path) -> None:
    """Drop half a last line, which is what a killed write leaves; its item is made again."""
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
