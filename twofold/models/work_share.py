"""Which replies does this process have to make?"""

from collections.abc import Set as AbstractSet

from twofold.types import Share


def missing_pairs(
    n_prompts: int, n: int, *, done: AbstractSet[tuple[int, int]], share: Share
) -> list[tuple[int, int]]:
    """The `(prompt index, sample index)` pairs that this process has to answer, in order.

    Process `rank` takes every `world`-th pair; `done` is removed afterwards, so a resumed process
    keeps its own part.

    Example:
        >>> missing_pairs(2, 2, done={(0, 1)}, share=Share())
        [(0, 0), (1, 0), (1, 1)]
        >>> missing_pairs(2, 2, done={(0, 1)}, share=Share(rank=1, world=2))
        [(1, 1)]
    """
    pairs = [(p, g) for p in range(n_prompts) for g in range(n)]
    return [pair for pair in pairs[share.rank :: share.world] if pair not in done]
