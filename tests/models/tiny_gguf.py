"""Tiny GGUF files of chosen weights, written by the `gguf` package as llama.cpp's converter would."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import tiny_llama
from numpy.typing import NDArray

Floats = NDArray[np.float32]

WIDTH, INNER, N_LAYERS, N_HEADS, N_KV = 32, 64, 2, 4, 2
NAMES = {  # of a layer: llama.cpp's, transformers', and the shape
    "attn_q": ("self_attn.q_proj", (WIDTH, WIDTH)),
    "attn_k": ("self_attn.k_proj", (WIDTH // N_HEADS * N_KV, WIDTH)),
    "attn_v": ("self_attn.v_proj", (WIDTH // N_HEADS * N_KV, WIDTH)),
    "attn_output": ("self_attn.o_proj", (WIDTH, WIDTH)),
    "ffn_gate": ("mlp.gate_proj", (INNER, WIDTH)),
    "ffn_up": ("mlp.up_proj", (INNER, WIDTH)),
    "ffn_down": ("mlp.down_proj", (WIDTH, INNER)),
    "attn_norm": ("input_layernorm", (WIDTH,)),
    "ffn_norm": ("post_attention_layernorm", (WIDTH,)),
}


def weights(kind: str, *, tied: bool) -> dict[str, tuple[str, Floats]]:
    """Random weights by transformers' name: llama.cpp's name, and the values."""
    rng = np.random.default_rng(7)

    def drawn(*shape: int) -> Floats:
        return (rng.standard_normal(shape) * 0.3).astype(np.float32)

    n_tokens = len(tiny_llama.tiny_tokenizer())
    found = {
        "model.embed_tokens.weight": ("token_embd.weight", drawn(n_tokens, WIDTH)),
        "model.norm.weight": ("output_norm.weight", 1 + drawn(WIDTH)),
    }
    if not tied:
        found["lm_head.weight"] = ("output.weight", drawn(n_tokens, WIDTH))
    for layer in range(N_LAYERS):
        for theirs, (ours, shape) in NAMES.items():
            values = 1 + drawn(*shape) if theirs.endswith("norm") else drawn(*shape)
            found[f"model.layers.{layer}.{ours}.weight"] = (f"blk.{layer}.{theirs}.weight", values)
            if kind == "qwen2" and theirs in ("attn_q", "attn_k", "attn_v"):
                at = f"model.layers.{layer}.{ours}.bias"
                found[at] = (f"blk.{layer}.{theirs}.bias", drawn(shape[0]))
    return found


def write_gguf(
    file: Path,
    kind: str = "llama",
    *,
    tied: bool = True,
    stored: str = "F32",
    template: str | None = tiny_llama.TEMPLATE,
    settings: dict[str, Any] | None = None,
    left_out: tuple[str, ...] = (),
    more: dict[str, Floats] | None = None,
    pre: str | None = "gpt-2",
) -> dict[str, Floats]:
    """Write a two-layer model; returns its weights by transformers' name, as read back without loss.

    Matrices are stored in the format `stored`, all else in float32. `left_out` and `more` are tensors
    by llama.cpp's name, `settings` further texts and numbers, `pre` the name of how texts are cut.
    """
    import gguf

    out = gguf.GGUFWriter(file, kind)
    out.add_context_length(256)
    out.add_embedding_length(WIDTH)
    out.add_block_count(N_LAYERS)
    out.add_feed_forward_length(INNER)
    out.add_head_count(N_HEADS)
    out.add_head_count_kv(N_KV)
    out.add_layer_norm_rms_eps(1e-6)
    out.add_rope_freq_base(10_000.0)
    if kind == "llama":
        out.add_rope_dimension_count(WIDTH // N_HEADS)
    _add_tokenizer(out, template, pre)
    for key, value in (settings or {}).items():
        (out.add_string if isinstance(value, str) else out.add_uint32)(key, value)
    found: dict[str, Floats] = {}
    for ours, (theirs, values) in weights(kind, tied=tied).items():
        written = _rotated(theirs, values) if kind == "llama" else values
        format = gguf.GGMLQuantizationType[stored if values.ndim > 1 else "F32"]
        packed = gguf.quantize(written, format)
        exact = gguf.dequantize(packed, format)
        found[ours] = _rotated(theirs, exact, back=True) if kind == "llama" else exact
        if theirs not in left_out:
            out.add_tensor(theirs, packed, raw_dtype=format)
    for name, values in (more or {}).items():
        out.add_tensor(name, values)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return found


def _rotated(name: str, values: Floats, *, back: bool = False) -> Floats:
    """llama.cpp turns the two halves of a head's rows into pairs, for its kind of rotation."""
    n_heads = {"attn_q": N_HEADS, "attn_k": N_KV}.get(name.split(".")[-2])
    if n_heads is None:
        return values
    half = len(values) // n_heads // 2
    halves = (n_heads, half, 2) if back else (n_heads, 2, half)
    return values.reshape(*halves, -1).swapaxes(1, 2).reshape(values.shape)


def _add_tokenizer(out: Any, template: str | None, pre: str | None) -> None:
    made = tiny_llama.tiny_tokenizer()
    model = json.loads(made.backend_tokenizer.to_str())["model"]
    tokens = made.convert_ids_to_tokens(range(len(made)))
    kinds = dict.fromkeys(tiny_llama.SPECIAL, 3) | dict.fromkeys(tiny_llama.TAGS, 4)
    out.add_tokenizer_model("gpt2")
    if pre is not None:
        out.add_tokenizer_pre(pre)
    out.add_token_list(tokens)
    out.add_token_types([kinds.get(token, 1) for token in tokens])
    out.add_token_merges([" ".join(pair) for pair in model["merges"]])
    out.add_eos_token_id(made.eos_token_id)
    out.add_bos_token_id(made.bos_token_id)
    out.add_pad_token_id(made.eos_token_id)
    if template is not None:
        out.add_chat_template(template)
