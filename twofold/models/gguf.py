"""How does a `.gguf` file become a folder that transformers loads?

It is dequantised once, into the cache, with its tokenizer and its chat template. What the file holds is
in the folder, or there is an error: a number of the file that has no place in the network, a template
or a scaling of positions that was lost would each give another model under the same name.
"""

import fcntl
import logging
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from twofold.errors import ModelError
from twofold.models.cache import Cache, cache_folder
from twofold.models.gguf_header import Header, header_of
from twofold.models.gguf_positions import factors_in, put_factors
from twofold.models.gguf_tokenizer import cut_as_told
from twofold.storage.os_errors import os_errors

SUFFIX = ".gguf"

_log = logging.getLogger(__name__)
_TEMPLATE = "tokenizer.chat_template"
_PLAIN = (0, 1)  # the formats float32 and float16
_ROOM = 64 * 2**20  # bytes for the tokenizer and the rest
_VERSION = 2  # of the folders; those of an earlier one are made again (1: other tokens, see `gguf_tokenizer`)
_OTHERWISE = (
    "update transformers (pip install -U transformers), convert the model's safetensors instead, or "
    "serve the file (`llama-server -m FILE --jinja`) and give the server's address as the model"
)
# Texts that a tokenizer must cut alike before and after it is saved.
_PROBES = (
    "What is 12 + 345?",
    "so  12",
    "  two  spaces\n\n",
    "don't x_1 \\frac{1}{2}",
    "naïve ☃ 日本",
)


class Converted(NamedTuple):
    """A folder of safetensors, and how it was made, for the fingerprint."""

    folder: Path
    origin: str


def is_gguf(spec: str) -> bool:
    """Whether `spec` names a GGUF file, there or not; an existing folder of that name is none.

    Example:
        >>> is_gguf("models/a.gguf"), is_gguf("organisation/model-GGUF")
        (True, False)
    """
    return spec.lower().endswith(SUFFIX) and not os.path.isdir(os.path.expanduser(spec))


def converted(source: Path, *, name: str = "gguf", dtype: str | None = None) -> Converted:
    """The model in `source` as a Hugging Face folder, made on the first call.

    The folder appears atomically; of several processes one converts, and the others wait for it.

    Args:
        source: The file.
        name: What the folder's name begins with; the file's hash follows.
        dtype: The dtype of the saved weights; None: see `dtype_of`.

    Raises:
        ModelError: If the file cannot be used (see `header_of`), transformers cannot read its
            architecture, it has no chat template, something of it would be lost, or the disk is full.
    """
    if not source.is_file():
        header_of(source)  # which says so
    root = cache_folder()
    sha256 = Cache(root).file_sha256(source)
    target = root / "models" / f"{name}-{sha256[:16]}-{_VERSION}"
    if not target.exists():
        header = header_of(source)
        _require_chat(source, header)
        dtype = dtype or dtype_of(header)
        with _alone(target):
            if not target.exists():
                _make(source, header, target, dtype)
    return Converted(target, f"a GGUF file with the SHA-256 {sha256}, dequantised")


def dtype_of(header: Header) -> str:
    """bfloat16 for quantised weights, float32 if all matrices are plain numbers.

    Models are released in bfloat16 as a rule, and its rounding (at most 1/256 of a weight) is no more
    than that of 8 bits. A GPU computes in it anyway; a CPU with bfloat16 instructions does so only where
    the weights were saved so (`loading.dtype_for`), and is then up to 3.5 times as fast. It also takes
    half the disk. What is not quantised would lose by it: float32 holds it exactly.
    """
    matrices = [tensor for tensor in header.tensors if len(tensor.shape) > 1]
    return "float32" if all(m.format in _PLAIN for m in matrices) else "bfloat16"


