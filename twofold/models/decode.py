"""How is a batch of prompts decoded without waiting for its longest reply?

`generate` keeps every row in the batch until the last one has ended, and reasoners' replies differ
in length by a factor of ten and more. So when half of the rows have ended, they are removed together
with their keys and values. This depends only on the batch, so the same batch gives the same replies.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import (
    DynamicCache,
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
)
from transformers.cache_utils import DynamicLayer

from twofold.models.batches import PlannedRow
from twofold.models.gumbel import samplers
from twofold.types import Sampling

LEAST_SHARED = 64
"""Tokens that all prompts begin with, from which on they are read once; fewer are not worth a pass."""


def decode(
    network: Any, rows: Sequence[PlannedRow], sampling: Sampling, *, eos: Sequence[int]
) -> list[list[int] | None]:
    """Generate a reply for every row; returns the new token ids, including the end token.

    None stands for a row whose logits were not numbers at some token.

    The network has cleared generation defaults; `eos` are the ids that end a reply, possibly none.
    """
    device = network.device
    alive = list(range(len(rows)))
    ids_RT, mask_RT = left_padded([row.ids for row in rows], device)
    generators = [torch.Generator(device).manual_seed(row.seed) for row in rows]
    new: list[list[int]] = [[] for _ in rows]
    broken: set[int] = set()
    shrinks = can_shrink(network)
    past = read_prompts(network, ids_RT, mask_RT) if shrinks else None
    while alive:
        limits = [rows[r].limit - len(new[r]) for r in alive]
        n_enough = (len(alive) + 1) // 2 if shrinks else len(alive)
        stop = _Stop(eos, limits, ids_RT.shape[1], n_enough)
        watch = _Watch()
        out = network.generate(
            input_ids=ids_RT,
            attention_mask=mask_RT,
            past_key_values=past,
            generation_config=_generation_config(max(limits), eos),
            logits_processor=LogitsProcessorList(
                [watch, *samplers(sampling, [generators[r] for r in alive])]
            ),
            stopping_criteria=StoppingCriteriaList([stop]),
        )
        added_RT = out.sequences[:, ids_RT.shape[1] :]
        broken |= {r for r, is_broken in zip(alive, watch.broken(), strict=True) if is_broken}
        for r, added, limit in zip(alive, added_RT.tolist(), limits, strict=True):
            new[r] += _until_end(added, limit, eos)
        left = [
            i for i, r in enumerate(alive) if len(new[r]) < rows[r].limit and new[r][-1] not in eos
        ]
        alive = [alive[i] for i in left]
        if alive:
            past = out.past_key_values
            past.batch_select_indices(torch.tensor(left, device=device))
            mask_RT = torch.cat([mask_RT, torch.ones_like(added_RT)], dim=1)[left]
            ids_RT = out.sequences[left]
    return [None if r in broken else ids for r, ids in enumerate(new)]


def read_prompts(network: Any, ids_RT: torch.Tensor, mask_RT: torch.Tensor) -> DynamicCache | None:
    """Keys and values of all tokens but the last; each distinct prompt is read once.

    RFT and GRPO sample a prompt eight times and more, and reading it is then half of the work. What all
    prompts begin with, such as examples or a long system prompt, is read once for all of them.
    None if the network does not take positions, or a prompt has one token.
    """
    takes_positions = "position_ids" in inspect.signature(network.forward).parameters
    if not takes_positions or ids_RT.shape[1] < 2:
        return None
    # ids under mask 0 are arbitrary, so rows are compared with their masks
    rows_RT, where_R = torch.unique(torch.cat([ids_RT, mask_RT], 1), dim=0, return_inverse=True)
    ids_UT, mask_UT = rows_RT.chunk(2, dim=1)
    past = DynamicCache(config=network.config)
    n_shared = _n_shared(ids_UT, mask_UT) if can_shrink(network) else 0
    with torch.no_grad():
        if len(ids_UT) > 1 and n_shared >= LEAST_SHARED:
            _read_shared(network, ids_UT, mask_UT, n_shared, past)
        else:
            _read(network, ids_UT[:, :-1], mask_UT[:, :-1], past)
    past.batch_select_indices(where_R)
    return past


def _read(network: Any, ids_UT: torch.Tensor, mask_UT: torch.Tensor, past: DynamicCache) -> None:
    """Read tokens into `past`; the mask covers what is in it, too."""
    network.base_model(
        input_ids=ids_UT,
        attention_mask=mask_UT,
        position_ids=(mask_UT.cumsum(-1) - 1).clamp(min=0)[:, -ids_UT.shape[1] :],
        past_key_values=past,
        use_cache=True,
    )


def _n_shared(ids_UT: torch.Tensor, mask_UT: torch.Tensor) -> int:
    """How many tokens all rows begin with, their last ones not counted; the rows are left-padded."""
    longest = ids_UT.shape[1]
    starts_U1 = longest - mask_UT.sum(dim=1, keepdim=True)
    at_UT = starts_U1 + torch.arange(longest, device=ids_UT.device)
    ids_UT = ids_UT.gather(1, at_UT.clamp(max=longest - 1))
    same_T = (ids_UT == ids_UT[0]).all(dim=0)[: int(mask_UT.sum(dim=1).min()) - 1]
    return int(same_T.cumprod(0).sum())


def _read_shared(
    network: Any, ids_UT: torch.Tensor, mask_UT: torch.Tensor, n_shared: int, past: DynamicCache
) -> None:
    """Read what the rows share once, and then what follows; `past` is padded as the rows are.

    What follows is padded on its left, so that a row's keys are first those of the shared tokens, then its
    padding, then the others. Rotating positions are in the keys, so they can be moved to where they belong.
    """
    n_rows, n_read = len(ids_UT), ids_UT.shape[1] - 1
    starts_U1 = n_read + 1 - mask_UT.sum(dim=1, keepdim=True)
    at_T = torch.arange(n_read, device=ids_UT.device)
    first = ids_UT[:1, int(starts_U1[0]) :][:, :n_shared]
    _read(network, first, torch.ones_like(first), past)
    past.batch_repeat_interleave(n_rows)
    if n_read > n_shared:
        follows_UT = (at_T >= starts_U1 + n_shared)[:, n_shared:].to(mask_UT.dtype)
        mask = torch.cat([mask_UT.new_ones(n_rows, n_shared), follows_UT], dim=1)
        _read(network, ids_UT[:, n_shared:-1], mask, past)
    is_padding, is_shared = at_T < starts_U1, at_T < starts_U1 + n_shared
    from_UT = torch.where(is_padding, at_T + n_shared, at_T)
    from_UT = torch.where(is_shared & ~is_padding, at_T - starts_U1, from_UT).clamp(max=n_read - 1)
    for layer in past.layers:
        assert isinstance(layer, DynamicLayer)
        keys, values = layer.keys, layer.values  # their heads may differ in size
        assert keys is not None and values is not None
        at_UHTC = from_UT[:, None, :, None]
        layer.keys = keys.gather(2, at_UHTC.expand(keys.shape))
        layer.values = values.gather(2, at_UHTC.expand(values.shape))


class _Watch(LogitsProcessor):
    """Sees which rows had logits that are not numbers; they would pick a token all the same."""

    def __init__(self) -> None:
        self._broken_R: torch.Tensor | None = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        largest_R = scores.amax(-1)  # NaN if any is; infinite if one is, or all are minus infinity
        found_R = ~torch.isfinite(largest_R)
        self._broken_R = found_R if self._broken_R is None else self._broken_R | found_R
        return scores

    def broken(self) -> list[bool]:
        """For each row, whether any of its logits was not a number."""
        return [] if self._broken_R is None else self._broken_R.tolist()


@dataclass
class _Stop(StoppingCriteria):
    """Ends a row at its end token or its limit, and all rows once `n_enough` have ended."""

    eos: Sequence[int]
    limits: Sequence[int]
    n_before: int  # tokens per row before the new ones
    n_enough: int

    def __post_init__(self) -> None:
        self._ended = [False] * len(self.limits)

    def __call__(self, input_ids: torch.Tensor, scores: object, **_: object) -> torch.BoolTensor:
        n_new = input_ids.shape[1] - self.n_before
        for r, token in enumerate(input_ids[:, -1].tolist()):
            self._ended[r] |= token in self.eos or n_new >= self.limits[r]
        enough = sum(self._ended) >= self.n_enough
        ended = [True] * len(self._ended) if enough else self._ended
        return torch.tensor(ended, dtype=torch.bool, device=input_ids.device)  # type: ignore[return-value]


def _generation_config(max_new_tokens: int, eos: Sequence[int]) -> GenerationConfig:
    return GenerationConfig(  # type: ignore[no-untyped-call]
        max_new_tokens=max_new_tokens,
        do_sample=False,
        eos_token_id=list(eos) or None,
        pad_token_id=eos[0] if eos else 0,
        return_dict_in_generate=True,
    )


def left_padded(
    ids: Sequence[tuple[int, ...]], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and attention mask, shape (rows, longest)."""
    longest = max(map(len, ids))
    padded = [[0] * (longest - len(row)) + list(row) for row in ids]
    mask = [[0] * (longest - len(row)) + [1] * len(row) for row in ids]
    return torch.tensor(padded, device=device), torch.tensor(mask, device=device)


def _until_end(added: list[int], limit: int, eos: Sequence[int]) -> list[int]:
    """`added` without the padding after its first end token or its limit."""
    added = added[:limit]
    end = next((i for i, token in enumerate(added) if token in eos), len(added) - 1)
    return added[: end + 1]


def can_shrink(network: Any) -> bool:
    """Whether every layer caches plain keys and values, so that rows can be removed.

    Recurrent and sliding-window layers have other state; their batches run to the end.
    """
    layers = DynamicCache(config=network.config).layers
    plain = all(type(layer) is DynamicLayer for layer in layers)
    return plain and not bool(network._is_stateful)
