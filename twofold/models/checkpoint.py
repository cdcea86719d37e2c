"""Where do a model's files lie, and are they safe to load?

A spec becomes a folder here without torch being imported, so that a wrong one is told at once.
Weights are read as safetensors only: the older pickled format runs code while it is loaded.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from twofold.errors import ModelError
from twofold.models import pocket, smollm2
from twofold.models.cache import Cache, content_key

HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")
"""What an id on the model hub looks like: `organisation/name`."""

_WEIGHTS = ("config.json", "*.safetensors")
_ADAPTER = ("adapter_config.json", "*.safetensors")
_TOKENIZER = ("*token*.json", "tokenizer.model", "vocab.*", "merges.txt", "chat_template*")
_FETCHED = ("*.json", "*.safetensors", "*.txt", "*.jinja", "tokenizer.model")


@final
@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A model's files.

    Args:
        spec: What it was asked for by.
        folder: Configuration and weights.
        adapter: The PEFT adapter to put on them; None = none.
        origin: How the weights came about, where the folder does not say; "" = it does.
    """

    spec: str
    folder: Path
    adapter: Path | None = None
    origin: str = ""

    @property
    def tokenizer_folder(self) -> Path:
        """The adapter's folder if training saved a tokenizer there, else the base's."""
        if self.adapter and (self.adapter / "tokenizer_config.json").exists():
            return self.adapter
        return self.folder

    @property
    def n_weight_bytes(self) -> int:
        """Size of the base's weights on disk."""
        return sum(file.stat().st_size for file in self.folder.glob("*.safetensors"))

    def config(self) -> dict[str, Any]:
        """The model's configuration, as it stands in `config.json`."""
        return _json(self.folder / "config.json")

    @property
    def number_format(self) -> str:
        """The format that the weights were saved in, as `config.json` names it; "" where it does not."""
        config = self.config()
        return str(config.get("dtype") or config.get("torch_dtype") or "").removeprefix("torch.")

    def generation_defaults(self) -> dict[str, Any]:
        """What `generation_config.json` says; empty if there is none."""
        file = self.folder / "generation_config.json"
        return _json(file) if file.exists() else {}

    def hashes(self, cache: Cache) -> dict[str, object]:
        """SHA-256 over the files that decide the replies: weights, adapter, tokenizer.

        Args:
            cache: Remembers a file's hash by path, size and time.
        """
        found: dict[str, object] = {"weights_sha256": _hash(self.folder, _WEIGHTS, cache)}
        if self.adapter:
            found["adapter_sha256"] = _hash(self.adapter, _ADAPTER, cache)
        return found | {"tokenizer_sha256": _hash(self.tokenizer_folder, _TOKENIZER, cache)}


def locate(spec: str) -> Checkpoint:
    """Find the files that `spec` names.

    Args:
        spec: `pocket`, `smollm2`, a Hugging Face folder, a PEFT adapter's folder, or a hub id.

    Raises:
        ModelError: If there is no such folder, it lacks a file, its weights are pickled, or the hub
            cannot be reached; the message says what to do.
    """
    if spec == pocket.SPEC:
        return Checkpoint(spec=spec, folder=_checked(pocket.FOLDER))
    if spec == smollm2.SPEC:
        folder = smollm2.converted()
        if folder is not None:
            return Checkpoint(spec=spec, folder=folder, origin=smollm2.ORIGIN)
        return Checkpoint(spec=spec, folder=_fetched(smollm2.HUB_ID, remedy=smollm2.REMEDY))
    folder = Path(spec).expanduser()
    if (folder / "adapter_config.json").exists():
        return _adapted(spec, folder)
    if folder.exists() or not HUB_ID.fullmatch(spec):
        return Checkpoint(spec=spec, folder=_checked(folder))
    return Checkpoint(
        spec=spec,
        folder=_fetched(spec, remedy="download it beforehand and give its folder as the model"),
    )


def _adapted(spec: str, folder: Path) -> Checkpoint:
    config = _json(folder / "adapter_config.json")
    named = config.get("base_model_name_or_path")
    if not named:
        raise ModelError(
            f"{folder}/adapter_config.json names no base model; set base_model_name_or_path in it to "
            "the folder or hub id that the adapter was trained on"
        )
    if config.get("peft_type") in ("PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING"):
        raise ModelError(
            f"{folder} holds a {config['peft_type']} adapter, which cannot be loaded here; use an "
            "adapter that changes weights, such as LoRA"
        )
    _refuse_pickles(folder, "adapter_model")
    try:
        base = locate(str(named))
    except ModelError as error:
        raise ModelError(
            f"{folder} is an adapter for {named!r}, which cannot be loaded: {error}. If the base has "
            "moved, set base_model_name_or_path in adapter_config.json"
        ) from error
    if base.adapter:
        raise ModelError(
            f"{folder} is an adapter on the adapter {named!r}; merge the lower one first"
        )
    return Checkpoint(spec=spec, folder=base.folder, adapter=folder, origin=base.origin)


def _checked(folder: Path) -> Path:
    if not folder.is_dir():
        raise ModelError(f"there is no folder {folder}; check the path")
    if not (folder / "config.json").exists():
        raise ModelError(
            f"{folder} holds neither config.json nor adapter_config.json; give a folder written by "
            "save_pretrained (a training run's folder often holds it as checkpoint-N)"
        )
    _refuse_pickles(folder, "model")
    return folder


def _refuse_pickles(folder: Path, stem: str) -> None:
    if any(folder.glob("*.safetensors")):
        return
    raise ModelError(
        f"{folder} has no weights as safetensors; pickled ones ({stem}.bin) are not loaded, since "
        "loading them can run code. Load them where you trust them and write them again with "
        "save_pretrained"
    )


def _fetched(hub_id: str, *, remedy: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ModelError(
            f"{hub_id} is a hub id, and that needs more packages: pip install 'twofold[hf]'"
        ) from error
    try:
        folder = snapshot_download(
            hub_id, allow_patterns=list(_FETCHED), ignore_patterns=["*/*", "consolidated*"]
        )
    except (OSError, ValueError) as error:
        raise ModelError(
            f"there is no folder {hub_id!r}, and the model hub did not give it either "
            f"({_first_line(error)}); check the spelling, your network and HF_TOKEN, or {remedy}"
        ) from error
    return _checked(Path(folder))


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{file} cannot be read ({error}); copy the model again") from error
    if not isinstance(found, dict):
        raise ModelError(f"{file} is not a JSON object; copy the model again")
    return found


def _hash(folder: Path, patterns: tuple[str, ...], cache: Cache) -> str:
    files = sorted({file for pattern in patterns for file in folder.glob(pattern)})
    return content_key([[file.name, cache.file_sha256(file)] for file in files])
