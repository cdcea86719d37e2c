"""Where is a layer of a network, and how is its output read or changed? By one forward hook.

A decoder layer of transformers 5 returns a bare tensor, earlier ones a tuple. Code that adds to
`output[0]` of a bare tensor changes the first row of the batch alone, without an error; here the value
is unpacked if it is a tuple, and a new one is returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from twofold.errors import ModelError

_NAMES = ("layers", "h", "blocks")  # of the list of layers, by family


def layers_of(network: Any) -> Any:
    """The decoder layers of a network, first to last.

    Raises:
        ModelError: If the network keeps them under a name that is not known.
    """
    trunk = getattr(network, "base_model", network)
    for name in _NAMES:
        found = getattr(trunk, name, None)
        if isinstance(found, torch.nn.ModuleList):
            return found
    raise ModelError(
        f"{type(network).__name__} keeps its layers under none of the names {', '.join(_NAMES)}; add its "
        "name to twofold/diagnostics/elicitation/layers.py"
    )


def layer_of(network: Any, layer: int) -> torch.nn.Module:
    """One layer, counted from 0.

    Raises:
        ModelError: If there is no such layer.
    """
    every = layers_of(network)
    if not 0 <= layer < len(every):
        raise ModelError(
            f"layer {layer} is none of the network's {len(every)} layers; take one from 0 to "
            f"{len(every) - 1}"
        )
    found: torch.nn.Module = every[layer]
    return found


def tensor_of(output: Any) -> torch.Tensor:
    """What a layer puts out: a tensor, in older networks the first of a tuple."""
    found: torch.Tensor = output[0] if isinstance(output, tuple) else output
    return found


@contextmanager
def hooked(
    network: Any, layer: int, change: Callable[[torch.Tensor], torch.Tensor | None]
) -> Iterator[None]:
    """Within this context the layer's output goes through `change`, before any other hook sees it.

    Args:
        network: A transformers network.
        layer: The layer, counted from 0.
        change: Takes the hidden states, shape (rows, tokens, width); returns new ones, or None to leave
            them as they are.
    """

    def hook(_: torch.nn.Module, __: Any, output: Any) -> Any:
        new = change(tensor_of(output))
        return (new, *output[1:]) if new is not None and isinstance(output, tuple) else new

    # ahead of the hooks that transformers installs to collect hidden states, whenever it does
    handle = layer_of(network, layer).register_forward_hook(hook, prepend=True)
    try:
        yield
    finally:
        handle.remove()


def hidden_states(network: Any, layer: int, rows: Sequence[Sequence[int]]) -> list[torch.Tensor]:
    """The output of a layer for each row of token ids, without padding, from one forward pass.

    Args:
        network: A transformers network in evaluation mode.
        layer: The layer, counted from 0; its output is what the next layer reads.
        rows: Token ids; rows may differ in length.

    Returns:
        One tensor a row, shape (tokens, width), in the dtype of the network.
    """
    longest, place = max(map(len, rows)), network.device
    ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows], device=place)
    mask = torch.tensor([[1] * len(r) + [0] * (longest - len(r)) for r in rows], device=place)
    seen: list[torch.Tensor] = []
    trunk = getattr(network, "base_model", network)
    with torch.inference_mode(), hooked(network, layer, lambda h: seen.append(h)):
        trunk(input_ids=ids, attention_mask=mask, use_cache=False)
    return [hidden[: len(row)].clone() for hidden, row in zip(seen[-1], rows, strict=True)]
