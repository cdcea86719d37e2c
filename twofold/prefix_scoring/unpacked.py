"""How are branches scored one by one? Slow, but correct for any network, and used to check the others."""

import inspect
from collections.abc import Sequence

import numpy as np

from twofold.prefix_scoring import layout
from twofold.prefix_scoring.passes import Place, picked
from twofold.prefix_scoring.tree import Scored, Tree

MOST_TOKENS = 4096  # of a batch, including padding
MOST_BYTES = 2**30  # of a batch's logits; 4,096 tokens of a vocabulary of 150,000 would take 2.5 GB


def scored(place: Place, tree: Tree) -> list[Scored]:
    """Score each branch of a tree by a forward pass over the trunk before it and the branch.

    Padding is on the right, where causal layers do not look.
    """
    order = sorted(range(len(tree.branches)), key=lambda i: -_length(tree, i))
    keeps = "logits_to_keep" in inspect.signature(place.network.forward).parameters
    found: dict[int, Scored] = {}
    while order:
        longest = _length(tree, order[0])
        n = _n_rows(place, tree, order, keeps=keeps)
        batch, order = order[:n], order[n:]
        rows = np.zeros((len(batch), longest), dtype=np.int64)
        for row, i in zip(rows, batch, strict=True):
            branch = tree.branches[i]
            row[: _length(tree, i)] = [*tree.trunk[: branch.cut], *branch.ids]
        first = _first(tree, batch)
        kept = {"logits_to_keep": longest - first} if keeps else {}
        logits = place.network(place.tensor(rows), **kept).logits
        logits = logits[:, -(longest - first) :]
        for r, i in enumerate(batch):
            branch = tree.branches[i]
            start = branch.cut + branch.given - 1 - first
            asked = layout.row((), [branch])
            there = logits[r, start : start + branch.n_scored].float()
            found[i] = Scored(*picked(there, asked.target, asked.stops))
    return [found[i] for i in range(len(tree.branches))]


def _n_rows(place: Place, tree: Tree, order: Sequence[int], *, keeps: bool) -> int:
    """How many of the branches in `order` are scored at once; at least one."""
    longest = _length(tree, order[0])
    n = max(1, MOST_TOKENS // longest)
    while n > 1:
        n_logits = longest - _first(tree, order[:n]) if keeps else longest
        if 4 * place.vocabulary * n_logits * n <= MOST_BYTES:
            break
        n //= 2
    return n


def _first(tree: Tree, batch: Sequence[int]) -> int:
    """The first position whose logits are needed for some branch of a batch."""
    return min(tree.branches[i].cut + tree.branches[i].given - 1 for i in batch)


def _length(tree: Tree, i: int) -> int:
    return tree.branches[i].cut + len(tree.branches[i].ids)
