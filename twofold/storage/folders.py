"""How is a folder of files written? As a whole beside its place, and then renamed.

A manifest in it says which files we wrote. A folder is replaced only if nothing in it differs from that.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import TypeAdapter

from twofold.errors import RunError
from twofold.storage.os_errors import os_errors
from twofold.storage.reading import InputFile, Kind, kind_of, names
from twofold.storage.writing import named_disk_errors

MANIFEST = "twofold.json"


def replace_folder(path: Path, files: Mapping[str, bytes], about: Mapping[str, object]) -> None:
    """Write a folder with these files and a manifest, as a whole or not at all.

    Args:
        path: The folder: new, empty, or one that this function wrote and nobody changed.
        files: The content of each file by its name.
        about: What else the manifest says, as JSON values.

    Raises:
        RunError: If there is something else at `path`, or the disk is full; what was there is intact.
    """
    refuse_other_folders(path)
    path = Path(os.path.realpath(path))
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = json.dumps({**about, "files": hashes}, indent=1, ensure_ascii=False)
    aside = path.with_name(f".{path.name[:100]}.{uuid4().hex}")
    try:
        with named_disk_errors(path):
            aside.mkdir(parents=True)
            for name, content in {**files, MANIFEST: manifest.encode()}.items():
                with (aside / name).open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            old = aside.with_suffix(".old")
            if kind_of(path) is Kind.folder:
                path.rename(old)
            aside.rename(path)
        shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def flush(folder: Path) -> None:
    """Have the files of a folder written to the disk, which a power cut could otherwise lose."""
    for path in [*folder.rglob("*"), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def refuse_other_folders(path: Path) -> None:
    """Refuse an output folder that holds anything but what `replace_folder` wrote.

    Raises:
        RunError: If it may not be replaced; nothing was changed.
    """
    kind = kind_of(path)
    if kind is Kind.missing:
        return
    if kind is not Kind.folder:
        raise RunError(f"{path} is no folder; choose another --out")
    there = {*names(path)}
    if there and not _is_own(path, there):
        raise RunError(
            f"{path} holds something else than what this command wrote there. Nothing was changed; "
            "choose another --out, or move that folder away"
        )


def _is_own(path: Path, there: set[str]) -> bool:
    """Whether the manifest tells of every file, as it is."""
    if MANIFEST not in there:
        return False
    try:
        wrote = InputFile(path / MANIFEST).json(TypeAdapter(dict[str, Any]))
    except RunError:
        return False
    hashes = wrote.get("files")
    if not isinstance(hashes, dict) or {*hashes, MANIFEST} != there:
        return False
    with os_errors(path, "read"):
        return all(
            kind_of(path / name) is Kind.file
            and hashlib.sha256((path / name).read_bytes()).hexdigest() == known
            for name, known in hashes.items()
        )
