"""How are branches scored without reading the trunk for each of them?

In two phases: the trunk is read once with the fast causal kernel, and its keys and values are
cached; then the branches are read in pieces, and the keys of each piece are dropped again. A short
tree is read in a single pass, with trunk and branches in one row. Trees are read one after another:
side by side they would be padded to the longest, and a piece is long enough to keep a core busy.

Source: tree attention as in speculative decoding (Miao et al. 2024, "SpecInfer", section 4), applied
here to chains with transformers' own cache.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from transformers import DynamicCache

from twofold.prefix_scoring import layout
from twofold.prefix_scoring.tree import Branch, Scored, Tree

# Longest row, in tokens, that is read in one pass; beyond that its mask costs more than a second call.
PACKED = 384
# Memory for the logits and the mask of one piece.
MOST_BYTES = 160 * 2**20
# Longest piece, in tokens: attention to the tokens of other branches is computed and masked.
MOST_TOKENS = 512


@final
@dataclass(frozen=True)
class Place:
    """A network in evaluation mode, and what a piece of work on it costs."""

    network: Any

    @property
    def device(self) -> torch.device:
        """The device of the network's input."""
        return torch.device(next(self.network.parameters()).device)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of its activations."""
        dtype: torch.dtype = next(self.network.parameters()).dtype
        return dtype

    @property
    def vocabulary(self) -> int:
        """For how many tokens it has embeddings; 0 if it does not say."""
        embeddings = getattr(self.network, "get_input_embeddings", None)
        return 0 if embeddings is None else int(embeddings().weight.shape[0])

    def tensor(self, values: layout.Ints) -> torch.Tensor:
        """`values` on the network's device."""
        return torch.from_numpy(values).to(self.device)

    def piece(self, n_cached: int) -> int:
        """How many branch tokens are read at once."""
        heads: int = self.network.config.get_text_config().num_attention_heads
        a_token = 10 * self.vocabulary + 4 * heads * (n_cached + 256)
        return min(MOST_TOKENS, max(16, MOST_BYTES // a_token))


def scored(place: Place, tree: Tree) -> list[Scored]:
    """The scores of a tree's branches."""
    trunk, branches = tree.trunk[: tree.reach], tree.branches
    if tree.n_tokens <= min(PACKED, place.piece(0)):
        return _split(_read(place, layout.row(trunk, branches), None, {}), branches)
    pieces = list(layout.pieces(branches, place.piece(len(trunk))))
    rows = [layout.row(trunk, [branches[i] for i in piece], len(trunk)) for piece in pieces]
    wanted = sorted({int(s) for row in rows for s in row.source if s < len(trunk)})
    cache, ends = _trunk(place, trunk, wanted) if trunk else (None, {})
    found: dict[int, Scored] = {}
    for piece, row in zip(pieces, rows, strict=True):
        values = _read(place, row, cache, ends)
        found |= zip(piece, _split(values, [branches[i] for i in piece]), strict=True)
    return [found[i] for i in range(len(branches))]


_Ends = dict[int, torch.Tensor]  # logits after some trunk tokens, by place
# Log-probabilities and greedy tokens of a row's scored tokens, in order.
Values = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def _trunk(place: Place, trunk: Sequence[int], wanted: Sequence[int]) -> tuple[DynamicCache, _Ends]:
    """Keys and values of the trunk, and the logits after its tokens at the places `wanted`."""
    cache = DynamicCache(config=place.network.config)
    keep = torch.tensor(wanted or [len(trunk) - 1], device=place.device)
    ids = np.array([trunk], dtype=np.int64)
    logits = place.network(
        place.tensor(ids), past_key_values=cache, use_cache=True, logits_to_keep=keep
    ).logits[0]
    return cache, dict(zip(wanted, logits, strict=False))


def _read(place: Place, row: layout.Row, cache: DynamicCache | None, ends: _Ends) -> Values:
    """One pass; afterwards the cache is as before."""
    sources = row.source.tolist()
    inside = sorted({s for s in sources if s >= row.n_cached})
    if len(row.ids):
        sees = torch.from_numpy(row.sees()).to(place.device)
        mask = torch.zeros(sees.shape, dtype=place.dtype, device=place.device)
        mask.masked_fill_(~sees, torch.finfo(place.dtype).min)
        kept = [s - row.n_cached for s in inside]
        logits = place.network(
            place.tensor(row.ids[None]),
            attention_mask=mask[None, None],
            position_ids=place.tensor(row.position[None]),
            past_key_values=cache,
            use_cache=cache is not None,
            logits_to_keep=torch.tensor(kept or [0], device=place.device),
        ).logits[0]
        if cache is not None:
            cache.crop(-len(row.ids))
        ends = ends | dict(zip(inside, logits, strict=False))
    return picked(torch.stack([ends[s] for s in sources]).float(), row.target, row.stops)


def picked(
    logits: torch.Tensor, target: layout.Ints, stops: Sequence[tuple[int, ...]] = ()
) -> Values:
    """Log-probability of each target and the greedy token, row by row of `(tokens, vocabulary)`."""
    wanted = torch.from_numpy(target).to(logits.device)
    chosen = logits.gather(-1, wanted.clamp(min=0)[:, None])[:, 0]
    for at, allowed in zip(np.flatnonzero(target == layout.STOP), stops, strict=True):
        chosen[at] = logits[at, list(allowed)].logsumexp(-1)
    chosen = chosen - logits.logsumexp(-1)
    return chosen.double().cpu().numpy(), logits.argmax(-1).cpu().numpy()


def _split(values: Values, branches: Sequence[Branch]) -> list[Scored]:
    logprobs, greedy = values
    ends = np.cumsum([branch.n_scored for branch in branches])[:-1]
    return [
        Scored(*pair) for pair in zip(np.split(logprobs, ends), np.split(greedy, ends), strict=True)
    ]
