"""How are the layers above one layer run alone, on hidden states that were changed?

A layer is called by its network with arguments of its own (mask, rotary embeddings, cache). They are
recorded in the ordinary pass and given again, so nothing of an architecture is rebuilt here; only where
its layers, last norm and head lie is looked up, and the first pass checks that the same logits come out.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, final

import torch

from twofold.diagnostics.elicitation.layers import layer_of, layers_of, tensor_of
from twofold.errors import ModelError

# How far the logits of the rerun may be from those of the pass, as a share of the largest.
_CLOSE = 0.02


def default_layer(n_layers: int) -> int:
    """The layer at whose output is steered, if none is named: at 0.37 of the depth.

    Source:
        `configs.sh` of the code of arXiv 2510.07364: layer 9 of 24, 10 of 28, 12 of 32.

    Example:
        >>> [default_layer(n) for n in (24, 28, 32, 3)]
        [9, 10, 12, 1]
    """
    return min(round(0.37 * n_layers), n_layers - 1)


@final
class UpperLayers:
    """The layers above `layer`, with the last norm and the head.

    Args:
        network: A causal network, without an adapter's wrapper.
        layer: Counted from 0; its output is what the upper layers read.

    Raises:
        ModelError: If the network has no such layer, or keeps its layers elsewhere.
    """

    def __init__(self, network: Any, layer: int) -> None:
        own = layer_of(network, layer)
        try:
            self._norm = network.base_model.norm
        except AttributeError as error:
            raise _unknown(network) from error
        self._head = network.get_output_embeddings()
        self.layer, self._own, self._above = layer, own, layers_of(network)[layer + 1 :]
        self._given: dict[int, dict[str, Any]] = {}
        self.hidden_BTD: torch.Tensor | None = None

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """While passes of the network are recorded."""
        hooks = [self._own.register_forward_hook(self._keep, prepend=True)]
        hooks += [
            each.register_forward_pre_hook(self._arguments(i), prepend=True, with_kwargs=True)
            for i, each in enumerate(self._above)
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _keep(self, _: torch.nn.Module, __: Any, output: Any) -> None:
        self.hidden_BTD = tensor_of(output)

    def _arguments(self, i: int) -> Callable[..., None]:
        def keep(_: torch.nn.Module, __: Any, given: dict[str, Any]) -> None:
            self._given[i] = given

        return keep

    def again(self, hidden_BTD: torch.Tensor) -> torch.Tensor:
        """The logits, shape (rows, tokens, vocabulary), for other outputs of the layer in the last pass.

        The caller has taken the pass' own keys and values out of the cache of the upper layers.
        """
        for i, each in enumerate(self._above):
            given = {k: v for k, v in self._given[i].items() if k != "hidden_states"}
            hidden_BTD = tensor_of(each(hidden_BTD, **given))
        return self.logits(hidden_BTD)

    def run(self, hidden_BTD: torch.Tensor, **given: Any) -> torch.Tensor:
        """What the upper layers put out, all with the same arguments; before the norm and the head."""
        for each in self._above:
            hidden_BTD = tensor_of(each(hidden_BTD, **given))
        return hidden_BTD

    def logits(self, hidden_BTD: torch.Tensor) -> torch.Tensor:
        """The logits for outputs of the last layer."""
        found: torch.Tensor = self._head(self._norm(hidden_BTD))
        return found

    def require_equal(self, expected_BV: torch.Tensor, found_BV: torch.Tensor) -> None:
        """Refuse a network whose logits are more than norm and head of the last layer (a scale, a cap).

        Raises:
            ModelError: If the logits of an unchanged rerun are others than those of the pass.
        """
        apart = float((expected_BV.float() - found_BV.float()).abs().max())
        if not apart <= _CLOSE * (1 + float(expected_BV.float().abs().max())):
            raise ModelError(
                f"the layers above {self.layer}, run alone, give logits that differ by {apart:.2g} from the "
                "network's own: its logits are more than a norm and a head, which steering does not know; "
                "take a Llama, Mistral or Qwen network"
            )


def _unknown(network: Any) -> ModelError:
    return ModelError(
        f"{type(network).__name__} keeps its last norm elsewhere than in `model.norm`, so "
        "the layers above one cannot be run alone; take a Llama, Mistral or Qwen network"
    )
