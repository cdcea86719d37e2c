"""Where are a model's files, and are they safe to load?

No torch is imported here, so that a wrong name is reported at once. Only safetensors are read: the
older pickled weights run code while they are loaded.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from twofold.errors import ModelError
from twofold.models import pocket, smollm2
from twofold.models.cache import Cache, content_key

# An id on the model hub: `organisation/name`.
HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")

_WEIGHTS = ("config.json", "*.safetensors")
_ADAPTER = ("adapter_config.json", "*.safetensors")
_TOKENIZER = ("*token*.json", "tokenizer.model", "vocab.*", "merges.txt", "chat_template*")
_FETCHED = ("*.json", "*.safetensors", "*.txt", "*.jinja", "tokenizer.model")


@final
@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A model's files: configuration and weights in `folder`, and perhaps a PEFT `adapter` on them.

    `origin` says how converted weights were made.
    """

    spec: str
    folder: Path
    adapter: Path | None = None
    origin: str = ""

    @property
    def tokenizer_folder(self) -> Path:
        """The adapter's folder if it has a tokenizer, else the base's."""
        if self.adapter and (self.adapter / "tokenizer_config.json").exists():
            return self.adapter
        return self.folder

    @property
    def n_weight_bytes(self) -> int:
        """Size of the base's weights on disk."""
        return sum(file.stat().st_size for file in self.folder.glob("*.safetensors"))

    def config(self) -> dict[str, Any]:
        """The content of `config.json`."""
        return _json(self.folder / "config.json")

    @property
    def number_format(self) -> str:
        """The dtype of the saved weights according to `config.json`; "" if it does not say."""
        config = self.config()
        return str(config.get("dtype") or config.get("torch_dtype") or "").removeprefix("torch.")

    def generation_defaults(self) -> dict[str, Any]:
        """The content of `generation_config.json`; empty if there is none."""
        file = self.folder / "generation_config.json"
        return _json(file) if file.exists() else {}

    def end_ids(self, tokenizer: Any) -> tuple[int, ...]:
        """All token ids that end a reply: those of the generation defaults and the tokenizer's."""
        named = self.generation_defaults().get("eos_token_id")
        ids = named if isinstance(named, list) else [named]
        return tuple(sorted({i for i in [*ids, tokenizer.eos_token_id] if i is not None}))

    def hashes(self, cache: Cache) -> dict[str, object]:
        """SHA-256 of the files that decide the replies: weights, adapter, tokenizer."""
        found: dict[str, object] = {"weights_sha256": _hash(self.folder, _WEIGHTS, cache)}
        if self.adapter:
            found["adapter_sha256"] = _hash(self.adapter, _ADAPTER, cache)
        return found | {"tokenizer_sha256": _hash(self.tokenizer_folder, _TOKENIZER, cache)}


def locate(spec: str) -> Checkpoint:
    """Find the files of `spec`, without loading them.

    Args:
        spec: `pocket`, `smollm2`, a Hugging Face folder, a PEFT adapter's folder, or a hub id.

    Raises:
        ModelError: If there is no such folder, it lacks a file, its weights are pickled, or the hub
            cannot be reached.
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
    remedy = "download it beforehand and give its folder as the model"
    return Checkpoint(spec=spec, folder=_fetched(spec, remedy=remedy))


def _adapted(spec: str, folder: Path) -> Checkpoint:
    config = _json(folder / "adapter_config.json")
    named = config.get("base_model_name_or_path")
    if not named:
        raise ModelError(
            f"{folder}/adapter_config.json names no base model; set base_model_name_or_path in it"
        )
    if config.get("peft_type") in ("PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING"):
        raise ModelError(
            f"{folder} is a {config['peft_type']} adapter, which is not supported; use one such as LoRA"
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
        f"{folder} has no safetensors; pickled weights ({stem}.bin) are not loaded, since that can "
        "run code. If you trust them, load them and save them again with save_pretrained"
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
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"there is no folder {hub_id!r}, and it could not be fetched from the model hub "
            f"({first_line}); check the spelling, your network and HF_TOKEN, or {remedy}"
        ) from error
    return _checked(Path(folder))


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
