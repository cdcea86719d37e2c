"""What does a GGUF file say of itself, before its weights are read?

The `gguf` package's own reader makes Python objects of every token, which takes most of a minute for a
vocabulary of 150,000. Here lists are passed over, and every length is checked against the file, so that
a file that was cut off or is no GGUF is an error with a remedy.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3.
"""

import math
import mmap
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

from twofold.errors import ModelError
from twofold.storage.os_errors import os_errors

Value = str | int | float | bool

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_SCALARS = dict(zip((0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12), "BbHhIif?Qqd", strict=True))
_TEXT, _LIST = 8, 9
_PART = re.compile(
    r"-\d{5}-of-(\d{5})\.gguf", re.IGNORECASE
)  # the names that llama.cpp's splitter gives


@final
@dataclass(frozen=True, kw_only=True)
class Tensor:
    """One tensor: the number of its format, and where its bytes lie after the header."""

    name: str
    shape: tuple[int, ...]
    format: int
    offset: int

    @property
    def n_values(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@final
@dataclass(frozen=True, kw_only=True)
class Header:
    """Settings by key (lists are left out), and the tensors, whose bytes begin at `start`."""

    settings: Mapping[str, Value]
    tensors: tuple[Tensor, ...]
    start: int

    @property
    def architecture(self) -> str:
        """llama.cpp's name of the architecture; "" if the file does not say."""
        return str(self.settings.get("general.architecture", ""))

    @property
    def n_values(self) -> int:
        """How many numbers all tensors hold."""
        return sum(tensor.n_values for tensor in self.tensors)


def header_of(file: Path) -> Header:
    """Read the header, and check that the file holds what it announces.

    Raises:
        ModelError: If the file is missing, no GGUF, cut off, or one part of several.
    """
    if not file.is_file():
        raise ModelError(
            f"there is no file {file}; check the path (a `.gguf` file is never fetched from the hub)"
        )
    with os_errors(file, "read", ModelError), file.open("rb") as opened:
        if opened.read(4) != _MAGIC:
            raise ModelError(
                f"{file} is no GGUF file; check the path, or download it again (a pointer of Git LFS "
                "becomes the file by `git lfs pull`)"
            )
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                found = _Reader(data).header()
            except (struct.error, ValueError, LookupError, OverflowError) as error:
                raise _cut_off(file, f"its header cannot be read: {error}") from error
            _require_whole(file, found, len(data))
    named, counted = _PART.search(file.name), found.settings.get("split.count")
    n_parts = int(named[1]) if named else counted if isinstance(counted, int) else 1
    if n_parts > 1:
        raise ModelError(
            f"{file} is one of {n_parts} parts of a model; join them first, with llama.cpp's "
            "`llama-gguf-split --merge FIRST_PART WHOLE.gguf`, and name the whole file"
        )
    return found


def _require_whole(file: Path, header: Header, n_bytes: int) -> None:
    """Refuse a file that ends before its last tensor does, or has a tensor of an unknown format."""
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    known = {each.value for each in GGMLQuantizationType}
    for tensor in header.tensors:
        if tensor.format not in known:
            raise ModelError(
                f"{file} holds {tensor.name!r:.80} in the format {tensor.format}, which the package gguf "
                "does not know; update it (pip install -U gguf), or download the file again"
            )
        per_block, block_bytes = GGML_QUANT_SIZES[GGMLQuantizationType(tensor.format)]
        end = header.start + tensor.offset + tensor.n_values // per_block * block_bytes
        if end > n_bytes:
            raise _cut_off(file, f"it has {n_bytes:,} bytes, and {tensor.name} ends at {end:,}")


def _cut_off(file: Path, why: str) -> ModelError:
    return ModelError(f"{file} is cut off or broken ({why:.200}); download or copy it again")


class _Reader:
    """Reads values one after the other; `struct.error` or `ValueError` where the bytes end."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = len(_MAGIC)

    def header(self) -> Header:
        version = self._number("I")
        if version not in _VERSIONS:
            raise ValueError(f"version {version}, and {_VERSIONS} are supported")
        n_tensors, n_settings = self._number("Q"), self._number("Q")
        settings: dict[str, Value] = {}
        for _ in range(n_settings):
            key = self._text()
            value = self._value(self._number("I"))
            if value is not None:
                settings[key] = value
        tensors = tuple(self._tensor() for _ in range(n_tensors))
        step = int(settings.get("general.alignment", 32))
        return Header(
            settings=settings,
            tensors=tensors,
            start=math.ceil(self._at / step) * step if step else 0,
        )

    def _tensor(self) -> Tensor:
        name = self._text()
        shape = tuple(self._number("Q") for _ in range(self._number("I")))
        return Tensor(name=name, shape=shape, format=self._number("I"), offset=self._number("Q"))

    def _value(self, kind: int) -> Value | None:
        """A value; None for a list, which is passed over."""
        if kind == _TEXT:
            return self._text()
        if kind != _LIST:
            return self._number(_SCALARS[kind])
        item, n = self._number("I"), self._number("Q")
        if item == _TEXT:
            for _ in range(n):
                self._skip(self._number("Q"))
        else:
            self._skip(n * struct.calcsize(f"<{_SCALARS[item]}"))
        return None

    def _number(self, kind: str) -> int:
        (value,) = struct.unpack_from(f"<{kind}", self._data, self._at)
        self._at += struct.calcsize(f"<{kind}")
        return value  # type: ignore[no-any-return]

    def _text(self) -> str:
        n = self._number("Q")
        begin = self._at
        self._skip(n)
        return self._data[begin : self._at].decode("utf-8")

    def _skip(self, n: int) -> None:
        if n > len(self._data) - self._at:
            raise ValueError(f"{n:,} bytes are announced at {self._at:,}, where the file ends")
        self._at += n
