"""How does a `.gguf` file become a folder that transformers loads?

It is dequantised once, into the cache, with its tokenizer and its chat template. What the file holds is
in the folder, or there is an error: a number of the file that has no place in the network, a template
or a scaling of positions that was lost would each give another model under the same name.
"""

import logging
import math
import os
from pathlib import Path
from typing import Any, NamedTuple

from twofold.errors import ModelError
from twofold.models.gguf_folder import TEMPLATE, made_once, sha256_of
from twofold.models.gguf_header import Header
from twofold.models.gguf_positions import factors_in, put_factors
from twofold.models.gguf_tokenizer import cut_as_told

SUFFIX = ".gguf"
LLAMA = "llama:"  # before the file: llama.cpp runs it, as it is quantised

_log = logging.getLogger(__name__)
_PLAIN = (0, 1)  # the formats float32 and float16
_ROOM = 64 * 2**20  # bytes for the tokenizer and the rest
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


def is_for_llama(spec: str) -> bool:
    """Whether `spec` names a GGUF file that llama.cpp is to run.

    Example:
        >>> is_for_llama("llama:models/a.gguf"), is_for_llama("models/a.gguf")
        (True, False)
    """
    return spec.startswith(LLAMA) and is_gguf(spec)


def converted(source: Path, *, name: str = "gguf", dtype: str | None = None) -> Converted:
    """The model in `source` as a Hugging Face folder, made on the first call; see `made_once`.

    Args:
        source: The file.
        name: What the folder's name begins with; the file's hash follows.
        dtype: The dtype of the saved weights; None: see `dtype_of`.

    Raises:
        ModelError: If the file cannot be used (see `made_once`), transformers cannot read its
            architecture, or something of it would be lost.
    """

    def n_bytes(header: Header) -> int:
        return header.n_values * (2 if (dtype or dtype_of(header)) == "bfloat16" else 4) + _ROOM

    def write(header: Header, folder: Path) -> None:
        _log.warning(
            "%s is dequantised once, into %s; this may take some minutes", source, folder.parent
        )
        _convert(source, header, folder, dtype or dtype_of(header))

    sha256 = sha256_of(source)
    folder = made_once(source, sha256, name, n_bytes, write)
    return Converted(folder, f"a GGUF file with the SHA-256 {sha256}, dequantised")


def without_weights(source: Path) -> Path:
    """A folder as that of `converted`, but with tokenizer, chat template and settings only.

    So prompts, token ids and ends of replies are the same, whoever computes the network.

    Raises:
        ModelError: As `converted`.
    """

    def write(header: Header, folder: Path) -> None:
        config, tokenizer = _settings(source, header)
        from transformers import GenerationConfig

        from twofold.models.quiet import quiet

        with quiet():
            for part in (config, GenerationConfig.from_model_config(config), tokenizer):
                part.save_pretrained(folder)
            _require_same_texts(source, header, tokenizer, folder)

    sha256 = sha256_of(source)
    return made_once(source, sha256, "gguf-tokenizer", lambda _: _ROOM, write, weights=False)


def dtype_of(header: Header) -> str:
    """bfloat16 for quantised weights, float32 if all matrices are plain numbers.

    Models are released in bfloat16 as a rule, and its rounding (at most 1/256 of a weight) is no more
    than that of 8 bits. A GPU computes in it anyway; a CPU with bfloat16 instructions does so only where
    the weights were saved so (`loading.dtype_for`), and is then up to 3.5 times as fast. It also takes
    half the disk. What is not quantised would lose by it: float32 holds it exactly.
    """
    matrices = [tensor for tensor in header.tensors if len(tensor.shape) > 1]
    return "float32" if all(m.format in _PLAIN for m in matrices) else "bfloat16"


def _settings(source: Path, header: Header) -> tuple[Any, Any]:
    """The configuration and the tokenizer in `source`."""
    try:
        from transformers import AutoConfig, PreTrainedTokenizerFast

        from twofold.models.loading import UNREADABLE
        from twofold.models.quiet import quiet
    except ImportError as error:
        raise ModelError(
            f"{source} needs more packages ({error}): pip install 'twofold[hf]'"
        ) from error
    try:
        with quiet():
            config: Any = AutoConfig.from_pretrained(**_where(source))
            tokenizer: Any = PreTrainedTokenizerFast.from_pretrained(**_where(source))
            cut_as_told(source, header, tokenizer)
    except UNREADABLE as error:
        raise _unreadable(source, header, error) from error
    return config, tokenizer


def _where(source: Path) -> dict[str, Any]:
    """The arguments by which transformers finds a GGUF file."""
    return {"pretrained_model_name_or_path": str(source.parent), "gguf_file": source.name}


def _unreadable(source: Path, header: Header, error: Exception) -> ModelError:
    words = " ".join(str(error).split())[:300] or type(error).__name__
    return ModelError(
        f"transformers cannot read {source}, of the architecture {header.architecture!r} ({words}); "
        f"{_OTHERWISE}"
    )


def _convert(source: Path, header: Header, folder: Path, dtype: str) -> None:
    """Write `source` into `folder` as safetensors, tokenizer and chat template."""
    config, tokenizer = _settings(source, header)
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM

    from twofold.models.loading import UNREADABLE
    from twofold.models.quiet import quiet

    scaled = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default")
    try:
        with quiet():
            put_factors(source, header, config)
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                **_where(source),
                config=config,
                dtype=getattr(torch, dtype),
                output_loading_info=True,
            )
    except UNREADABLE as error:
        raise _unreadable(source, header, error) from error
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
    if not same or saved.chat_template != header.settings[TEMPLATE]:
        what = "chat template" if same else "tokenizer"
        raise ModelError(f"the {what} of {source} is another one after it is saved; {_OTHERWISE}")
