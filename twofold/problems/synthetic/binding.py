r"""Which constraints go with a synthetic problem, so that all can be met at once?

Nineteen of the 25 registry types are used. Left out: `english_capital` (the published checker fails
any reply with `\boxed`), `json_format` and `constrained_response` (no room for a boxed number),
`response_language` (tests the knowledge of a language), `number_placeholders` (a solution leaves
nothing open) and `two_responses` (a word problem has one answer). Words that are required, forbidden
or counted come from disjoint lists. `witness.obedient_reply` proves that each problem can be solved.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from twofold.constraints import from_spec
from twofold.problems.synthetic.arithmetic import between
from twofold.types import Constraint, Profile

_WANTED = ("because", "carefully", "remaining", "exactly", "finally", "together")
_REPEATED = ("number", "result", "check", "count", "work")
_FORBIDDEN = (
    *("therefore", "total", "altogether", "equals", "calculate"),
    *("multiply", "answer", "sum", "plus", "times"),
)
_FIRST_WORDS = ("now", "look", "here", "so", "first")
_ENDINGS = ("That settles it.", "This is my last word.", "Now it is your turn.", "And that is all.")


@final
@dataclass(frozen=True)
class Reply:
    """What is known of a reply: `repeats` says that it repeats the question, so no upper limit can be set."""

    rng: np.random.Generator
    question: str
    n_steps: int
    repeats: bool

    def pick(self, choices: Sequence[str], n: int = 1) -> list[str]:
        """`n` different ones of `choices`."""
        return [choices[i] for i in self.rng.permutation(len(choices))[:n]]

    def bounded(self) -> bool:
        """Whether the next limit is an upper one (`less than`), with probability 1/2."""
        return bool(self.rng.random() < 0.5) and not self.repeats


Args = dict[str, object]


def _words(reply: Reply) -> Args:
    if reply.bounded():
        limit = 60 + 12 * reply.n_steps + 10 * between(reply.rng, 0, 2)
        return {"num_words": limit, "relation": "less than"}
    return {"num_words": 80 + 20 * between(reply.rng, 0, 3), "relation": "at least"}


def _sentences(reply: Reply) -> Args:
    if reply.bounded():
        return {"num_sentences": between(reply.rng, 3, 5), "relation": "less than"}
    return {"num_sentences": between(reply.rng, 5, 9), "relation": "at least"}


def _nth_paragraph(reply: Reply) -> Args:
    n = between(reply.rng, 2, 4)
    word, nth = reply.pick(_FIRST_WORDS)[0], between(reply.rng, 1, n)
    return {"num_paragraphs": n, "nth_paragraph": nth, "first_word": word}


def _frequency(reply: Reply) -> Args:
    if reply.bounded():
        word = reply.pick(["the", "of"])[0]
        return {"keyword": word, "frequency": between(reply.rng, 3, 5), "relation": "less than"}
    word = reply.pick(_REPEATED)[0]
    return {"keyword": word, "frequency": between(reply.rng, 2, 5), "relation": "at least"}


def _letters(reply: Reply) -> Args:
    low, high, letters, relation = (
        (4, 7, "yvp", "less than") if reply.bounded() else (5, 12, "bwgkf", "at least")
    )
    letter, n = reply.pick(letters)[0], between(reply.rng, low, high)
    return {"letter": letter, "let_frequency": n, "let_relation": relation}


def _sections(reply: Reply) -> Args:
    word = reply.pick(["Section", "Block", "Stage"])[0]
    return {"section_spliter": word, "num_sections": between(reply.rng, 2, 4)}


# The types used, and how their arguments are drawn.
TYPES: dict[str, Callable[[Reply], Args]] = {
    "length_constraints:number_words": _words,
    "length_constraints:number_sentences": _sentences,
    "length_constraints:number_paragraphs": lambda r: {"num_paragraphs": between(r.rng, 2, 4)},
    "length_constraints:nth_paragraph_first_word": _nth_paragraph,
    "keywords:existence": lambda r: {"keywords": r.pick(_WANTED, between(r.rng, 1, 3))},
    "keywords:frequency": _frequency,
    "keywords:forbidden_words": lambda r: {
        "forbidden_words": r.pick(_FORBIDDEN, between(r.rng, 2, 4))
    },
    "keywords:letter_frequency": _letters,
    "change_case:english_lowercase": lambda r: {},
    "change_case:capital_word_frequency": lambda r: {
        "capital_frequency": between(r.rng, 2, 8),
        "capital_relation": "at least",
    },
    "detectable_format:number_bullet_lists": lambda r: {"num_bullets": between(r.rng, 2, 5)},
    "detectable_format:number_highlighted_sections": lambda r: {
        "num_highlights": between(r.rng, 1, 4)
    },
    "detectable_format:multiple_sections": _sections,
    "detectable_format:title": lambda r: {},
    "detectable_content:postscript": lambda r: {"postscript_marker": "P.S."},
    "startend:end_checker": lambda r: {"end_phrase": r.pick(_ENDINGS)[0]},
    "startend:quotation": lambda r: {},
    "punctuation:no_comma": lambda r: {},
    "combination:repeat_prompt": lambda r: {"prompt_to_repeat": r.question},
}

_LAYOUTS = {
    "length_constraints:number_paragraphs",
    "length_constraints:nth_paragraph_first_word",
    "detectable_format:number_bullet_lists",
    "detectable_format:multiple_sections",
    "combination:repeat_prompt",
}

# Types that never go together; each pair is named on at least one of its sides.
CLASHES: dict[str, set[str]] = {
    **dict.fromkeys(_LAYOUTS, _LAYOUTS),
    # is a line without a full stop a sentence?
    "length_constraints:number_sentences": _LAYOUTS
    | {"detectable_format:title", "detectable_content:postscript", "change_case:english_lowercase"},
    # what holds capital letters
    "change_case:english_lowercase": {
        "change_case:capital_word_frequency",
        "combination:repeat_prompt",
        "detectable_content:postscript",
        "detectable_format:multiple_sections",
        "startend:end_checker",
    },
    # what stands first, and what a repeated request holds
    "startend:quotation": {"length_constraints:nth_paragraph_first_word"},
    "detectable_format:title": {"length_constraints:nth_paragraph_first_word"},
    "combination:repeat_prompt": _LAYOUTS
    | {"keywords:forbidden_words", "punctuation:no_comma", "startend:quotation"},
    # what stands last
    "startend:end_checker": {"detectable_content:postscript"},
}


def clash(one: str, other: str) -> bool:
    """Whether two types of constraint never go together; a type clashes with itself."""
    return one == other or other in CLASHES.get(one, ()) or one in CLASHES.get(other, ())


def bind(
    rng: np.random.Generator, first: str, n: int, *, question: str, n_steps: int, profile: Profile
) -> tuple[Constraint, ...]:
    """`n` constraints (1 to 3), one of the type `first`, that can be met together with a boxed number.

    Example:
        >>> args = dict(question="2 + 2?", n_steps=1, profile="fixed")
        >>> [c.name for c in bind(np.random.default_rng(0), "punctuation:no_comma", 1, **args)]
        ['punctuation:no_comma']
    """
    names = [first]
    while len(names) < n:
        free = [name for name in TYPES if not any(clash(name, other) for other in names)]
        names.append(free[int(rng.integers(len(free)))])
    reply = Reply(rng, question, n_steps, repeats="combination:repeat_prompt" in names)
    order = rng.permutation(len(names))
    return tuple(from_spec(names[i], TYPES[names[i]](reply), profile=profile) for i in order)
