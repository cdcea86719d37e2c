"""Which problems are examined more closely than the others? A sample that is the same for every role.

Twins and continuations cost more than all other readings of a chain, so they are made for a sample of the
problems. Its size depends on nothing that was measured, so it cannot favour a result; it is drawn by hash,
because suites repeat their kinds of problems in turn; and model and baseline share it, so that they stay
paired. A smaller sample lies within a larger one.
"""

import math
from collections.abc import Collection

from twofold.randomness import rng_for


def drawn(ids: Collection[str], share: float, seed: int) -> frozenset[str]:
    """A share of the problems' ids, rounded up.

    Example:
        >>> few, more = (drawn("abcdefgh", share, seed=0) for share in (0.25, 0.5))
        >>> len(few), len(more), few < more, drawn("hgfedcba", 0.25, seed=0) == few
        (2, 4, True, True)
    """
    order = sorted(ids, key=lambda key: (rng_for(seed, "drawn", key).random(), key))
    return frozenset(order[: math.ceil(share * len(order))])
