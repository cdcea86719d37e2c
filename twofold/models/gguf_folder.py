"""How is a folder made of a GGUF file, once and whole?

It lies in the cache under the file's hash. It gets its name when all of it is written, so that a process
that is killed leaves nothing that looks like a model; of several processes one makes it.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from twofold.errors import ModelError
from twofold.models.cache import Cache, cache_folder
from twofold.models.gguf_header import Header, header_of
from twofold.storage.folders import flush
from twofold.storage.os_errors import os_errors

TEMPLATE = "tokenizer.chat_template"
_INDEX, _SINGLE = "model.safetensors.index.json", "model.safetensors"
# What every folder has besides its weights.
_FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
)
_VERSION = 2  # of the folders; those of an earlier one are made again (1: other tokens, see `gguf_tokenizer`)


def sha256_of(source: Path) -> str:
    """The file's SHA-256 in hex; see `Cache.file_sha256`.

    Raises:
        ModelError: If the file is missing, or cannot be read.
    """
    if not source.is_file():
        header_of(source)  # which says so
    return Cache(cache_folder()).file_sha256(source)


def made_once(
    source: Path,
    sha256: str,
    name: str,
    n_bytes: Callable[[Header], int],
    write: Callable[[Header, Path], None],
    *,
    weights: bool = True,
) -> Path:
    """The folder made of `source`, written on the first call, and again if it has lost a file.

    Args:
        source: The file.
        sha256: Its hash; see `sha256_of`.
        name: What the folder's name begins with; the hash follows.
        n_bytes: How much room it takes on the disk.
        write: Writes into an empty folder.
        weights: Whether the folder has weights.

    Raises:
        ModelError: If the file cannot be used (see `header_of`), is no language model, has no chat
            template, was written to while it was converted, or the disk is full.
    """
    target = cache_folder() / "models" / f"{name}-{sha256[:16]}-{_VERSION}"
    if not _is_whole(target, weights=weights):
        header = header_of(source)
        _require_chat(source, header)

        def written(folder: Path) -> None:
            write(header, folder)
            if sha256_of(source) != sha256:  # a download goes on, or the file was replaced
                raise ModelError(
                    f"{source} was changed while it was converted; give the same command again when it "
                    "is complete"
                )

        with _alone(target):
            if not _is_whole(target, weights=weights):
                _make(source, target, n_bytes(header), written)
    return target


def _is_whole(folder: Path, *, weights: bool) -> bool:
    """Whether no file is missing: what cleans a cache may take single ones."""
    parts = {_SINGLE} if weights else set()
    if weights and (folder / _INDEX).is_file():
        try:
            parts = {
                *json.loads((folder / _INDEX).read_text(encoding="utf-8"))["weight_map"].values()
            }
        except (ValueError, LookupError):
            return False
    return all((folder / name).is_file() for name in (*_FILES, *parts))


def _require_chat(source: Path, header: Header) -> None:
    """Refuse what is no language model, or one that cannot be asked in its own format."""
    kind = str(header.settings.get("general.type", "model"))
    if kind != "model" or not header.architecture:
        raise ModelError(
            f"{source} holds {f'a thing of the type {kind!r:.40}' if kind != 'model' else 'no architecture'}"
            ", and no language model; name the file of the whole model"
        )
    template = header.settings.get(TEMPLATE)
    if not isinstance(template, str) or not template.strip():
        raise ModelError(
            f"{source} has no chat template, so nobody knows how to ask it; take the instruct model of "
            "its family, or add the template to the file (`gguf-new-metadata --chat-template-file`)"
        )


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Keep other processes from making the same folder; the system lets go of one that is killed."""
    with os_errors(target.parent, "write", ModelError):
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(target.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _make(source: Path, target: Path, n_bytes: int, write: Callable[[Path], None]) -> None:
    """Write a folder beside `target`, which takes its name when it is whole."""
    work = target.with_suffix(".partial")
    try:
        shutil.rmtree(work, ignore_errors=True)  # of a process that was killed
        if target.exists():
            os.rename(target, work)  # so that no kill leaves a part of it under its name
            shutil.rmtree(work)
        free = shutil.disk_usage(target.parent).free
        if free < n_bytes:
            raise _no_room(source, n_bytes, target.parent, f"{free:,} bytes are free")
        work.mkdir()
        write(work)
        flush(work)
        os.rename(work, target)
    except OSError as error:
        raise _no_room(source, n_bytes, target.parent, error.strerror or str(error)) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _no_room(source: Path, n_bytes: int, folder: Path, why: str) -> ModelError:
    return ModelError(
        f"{source} cannot be converted: it needs {n_bytes:,} bytes under {folder}, and there: {why}. "
        "Free some space, or set TWOFOLD_CACHE to a folder on another disk"
    )
