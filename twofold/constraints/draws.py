"""How are the arguments of a constraint drawn?"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def listed(text: str) -> tuple[str, ...]:
    """The items of a text that commas part; line breaks inside an item are blanks."""
    return tuple(" ".join(item.split()) for item in text.split(","))


# Keywords: common nouns, none of them part of another.
WORDS = listed(
    """
    river, lamp, bridge, garden, silver, window, forest, engine, harbor, candle, market, anchor,
    basket, copper, desert, feather, granite, island, jacket, kettle, ladder, marble, needle,
    orchard, pepper, quarry, ribbon, saddle, temple, umbrella, valley, walnut, yellow, zipper,
    beacon, cactus, dolphin, emerald, falcon
    """
)
# Words that an answer is likely to use, to be forbidden.
COMMON = (
    "therefore",
    "answer",
    "total",
    "because",
    "result",
    "then",
    "number",
    "first",
    "more",
    "each",
)
SECTIONS = ("Section", "Part", "Chapter", "Step")
ENDINGS = ("That settles it.", "Ask me anything else.", "And that is all.", "Over to you.")


def number(rng: np.random.Generator, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included."""
    return int(rng.integers(low, high, endpoint=True))


def one_of(rng: np.random.Generator, among: Sequence[T]) -> T:
    """One of several things."""
    return among[int(rng.integers(len(among)))]


def several_of(rng: np.random.Generator, among: Sequence[T], n: int) -> list[T]:
    """`n` different ones of several things, in random order."""
    return [among[int(i)] for i in rng.choice(len(among), size=n, replace=False)]
