"""How does a network read one reply token by token, so that its last step can be run again, changed?

Keys and values are kept. A changed rerun leaves none behind: the tensors of the ordinary pass are put
back, themselves and not copies, so what is read afterwards is equal to the bit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, final

import torch
from transformers import DynamicCache

from twofold.diagnostics.elicitation.hybrid.upper_layers import UpperLayers
from twofold.diagnostics.elicitation.layers import layer_of, tensor_of
from twofold.errors import ModelError
from twofold.models.decode import can_shrink, left_padded, read_prompts


@final
@dataclass(frozen=True, eq=False)
class Reading:
    """What a network makes of the last token of each row.

    Args:
        logits_BV: Of the next token, in float32.
        hidden: The layers' outputs at the last token, shape (rows, width), by layer; only what was asked.
        steered: The logits for another output of the steered layer; None if none was named.
    """

    logits_BV: torch.Tensor
    hidden: Mapping[int, torch.Tensor]
    steered: Callable[[torch.Tensor], torch.Tensor] | None = None


@final
class Reader:
    """A network with what it has read.

    Args:
        network: A causal network in evaluation mode.
        kept: Layers whose outputs are wanted.
        steered: The layer whose output may be changed; None = none.

    Raises:
        ModelError: If the network keeps more than keys and values, or has no such layer.
    """

    def __init__(
        self, network: Any, *, kept: AbstractSet[int] = frozenset(), steered: int | None = None
    ) -> None:
        if not can_shrink(network):
            raise ModelError(
                f"{type(network).__name__} keeps a recurrent state or a sliding window, from which a step "
                "cannot be taken back; take a network with plain keys and values in every layer"
            )
        self._network = network
        self._kept = {i: layer_of(network, i) for i in kept}
        self._upper = None if steered is None else UpperLayers(network, steered)
        self._is_checked = False
        self._seen: dict[int, torch.Tensor] = {}
        self._past = DynamicCache(config=network.config)
        self._mask_BT = torch.empty(0)

    @contextmanager
    def opened(self, prompts: Sequence[tuple[int, ...]]) -> Iterator[torch.Tensor]:
        """While a batch is read: its prompts but their last tokens, which are given, shape (rows,)."""
        ids_BT, self._mask_BT = left_padded(prompts, self._network.device)
        read = read_prompts(self._network, ids_BT, self._mask_BT)
        self._past = DynamicCache(config=self._network.config) if read is None else read
        self._mask_BT = self._mask_BT[:, :-1]
        with ExitStack() as stack:
            if self._upper is not None:
                stack.enter_context(self._upper.recorded())
            for i, layer in self._kept.items():
                hook = layer.register_forward_hook(self._keeper(i), prepend=True)
                stack.callback(hook.remove)
            yield ids_BT[:, -1]

    def _keeper(self, i: int) -> Callable[..., None]:
        def keep(_: torch.nn.Module, __: Any, output: Any) -> None:
            self._seen[i] = tensor_of(output)[:, -1]

        return keep

    def read(self, ids_B: torch.Tensor) -> Reading:
        """Read one more token of each row."""
        self._mask_BT = torch.cat([self._mask_BT, self._mask_BT.new_ones(len(ids_B), 1)], dim=1)
        logits_BV = self._network(
            input_ids=ids_B[:, None],
            attention_mask=self._mask_BT,
            position_ids=self._mask_BT.sum(-1, keepdim=True) - 1,
            past_key_values=self._past,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        hidden = dict(self._seen)
        if self._upper is None:
            return Reading(logits_BV.float(), hidden)
        assert self._upper.hidden_BTD is not None
        hidden[self._upper.layer] = self._upper.hidden_BTD[:, -1]
        if not self._is_checked:
            self._upper.require_equal(logits_BV, self._again(hidden[self._upper.layer]))
            self._is_checked = True
        return Reading(logits_BV.float(), hidden, self._again)

    def _again(self, hidden_BD: torch.Tensor) -> torch.Tensor:
        """The logits if the steered layer had put out `hidden_BD` at the last token; nothing is kept."""
        assert self._upper is not None
        above: list[Any] = self._past.layers[self._upper.layer + 1 :]  # plain, by `can_shrink`
        own = [(each.keys, each.values) for each in above]
        try:
            for each in above:
                each.crop(-1)
            return self._upper.again(hidden_BD[:, None])[:, -1].float()
        finally:
            for each, (keys, values) in zip(above, own, strict=True):
                each.keys, each.values = keys, values

    def select(self, rows: torch.Tensor) -> None:
        """Go on with these rows only."""
        self._past.batch_select_indices(rows)
        self._mask_BT = self._mask_BT[rows]
