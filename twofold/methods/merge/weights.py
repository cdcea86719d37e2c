"""How are weights read and written without being in memory? Block by block, past the page cache's maps.

A mapped file counts as memory once it was touched, and safetensors are read through a map. So the library
checks each file's header here, and the numbers are read from the file itself.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from safetensors import SafetensorError, safe_open

from twofold.errors import ModelError
from twofold.models.checkpoint import Checkpoint
from twofold.storage.writing import named_disk_errors

# The number formats of safetensors that weights have; others are copied, never merged.
FORMATS = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}

_PIECE = 1 << 22  # bytes that are copied at once


@final
@dataclass(frozen=True)
class Stored:
    """Where a tensor lies: `n_bytes` from byte `at` of `file` on."""

    file: Path
    format: str
    shape: tuple[int, ...]
    at: int
    n_bytes: int

    @property
    def matrix(self) -> tuple[int, int]:
        """Rows and width: everything behind the first dimension is one row."""
        n_rows = self.shape[0] if self.shape else 1
        return n_rows, math.prod(self.shape[1:])


@final
class Weights:
    """The tensors of a checkpoint, by name, in the order of its files.

    Raises:
        ModelError: If a file is broken.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.spec = checkpoint.spec
        self.files = checkpoint.weights()
        self.tensors: dict[str, Stored] = {}
        for file in self.files:
            for name, found in stored(file).items():
                if name in self.tensors:
                    raise ModelError(f"{self.spec} holds {name} twice; copy the model again")
                self.tensors[name] = found

    def rows(self, name: str, start: int, stop: int) -> torch.Tensor:
        """Rows of a tensor as float32, `(rows, width)`, in memory of its own."""
        return read_rows(self.tensors[name], start, stop)

    def pieces(self, name: str) -> Iterator[bytes | bytearray]:
        """The bytes of a tensor as they are."""
        found = self.tensors[name]
        with found.file.open("rb", buffering=0) as file:
            for start in range(0, found.n_bytes, _PIECE):
                yield filled(file, found.at + start, min(_PIECE, found.n_bytes - start))

    def of_file(self, file: Path) -> list[str]:
        """The tensors of one file, in the order of their bytes."""
        mine = [name for name, each in self.tensors.items() if each.file == file]
        return sorted(mine, key=lambda name: self.tensors[name].at)


def stored(path: Path) -> dict[str, Stored]:
    """The tensors of a file whose header the library accepts; none of their numbers is read.

    Raises:
        ModelError: If the file is broken.
    """
    try:
        with safe_open(path, "pt") as checked:
            names = {*checked.keys()}
        with path.open("rb") as file:
            n_header = int.from_bytes(file.read(8), "little")
            header: dict[str, Any] = json.loads(file.read(n_header))
    except (OSError, ValueError, SafetensorError) as error:
        words = " ".join(str(error).split())[:200]
        raise ModelError(f"{path} cannot be read ({words}); copy the model again") from error
    header.pop("__metadata__", None)
    found = {}
    for name in names:
        begin, end = header[name]["data_offsets"]
        shape = tuple(header[name]["shape"])
        found[name] = Stored(path, header[name]["dtype"], shape, 8 + n_header + begin, end - begin)
    return dict(sorted(found.items(), key=lambda each: each[1].at))


def read_rows(found: Stored, start: int, stop: int) -> torch.Tensor:
    """Rows of a tensor as float32, `(rows, width)`, in memory of its own."""
    _, width = found.matrix
    each = FORMATS[found.format]
    size = width * each.itemsize
    with found.file.open("rb", buffering=0) as file:
        buffer = filled(file, found.at + start * size, (stop - start) * size)
    read = torch.frombuffer(buffer, dtype=each).view(stop - start, width)
    return read if each is torch.float32 else read.float()


def filled(file: Any, at: int, n_bytes: int) -> bytearray:
    """`n_bytes` of a file, from byte `at` on."""
    buffer = bytearray(n_bytes)
    file.seek(at)
    view = memoryview(buffer)
    while view:
        n = file.readinto(view)
        if not n:
            raise ModelError(f"{file.name} ends too early; copy the model again")
        view = view[n:]
    return buffer


def write(path: Path, like: Mapping[str, Stored], pieces: Iterable[bytes | bytearray]) -> None:
    """Write a safetensors file beside `path`, then rename it.

    Args:
        path: The file.
        like: Formats and shapes of its tensors, in the order of `pieces`.
        pieces: The bytes of all tensors, one after the other.

    Raises:
        RunError: If the disk is full; nothing is left of the file.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, each in like.items():
        ends = [at, at + each.n_bytes]
        header[name] = {"dtype": each.format, "shape": list(each.shape), "data_offsets": ends}
        at += each.n_bytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    temporary = path.with_name(f".{path.name}.part")
    try:
        with named_disk_errors(path):
            with temporary.open("wb") as file:
                file.write(len(text).to_bytes(8, "little") + text)
                for piece in pieces:
                    file.write(piece)
                written = file.tell()
                file.flush()
                os.fsync(file.fileno())
            assert written == 8 + len(text) + at, "pieces and header differ"
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def as_bytes(rows: torch.Tensor) -> bytes:
    """Rows as they stand in a file."""
    return rows.contiguous().view(-1).view(torch.uint8).numpy().tobytes()
