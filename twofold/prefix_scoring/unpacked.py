"""The plain way: every branch read from its first token, in batches. Slow, and right for any network.

For networks that cannot branch, and to check the others against.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import torch

from twofold.prefix_scoring import layout
from twofold.prefix_scoring.passes import picked
from twofold.prefix_scoring.tree import Scored, Tree

MOST_TOKENS = 4096
"""Tokens of a batch, padding included."""


def scored(network: Any, tree: Tree, *, device: torch.device) -> list[Scored]:
    """Every branch of a tree, each by a forward over all that stands before it.

    Padding stands on the right, where nothing that is causal looks, whatever its layers are.

    Args:
        network: Called with `input_ids`, it gives `logits`.
        tree: What is scored.
        device: Where the input goes.
    """
    order = sorted(range(len(tree.branches)), key=lambda i: -_length(tree, i))
    keeps = "logits_to_keep" in inspect.signature(network.forward).parameters
    found: dict[int, Scored] = {}
    while order:
        longest = _length(tree, order[0])
        batch, order = (
            order[: max(1, MOST_TOKENS // longest)],
            order[max(1, MOST_TOKENS // longest) :],
        )
        rows = np.zeros((len(batch), longest), dtype=np.int64)
        for row, i in zip(rows, batch, strict=True):
            branch = tree.branches[i]
            row[: _length(tree, i)] = [*tree.trunk[: branch.cut], *branch.ids]
        first = min(tree.branches[i].cut + tree.branches[i].given - 1 for i in batch)
        kept = {"logits_to_keep": longest - first} if keeps else {}
        logits = network(torch.from_numpy(rows).to(device), **kept).logits
        logits = logits[:, -(longest - first) :]
        for r, i in enumerate(batch):
            branch = tree.branches[i]
            start = branch.cut + branch.given - 1 - first
            asked = layout.row((), [branch])
            there = logits[r, start : start + branch.n_scored].float()
            found[i] = Scored(*picked(there, asked.target, asked.stops))
    return [found[i] for i in range(len(tree.branches))]


def _length(tree: Tree, i: int) -> int:
    return tree.branches[i].cut + len(tree.branches[i].ids)
