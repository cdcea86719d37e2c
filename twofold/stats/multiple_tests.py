"""Which of many differences are real? Holm's correction of a family of p-values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from twofold.errors import StatsError
from twofold.types import Comparison

K = TypeVar("K")


def holm(p_values: Mapping[K, float]) -> dict[K, float]:
    """Holm's adjusted p-values: the chance of a single false alarm in the family stays below alpha.

    The k-th smallest of m is multiplied by `m - k + 1`, capped at 1 and never below the one before
    it. Needs no independence, and is never weaker than Bonferroni.

    Args:
        p_values: By name, each in [0, 1].

    Returns:
        The adjusted values in [0, 1], in the same order of names.

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
    ranked = sorted(p_values, key=p_values.__getitem__)
    for rank, name in enumerate(ranked):
        floor = max(floor, min(1.0, p_values[name] * (len(ranked) - rank)))
        adjusted[name] = floor
    return {name: adjusted[name] for name in p_values}


def corrected(found: Mapping[K, Comparison]) -> dict[K, Comparison]:
    """A family of comparisons with Holm's correction over it in each `p_adjusted`.

    Args:
        found: The family by key; an empty one stays empty.

    Example:
        >>> from twofold.stats import paired
        >>> family = {"a": paired([0] * 9, [1] * 9), "b": paired([0] * 9, [0] * 9)}
        >>> {key: round(c.p_adjusted, 4) for key, c in corrected(family).items()}
        {'a': 0.0078, 'b': 1.0}
    """
    adjusted = holm({key: comparison.p for key, comparison in found.items()}) if found else {}
    return {key: replace(c, p_adjusted=adjusted[key]) for key, c in found.items()}
