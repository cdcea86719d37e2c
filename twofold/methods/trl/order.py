"""In which order does a trainer see its rows? In shuffled passes, a problem beside its twin."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from twofold.storage.jsonl import Row


def pairs_and_singles(rows: Sequence[Row]) -> list[list[Row]]:
    """Neighbours with the same `pair` together, each other row alone."""
    numbered = groupby(enumerate(rows), lambda each: each[1].get("pair") or each[0])
    return [[row for _, row in group] for _, group in numbered]


def passes(rows: Sequence[Row], n: int, rng: np.random.Generator) -> list[Row]:
    """`n` rows in shuffled passes over `rows`.

    The two rows of a pair follow each other and the first has an even place, so that a batch of an even
    size has both. A single row waits for the next single one where it would shift the pairs.
    """
    units = pairs_and_singles(rows)
    found: list[Row] = []
    waiting: list[Row] = []
    while len(found) < n:
        for at in rng.permutation(len(units)):
            unit = units[at]
            if len(unit) == 1:
                waiting += unit
                unit = waiting if len(waiting) == 2 else []
                waiting = [] if unit else waiting
            found += unit
    return found[:n]
