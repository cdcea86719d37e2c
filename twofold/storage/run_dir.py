"""How does a run survive `kill -9`? A directory in which every finished item is on disk exactly once.

Responses are appended one line per `write`; reopening cuts an incomplete last line, and a line that is
broken elsewhere is an error. The directory stores the identity of the run (models, problems, sampling,
seeds) and refuses another one. All other files are recomputed from the responses.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, NotRequired, Self, final

from pydantic import ConfigDict, TypeAdapter
from typing_extensions import TypedDict

from twofold.errors import RunError, TwofoldError
from twofold.storage.jsonl import cut_torn_line, dumps, named_disk_errors, read_lines, replaced
from twofold.storage.leftovers import INCOMPLETE
from twofold.storage.reading import InputFile, Kind, Row, files, kind_of, names
from twofold.storage.writing import Appender
from twofold.types import FinishReason, Item, Response

# The form of a run's files; another form is refused with one clear error.
FORM = 2

# Names of what a killed run leaves while it begins: its locks, and a manifest that is being written.
_BEGUN = re.compile(r"\.lock\.\d+|\.manifest\.json\.[0-9a-f]{32}")


class _Manifest(TypedDict):
    """What later code relies on in `manifest.json`."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    form: NotRequired[int]
    identity: dict[str, Any]
    models: NotRequired[dict[str, str]]
    unmatched: NotRequired[int]
    not_asked: NotRequired[dict[str, list[int]]]
    observed: NotRequired[dict[str, Any]]


_MANIFEST: TypeAdapter[Any] = TypeAdapter(_Manifest)


