"""Does the cache keep what it is given, among several processes, and never cost a run?"""

import hashlib
import logging
import os
import pickle
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest

from twofold.models.cache import Cache, cache_folder, content_key


def test_what_is_put_is_found_again_by_another_cache(tmp_path: Path) -> None:
    entries = {content_key(i): f"reply {i} ☃\n" for i in range(1200)}
    first = Cache(tmp_path / "new" / "folder")
    first.put(entries)
    assert Cache(tmp_path / "new" / "folder").get([*entries, "unknown"]) == entries


def test_what_came_first_stays(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put({"k": "first"})
    cache.put({"k": "second", "l": "x"})
    assert cache.get(["k", "l"]) == {"k": "first", "l": "x"}


def test_without_a_folder_nothing_is_remembered(tmp_path: Path) -> None:
    off = Cache(None)
    off.put({"k": "v"})
    assert off.get(["k"]) == {}
    assert list(tmp_path.iterdir()) == []


def test_the_key_follows_the_content() -> None:
    assert content_key({"a": 1, "b": [2]}, 0) == content_key({"b": [2], "a": 1}, 0)
    assert content_key({"a": 1}, 0) != content_key({"a": 1}, 1)
    assert content_key("ab", "c") != content_key("a", "bc")
    assert content_key("\ud800") != content_key("\ud801")  # half a surrogate pair is no crash


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from twofold.models.cache import Cache\n"
        "cache = Cache(Path(sys.argv[1]))\n"
        "for i in range(40): cache.put({f'{sys.argv[2]}/{i}': 'x', f'both/{i}': 'y'})"
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), name],
            stderr=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        for name in ("a", "b", "c")
    ]
    for writer in writers:
        assert writer.communicate()[1] == b""
        assert writer.returncode == 0
    wanted = [f"{name}/{i}" for name in ("a", "b", "c", "both") for i in range(40)]
    assert len(Cache(tmp_path).get(wanted)) == 160


@pytest.mark.parametrize("trouble", ["corrupt", "is a folder", "unwritable"])
def test_a_broken_cache_costs_one_line_and_no_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    folder = tmp_path
    if trouble == "corrupt":
        (tmp_path / "cache.sqlite3").write_bytes(b"not a database, but long enough" * 100)
    elif trouble == "is a folder":
        (tmp_path / "cache.sqlite3").mkdir()
    else:
        (tmp_path / "file").write_text("a file where a folder should be")
        folder = tmp_path / "file" / "cache"
    cache = Cache(folder)
    with caplog.at_level(logging.WARNING):
        assert cache.get(["k"]) == {}
        cache.put({"k": "v"})
        assert cache.get(["k"]) == {}
    (line,) = caplog.messages
    assert "going on without it" in line
    assert "set TWOFOLD_CACHE" in line


def test_a_full_disk_costs_no_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = Cache(tmp_path)
    cache.put({"k": "v"})
    connection = cache._connect()
    assert connection is not None
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages}")  # SQLite's own way to be full
    cache.put({"big": "x" * 1_000_000})
    assert "full" in caplog.text
    assert Cache(tmp_path).get(["k", "big"]) == {"k": "v"}


def test_a_locked_cache_costs_no_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twofold.models.cache._WAIT_S", 0.01)
    cache = Cache(tmp_path)
    cache.put({"k": "v"})
    other = sqlite3.connect(tmp_path / "cache.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    cache.put({"l": "v"})
    other.execute("ROLLBACK")
    other.close()
    assert "locked" in caplog.text


def test_a_file_hash_is_remembered_until_the_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Size and time alone do not show it; that the hash is read from the store, the stamp does."""
    file, cache = tmp_path / "f", Cache(tmp_path / "cache")
    file.write_bytes(b"abc")
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1
    times = file.stat()
    monkeypatch.setattr("twofold.models.cache._SETTLED_NS", -1)  # as if it were written long ago
    assert cache.file_sha256(file) == abc
    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("the file was read again"))
        assert cache.file_sha256(file) == abc
    time.sleep(0.05)  # longer than the system's clock ticks
    file.write_bytes(b"abd")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert cache.file_sha256(file) == hashlib.sha256(b"abd").hexdigest()


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TWOFOLD_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("TWOFOLD_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "twofold"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "twofold"


def test_threads_take_turns_also_when_the_file_is_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without turns, transactions of two threads mixed, and one closed what another read: a crash."""
    cache = Cache(tmp_path)
    wrong: list[tuple[int, int]] = []

    def work(n: int) -> None:
        for i in range(60):
            cache.put({f"{n}-{i}": str(i)})
            if cache.get([f"{n}-{i}"]) not in ({f"{n}-{i}": str(i)}, {}):
                wrong.append((n, i))

    threads = [Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and not caplog.records
    assert cache.get(["5-59", "0-0"]) == {"5-59": "59", "0-0": "0"}
    again = pickle.loads(pickle.dumps(cache))
    assert again.get(["5-59"]) == {"5-59": "59"}
    # one thread gives the cache up while the others use it
    threads = [Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    cache._disable(OSError("no space left"))
    for thread in threads:
        thread.join()
    assert not wrong and len(caplog.records) == 1
