"""Can this network branch? Where it cannot, scoring branch by branch is taken and the reason is told.

A mask of our own replaces whatever a layer would have masked by itself, and a layer with a running
state cannot be asked to forget. Both would give wrong numbers without a word, so what is known is
looked up, and what is not known is tried out.
"""

from __future__ import annotations

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

NOISE = {torch.float32: 1e-3, torch.float64: 1e-6, torch.float16: 0.05, torch.bfloat16: 0.3}
"""How far two right ways of scoring a token may lie apart, nats, by number format."""


def why_not(network: Any) -> str:
    """Why a network cannot branch, in a few words; "" if it can.

    Args:
        network: Any; one that is no transformers network cannot.
    """
    if network not in _found:
        _found[network] = _known(network) or _tried(network)
    return _found[network]


def _known(network: Any) -> str:
    if not isinstance(network, PreTrainedModel):
        return "it is no transformers network"
    config = network.config.get_text_config()
    missing = _NEEDED - set(inspect.signature(network.forward).parameters)
    if missing:
        return f"its forward takes no {', '.join(sorted(missing))}"
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"]) - {"full_attention"}
    if kinds:
        return f"it has layers of the kind {', '.join(sorted(kinds))}"
    window = getattr(config, "sliding_window", None)
    if window and getattr(config, "use_sliding_window", True) and not _lists_layers(config):
        return f"its attention has a window of {window} tokens"
    if getattr(config, "attention_chunk_size", None):
        return "its attention is cut into chunks"
    rope = (getattr(config, "rope_parameters", None) or {}).get("rope_type")
    if rope in _UNKNOWN_ROPE:
        return f"its positions are scaled by {rope}, which depends on the longest one"
    kernel = config._attn_implementation
    if kernel not in _KERNELS:
        return f"its attention runs on {kernel}, which takes no mask of ours"
    return ""


def _lists_layers(config: Any) -> bool:
    return bool(getattr(config, "layer_types", None))


def _tried(network: Any) -> str:
    """Score a small tree both ways, two-phase and packed: a layer nobody listed shows here."""
    place = passes.Place(network)
    vocabulary = network.get_input_embeddings().weight.shape[0]
    token = [int(i) for i in np.arange(1, 40) * 7 % vocabulary]
    long = tuple(token[:24])
    tree = Tree(long, (Branch(9, tuple(token[24:28]), given=1), Branch(24, tuple(token[28:31]))))
    doubled = Tree(long, tree.branches * (1 + passes.PACKED // 7))
    with torch.inference_mode():
        right = unpacked.scored(network, tree, device=place.device)
        for asked in (tree, doubled):
            (found,) = passes.scored(place, [asked])
            apart = max(
                float(np.abs(a.logprobs - b.logprobs).max())
                for a, b in zip(found, right, strict=False)
            )
            if not apart <= NOISE[place.dtype]:
                return f"a trial of it differed from scoring branch by branch by {apart:.2g} nats a token"
    return ""
