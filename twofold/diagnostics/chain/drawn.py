"""Which problems are examined more closely than the others? A sample that is the same for every role.

Twins and continuations cost more than all other readings of a chain, so they are made for a sample of the
problems: a share of them, up to a number at which intervals are narrow whatever is found. The size depends
on nothing that was measured, so it cannot favour a result; the sample is drawn by hash, because suites
repeat their kinds of problems in turn; and model and baseline share it, so that they stay paired.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import final

from twofold.randomness import rng_for


@final
@dataclass(frozen=True)
class Sample:
    """How many problems are drawn: a share of all, rounded up, and at most so many."""

    share: float
    most: int

    def of(self, ids: Collection[str], seed: int) -> frozenset[str]:
        """The ids that are drawn; a smaller sample lies within a larger one.

        Example:
            >>> few, more = (Sample(share, 3).of("abcdefgh", seed=0) for share in (0.25, 0.5))
            >>> len(few), len(more), few < more, Sample(0.25, 3).of("hgfedcba", seed=0) == few
            (2, 3, True, True)
        """
        order = sorted(ids, key=lambda key: (rng_for(seed, "drawn", key).random(), key))
        return frozenset(order[: min(self.most, math.ceil(self.share * len(order)))])
