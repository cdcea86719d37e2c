"""How does a run survive `kill -9`? A directory in which every finished item is on disk exactly once.

Responses are appended one line per `write`; reopening cuts an incomplete last line, and a line that is
broken elsewhere is an error. The directory stores the identity of the run (models, problems, sampling,
seeds) and refuses another one. All other files are recomputed from the responses.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, Self, final

from twofold.errors import RunError
from twofold.storage.jsonl import (
    LONE,
    Row,
    cut_torn_line,
    dumps,
    named_disk_errors,
    read_lines,
    replaced,
)
from twofold.types import FinishReason, Item, Response

# The form of a run's files; another form is refused with one clear error.
FORM = 2


@final
class RunDir:
    """One run on disk; `RunDir.open` creates or resumes it.

    Args:
        rank: Which process of the run this is; each appends to its own file.
    """

    def __init__(self, path: Path, *, rank: int = 0) -> None:
        self.path = path
        self.rank = rank
        self._lock: IO[str] | None = None
        self._out: int | None = None

    @classmethod
    def open(
        cls, path: Path, identity: Mapping[str, Any], about: Mapping[str, Any], *, rank: int = 0
    ) -> RunDir:
        """Create the directory, or resume it if it has the same identity.

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
        with named_disk_errors(path):
            if path.exists() and not path.is_dir():
                raise RunError(f"{path} is a file; choose a directory with --out")
            path.mkdir(parents=True, exist_ok=True)
            run._take_lock()
        try:
            run._bind(json.loads(dumps(identity)), about)
            run._repair()
        except BaseException:
            run.close()
            raise
        return run

    def _take_lock(self) -> None:
        self._lock = (self.path / f".lock.{self.rank}").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            raise RunError(
                f"another twofold process is using {self.path}; wait for it, or choose another --out"
            ) from error

    def _bind(self, identity: Row, about: Mapping[str, Any]) -> None:
        manifest = self.path / "manifest.json"
        if manifest.exists():
            if differing := _differences(self.manifest().get("identity", {}), identity):
                raise RunError(
                    f"{self.path} holds a different run: {'; '.join(differing)}. Nothing was changed. "
                    "Choose another --out, or give the command that made it to resume it."
                )
            return
        if self.rank != 0:
            return
        files = sorted(path.name for path in self.path.iterdir())
        if foreign := [name for name in files if not name.startswith((".lock", ".manifest"))]:
            raise RunError(
                f"{self.path} is not empty and not a run directory (it holds {', '.join(foreign[:3])}); "
                "choose another --out"
            )
        with replaced(manifest) as file:
            json.dump(
                {"form": FORM, "identity": identity, **about}, file, indent=1, ensure_ascii=False
            )

    def _repair(self) -> None:
        """Undo what a killed run left: incomplete files and lines, responses in files of other ranks.

        Only rank 0 does this, before the other ranks open the directory. It can be repeated.
        """
        if self.rank != 0:
            return
        for incomplete in self.path.glob(".*.json*.*"):
            incomplete.unlink()
        for path in self.path.glob("responses*.jsonl"):
            cut_torn_line(path)
        self.absorb()
        self._drop_failed()

    def _drop_failed(self) -> None:
        """Drop the failed calls, so that the same command repeats them."""
        path = self._responses
        failed = FinishReason.failed
        if path.exists() and any(row["finish_reason"] == failed for row in read_lines(path)):
            self.write_table(
                path.name, (row for row in read_lines(path) if row["finish_reason"] != failed)
            )
            self._stop_appending()

    def absorb(self) -> None:
        """Move the responses of the other processes into `responses.jsonl`."""
        others = sorted(self.path.glob("responses.rank*.jsonl"))
        if not others:
            return
        own = self._responses
        here = {Item.of(row) for row in read_lines(own)} if own.exists() else set()
        for path in others:
            for row in read_lines(path):
                if Item.of(row) not in here:
                    self.append(Item.of(row), Response.from_json(row))
            path.unlink()

    @property
    def _responses(self) -> Path:
        name = "responses.jsonl" if self.rank == 0 else f"responses.rank{self.rank}.jsonl"
        return self.path / name

    def manifest(self) -> Row:
        """The content of `manifest.json`; a RunError if it is missing or corrupt."""
        path = self.path / "manifest.json"
        try:
            loaded: Row = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise RunError(
                f"{self.path} is not a run directory (manifest.json is missing); give the directory "
                "that `twofold audit` or `twofold score` wrote"
            ) from error
        except json.JSONDecodeError as error:
            raise RunError(
                f"{path} is corrupt ({error}); restore it from a copy or choose another --out"
            ) from error
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
            if not (self.path / name).exists():
                raise RunError(
                    f"{self.path} is not finished ({name} is missing); give the command that made it "
                    "again to resume it"
                )

    def rows(self) -> Iterator[Row]:
        """Every saved response of all processes, in the order of writing."""
        for path in sorted(self.path.glob("responses*.jsonl")):
            yield from read_lines(path)

    def finished(self) -> set[Item]:
        """The items on disk; a RunError if one is there twice (e.g. after merging files by hand)."""
        found: set[Item] = set()
        for row in self.rows():
            try:
                item = Item.of(row)
            except KeyError as error:
                raise RunError(
                    f"{self.path}: a response lacks {error}; delete that line or choose another --out"
                ) from error
            if item in found:
                raise RunError(
                    f"{self.path} holds problem {item.problem}, sample {item.sample} "
                    f"({item.role}, {item.condition}) twice; delete one of the lines"
                )
            found.add(item)
        return found

    def append(self, item: Item, response: Response) -> None:
        """Save one finished response durably; a RunError if the disk is full."""
        line = (dumps(item.to_json() | response.to_json()) + "\n").encode("utf-8", LONE)
        with named_disk_errors(self._responses):
            if self._out is None:
                self._out = os.open(self._responses, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            written = os.write(self._out, line)
            if written != len(line):  # the incomplete line is cut when resuming
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def sort(self, key: Callable[[Item], tuple[str, str, int, int]]) -> None:
        """Sort `responses.jsonl` by `key`, so that equal runs give equal files."""
        path = self._responses
        if not path.exists():
            return
        with path.open("rb") as file:
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
        if path.exists():
            cut_torn_line(path)
        with named_disk_errors(path), path.open("ab", buffering=0) as file:
            yield lambda row: file.write((dumps(row) + "\n").encode("utf-8", LONE))

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Replace the JSON file `name` by `value`, atomically."""
        with replaced(self.path / name) as file:
            json.dump(value, file, indent=1, ensure_ascii=False, allow_nan=False)

    def close(self) -> None:
        """Flush to disk and release the lock."""
        self._stop_appending()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _stop_appending(self) -> None:
        """Close the file, which may have been replaced; the next response opens it again."""
        if self._out is not None:
            os.fsync(self._out)
            os.close(self._out)
            self._out = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


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
