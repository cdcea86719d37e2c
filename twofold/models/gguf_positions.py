"""Which positions does a GGUF file of the Llama 3 kind mean? Those of its tensor of frequency factors.

Its converter replaces the settings of the scaling by `rope_freqs.weight`, one factor by which each frequency
of the rotation is divided. transformers leaves the tensor out. Its `longrope` scaling divides by given
factors too, so they are put there, the same for short and long texts.
"""

from pathlib import Path
from typing import Any

import numpy as np

from twofold.errors import ModelError
from twofold.models.gguf_header import Header, Tensor

NAME = "rope_freqs.weight"

_FLOAT32 = 0


def factors_in(header: Header) -> Tensor | None:
    """The tensor of factors; None if the file has none."""
    return next((tensor for tensor in header.tensors if tensor.name == NAME), None)


def put_factors(source: Path, header: Header, config: Any) -> None:
    """Make the configuration scale positions by the file's factors, if it has some.

    Raises:
        ModelError: If they are in another form, or not one for each frequency; llama.cpp writes neither.

    Source:
        https://github.com/ggml-org/llama.cpp, convert_hf_to_gguf.py, which writes the factors of Llama 3.1
        and later; longrope: https://arxiv.org/abs/2402.13753.
    """
    tensor = factors_in(header)
    if tensor is None:
        return
    rope = dict(config.rope_parameters or {})
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    n_frequencies = int(width * rope.get("partial_rotary_factor", 1.0)) // 2
    if tensor.format != _FLOAT32 or tensor.n_values != n_frequencies:
        raise ModelError(
            f"{source} has {tensor.n_values} factors for {n_frequencies} frequencies of its positions, in "
            f"the format {tensor.format}; download it again, or take another conversion of the model"
        )
    at = header.start + tensor.offset
    factors = np.fromfile(source, dtype="<f4", count=n_frequencies, offset=at)
    if not (np.isfinite(factors).all() and (factors > 0).all()):
        raise ModelError(
            f"{source} has factors of its positions that are no positive numbers; download it again"
        )
    each = [float(factor) for factor in factors]
    config.rope_parameters = rope | {
        "rope_type": "longrope",
        "short_factor": each,
        "long_factor": each,
        "factor": 1.0,
        "attention_factor": 1.0,  # longrope's own would make attention sharper
        "original_max_position_embeddings": config.max_position_embeddings,
    }
