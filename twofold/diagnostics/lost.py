"""What was asked for and gave no number? Every diagnostic names it, since left out is not zero."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping


def unscored_in_words(role: str, rows: Mapping[str, int], scored: Collection[str]) -> Iterator[str]:
    """The sentence that names what has rows and not a single score; nothing if all has one.

    Args:
        role: Whose rows.
        rows: How many rows each quantity has.
        scored: The quantities that have a score.

    Example:
        >>> list(unscored_in_words("model", {"unconstrained": 3, "empty": 3, "first": 0}, ["unconstrained"]))
        ['model: no number could be made for empty (of 3 rows): left out, which is not zero.']
    """
    lost = [f"{name} (of {n} rows)" for name, n in rows.items() if n and name not in scored]
    if lost:
        yield f"{role}: no number could be made for {', '.join(lost)}: left out, which is not zero."
