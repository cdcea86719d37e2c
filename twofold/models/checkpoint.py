"""Where are a model's files, and are they safe to load?

No torch is imported here, so that a wrong name is reported at once. The files that are loaded are the
files that are hashed: one list names both. Only safetensors are read: the older pickled weights run
code while they are loaded.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from twofold.errors import ModelError
from twofold.models import gguf, pocket, smollm2
from twofold.models.cache import Cache, Stamp, content_key, stamp
from twofold.models.composed import SUFFIXES, is_composed

# An id on the model hub: `organisation/name`.
HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
ADAPTER_CONFIG, ADAPTER = "adapter_config.json", "adapter_model.safetensors"

BASE_WEIGHTS = "base_weights"  # in the manifest of an adapter's training
# What a training keeps in its folder besides its model.
_OF_A_TRAINING = re.compile(r"(.+)/(?:checkpoint-\d+|(?:best|frontier)/step-\d+)")

# Files besides the weights that a tokenizer or a network is built from.
_SETTINGS = ("config.json", "generation_config.json", INDEX)
_TOKENIZER = (
    "*token*.json",
    "*.model",
    "vocab*",
    "merges.txt",
    "tekken.json",
    "*.tiktoken",
    "*processor_config.json",
    "chat_template*",
    "additional_chat_templates/*",
)
_FETCHED = ("*.json", "*.safetensors", "*.txt", "*.jinja", "tokenizer.model")

_MOST_JSON = 64 * 2**20  # bytes of a JSON file; the largest index has some ten MB


@final
@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A model's files: configuration and weights in `folder`, and perhaps a PEFT `adapter` on them.

    `origin` says how converted weights were made. `source` is what they were made or fetched from: an
    adapter names that as its base, since the cache that `folder` lies in may be deleted.
    """

    spec: str
    folder: Path
    adapter: Path | None = None
    origin: str = ""
    source: str = ""

    @property
    def tokenizer_folder(self) -> Path:
        """The adapter's folder if it has a tokenizer, else the base's."""
        if self.adapter and (self.adapter / "tokenizer_config.json").exists():
            return self.adapter
        return self.folder

    @property
    def has_tokenizer(self) -> bool:
        """Whether `tokenizer_folder` holds any of a tokenizer's files."""
        return any(
            any(self.tokenizer_folder.glob(pattern))
            for pattern in _TOKENIZER
            if not pattern.startswith(("chat_template", "additional"))
        )

    def weights(self) -> list[Path]:
        """The files of the base's weights, exactly those that are loaded."""
        return _weights(self.folder)

    @property
    def n_weight_bytes(self) -> int:
        """Size of the base's weights on disk."""
        return sum(file.stat().st_size for file in self.weights())

    def config(self) -> dict[str, Any]:
        """The content of `config.json`."""
        return _json(self.folder / "config.json")

    def trained_from(self) -> str | None:
        """`weights_sha256` of the base, if twofold trained this checkpoint; None if that is not known."""
        try:
            return str(self._training()["identity"]["base"]["weights_sha256"])
        except (KeyError, TypeError):
            return None

    def base_weights(self, cache: Cache) -> list[str]:
        """Hashes of the base's weights alone: its settings and its place do not matter.

        Of converted weights it is the hash of what they were made from: another release of a library may
        write them otherwise.
        """
        return [self.origin] if self.origin else sorted(map(cache.file_sha256, self.weights()))

    def replaced_base(self, cache: Cache) -> str | None:
        """The base that an adapter names, if its weights are others now than when twofold trained on it.

        None if they are the same, or what they were is not known.
        """
        then = self._training().get(BASE_WEIGHTS) if self.adapter else None
        if self.adapter is None or then is None or then == self.base_weights(cache):
            return None
        return str(_json(self.adapter / ADAPTER_CONFIG).get("base_model_name_or_path"))

    def _training(self) -> dict[str, Any]:
        """The manifest of the training, if twofold trained this checkpoint; empty if there is none."""
        folder = (self.adapter or self.folder).resolve()
        kept = _OF_A_TRAINING.fullmatch(str(folder))
        try:
            return _json((Path(kept[1]) if kept else folder) / "manifest.json")
        except ModelError:
            return {}

    @property
    def number_format(self) -> str:
        """The dtype of the saved weights according to `config.json`; "" if it does not say."""
        config = self.config()
        return str(config.get("dtype") or config.get("torch_dtype") or "").removeprefix("torch.")

    @property
    def window(self) -> int | None:
        """The context's length in tokens; None if `config.json` does not say."""
        length = self.config().get("max_position_embeddings")
        return length if type(length) is int and length > 0 else None

    def generation_defaults(self) -> dict[str, Any]:
        """The content of `generation_config.json`; empty if there is none."""
        file = self.folder / "generation_config.json"
        return _json(file) if file.exists() else {}

    def end_ids(self, tokenizer: Any) -> tuple[int, ...]:
        """All token ids that end a reply: those of the generation defaults and the tokenizer's."""
        named = self.generation_defaults().get("eos_token_id")
        ids = named if isinstance(named, list) else [named]
        return tuple(sorted({i for i in [*ids, tokenizer.eos_token_id] if type(i) is int}))

    def hashes(self, cache: Cache) -> dict[str, object]:
        """SHA-256 of every file that is loaded: weights and their settings, adapter, tokenizer."""
        return {
            f"{part}_sha256": content_key([[str(f), cache.file_sha256(r / f)] for r, f in files])
            for part, files in self._files().items()
        }

    def companions(self) -> list[tuple[Path, Path]]:
        """What a copy of the model needs besides weights, as (folder, name in it): settings, tokenizer."""
        parts = self._files()
        weights = {*self.weights()}
        settings = [(root, name) for root, name in parts["weights"] if root / name not in weights]
        return settings + parts["tokenizer"]

    def stamps(self) -> list[Stamp]:
        """What the system knows of every file that is loaded; equal stamps are equal files."""
        return [stamp(root / file) for files in self._files().values() for root, file in files]

    def _files(self) -> dict[str, list[tuple[Path, Path]]]:
        """Every file that is loaded, as (folder, name in it), by what it is part of."""
        settings = [self.folder / name for name in _SETTINGS]
        parts = {"weights": (self.folder, [*filter(Path.exists, settings), *self.weights()])}
        if self.adapter:
            parts["adapter"] = (self.adapter, [self.adapter / n for n in (ADAPTER_CONFIG, ADAPTER)])
        where = self.tokenizer_folder
        parts["tokenizer"] = (where, _tokenizer_files(where))
        return {
            part: [(root, file.relative_to(root)) for file in files]
            for part, (root, files) in parts.items()
        }


