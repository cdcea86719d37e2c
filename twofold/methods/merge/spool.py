"""Where do matrices wait that memory has no room for? On disk, in a file without a name.

Such a file is gone when it is closed, however the process ends, and what the kernel keeps of it in memory it
gives back when another needs the room.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple, Self, final

import torch

from twofold.methods.merge.weights import as_bytes, filled
from twofold.storage.writing import named_disk_errors


class _Piece(NamedTuple):
    """Where some rows lie in the file."""

    at: int
    shape: tuple[int, ...]
    dtype: torch.dtype


@final
class Spool:
    """Rows by name, written piece by piece and read back in the same pieces, bit by bit.

    Args:
        folder: Where there is room for them.

    Raises:
        RunError: If the disk is full.

    Example:
        >>> with Spool(Path(".")) as spool:
        ...     for rows in ([[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]]):
        ...         spool.add("a", torch.tensor(rows))
        ...     [piece.tolist() for piece in spool.pieces("a")]
        [[[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]]]
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with named_disk_errors(folder):
            self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `__exit__`
        self._pieces: dict[str, list[_Piece]] = {}
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in the order in which they came."""
        return tuple(self._pieces)

    def add(self, name: str, rows: torch.Tensor) -> None:
        """Write rows behind those that the name has."""
        written = as_bytes(rows.cpu())
        with named_disk_errors(self._folder):
            self._file.seek(self._end)
            self._file.write(written)
            self._file.flush()  # a full disk is said here, not at a later read
        piece = _Piece(self._end, tuple(rows.shape), rows.dtype)
        self._pieces.setdefault(name, []).append(piece)
        self._end += len(written)

    def pieces(self, name: str) -> Iterator[torch.Tensor]:
        """The rows of a name as they came, each piece in memory of its own."""
        for at, shape, dtype in self._pieces[name]:
            n_bytes = torch.Size(shape).numel() * dtype.itemsize
            buffer = filled(self._file, at, n_bytes)
            yield torch.frombuffer(buffer, dtype=dtype).view(shape)

    def shape(self, name: str) -> tuple[int, int]:
        """How many rows a name has, and their width."""
        pieces = self._pieces[name]
        return sum(each.shape[0] for each in pieces), pieces[0].shape[1]
