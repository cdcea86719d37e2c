"""How is a file written? Beside its place and then renamed, or line by line behind what is recognised.

Nothing that we have not recognised as our own is written into, cut, replaced or locked: an output is a
new file, or one that its owner's test accepts. A killed process leaves a whole file or the old one.
"""

import errno
import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self, final
from uuid import uuid4

from twofold.errors import RunError
from twofold.storage.os_errors import os_errors
from twofold.storage.reading import InputFile, Kind, is_torn, kind_of

LONE = "backslashreplace"  # a lone surrogate becomes a JSON escape


def dumps(value: object) -> str:
    """Compact JSON on one line; NaN and infinity, which JSON has not, are refused."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@contextmanager
def named_disk_errors(path: Path) -> Iterator[None]:
    """Turn an `OSError` into a `RunError` that names what is kept and the remedy."""
    with os_errors(path, "write"):
        yield


@contextmanager
def replaced(path: Path) -> Iterator[IO[str]]:
    """A file that is replaced atomically: written next to `path`, then renamed.

    Whether it may be replaced is the caller's to know; see `refuse_others`.

    Raises:
        RunError: If the disk is full, or `path` is a folder, a pipe or a device; the old file is intact.
    """
    check_regular(path)
    path = Path(os.path.realpath(path))  # through a link, its target is replaced and the link stays
    temporary = path.with_name(f".{path.name[:100]}.{uuid4().hex}")
    try:
        with named_disk_errors(path), temporary.open("x", encoding="utf-8", errors=LONE) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with named_disk_errors(path):
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def replace_bytes(path: Path, content: bytes) -> None:
    """Replace a file by `content`, atomically; as `replaced`, for what is no text."""
    with replaced(path) as file:
        file.buffer.write(content)  # type: ignore[attr-defined]


def check_regular(path: Path) -> None:
    """Refuse an output that exists and is no file: renaming over a device would remove it."""
    if kind_of(path) not in (Kind.file, Kind.missing):
        raise RunError(f"{path} is a folder, a pipe or a device; choose a file as --out")


def refuse_inputs(path: Path, inputs: Iterable[object]) -> None:
    """Refuse an output file that is also an input; `inputs` are paths, and specs that are none.

    Raises:
        RunError: If it is one of them, by whatever name, or is no file.
    """
    check_regular(path)
    for each in inputs:
        if kind_of(path) is not Kind.file or not each or kind_of(str(each)) is not Kind.file:
            continue
        if os.path.samefile(path, str(each)):
            raise RunError(f"--out {path} is also the input {each}; choose another --out")


def refuse_others(path: Path, is_own: Callable[[Path], bool]) -> None:
    """Refuse an output file that is there, not empty, and not our own.

    Raises:
        RunError: If it may not be written; nothing was changed.
    """
    with os_errors(path, "read"):
        if kind_of(path) is Kind.file and path.stat().st_size and not is_own(path):
            raise RunError(
                f"{path} exists and is not what this command writes. Nothing was changed; choose "
                "another --out, or move that file away"
            )


def make_folder_of(path: Path) -> None:
    """Make the folder of an output."""
    with named_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)


@final
class Appender:
    """A file that grows line by line; every line is on disk before the next one is made.

    Args:
        path: The file, made if it is missing.
        locked: Whether other processes are kept out while it is open.
        keeps_empty: Whether a new file stays in which nothing was written.

    Raises:
        RunError: If it cannot be opened, or another process writes it.
    """

    def __init__(self, path: Path, *, locked: bool = False, keeps_empty: bool = False) -> None:
        check_regular(path)
        self.path = path
        self._is_fleeting = not keeps_empty and kind_of(path) is Kind.missing
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        with named_disk_errors(path):
            self._file = os.open(path, flags, 0o644)
            if locked:
                self._lock()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._file)
            raise RunError(
                f"another twofold process is writing {self.path}; wait for it, or choose another --out"
            ) from error

    def add(self, value: object) -> None:
        """Append a value as one line; a RunError if the disk is full (the torn line is cut later)."""
        line = (dumps(value) + "\n").encode("utf-8", LONE)
        with named_disk_errors(self.path):
            if os.write(self._file, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def mend(self) -> None:
        """Drop a torn last line, and end a whole one; only for a file that was recognised."""
        keep, tail = torn_line(self.path)
        with named_disk_errors(self.path):
            if is_torn(tail):
                os.ftruncate(self._file, keep)
            elif tail:
                os.write(self._file, b"\n")

    def close(self) -> None:
        """Flush to disk and let go."""
        os.fsync(self._file)
        if self._is_fleeting and os.fstat(self._file).st_size == 0:
            self.path.unlink(missing_ok=True)
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def torn_line(path: Path) -> tuple[int, bytes]:
    """Where an incomplete last line begins, and its bytes; a killed process leaves one."""
    with InputFile(path).opened() as file:
        start = end = file.seek(0, os.SEEK_END)
        tail = b""
        while start and b"\n" not in tail:
            start = max(0, start - 65536)
            file.seek(start)
            tail = file.read(end - start)
    keep = start + tail.rfind(b"\n") + 1 if b"\n" in tail else 0
    return keep, tail[keep - start :]


def cut_torn_line(path: Path) -> None:
    """Drop an incomplete last line of a table of ours; its item is made again."""
    keep, tail = torn_line(path)
    if tail:
        with named_disk_errors(path):
            os.truncate(path, keep)