def locate(spec: str) -> Checkpoint:
    """Find the files of `spec`, without loading them.

    Args:
        spec: `pocket`, `smollm2`, a Hugging Face folder, a PEFT adapter's folder, a `.gguf` file, or a
            hub id. A folder called `x.gguf` is a folder, a missing `x/y.gguf` no hub id.

    Raises:
        ModelError: If there is no such folder or file, it lacks a file, its weights are pickled, a GGUF
            file cannot be converted, or the hub cannot be reached.
    """
    if spec == pocket.SPEC:
        return Checkpoint(spec=spec, folder=_checked(pocket.FOLDER))
    if spec == smollm2.SPEC:
        folder = smollm2.converted()
        if folder is not None:
            return Checkpoint(spec=spec, folder=folder, origin=smollm2.ORIGIN, source=smollm2.SPEC)
        return _fetched(spec, smollm2.HUB_ID, remedy=smollm2.REMEDY)
    if gguf.is_for_llama(spec):
        raise ModelError(
            f"{spec} is run by llama.cpp, which only samples, and here the weights themselves are needed; "
            f"name the file without `{gguf.LLAMA}`"
        )
    if "://" in spec:
        raise ModelError(
            f"{spec} is behind a server, and here the weights themselves are needed; name the checkpoint "
            "that it serves"
        )
    folder = folder_named(spec)
    if folder.suffix in SUFFIXES or is_composed(folder):
        raise ModelError(
            f"{spec} is made of other models and has no weights of its own; name one of them"
        )
    if (folder / ADAPTER_CONFIG).exists():
        return _adapted(spec, folder)
    if gguf.is_gguf(spec):
        made = gguf.converted(folder)
        source = str(folder.absolute())
        return Checkpoint(spec=spec, folder=made.folder, origin=made.origin, source=source)
    if folder.exists() or not HUB_ID.fullmatch(spec):
        return Checkpoint(spec=spec, folder=_checked(folder))
    remedy = "download it beforehand and give its folder as the model"
    return _fetched(spec, spec, remedy=remedy)


