"""What do vectors span? Orthonormal bases, found one after the other and kept in one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import final

import torch

from twofold.methods.merge.spool import Spool
from twofold.methods.merge.weights import Stored, as_bytes, write

# Directions whose singular value is below this share of the largest are rounding of float32 activations.
_ROUNDING = 1e-6
# Inputs that are collected before they are compressed to a square matrix.
_MOST_ROWS = 4096


def write_bases(path: Path, inputs: Spool, record_of: Mapping[str, str]) -> None:
    """Write a basis of each layer's inputs, with one record in memory at a time.

    Args:
        path: The file: for each key of `record_of`, orthonormal columns, `(width, rank)`, in float32.
        inputs: Records of inputs, row by row.
        record_of: The record of each layer; layers with one record have the same basis.

    Raises:
        RunError: If the disk is full.
    """
    with Spool(path.parent) as bases:
        for record in inputs.names:
            bases.add(record, basis_of(inputs, record))
        shapes = {name: bases.shape(record) for name, record in record_of.items()}
        like = {
            name: Stored(path, "F32", shape, 0, 4 * shape[0] * shape[1])
            for name, shape in shapes.items()
        }
        pieces = (as_bytes(rows) for record in record_of.values() for rows in bases.pieces(record))
        write(path, like, pieces)


def basis_of(inputs: Spool, record: str) -> torch.Tensor:
    """The basis of one record; see `Span.basis`."""
    span = Span()
    for rows in inputs.pieces(record):
        span.add(rows)
    return span.basis()


@final
class Span:
    """The span of vectors that come row by row, in no more memory than its width squared."""

    def __init__(self) -> None:
        self._rows: list[torch.Tensor] = []
        self._n_rows = 0

    def add(self, rows: torch.Tensor) -> None:
        """Take in rows, `(tokens, width)`."""
        self._n_rows += len(rows)
        self._rows.append(rows.detach().double().cpu())
        if self._n_rows > max(_MOST_ROWS, 2 * rows.shape[1]):
            self._compress()

    def _compress(self) -> None:
        """Put a triangular matrix with the same span and the same lengths in the rows' place."""
        joined = torch.cat(self._rows)
        self._rows.clear()
        if len(joined) > joined.shape[1]:
            joined = torch.linalg.qr(joined, mode="r")[1]
        self._rows, self._n_rows = [joined], len(joined)

    def basis(self) -> torch.Tensor:
        """Orthonormal columns that span the rows, `(width, rank)`, in float32."""
        self._compress()
        _, lengths, directions = torch.linalg.svd(self._rows[0], full_matrices=False)
        rank = int((lengths > _ROUNDING * lengths[0]).sum())
        found: torch.Tensor = directions[:rank].T.float().contiguous()
        return found
