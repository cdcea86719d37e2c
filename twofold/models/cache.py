"""How are results reused? By a small store on disk from a content hash to a text.

Replies are stored under the hash of everything that decides them (weights, rendered prompt,
sampling, seed, sample index), judges' verdicts under that of judge, question and reply. So an entry
is never stale, and processes can share the store. A cache that cannot be read or written costs one
warning, not the run.
"""

import hashlib
import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, final

from twofold.errors import ModelError

_log = logging.getLogger(__name__)
_WAIT_S = 30.0  # time to wait for another process to finish writing
# After this time a further change of a file has another time stamp, on any file system, in ns.
_SETTLED_NS = 3 * 10**9


def cache_folder() -> Path:
    """`TWOFOLD_CACHE`, else `twofold` in the user's cache folder; it may be deleted between runs."""
    named = os.environ.get("TWOFOLD_CACHE")
    if named:
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "twofold"


def content_key(*content: object) -> str:
    """The SHA-256 of JSON values, in hex."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Stamp(NamedTuple):
    """What the system knows of a file's content: a file that was written again has another stamp.

    Size and time of modification alone are set by any program that copies files. The time of change
    and the number of the file are set by the system.
    """

    device: int
    number: int
    size: int
    modified_ns: int
    changed_ns: int


def stamp(path: Path) -> Stamp:
    """The stamp of a file, through links."""
    found = path.stat()
    return Stamp(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@final
class Cache:
    """Texts by content key, in one SQLite file that several processes may use; no folder = no cache.

    Threads take turns: a connection that one closes while another reads would end the process.
    """

    def __init__(self, folder: Path | None) -> None:
        self._file = folder / "cache.sqlite3" if folder else None
        self._connection: sqlite3.Connection | None = None
        self._turn = threading.RLock()

    def __reduce__(self) -> tuple[type["Cache"], tuple[Path | None]]:
        """Another process opens the file itself."""
        return Cache, (self._file.parent if self._file else None,)

    def get(self, keys: Iterable[str]) -> dict[str, str]:
        """The stored texts, by key."""
        found: dict[str, str] = {}
        query = "SELECT key, value FROM entries WHERE key IN (SELECT value FROM json_each(?))"
        with self._turn:
            try:
                if connection := self._connect():
                    found.update(connection.execute(query, [json.dumps([*keys])]).fetchall())
            except (sqlite3.Error, OSError) as error:
                self._disable(error)
        return found

    def put(self, entries: Mapping[str, str]) -> None:
        """Store `entries`, all or none; an existing entry stays."""
        query = "INSERT OR IGNORE INTO entries VALUES (?, ?)"
        with self._turn:
            try:
                if connection := self._connect():
                    with connection:
                        connection.executemany(query, list(entries.items()))
            except (sqlite3.Error, OSError) as error:
                self._disable(error)

    def file_sha256(self, path: Path) -> str:
        """A file's SHA-256 in hex, recomputed only if its stamp changed.

        The stamp of a file that was changed just now may not show the next change, so its hash is not
        kept.

        Raises:
            ModelError: If the file cannot be read.
        """
        try:
            before = stamp(path)
            key = content_key("file", str(path.resolve()), *before)
            known = self.get([key]).get(key)
            if known is None:
                with path.open("rb") as file:
                    known = hashlib.file_digest(file, "sha256").hexdigest()
                settled = time.time_ns() - before.changed_ns > _SETTLED_NS
                if settled and stamp(path) == before:
                    self.put({key: known})
        except OSError as error:
            raise ModelError(
                f"{path} cannot be read ({error.strerror}); check the file and its permissions"
            ) from error
        return known

    def close(self) -> None:
        """Close the file; it is reopened when needed."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def __del__(self) -> None:
        self.close()

    def _connect(self) -> sqlite3.Connection | None:
        if self._connection is None and self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                self._file, timeout=_WAIT_S, check_same_thread=False
            )  # a server's threads may call a judge; they take turns
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            with self._connection:
                self._connection.execute(
                    "CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value TEXT NOT NULL)"
                    " WITHOUT ROWID"
                )
        return self._connection

    def _disable(self, error: Exception) -> None:
        _log.warning(
            "the cache %s cannot be used (%s), going on without it; free disk space, delete the "
            "file, or set TWOFOLD_CACHE to another folder",
            self._file,
            error,
        )
        with self._turn:
            self._file = None
            self.close()
