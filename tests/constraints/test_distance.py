"""Is a broken rule graded wherever nearness means something: by counts, by shares of words or keywords?"""

from __future__ import annotations

import pytest

from twofold.constraints import CONSTRAINTS, from_spec
from twofold.errors import ProblemError
from twofold.randomness import rng_for
from twofold.types import Constraint

QUESTION = "Tom has 8 boxes of 9 pens each. How many pens does Tom have in all?"
TEXT = """To find out, note two things, and multiply.

First, there are 8 boxes. Each box has 9 pens, so we need 8 times 9.

The product, as you can see, is 72. So Tom has 72 pens in all."""

WHOLE = {
    "length_constraints:nth_paragraph_first_word": "a number of paragraphs, and a word in one of them",
    "copy:copying_multiple": "copies of a text, word by word",
    "repeat:repeat_span": "a text, word by word",
    "new:copy_span_idx": "a text, word by word",
    "words:keywords_specific_position": "a word in its place or not",
    "keywords:keyword_specific_position": "a word in its place or not",
    "sentence:keyword": "a word in its sentence or not",
}
"""Types with a number in their arguments that are met or not, with nothing between."""


def drawn(name: str) -> list[Constraint]:
    found = []
    for i in range(12):
        try:
            args = CONSTRAINTS[name].draw(rng_for("distance", name, i), QUESTION)
            found.append(from_spec(name, args, profile="fixed"))
        except ProblemError:  # a word that this question has not
            continue
    return found


def texts(rule: Constraint) -> list[str]:
    """The witnesses, and texts between them."""
    obeys, breaks = rule.witnesses()
    pieces = [obeys, breaks, TEXT, f"{obeys}\n\n{obeys}", f"{obeys} {TEXT}", f"{obeys}\n\n{breaks}"]
    pieces += [sep.join(obeys.split(sep)[1:]) for sep in (" ", "\n", "\n\n")]
    return [*pieces, obeys[: len(obeys) // 2]]


def is_graded(name: str) -> bool:
    verdicts = (rule.check(text) for rule in drawn(name) for text in texts(rule))
    return any(v.distance is not None and 0 < v.distance < 1 for v in verdicts)


COUNTED = [
    name
    for name in CONSTRAINTS
    if any(type(value) is int for rule in drawn(name) for value in rule.args().values())
]


@pytest.mark.parametrize("name", COUNTED)
def test_a_type_that_counts_is_graded(name: str) -> None:
    assert is_graded(name) != (name in WHOLE)


@pytest.mark.parametrize(
    ("name", "args", "text", "distance"),
    [
        # By hand: what is missing or too much, over what is wanted; or the share of what is wrong.
        ("keywords:frequency", ("pen", 4, "at least"), "A pen.", 3 / 4),
        ("keywords:frequency", ("pen", 2, "less than"), "A pen, a pen.", 1),
        ("keywords:letter_frequency", ("z", 5, "at least"), "Zoo zoo.", 3 / 5),
        ("keywords:existence", (["pen", "box", "ink", "cap"],), "A pen in a box.", 2 / 4),
        ("keywords:forbidden_words", (["pen", "box", "ink"],), "A pen.", 1 / 3),
        ("keywords:exclude_word_harder", ("pen",), "A pen, a pen.", 2 / 10),
        ("detectable_format:number_bullet_lists", (4,), "* one\n* two\n* three", 1 / 4),
        ("detectable_format:multiple_sections", ("Part", 2), "Part 1\none", 1 / 2),
        ("punctuation:no_comma", (), "One, two, three.", 2 / 10),
        ("punctuation:punctuation_dot", (), "One. Two. Three.", 3 / 10),
        ("change_case:english_capital", (), "IT IS All DONE", 1 / 4),
        ("change_case:english_lowercase", (), "It is all Done now", 2 / 5),
    ],
)
def test_distances_by_hand(name: str, args: tuple, text: str, distance: float) -> None:
    example = drawn(name)[0].args()
    rule = from_spec(name, dict(zip(example, args, strict=True)), profile="fixed")
    verdict = rule.check(text)
    assert verdict.score == 0.0
    assert verdict.distance == pytest.approx(distance)


@pytest.mark.parametrize("convert", ["english_capital", "english_lowercase"])
def test_the_published_case_is_graded_by_its_words(convert: str) -> None:
    rule = from_spec(f"change_case:{convert}", None, profile="official")
    assert rule.check("Half IS here").distance == pytest.approx(2 / 3)
    assert rule.check("1 2 3").distance == pytest.approx(1 / 3)  # without a letter
    assert rule.check("").distance == 1.0