def _require_chat(source: Path, header: Header) -> None:
    """Refuse what is no language model, or one that cannot be asked in its own format."""
    kind = str(header.settings.get("general.type", "model"))
    if kind != "model" or not header.architecture:
        raise ModelError(
            f"{source} holds {f'a thing of the type {kind!r:.40}' if kind != 'model' else 'no architecture'}"
            ", and no language model; name the file of the whole model"
        )
    if not header.settings.get(_TEMPLATE):
        raise ModelError(
            f"{source} has no chat template, so nobody knows how to ask it; take the instruct model of "
            "its family, or add the template to the file (`gguf-new-metadata --chat-template-file`)"
        )


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Keep other processes from making the same folder; the system lets go of one that is killed."""
    with os_errors(target.parent, "write", ModelError):
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(target.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _make(source: Path, header: Header, target: Path, dtype: str) -> None:
    """Convert into a folder beside `target`, which takes its name when it is whole."""
    n_bytes = header.n_values * (2 if dtype == "bfloat16" else 4) + _ROOM
    work = target.with_suffix(".partial")
    try:
        shutil.rmtree(work, ignore_errors=True)  # of a process that was killed
        free = shutil.disk_usage(target.parent).free
        if free < n_bytes:
            raise _no_room(source, n_bytes, target.parent, f"{free:,} bytes are free")
        _log.warning("%s is dequantised once, into %s; this may take some minutes", source, target)
        work.mkdir()
        _convert(source, header, work, dtype)
        os.rename(work, target)
    except OSError as error:
        raise _no_room(source, n_bytes, target.parent, error.strerror or str(error)) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _no_room(source: Path, n_bytes: int, folder: Path, why: str) -> ModelError:
    return ModelError(
        f"{source} cannot be converted: it needs {n_bytes:,} bytes under {folder}, and there: {why}. "
        "Free some space, or set TWOFOLD_CACHE to a folder on another disk"
    )


def _convert(source: Path, header: Header, folder: Path, dtype: str) -> None:
    """Write `source` into `folder` as safetensors, tokenizer and chat template."""
    try:
        import torch
        from safetensors import SafetensorError
        from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

        from twofold.models.loading import UNREADABLE
        from twofold.models.quiet import quiet
    except ImportError as error:
        raise ModelError(
            f"{source} needs more packages ({error}): pip install 'twofold[hf]'"
        ) from error
    where: dict[str, Any] = {
        "pretrained_model_name_or_path": str(source.parent),
        "gguf_file": source.name,
    }
    try:
        with quiet():
            config = AutoConfig.from_pretrained(**where)
            scaled = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default")
            put_factors(source, header, config)
            tokenizer: Any = PreTrainedTokenizerFast.from_pretrained(**where)
            cut_as_told(source, header, tokenizer)
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                **where, config=config, dtype=getattr(torch, dtype), output_loading_info=True
            )
    except UNREADABLE as error:
        words = " ".join(str(error).split())[:300] or type(error).__name__
        raise ModelError(
            f"transformers cannot read {source}, of the architecture {header.architecture!r} ({words}); "
            f"{_OTHERWISE}"
        ) from error
    read, told = loaded
    random = sorted(map(str, [*told["missing_keys"], *told["mismatched_keys"]]))
    if random:
        raise ModelError(
            f"{source} does not hold {random[0]}, nor {len(random) - 1} other tensors of its "
            "architecture; download it again, or take another conversion of the model"
        )
    try:
        with quiet():
            _save(read, folder)
            tokenizer.save_pretrained(folder)
            _require_all(source, header, folder, scaled)
            _require_same_texts(source, header, tokenizer, folder)
    except SafetensorError as error:  # a disk that is full
        raise OSError(str(error)) from error


def _save(read: Any, folder: Path) -> None:
    """Save the weights of a network that was read from a GGUF file, which refuses to be saved itself."""
    import torch

    del read.config.quantization_config
    with torch.device("meta"):  # takes no memory; the weights are the ones that were read
        network = type(read)(read.config)
    network.load_state_dict(read.state_dict(), assign=True)
    network.tie_weights()
    network.save_pretrained(folder)


def _require_all(source: Path, header: Header, folder: Path, scaled: str) -> None:
    """Refuse a folder that lacks a number of the file, or a network that reads positions otherwise.

    Args:
        source: The file.
        header: Its header.
        folder: The folder that was made of it.
        scaled: How transformers understood the settings of the positions' scaling.
    """
    from safetensors import safe_open

    n_saved = 0
    for file in folder.glob("*.safetensors"):
        with safe_open(file, "pt") as tensors:
            names = tensors.keys()
            n_saved += sum(math.prod(tensors.get_slice(name).get_shape()) for name in names)
    factors = factors_in(header)
    n_told = header.n_values - (0 if factors is None else factors.n_values)
    scaling = header.settings.get(f"{header.architecture}.rope.scaling.type", "none")
    lost = ""
    if n_saved != n_told:
        outside = ", ".join(t.name for t in header.tensors if not t.name.startswith("blk."))
        lost = (
            f"it holds {n_told:,} numbers and the network {n_saved:,}; its tensors outside "
            f"the layers are {outside:.200}"
        )
    elif scaling != "none" and (scaled == "default" or factors is not None):
        lost = f"its positions are scaled by {scaling!r:.40}, which is lost"
    if lost:
        raise ModelError(f"transformers reads {source} as another model ({lost}); {_OTHERWISE}")


def _require_same_texts(source: Path, header: Header, tokenizer: Any, folder: Path) -> None:
    """Refuse a folder whose tokenizer cuts texts otherwise, or has another chat template."""
    from transformers import AutoTokenizer

    saved: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    same = all(tokenizer(text).input_ids == saved(text).input_ids for text in _PROBES)
    if not same or saved.chat_template != header.settings[_TEMPLATE]:
        what = "chat template" if same else "tokenizer"
        raise ModelError(f"the {what} of {source} is another one after it is saved; {_OTHERWISE}")
