"""What log-probability does a model give to each branch of each tree?"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from twofold.errors import ModelError
from twofold.prefix_scoring import ability, passes, unpacked
from twofold.prefix_scoring.tree import Branch, Scored, Tree
from twofold.types import OpenModel


def score(
    model: OpenModel, trees: Sequence[Tree], *, n_checked: int = 0
) -> Iterator[tuple[int, list[Scored]]]:
    """Score trees, yielding `(index, scores of its branches)`.

    Args:
        model: One that does not support one-pass scoring scores branches one by one.
        trees: Each with any number of branches.
        n_checked: Number of trees, from the first, that are also scored one by one to check.

    Raises:
        ModelError: If a checked tree differs by more than its dtype explains.
    """
    reads_once = not ability.why_not(model.network)
    place = passes.Place(model.network)
    for i, tree in enumerate(trees):
        with torch.inference_mode():
            found = (
                (passes if reads_once else unpacked).scored(place, tree) if tree.branches else []
            )
            if reads_once and i < n_checked:
                _compare(found, unpacked.scored(place, tree), place, i)
        yield i, found


def branch_logprobs(
    model: OpenModel,
    prefix_ids: Sequence[int],
    cuts: Sequence[int],
    branches: Sequence[Sequence[int]],
) -> list[list[NDArray[np.float64]]]:
    """The log-probabilities of each branch at each cut of one chain, which is read once.

    Args:
        model: A model with local weights.
        prefix_ids: Token ids of prompt and chain as generated, never from a re-tokenised text.
        cuts: Numbers of tokens of `prefix_ids` before the branches, each at least 1.
        branches: Token ids of each branch, at least one each.

    Returns:
        `found[cut][branch]`: `len(branch)` log-probabilities in nats, token j given the prefix up to
        the cut and the branch before j.

    Raises:
        ModelError: If a cut lies outside the prefix, or a branch is empty.

    Source:
        Early answering: Lanham et al. 2023 (arXiv 2307.13702), section 2.3. The single pass over a
        shared prefix is ours: (K + 1) forward passes become one prefill and short branches.

    Example:
        >>> from twofold.models.hf import HfModel
        >>> pocket = HfModel("pocket")
        >>> ids = pocket.tokenizer("Karin's robot faces south.").input_ids
        >>> found = branch_logprobs(pocket, ids, [2, len(ids)], [[5], [6, 7]])
        >>> [[part.shape for part in at] for at in found]
        [[(1,), (2,)], [(1,), (2,)]]
    """
    tree = Tree(
        tuple(int(i) for i in prefix_ids),
        tuple(Branch(int(cut), tuple(int(i) for i in ids)) for cut in cuts for ids in branches),
    )
    ((_, found),) = score(model, [tree])
    n = len(branches)
    return [[each.logprobs for each in found[k * n : (k + 1) * n]] for k in range(len(cuts))]


def _compare(found: Sequence[Scored], right: Sequence[Scored], place: passes.Place, i: int) -> None:
    for b, (one, other) in enumerate(zip(found, right, strict=True)):
        apart = one.furthest(other)
        if not apart <= ability.NOISE[place.dtype]:
            raise ModelError(
                f"branch {b} of chain {i}: one-pass scoring differs from one-by-one scoring by "
                f"{apart:.3g} nats per token, more than {place.dtype} explains. Nothing of this chain "
                "was saved. Please report the model, or try another version of transformers"
            )
