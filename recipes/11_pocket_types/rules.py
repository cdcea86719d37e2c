"""Which types of constraints are trained, and which are held out near and far? 28 types of ten families.

A cell of the study trains on a few of `POOL`; no cell trains on `NEAR` (types of the pool's families) or
`FAR` (other families). Pretraining shows all of them, so the model knows the words of each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from twofold.randomness import rng_for

Choice = TypeVar("Choice")

# Draws the arguments of a constraint; the second argument is the number of steps of the solution.
Draw = Callable[[np.random.Generator, int], dict[str, Any]]

_WORDS = ("indeed", "today", "surely", "clearly", "garden", "river", "window")
_PHRASES = ("a clear mind needs a quiet room", "every small step counts in the end")
_ENDINGS = ("Any other questions?", "Have a good day.", "That is all for now.")


def _one(rng: np.random.Generator, choices: Sequence[Choice]) -> Choice:
    return choices[int(rng.integers(len(choices)))]


POOL: dict[str, Draw] = {
    "startend:end_checker": lambda rng, n: {"end_phrase": _one(rng, _ENDINGS)},
    "detectable_format:title": lambda rng, n: {},
    "keywords:existence": lambda rng, n: {"keywords": [_one(rng, _WORDS)]},
    "length_constraints:number_words": lambda rng, n: {
        "num_words": _one(rng, (8, 10, 12)),
        "relation": "less than",
    },
    "punctuation:no_comma": lambda rng, n: {},
    "copy:repeat_phrase": lambda rng, n: {"phrase": _one(rng, _PHRASES), "small_n": 1},
    "startend:quotation": lambda rng, n: {},
    "first_word:first_word_answer": lambda rng, n: {"first_word": _one(rng, _WORDS)},
    "detectable_format:number_bullet_lists": lambda rng, n: {"num_bullets": n},
    "keywords:frequency": lambda rng, n: {
        "keyword": _one(rng, _WORDS),
        "frequency": _one(rng, (2, 3)),
        "relation": "at least",
    },
    "detectable_content:postscript": lambda rng, n: {"postscript_marker": "P.S."},
    "count:conjunctions": lambda rng, n: {"small_n": _one(rng, (2, 3))},
    "detectable_format:number_highlighted_sections": lambda rng, n: {
        "num_highlights": _one(rng, (1, 2))
    },
    "keywords:forbidden_words": lambda rng, n: {
        "forbidden_words": [_one(rng, ("answer", "so", "gives"))]
    },
    "format:list": lambda rng, n: {"sep": _one(rng, ("@@", "-->"))},
    "length_constraints:nth_paragraph_first_word": lambda rng, n: {
        "num_paragraphs": 2,
        "nth_paragraph": 1,
        "first_word": _one(rng, _WORDS),
    },
}

NEAR: dict[str, Draw] = {
    "last_word:last_word_answer": lambda rng, n: {"last_word": _one(rng, _WORDS)},
    "format:thesis": lambda rng, n: {},
    "paragraphs:paragraphs2": lambda rng, n: {},
    "count:count_increment_word": lambda rng, n: dict(
        zip(("keyword1", "keyword2"), map(str, rng.permutation(_WORDS)), strict=False)
    ),
    "length_constraints:number_sentences": lambda rng, n: {
        "num_sentences": _one(rng, (2, 3)) if n > 2 else 2,
        "relation": "less than",
    },
    "punctuation:punctuation_dot": lambda rng, n: {},
}

FAR: dict[str, Draw] = {
    "change_case:english_capital": lambda rng, n: {},
    "change_case:capital_word_frequency": lambda rng, n: {
        "capital_frequency": 2,
        "capital_relation": "at least",
    },
    "keywords:palindrome": lambda rng, n: {},
    "letters:letter_counting": lambda rng, n: {
        "N": _one(rng, (40, 50, 60)),
        "relation": "less than",
    },
    "detectable_format:sentence_hyphens": lambda rng, n: {},
    "ratio:sentence_type": lambda rng, n: {},
}

ALL: dict[str, Draw] = {**POOL, **NEAR, **FAR}

# Types that leave no room for the working in the visible reply.
COMPETING = (
    "length_constraints:number_words",
    "length_constraints:number_sentences",
    "letters:letter_counting",
)


def held(name: str) -> str:
    """How a type is held out of every cell: `pool` (it may be trained), `near` or `far`."""
    return "pool" if name in POOL else "near" if name in NEAR else "far"


def trained(n: int, seed: int) -> list[str]:
    """The `n` types that a run trains on: another choice for each seed, in which few are among many.

    Example:
        >>> set(trained(2, seed=0)) < set(trained(4, seed=0))
        True
    """
    names = [*POOL]
    order = rng_for("11_pocket_types", "trained", seed).permutation(len(names))
    return [names[place] for place in order[:n]]