@final
class RunDir:
    """One run on disk; `RunDir.open` creates or resumes it.

    Args:
        rank: Which process of the run this is; each appends to its own file.
    """

    def __init__(self, path: Path, *, rank: int = 0) -> None:
        self.path = path
        self.rank = rank
        self._lock: int | None = None
        self._out: Appender | None = None
        self._is_new = False  # this process wrote the manifest
        self._folders: list[Path] = []  # those that it made, the innermost first

    @classmethod
    def open(
        cls, path: Path, identity: Mapping[str, Any], about: Mapping[str, Any], *, rank: int = 0
    ) -> RunDir:
        """Create the directory, or resume it if it has the same identity.

        What is refused is left as it was found: nothing is written before the directory is recognised.

        Args:
            path: The directory; created if missing.
            identity: What determines the replies, as JSON values; another identity is refused.
            about: What else the manifest records (command, versions).
            rank: Which process this is; only rank 0 writes the manifest.

        Raises:
            RunError: If the directory holds something else, is used by another process, or cannot be
                written.
        """
        run = cls(path, rank=rank)
        bound: Row = json.loads(dumps(identity))
        run._recognise(bound)
        run._folders = run._made()
        try:
            run._take_lock()
            run._recognise(bound)  # another process may have been first
            run._bind(bound, about)
            run._repair()
        except BaseException:
            run.close()
            run._remove_folders()
            raise
        return run

    def _remove_folders(self) -> None:
        for folder in self._folders:
            with suppress(OSError):  # it holds something by now
                folder.rmdir()

    def _made(self) -> list[Path]:
        """The directories that had to be made, the innermost first."""
        there = [self.path, *self.path.parents]
        missing = [folder for folder in there if kind_of(folder) is Kind.missing]
        with named_disk_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        return missing

    def _take_lock(self) -> None:
        file = self.path / f".lock.{self.rank}"
        with named_disk_errors(file):
            self._lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                os.close(self._lock)
                self._lock = None
                raise RunError(
                    f"another twofold process is using {self.path}; wait for it, or choose another "
                    "--out"
                ) from error

    def _recognise(self, identity: Row) -> None:
        """Refuse a directory that holds another run or something else, reading only."""
        kind = kind_of(self.path)
        if kind in (Kind.file, Kind.other):
            raise RunError(f"{self.path} is a file; choose a directory with --out")
        if kind is Kind.missing:
            return
        if kind_of(self.path / "manifest.json") is not Kind.missing:
            if differing := _differences(self.manifest().get("identity", {}), identity):
                raise RunError(
                    f"{self.path} holds a different run: {'; '.join(differing)}. Nothing was changed. "
                    "Choose another --out, or give the command that made it to resume it."
                )
        elif foreign := [name for name in names(self.path) if not _BEGUN.fullmatch(name)]:
            raise RunError(
                f"{self.path} is not empty and not a run directory (it holds {', '.join(foreign[:3])}); "
                "choose another --out"
            )

    def _bind(self, identity: Row, about: Mapping[str, Any]) -> None:
        manifest = self.path / "manifest.json"
        if self.rank == 0 and kind_of(manifest) is Kind.missing:
            self._is_new = True
            with replaced(manifest) as file:
                json.dump(
                    {"form": FORM, "identity": identity, **about},
                    file,
                    indent=1,
                    ensure_ascii=False,
                )

    def _repair(self) -> None:
        """Undo what a killed run left: incomplete files and lines, responses in files of other ranks.

        Only rank 0 does this, before the other ranks open the directory. It can be repeated.
        """
        if self.rank != 0:
            return
        for name in filter(INCOMPLETE.fullmatch, names(self.path)):
            (self.path / name).unlink()
        for path in self._tables():
            cut_torn_line(path)
        self.absorb()
        self._drop_failed()

    def _drop_failed(self) -> None:
        """Drop the failed calls, so that the same command repeats them."""
        path = self._responses
        failed = FinishReason.failed
        if _is_there(path) and any(row["finish_reason"] == failed for row in read_lines(path)):
            self.write_table(
                path.name, (row for row in read_lines(path) if row["finish_reason"] != failed)
            )
            self._stop_appending()

    def absorb(self) -> None:
        """Move the responses of the other processes into `responses.jsonl`."""
        others = files(self.path, "responses.rank*.jsonl")
        if not others:
            return
        own = self._responses
        here = {Item.of(row) for row in read_lines(own)} if _is_there(own) else set()
        for path in others:
            for row in read_lines(path):
                if Item.of(row) not in here:
                    self.append(Item.of(row), Response.from_json(row))
            path.unlink()

    @property
    def _responses(self) -> Path:
        name = "responses.jsonl" if self.rank == 0 else f"responses.rank{self.rank}.jsonl"
        return self.path / name

    def _tables(self) -> list[Path]:
        return files(self.path, "responses*.jsonl")

    def manifest(self) -> Row:
        """The content of `manifest.json`; a RunError if it is missing or corrupt."""
        path = self.path / "manifest.json"
        if kind_of(path) is Kind.missing:
            raise RunError(
                f"{self.path} is not a run directory (manifest.json is missing); give the directory "
                "that `twofold audit` or `twofold score` wrote"
            )
        remedy = "restore it from a copy or choose another --out"
        loaded: Row = InputFile(path, RunError, remedy, is_ours=True).json(_MANIFEST)
        if loaded.get("form") != FORM:
            raise RunError(
                f"{self.path} was written by an older twofold, whose files have other names. Nothing was "
                "changed. Give its command again with another --out, or read it with the version that "
                "wrote it"
            )
        return loaded

    def note(self, name: str, value: Mapping[str, Any]) -> None:
        """Record in the manifest what was observed while collecting; the identity stays."""
        manifest = self.manifest()
        if manifest.get(name) != value:
            self.write_json("manifest.json", manifest | {name: value})

    def require(self, *names: str) -> None:
        """Raise a RunError if a file is missing, which means that the run is not finished."""
        for name in names:
            if not _is_there(self.path / name):
                raise RunError(
                    f"{self.path} is not finished ({name} is missing); give the command that made it "
                    "again to resume it"
                )

    def rows(self) -> Iterator[Row]:
        """Every saved response of all processes, in the order of writing."""
        for path in self._tables():
            yield from read_lines(path)

    def finished(self) -> set[Item]:
        """The items on disk; a RunError if one is there twice (e.g. after merging files by hand)."""
        found: set[Item] = set()
        for row in self.rows():
            item = Item.of(row)
            if item in found:
                raise RunError(
                    f"{self.path} holds problem {item.problem}, sample {item.sample} "
                    f"({item.role}, {item.condition}) twice; delete one of the lines"
                )
            found.add(item)
        return found

    def append(self, item: Item, response: Response) -> None:
        """Save one finished response durably; a RunError if the disk is full."""
        if self._out is None:
            self._out = Appender(self._responses)
        self._out.add(item.to_json() | response.to_json())

    def sort(self, key: Callable[[Item], tuple[str, str, int, int]]) -> None:
        """Sort `responses.jsonl` by `key`, so that equal runs give equal files."""
        path = self._responses
        if not _is_there(path):
            return
        with InputFile(path, is_ours=True).opened() as file:
            lines = []
            while line := file.readline():
                at = file.tell() - len(line)
                lines.append((key(Item.of(json.loads(line))), at))
            if all(a[0] <= b[0] for a, b in pairwise(lines)):
                return
            with replaced(path) as out:
                for _, at in sorted(lines):
                    file.seek(at)
                    out.write(file.readline().decode("utf-8"))
        self._stop_appending()

    def write_table(self, name: str, rows: Iterable[Row]) -> None:
        """Replace the table `name` (e.g. `verdicts.jsonl`) by `rows`, atomically."""
        with replaced(self.path / name) as file:
            file.writelines(dumps(row) + "\n" for row in rows)

    @contextmanager
    def growing(self, name: str) -> Iterator[Callable[[Row], object]]:
        """A function that appends a row to the table `name` durably.

        An incomplete last line is dropped first. A row that is made again is appended, and the later
        one counts: what an earlier attempt left open stays counted until it is replaced.
        """
        path = self.path / name
        if _is_there(path):
            cut_torn_line(path)
        with Appender(path, keeps_empty=True) as file:
            yield file.add

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Replace the JSON file `name` by `value`, atomically."""
        with replaced(self.path / name) as file:
            json.dump(value, file, indent=1, ensure_ascii=False, allow_nan=False)

    def close(self) -> None:
        """Flush to disk and release the lock; in a directory without a manifest, remove it."""
        self._stop_appending()
        if self._lock is not None:
            if kind_of(self.path / "manifest.json") is Kind.missing:
                (self.path / f".lock.{self.rank}").unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def _stop_appending(self) -> None:
        """Close the file, which may have been replaced; the next response opens it again."""
        if self._out is not None:
            self._out.close()
            self._out = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Close it; a new run that is refused before its first row leaves nothing behind."""
        begun = {"manifest.json", "problems.jsonl", f".lock.{self.rank}"}
        refused = self._is_new and isinstance(error, TwofoldError)
        if not refused or not begun.issuperset(names(self.path)):
            self.close()
            return
        for name in ("problems.jsonl", "manifest.json"):
            (self.path / name).unlink(missing_ok=True)
        self.close()
        self._remove_folders()


def _is_there(path: Path) -> bool:
    return kind_of(path) is not Kind.missing


def _differences(there: Any, here: Any, at: str = "") -> list[str]:
    """The differences of two identities: `sampling.max_tokens was 256, now 512`."""
    if isinstance(there, dict) and isinstance(here, dict):
        return [
            line
            for key in sorted({*there, *here})
            for line in _differences(there.get(key), here.get(key), f"{at}.{key}" if at else key)
        ]
    return [] if there == here else [f"{at} was {_short(there)}, now {_short(here)}"]


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
