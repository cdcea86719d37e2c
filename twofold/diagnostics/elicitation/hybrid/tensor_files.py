"""How are tensors of ours kept? As safetensors, which run no code; written whole or not at all."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from twofold.errors import ModelError
from twofold.storage.os_errors import os_errors


def written(file: Path, tensors: Mapping[str, torch.Tensor], told: Mapping[str, str]) -> None:
    """Write tensors and texts; an existing file is replaced as a whole."""
    plain = {name: each.detach().cpu().contiguous() for name, each in tensors.items()}
    temporary = file.with_name(f".{file.name}.new")
    with os_errors(file, "write"):
        save_file(plain, temporary, metadata=dict(told))
        temporary.replace(file)


def tensors_of(file: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors and texts of a file.

    Raises:
        ModelError: If it cannot be read.
    """
    try:
        with safe_open(file, "pt") as found:
            names = found.keys()
            return {name: found.get_tensor(name) for name in names}, dict(found.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{file} cannot be read ({error}); check the path, or make it again"
        ) from error