def own_files(folder: Path) -> list[Path]:
    """The files in a folder that its model is loaded from: an adapter without its base, or a network.

    Raises:
        ModelError: If the folder holds neither, or a file is missing.
    """
    if (folder / ADAPTER_CONFIG).exists():
        network = [folder / ADAPTER_CONFIG, _require_weights(folder, ADAPTER)]
    else:
        settings = [_checked(folder) / name for name in _SETTINGS]
        network = [*filter(Path.exists, settings), *_weights(folder)]
    return [*network, *_tokenizer_files(folder)]


def _tokenizer_files(folder: Path) -> list[Path]:
    return sorted(
        {file for pattern in _TOKENIZER for file in folder.glob(pattern) if file.is_file()}
    )


def folder_named(spec: str) -> Path:
    """The path that `spec` names, whether there is a folder or not.

    Raises:
        ModelError: If it cannot be a path (a null byte, too long), or may not be looked at.
    """
    try:
        folder = Path(spec).expanduser()
        (folder / ADAPTER_CONFIG).exists()
        folder.is_dir()
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"{spec[:200]!r} cannot be looked at ({error}); check the path and its permissions"
        ) from error
    return folder


def _adapted(spec: str, folder: Path) -> Checkpoint:
    config = _json(folder / ADAPTER_CONFIG)
    named = config.get("base_model_name_or_path")
    if not named or not isinstance(named, str):
        raise ModelError(
            f"{folder}/{ADAPTER_CONFIG} names no base model; set base_model_name_or_path in it"
        )
    if config.get("peft_type") in ("PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING"):
        raise ModelError(
            f"{folder} is a {config['peft_type']} adapter, which is not supported; use one such as LoRA"
        )
    _require_weights(folder, ADAPTER)
    try:
        on_adapter = (folder_named(named) / ADAPTER_CONFIG).exists()
        base = None if on_adapter else locate(named)
    except ModelError as error:
        raise ModelError(
            f"{folder} is an adapter for {named[:200]!r}, which cannot be loaded: {error}. A relative "
            "path starts at the working directory; if the base has moved, set base_model_name_or_path in "
            "adapter_config.json to its absolute path"
        ) from error
    if base is None:
        raise ModelError(
            f"{folder} is an adapter on the adapter {named!r}; merge the lower one into its base first, "
            "or set base_model_name_or_path in adapter_config.json to the base"
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
    if _json(folder / "config.json").get("transformers_weights") is not None:
        raise ModelError(
            f"{folder}/config.json names its weights by transformers_weights; call them {SINGLE} and "
            "take that key out"
        )
    _weights(folder)
    return folder


def _weights(folder: Path) -> list[Path]:
    """The weights that transformers loads from a folder: one file, or else those of the index."""
    if (folder / SINGLE).exists() or not (folder / INDEX).exists():
        return [_require_weights(folder, SINGLE)]
    index = _json(folder / INDEX).get("weight_map")
    named = {str(name) for name in index.values()} if isinstance(index, dict) else set()
    if not named:
        raise ModelError(f"{folder / INDEX} names no file; copy the model again")
    for name in named:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise ModelError(
                f"{folder / INDEX} names {name!r:.200}, and only safetensors in the same folder are loaded, "
                "since others can run code. If you trust them, load them and save them again with "
                "save_pretrained"
            )
    return [_require_weights(folder, name) for name in sorted(named)]


def _require_weights(folder: Path, name: str) -> Path:
    """The file `name`; a `ModelError` if it is missing or no file."""
    file = folder / name
    if file.is_file():
        return file
    if file.exists() or any(folder.glob("*.safetensors")):
        raise ModelError(f"{folder} has no file {name}, which holds weights; copy the model again")
    raise ModelError(
        f"{folder} has no safetensors; pickled weights ({Path(name).stem}.bin) are not loaded, since "
        "that can run code. If you trust them, load them and save them again with save_pretrained"
    )


def _fetched(spec: str, hub_id: str, *, remedy: str) -> Checkpoint:
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
    return Checkpoint(spec=spec, folder=_checked(Path(folder)), source=hub_id)


def _json(file: Path) -> dict[str, Any]:
    try:
        if not file.is_file():  # a pipe would block
            raise ModelError(f"{file} is missing or no file; copy the model again")
        if file.stat().st_size > _MOST_JSON:
            raise ModelError(f"{file} is too large for a JSON file; copy the model again")
        found = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{file} cannot be read ({error}); copy the model again") from error
    if not isinstance(found, dict):
        raise ModelError(f"{file} is not a JSON object; copy the model again")
    return found
