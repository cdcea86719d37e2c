"""How is a file read, ours or a user's? Through this module alone, which trusts none of them.

A file is a regular file (a pipe would block), plain or compressed, in UTF-8 or another Unicode with its
mark; lines, files, nesting and numbers have bounds; what is in it has the shape that was asked for. What
cannot be used is one error of the caller's class, with the place and a remedy; nothing on disk changes.
"""

import bz2
import codecs
import gzip
import io
import json
import lzma
import os
import re
import stat
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TypeVar, final

import yaml
from pydantic import TypeAdapter, ValidationError

from twofold.errors import RunError, TwofoldError
from twofold.storage.os_errors import os_errors
from twofold.storage.unique_keys import load_yaml
from twofold.validation import complaint

T = TypeVar("T")

# One JSON object of a table.
Row = dict[str, Any]

# Characters of a line and of a whole file: far above any reply, far below the memory of a machine.
LONGEST_LINE = 1 << 26
LONGEST_FILE = 1 << 28

# Levels of nesting, which later code follows by recursion, and values of a YAML file with its aliases.
DEEPEST = 100
MOST_VALUES = 100_000

_UNPACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_UNREAD = {b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip", b"PAR1": "Parquet"}
_ENCODINGS = {  # UTF-32 before UTF-16, whose mark begins alike
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_JSONL = re.compile(r"\.jsonl(\.gz|\.bz2|\.xz)?$")
_UNDECODED = re.compile(
    "[\udc80-\udcff]"
)  # what `surrogateescape` makes of a byte that is no UTF-8

COPY = "restore the file from a copy, or make it again"


class Kind(Enum):
    """What a path leads to."""

    missing = "missing"
    file = "file"
    folder = "folder"
    other = "other"  # a pipe, a device, a socket


def kind_of(path: str | Path, error: type[TwofoldError] = RunError) -> Kind:
    """What a path leads to, through links; raises `error` if that cannot be found out."""
    try:
        with os_errors(Path(path), "read", error):
            mode = os.stat(path).st_mode
    except error as fault:
        if isinstance(fault.__cause__, FileNotFoundError | NotADirectoryError):
            return Kind.missing
        raise
    except ValueError as fault:  # a NUL, half a surrogate
        raise error(f"{str(path)!r} is no path ({fault}); check the path") from fault
    if stat.S_ISREG(mode):
        return Kind.file
    return Kind.folder if stat.S_ISDIR(mode) else Kind.other


def expanded(path: str, error: type[TwofoldError] = RunError) -> Path:
    """A path with the home of a user in place of a leading `~`."""
    try:
        return Path(path).expanduser()
    except RuntimeError as fault:
        raise error(f"{path!r} names no home ({fault}); write out the path") from fault


def files(
    folder: Path, pattern: str, *, error: type[TwofoldError] = RunError, deep: bool = False
) -> list[Path]:
    """The sorted files of a folder (with `deep`, of the folders in it, too) whose names match."""
    with os_errors(folder, "read", error):
        os.scandir(folder).close()  # globbing takes a folder that cannot be read for an empty one
        found = folder.rglob(pattern) if deep else folder.glob(pattern)
        return sorted(path for path in found if kind_of(path, error) is not Kind.folder)


def jsonl_files(
    folder: Path, error: type[TwofoldError] = RunError, *, deep: bool = True
) -> list[Path]:
    """The JSONL files of a folder, plain or compressed."""
    found = files(folder, "*.jsonl*", error=error, deep=deep)
    return [path for path in found if _JSONL.search(path.name)]


def names(folder: Path, error: type[TwofoldError] = RunError) -> list[str]:
    """The sorted names in a folder."""
    with os_errors(folder, "read", error):
        return sorted(os.listdir(folder))


@final
@dataclass(frozen=True)
class InputFile:
    """A file to read.

    Args:
        path: The file.
        error: The class of what is raised about it.
        remedy: What to do about a broken file; a sentence behind a semicolon.
        nan: Whether NaN and infinity, which JSON has not, are accepted: Python's own writer puts them
            into the logs of other programs.
        halves: Whether half a surrogate is accepted, which cannot be encoded: some replies have one.
        is_ours: Whether we wrote it: plain UTF-8, which can only be corrupt.
        is_growing: Whether its last line may be torn, and is then left out.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "x.jsonl.gz"
        >>> with gzip.open(path, "wb") as file:
        ...     _ = file.write(b'{"a": 1}')
        >>> list(InputFile(path).lines())
        [(1, {'a': 1})]
    """

    path: Path
    error: type[TwofoldError] = RunError
    remedy: str = COPY
    nan: bool = False
    halves: bool = True
    is_ours: bool = False
    is_growing: bool = False

    def lines(self) -> Iterator[tuple[int, Row]]:
        """The objects of a JSONL file with the numbers of their lines; blank lines are skipped."""
        with self._decoded() as file:
            for number in count(1):
                line = self._read(file.readline, LONGEST_LINE, f", line {number}")
                if not line or (self.is_growing and is_torn(line)):
                    return
                if line := line.lstrip("\ufeff").strip():
                    row = self.parsed(line, f", line {number}")
                    if not isinstance(row, dict):
                        raise self.broken(f", line {number}", "this is JSON, but not an object")
                    yield number, row

    def text(self) -> str:
        """The whole text."""
        with self._decoded() as file:
            text = self._read(file.read, LONGEST_FILE, "")
        if _UNDECODED.search(text):
            raise self.broken("", "this is not text in UTF-8")
        return text

    def json(self, kind: TypeAdapter[T]) -> T:
        """The value of a JSON file, in the shape of `kind`."""
        found = self.parsed(self.text(), "")
        try:
            return kind.validate_python(found)
        except ValidationError as fault:
            told = complaint(fault.errors(include_url=False)[0], ())
            raise self.broken("", told) from fault

    def yaml(self) -> object:
        """The value of a YAML file."""
        text = self.text()
        try:
            found = load_yaml(text)
        except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError) as fault:
            # besides its own errors, PyYAML raises what its constructors of scalars raise
            reason = " ".join(str(fault).split())[:400]
            raise self.error(f"{self.path} is not valid YAML ({reason}); {self.remedy}") from fault
        except RecursionError as fault:
            raise self.broken("", f"it is nested more than {DEEPEST} deep") from fault
        if why := _unbounded(found):
            raise self.broken("", why)
        return found

    def sha256(self, digest: Any) -> None:
        """Feed the bytes of the file, as they are on disk, to a digest."""
        with self.opened() as file:
            while block := file.read(1 << 20):
                digest.update(block)

    def starts_with(self, begin: str) -> bool:
        """Whether the content begins so, behind marks and blanks."""
        with self._decoded() as file:
            head = self._read(file.read, 1 << 16, "", whole=False)
        return head.lstrip("\ufeff \t\r\n").startswith(begin)

    def broken(self, where: str, why: str) -> TwofoldError:
        """The error about a place in the file."""
        told = f" is corrupt ({why}). Nothing was changed" if self.is_ours else f": {why}"
        return self.error(f"{self.path}{where}{told}; {self.remedy}")

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The bytes as they are on disk; only of a regular file, since another may never end."""
        try:
            with os_errors(self.path, "read", self.error):
                # without O_NONBLOCK, a pipe would wait for its writer
                number = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                with open(number, "rb") as file:
                    mode = os.fstat(number).st_mode
                    if not stat.S_ISREG(mode):
                        what = "a directory" if stat.S_ISDIR(mode) else "a pipe or a device"
                        raise self.error(f"{self.path} is {what}, not a file; name a file")
                    yield file
        except (EOFError, zlib.error, lzma.LZMAError) as fault:
            raise self.broken("", f"its compressed data are damaged: {fault}") from fault
        except ValueError as fault:
            if "\0" in str(self.path) or isinstance(fault, UnicodeEncodeError):
                raise self.error(f"{str(self.path)!r} is no path; check the path") from fault
            raise

    @contextmanager
    def _decoded(self) -> Iterator[io.TextIOWrapper]:
        with self.opened() as raw:
            head = raw.peek(8)[:8]  # type: ignore[attr-defined]
            if packed := next((n for mark, n in _UNREAD.items() if head.startswith(mark)), None):
                raise self.error(
                    f"{self.path} is a {packed} file, which is not read here; unpack it, and name "
                    "the file in it"
                )
            if self.is_ours:
                yield io.TextIOWrapper(raw, "utf-8", errors="surrogateescape", newline="\n")
                return
            opener: Any = next((o for mark, o in _UNPACKED.items() if head.startswith(mark)), None)
            file: Any = opener(raw, "rb") if opener else raw
            head = file.peek(4)[:4]
            marks = (name for mark, name in _ENCODINGS.items() if head.startswith(mark))
            encoding = next(marks, "utf-8")
            errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
            yield io.TextIOWrapper(file, encoding=encoding, errors=errors, newline="\n")

    def _read(self, read: Any, most: int, where: str, *, whole: bool = True) -> str:
        try:
            text: str = read(most + 1)
        except UnicodeDecodeError as fault:
            raise self.broken(where, f"this is not text in {fault.encoding.upper()}") from fault
        if len(text) > most and whole:
            raise self.broken(where, f"it has more than {most} characters")
        return text

    def parsed(self, text: str, where: str) -> Any:
        """The value of a JSON text that stands `where` in the file."""
        binary = "; it may be UTF-16 without its mark, or no text at all" if "\0" in text else ""
        if _UNDECODED.search(text):
            raise self.broken(where, f"this is not JSON in UTF-8 (some bytes are no UTF-8{binary})")
        try:
            value = (_DECODER_NAN if self.nan else _DECODER).decode(text)
            if not self.halves and "\\ud" in text.lower():
                json.dumps(value, ensure_ascii=False).encode()
        except RecursionError as fault:
            why = f"this is not JSON that we read (it is nested more than {DEEPEST} deep)"
            raise self.broken(where, why) from fault
        except _TwiceError as fault:
            raise self.broken(where, str(fault)) from fault
        except ValueError as fault:
            why = str(fault)
            if "integer string conversion" in why:  # Python's remedy is none for a file
                why = f"a whole number has more than {sys.get_int_max_str_digits()} digits"
            raise self.broken(where, f"this is not JSON in UTF-8 ({why}{binary})") from fault
        if text.count("[") + text.count("{") > DEEPEST and (why := _unbounded(value, None)):
            raise self.broken(where, why)
        return value


def is_torn(line: str | bytes) -> bool:
    """Whether a last line is incomplete: without its end, and no whole JSON value."""
    if line[-1:] in ("\n", b"\n", "", b""):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return True
    return False


class _TwiceError(ValueError):
    """A key is in an object twice, of which JSON's reader would keep the last."""


def _unique(pairs: list[tuple[str, Any]]) -> Row:
    """An object of JSON, whose keys are there once."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise _TwiceError(f"the key {twice!r:.60} is there twice; take one out")
    return found


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


# One each, since making one takes as long as reading a line.
_DECODER = json.JSONDecoder(parse_constant=_refused, object_pairs_hook=_unique)
_DECODER_NAN = json.JSONDecoder(object_pairs_hook=_unique)


def _unbounded(value: object, most: int | None = MOST_VALUES) -> str:
    """Why a value is too deep or, counted with its repetitions, too large; "" if it is neither."""
    level, seen = [value], 0
    for depth in count():
        if depth > DEEPEST:
            return f"it is nested more than {DEEPEST} deep"
        inner: list[object] = []
        for each in level:
            if isinstance(each, dict):
                inner.extend(each.values())
            elif isinstance(each, list | tuple | set):
                inner.extend(each)
            if most is not None and seen + len(inner) > most:
                return f"it holds more than {most} values"
        if not inner:
            return ""
        seen += len(inner)
        level = inner
    return ""  # pragma: no cover
