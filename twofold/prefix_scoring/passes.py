"""How are branches scored without reading the trunk for each of them?

In two phases: the trunk is read once with the fast causal kernel, and its keys and values are
cached; then the branches are read in pieces, and the keys of each piece are dropped again. A short
batch is read in a single pass, with trunk and branches packed into one row.

Source: tree attention as in speculative decoding (Miao et al. 2024, "SpecInfer", section 4), applied
here to chains with transformers' own cache.
"""

from collections.abc import Iterator, Sequence
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

    def piece(self, n_rows: int, n_kept: int) -> int:
        """How many branch tokens of each row are read at once."""
        heads: int = self.network.config.get_text_config().num_attention_heads
        a_token = n_rows * (10 * self.vocabulary + 4 * heads * (n_kept + 256))
        return max(16, MOST_BYTES // a_token)


def scored(place: Place, trees: Sequence[Tree]) -> list[list[Scored]]:
    """The scores of trees of similar size, `found[tree][branch]`."""
    longest = max(tree.n_tokens for tree in trees)
    n_kept = max(tree.reach for tree in trees)
    if longest <= PACKED and longest <= place.piece(len(trees), 0):
        rows = [layout.row(tree.trunk[: tree.reach], tree.branches) for tree in trees]
        found = _read(place, rows, None, 0, {})
        return [_split(each, tree.branches) for each, tree in zip(found, trees, strict=True)]
    wanted = sorted({b.cut - 1 for tree in trees for b in tree.branches if b.given == 0})
    cache, ends = _trunks(place, trees, n_kept, wanted)
    out: list[list[Scored]] = [[] for _ in trees]
    for pieces in _pieces(trees, place.piece(len(trees), n_kept)):
        rows = [layout.row((), piece) for piece in pieces]
        found = _read(place, rows, cache, n_kept, ends)
        for into, each, piece in zip(out, found, pieces, strict=True):
            into += _split(each, piece)
    return out


_Ends = dict[int, torch.Tensor]  # logits after some trunk tokens, by index; (rows, vocabulary)
# Log-probabilities and greedy tokens of a row's scored tokens, in order.
Values = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def _trunks(
    place: Place, trees: Sequence[Tree], n_kept: int, wanted: Sequence[int]
) -> tuple[DynamicCache, _Ends]:
    """Keys and values of the trunks, padded on the right, and the logits after `wanted` tokens."""
    ids = np.zeros((len(trees), n_kept), dtype=np.int64)
    for into, tree in zip(ids, trees, strict=True):
        into[: tree.reach] = tree.trunk[: tree.reach]
    cache = DynamicCache(config=place.network.config)
    keep = torch.tensor(wanted or [n_kept - 1], device=place.device)
    logits = place.network(
        place.tensor(ids), past_key_values=cache, use_cache=True, logits_to_keep=keep
    ).logits
    return cache, {at: logits[:, i] for i, at in enumerate(wanted)}


def _pieces(trees: Sequence[Tree], most: int) -> Iterator[list[tuple[Branch, ...]]]:
    """The branches of all trees in pieces of at most `most` tokens per tree (or one branch)."""
    waiting = [list(tree.branches) for tree in trees]
    while any(waiting):
        pieces = []
        for branches in waiting:
            n, size = 0, 0
            while n < len(branches) and (n == 0 or size + len(branches[n].ids) <= most):
                size += len(branches[n].ids)
                n += 1
            pieces.append(tuple(branches[:n]))
            del branches[:n]
        yield pieces


def _read(
    place: Place,
    rows: Sequence[layout.PackedRow],
    cache: DynamicCache | None,
    n_kept: int,
    ends: _Ends,
) -> list[Values]:
    """One pass; afterwards the cache is as before."""
    sees = torch.from_numpy(layout.sees(rows, n_kept)).to(place.device)
    mask = torch.zeros(sees.shape, dtype=place.dtype, device=place.device)
    mask.masked_fill_(~sees, torch.finfo(place.dtype).min)
    inside = sorted({int(s) for each in rows for s in each.source if s >= 0})
    column = {source: i for i, source in enumerate(inside)}
    ids = layout.padded(rows, "ids")
    logits = place.network(
        place.tensor(ids),
        attention_mask=mask[:, None],
        position_ids=place.tensor(layout.padded(rows, "position")),
        past_key_values=cache,
        use_cache=cache is not None,
        logits_to_keep=torch.tensor(inside or [0], device=place.device),
    ).logits
    if cache is not None:
        cache.crop(-ids.shape[1])
    found = []
    for r, each in enumerate(rows):
        from_here = [logits[r, column[int(s)]] if s >= 0 else ends[~int(s)][r] for s in each.source]
        if from_here:
            found.append(picked(torch.stack(from_here).float(), each.target, each.stops))
        else:
            found.append((np.zeros(0), np.zeros(0, dtype=np.int64)))
    return found


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
    if not branches:
        return []  # np.split would return one empty array
    logprobs, greedy = values
    ends = np.cumsum([branch.n_scored for branch in branches])[:-1]
    return [
        Scored(*pair) for pair in zip(np.split(logprobs, ends), np.split(greedy, ends), strict=True)
    ]
