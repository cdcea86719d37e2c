"""The run directory: what is finished is on disk, once, and stays there.

Responses are appended a line at a time, each line in one `write`, so that `kill -9` can at worst
leave half a last line; opening the directory again cuts that half off and everything before it
counts as done. A line that is broken anywhere else is an error that names it: somebody's data is
never dropped in silence. A directory is bound to what made it (models, problems, sampling, seeds);
another command is refused. Everything but the responses is remade from them, and replaced whole.
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
from types import TracebackType
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

FORM = 2
"""The form of a run's files; another form is refused with one clear error."""


@final
class RunDir:
    """One run on disk. Open it with `RunDir.open`, which makes or resumes it.

    Args:
        path: The directory.
        rank: Which process of the run this is; each appends to a file of its own.

    Example:
        >>> import tempfile
        >>> home = Path(tempfile.mkdtemp()) / "run"
        >>> with RunDir.open(home, {"seed": 0}, {}) as run:
        ...     run.append(Item("model", "unconstrained", "a1", 0), Response(raw="7", reply="7"))
        >>> with RunDir.open(home, {"seed": 0}, {}) as run:  # the same command again
        ...     sorted(item.problem for item in run.finished())
        ['a1']
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
        """Make the directory, or resume it if the same work made it.

        Args:
            path: Where; made if it is not there.
            identity: What decides the replies, as JSON values: another identity is refused.
            about: What else the manifest should say (command, versions); does not bind.
            rank: Which process this is; only rank 0 writes the manifest.

        Raises:
            RunError: The directory holds something else, another process is at work in it, or it
                cannot be written.
        """
        run = cls(path, rank=rank)
        wanted = json.loads(dumps(identity))
        with named_disk_errors(path):
            if path.exists() and not path.is_dir():
                raise RunError(f"{path} is a file; choose a directory with --out")
            path.mkdir(parents=True, exist_ok=True)
            run._take_lock()
        try:
            run._bind(wanted, about)
            run._mend()
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
                f"another twofold process is at work in {self.path}; wait for it, or choose another --out"
            ) from error

    def _bind(self, identity: Row, about: Mapping[str, Any]) -> None:
        manifest = self.path / "manifest.json"
        if manifest.exists():
            there = self.manifest().get("identity", {})
            differing = _differences(there, identity)
            if differing:
                raise RunError(
                    f"{self.path} holds a run that was made otherwise: {'; '.join(differing)}. Nothing "
                    "was changed. Choose another --out, or give the command that made it to resume it."
                )
            return
        if self.rank != 0:
            return
        if strangers := sorted(
            p.name for p in self.path.iterdir() if not p.name.startswith((".lock", ".manifest"))
        ):
            raise RunError(
                f"{self.path} is not empty and is no run directory (it holds {', '.join(strangers[:3])}); "
                "choose another --out"
            )
        with replaced(manifest) as file:
            json.dump(
                {"form": FORM, "identity": identity, **about}, file, indent=1, ensure_ascii=False
            )

    def _mend(self) -> None:
        """Cut torn lines and take in what other processes of an earlier run left behind.

        Only rank 0 does this, before the others open the directory. Killed at any moment, it can
        be done again: a response is taken in only if it is not there yet.
        """
        if self.rank != 0:
            return
        for left_over in self.path.glob(".*.json*.*"):  # half a table of a killed run
            left_over.unlink()
        for path in self.path.glob("responses*.jsonl"):
            cut_torn_line(path)
        self.absorb()
        self._drop_failed()

    def _drop_failed(self) -> None:
        """Forget the calls that failed, so that the same command asks for them again."""
        path = self._responses
        if path.exists() and any(
            row["finish_reason"] == FinishReason.failed for row in read_lines(path)
        ):
            kept = (
                dumps(row)
                for row in read_lines(path)
                if row["finish_reason"] != FinishReason.failed
            )
            with replaced(path) as file:
                file.writelines(line + "\n" for line in kept)
            self._stop_appending()

    def absorb(self) -> None:
        """Move the responses of the other processes into `responses.jsonl`, once they are done."""
        others = sorted(self.path.glob("responses.rank*.jsonl"))
        if not others:
            return
        here = (
            {Item.of(row) for row in read_lines(self._responses)}
            if self._responses.exists()
            else set()
        )
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
        """What the run was made from.

        Raises:
            RunError: If there is no manifest, or it cannot be read.
        """
        path = self.path / "manifest.json"
        try:
            loaded: Row = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise RunError(
                f"{self.path} is no run directory (manifest.json is missing); give the directory "
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

    def require(self, *names: str) -> None:
        """Make sure that the files are there.

        Raises:
            RunError: If one is missing, which means that the run was not finished.
        """
        for name in names:
            if not (self.path / name).exists():
                raise RunError(
                    f"{self.path} is not finished ({name} is missing); give the command that made it "
                    "again to go on"
                )

    def rows(self) -> Iterator[Row]:
        """Every saved response, of all processes, in the order of writing."""
        for path in sorted(self.path.glob("responses*.jsonl")):
            yield from read_lines(path)

    def finished(self) -> set[Item]:
        """The items that are on disk.

        Raises:
            RunError: If one is there twice (two files were put together by hand, say).
        """
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
        """Save one finished response; when this returns, the process may be killed.

        Raises:
            RunError: If the disk is full.
        """
        line = (dumps(item.to_json() | response.to_json()) + "\n").encode("utf-8", LONE)
        with named_disk_errors(self._responses):
            if self._out is None:
                self._out = os.open(self._responses, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            written = os.write(self._out, line)
            if written != len(line):  # a full disk may take half: the torn line is cut at resume
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def sort(self, key: Callable[[Item], tuple[str, str, int, int]]) -> None:
        """Put `responses.jsonl` in the order of `key`, so that equal runs are equal files."""
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
        """Replace the table `name` (`verdicts.jsonl`) by `rows`, whole or not at all."""
        with replaced(self.path / name) as file:
            for row in rows:
                file.write(dumps(row) + "\n")

    @contextmanager
    def growing(self, name: str) -> Iterator[Callable[[Row], None]]:
        """A table that is appended to row by row; torn and failed rows of an earlier try are dropped.

        Args:
            name: Its file.

        Yields:
            What saves a row: when it returns, the process may be killed.
        """
        path = self.path / name
        if path.exists():
            cut_torn_line(path)
            if any("retry" in row for row in read_lines(path)):
                kept = [row for row in read_lines(path) if "retry" not in row]
                self.write_table(name, kept)
        with named_disk_errors(path), path.open("ab", buffering=0) as file:

            def save(row: Row) -> None:
                file.write((dumps(row) + "\n").encode("utf-8", LONE))

            yield save

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Replace the JSON file `name` by `value`, whole or not at all."""
        with replaced(self.path / name) as file:
            json.dump(value, file, indent=1, ensure_ascii=False, allow_nan=False)

    def close(self) -> None:
        """Let the directory go; what was appended is on disk."""
        self._stop_appending()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _stop_appending(self) -> None:
        """Close the file; the next response opens it again (it may have been replaced)."""
        if self._out is not None:
            os.fsync(self._out)
            os.close(self._out)
            self._out = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _differences(there: Any, here: Any, at: str = "") -> list[str]:
    """Where two identities differ, each in words: `sampling.max_tokens was 256, now 512`."""
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
