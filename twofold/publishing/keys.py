"""Does anything secret go along? The keys that this machine holds are looked for in what is sent."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from twofold.errors import RunError
from twofold.storage.reading import InputFile

_NAMES = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
_SHORTEST = 8  # shorter ones are placeholders, and words of a reply
_WEIGHTS = ".safetensors"  # numbers, which hold no text


def keys_here() -> dict[str, str]:
    """The keys in the environment, by the names of their variables."""
    return {name: value for name, value in os.environ.items() if _NAMES.search(name)}


def refuse_keys(files: Mapping[str, Path | bytes], keys: Mapping[str, str]) -> None:
    """Refuse files that hold a key.

    Args:
        files: By their names in the repository: files, or contents that were made.
        keys: By what they are called.

    Raises:
        RunError: If a file holds one; it names the file and the key, not its value.

    Example:
        >>> refuse_keys({"manifest.json": b'{"command": "audit"}'}, {"HF_TOKEN": "hf_012345"})
    """
    sought = {name: key.strip().encode() for name, key in keys.items()}
    for place, file in files.items():
        for name, key in sought.items():
            if len(key) >= _SHORTEST and not place.endswith(_WEIGHTS) and _holds(file, key):
                raise RunError(
                    f"{place} holds the value of {name}. Nothing was sent; take it out of the file, and if "
                    "others have seen the file, make a new key"
                )


def _holds(file: Path | bytes, key: bytes) -> bool:
    return key in file if isinstance(file, bytes) else any(key in part for part in _parts(file))


def _parts(file: Path) -> Iterable[bytes]:
    """The file in pieces that overlap, so that none cuts a key."""
    with InputFile(file).opened() as opened:
        end = b""
        while block := opened.read(1 << 20):
            yield end + block
            end = block[-4096:]
