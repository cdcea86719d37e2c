"""Which replies are this process' to make, and which are still missing?

Every model that answers one reply at a time shares the work out in the same way, so that the
processes of one run never do a reply twice and never leave one out.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from twofold.types import Share


def missing_pairs(
    n_prompts: int, n: int, *, done: AbstractSet[tuple[int, int]], share: Share
) -> list[tuple[int, int]]:
    """The `(prompt index, sample index)` pairs that this process has to answer, in order.

    Pairs are counted prompt by prompt and dealt out like cards: process `rank` takes every
    `world`-th one. What is done is taken away after the deal, so a resumed process keeps its own
    part.

    Args:
        n_prompts: Number of prompts.
        n: Samples a prompt.
        done: Pairs that are answered already, by whomever.
        share: This process' part.

    Returns:
        The pairs, without those that are done.

    Example:
        >>> missing_pairs(2, 2, done={(0, 1)}, share=Share())
        [(0, 0), (1, 0), (1, 1)]
        >>> missing_pairs(2, 2, done={(0, 1)}, share=Share(rank=1, world=2))
        [(1, 1)]
    """
    pairs = [(p, g) for p in range(n_prompts) for g in range(n)]
    return [pair for pair in pairs[share.rank :: share.world] if pair not in done]
