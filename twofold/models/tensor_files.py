"""How are tensors kept on disk? As safetensors, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import torch
from pydantic import TypeAdapter
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from twofold.errors import ModelError
from twofold.storage.writing import check_regular, dumps, named_disk_errors

_NOTE = "about"
_NOTES: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])


def save_tensors(
    path: Path, tensors: Mapping[str, torch.Tensor], about: Mapping[str, str] | None = None
) -> None:
    """Write tensors and notes about them beside `path`, then rename: a kill leaves no half of a file.

    Raises:
        RunError: If the disk is full, or the path is no file's.
    """
    check_regular(path)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with named_disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            whole: dict[str, torch.Tensor] = {}
            for name, each in tensors.items():
                own = each.detach().cpu().contiguous()
                there = {other.untyped_storage().data_ptr() for other in whole.values()}
                # safetensors refuses two names of the same memory
                whole[name] = own.clone() if own.untyped_storage().data_ptr() in there else own
            # one note: several would be written in an order of chance
            save_file(whole, temporary, metadata={_NOTE: dumps(dict(about or {}))})
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.replace(path)
    except SafetensorError as error:
        raise ModelError(f"{path} cannot be written ({error}); free disk space") from error
    finally:
        temporary.unlink(missing_ok=True)


def load_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file.

    Raises:
        ModelError: If it is missing or broken.
    """
    return read_tensors(path)[0]


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors of a file, and the notes about them."""
    try:
        with safe_open(path, "pt") as file:
            names = list(file.keys())
            told = _NOTES.validate_json((file.metadata() or {}).get(_NOTE, "{}"))
            return {name: file.get_tensor(name) for name in names}, told
    except (OSError, ValueError, SafetensorError) as error:
        words = " ".join(str(error).split())[:200]
        raise ModelError(f"{path} cannot be read ({words}); make it again") from error
