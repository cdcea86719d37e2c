"""Which of many differences are significant? Holm's correction of a family of p-values."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from twofold.errors import StatsError
from twofold.types import Comparison

K = TypeVar("K")


def holm(p_values: Mapping[K, float]) -> dict[K, float]:
    """Holm's adjusted p-values, which control the family-wise error rate; in the same order.

    The k-th smallest of m is multiplied by `m - k + 1`, capped at 1 and never below the one before
    it. It needs no independence, and is never weaker than Bonferroni.

    Raises:
        StatsError: If a value is outside [0, 1] or NaN.

    Source:
        Holm 1979, "A simple sequentially rejective multiple test procedure".

    Example:
        >>> holm({"a": 0.01, "b": 0.04, "c": 0.02})
        {'a': 0.03, 'b': 0.04, 'c': 0.04}
    """
    for name, p in p_values.items():
        if not 0 <= p <= 1:
            raise StatsError(f"p-value {name!r} is {p}; leave out what was not tested")
    adjusted: dict[K, float] = {}
    floor = 0.0
    for rank, name in enumerate(sorted(p_values, key=p_values.__getitem__)):
        floor = max(floor, min(1.0, p_values[name] * (len(p_values) - rank)))
        adjusted[name] = floor
    return {name: adjusted[name] for name in p_values}


def corrected(found: Mapping[K, Comparison]) -> dict[K, Comparison]:
    """A family of comparisons, each with its Holm-adjusted p-value in `p_adjusted`.

    Example:
        >>> from twofold.stats import paired
        >>> family = {"a": paired([0] * 9, [1] * 9), "b": paired([0] * 9, [0] * 9)}
        >>> {key: round(c.p_adjusted, 4) for key, c in corrected(family).items()}
        {'a': 0.0078, 'b': 1.0}
    """
    adjusted = holm({key: comparison.p for key, comparison in found.items()})
    return {key: replace(c, p_adjusted=adjusted[key]) for key, c in found.items()}
