"""Which of many differences are real? Holm's correction of a family of p-values."""

from __future__ import annotations

from collections.abc import Mapping

from twofold.errors import StatsError


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
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
    adjusted: dict[str, float] = {}
    floor = 0.0
    ranked = sorted(p_values, key=p_values.__getitem__)
    for rank, name in enumerate(ranked):
        floor = max(floor, min(1.0, p_values[name] * (len(ranked) - rank)))
        adjusted[name] = floor
    return {name: adjusted[name] for name in p_values}
