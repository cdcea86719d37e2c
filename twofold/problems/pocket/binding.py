"""Which constraints go with a pocket problem, which compete with reasoning, and which are held out?

All are registry types. `COMPETING` ones leave no room for the working in the visible reply: it must
move into the thought, or go. The training split has no `HELD_OUT` type, so no reward sees one; the
model knows the words from pretraining, which has all types.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from twofold.constraints import from_spec
from twofold.types import Constraint, Profile

Choice = TypeVar("Choice")
# Draws the arguments of a constraint; the second argument is the number of steps.
Draw = Callable[[np.random.Generator, int], dict[str, object]]

KEYWORDS = ("indeed", "today", "surely", "clearly")

ENDINGS = ("Any other questions?", "Have a good day.")


def _one(rng: np.random.Generator, choices: Sequence[Choice]) -> Choice:
    return choices[int(rng.integers(len(choices)))]


# The types of the training split, and how their arguments are drawn.
SEEN: dict[str, Draw] = {
    "length_constraints:number_words": lambda rng, n: {
        "num_words": _one(rng, (8, 10, 12)),
        "relation": "less than",
    },
    "length_constraints:nth_paragraph_first_word": lambda rng, n: {
        "num_paragraphs": 2,
        "nth_paragraph": 1,
        "first_word": "Answer",
    },
    "detectable_format:number_bullet_lists": lambda rng, n: {"num_bullets": n},
    "keywords:existence": lambda rng, n: {"keywords": [_one(rng, KEYWORDS)]},
    "keywords:forbidden_words": lambda rng, n: {"forbidden_words": [_one(rng, ("answer", "so"))]},
    "detectable_content:postscript": lambda rng, n: {"postscript_marker": "P.S."},
    "startend:end_checker": lambda rng, n: {"end_phrase": _one(rng, ENDINGS)},
    "startend:quotation": lambda rng, n: {},
    "punctuation:no_comma": lambda rng, n: {},
}

# Types that only the splits `test` and `ood` have.
HELD_OUT: dict[str, Draw] = {
    "length_constraints:number_sentences": lambda rng, n: {
        "num_sentences": _one(rng, (2, 3)) if n > 2 else 2,
        "relation": "less than",
    },
    "detectable_format:title": lambda rng, n: {},
    "detectable_format:number_highlighted_sections": lambda rng, n: {"num_highlights": 1},
    "change_case:capital_word_frequency": lambda rng, n: {
        "capital_frequency": 2,
        "capital_relation": "at least",
    },
}

_BRIEF = {"length_constraints:number_words", "length_constraints:number_sentences"}
# Types that working in the visible reply breaks: few words, few sentences, the answer first.
COMPETING = frozenset({*_BRIEF, "length_constraints:nth_paragraph_first_word"})

_LONG = {
    "length_constraints:nth_paragraph_first_word",
    "detectable_format:number_bullet_lists",
    "detectable_content:postscript",
    "startend:end_checker",
    "change_case:capital_word_frequency",
    "detectable_format:title",
}

_CLASHES: dict[str, set[str]] = {
    **dict.fromkeys(_BRIEF, _LONG | _BRIEF),
    "length_constraints:nth_paragraph_first_word": {
        "detectable_format:number_bullet_lists",
        "detectable_format:number_highlighted_sections",
        "detectable_format:title",
        "detectable_content:postscript",
        "keywords:forbidden_words",
    },
    "detectable_content:postscript": {"startend:end_checker"},
}


def clash(one: str, other: str) -> bool:
    """Whether two types never go together; a type clashes with itself."""
    return one == other or other in _CLASHES.get(one, ()) or one in _CLASHES.get(other, ())


def bind(
    rng: np.random.Generator, first: str, n: int, *, n_steps: int, profile: Profile
) -> tuple[Constraint, ...]:
    """`n` constraints (1 or 2), one of the type `first`, that can be met together with a boxed answer.

    All are seen or all held out.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> [c.name for c in bind(rng, "startend:quotation", 1, n_steps=3, profile="fixed")]
        ['startend:quotation']
    """
    pool = SEEN if first in SEEN else HELD_OUT
    names = [first]
    while len(names) < n:
        free = [name for name in pool if not any(clash(name, other) for other in names)]
        names.append(_one(rng, free))
    order = rng.permutation(len(names))
    return tuple(from_spec(names[i], pool[names[i]](rng, n_steps), profile=profile) for i in order)
