"""Can this network score branches in one pass? If not, branches are scored one by one.

Our mask replaces whatever a layer would mask by itself, and a layer with a recurrent state cannot
drop tokens. Both would silently give wrong numbers, so known cases are looked up and every other
network is tested once.
"""

import inspect
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from transformers import PreTrainedModel

from twofold.prefix_scoring import passes, unpacked
from twofold.prefix_scoring.tree import Branch, Tree

_NEEDED = {"attention_mask", "position_ids", "past_key_values", "logits_to_keep"}
_UNKNOWN_ROPE = ("longrope", "dynamic")  # their frequencies depend on the longest position read
_KERNELS = ("sdpa", "eager")
_found: WeakKeyDictionary[Any, str] = WeakKeyDictionary()

# Largest difference between two correct ways of scoring a token, in nats, by dtype.
NOISE = {torch.float32: 1e-3, torch.float64: 1e-6, torch.float16: 0.05, torch.bfloat16: 0.3}


def why_not(network: Any) -> str:
    """Why a network does not support one-pass scoring, in a few words; "" if it does."""
    if network not in _found:
        _found[network] = _known_reason(network) or _test(network)
    return _found[network]


def _known_reason(network: Any) -> str:
    if not isinstance(network, PreTrainedModel):
        return "it is not a transformers network"
    config = network.config.get_text_config()
    missing = _NEEDED - set(inspect.signature(network.forward).parameters)
    if missing:
        return f"its forward method does not take {', '.join(sorted(missing))}"
    layers = set(getattr(config, "layer_types", None) or ())
    if kinds := layers - {"full_attention"}:
        return f"it has layers of the type {', '.join(sorted(kinds))}"
    window = getattr(config, "sliding_window", None)
    if window and getattr(config, "use_sliding_window", True) and not layers:
        return f"its attention has a sliding window of {window} tokens"
    if getattr(config, "attention_chunk_size", None):
        return "its attention is chunked"
    rope = (getattr(config, "rope_parameters", None) or {}).get("rope_type")
    if rope in _UNKNOWN_ROPE:
        return f"its position scaling ({rope}) depends on the longest position"
    kernel = config._attn_implementation
    return "" if kernel in _KERNELS else f"its attention kernel {kernel} takes no custom mask"


def _test(network: Any) -> str:
    """Score a small tree in two phases, packed, and one by one, to detect unknown kinds of layers."""
    place = passes.Place(network)
    vocabulary = network.get_input_embeddings().weight.shape[0]
    token = [int(i) for i in np.arange(1, 40) * 7 % vocabulary]
    long = tuple(token[:24])
    tree = Tree(long, (Branch(9, tuple(token[24:28]), given=1), Branch(24, tuple(token[28:31]))))
    doubled = Tree(long, tree.branches * (1 + passes.PACKED // 7))
    with torch.inference_mode():
        right = unpacked.scored(place, tree)
        for asked in (tree, doubled):
            found = passes.scored(place, asked)
            apart = max(a.furthest(b) for a, b in zip(found, right, strict=False))
            if not apart <= NOISE[place.dtype]:
                return f"a test differed from one-by-one scoring by {apart:.2g} nats per token"
    return ""
