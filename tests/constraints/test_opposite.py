"""Is the opposite of a rule met by exactly the replies that break it, and is it said in true words?"""

import pickle
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.constraints import CONSTRAINTS, from_spec
from twofold.constraints.opposite import Opposite, opposite
from twofold.errors import ProblemError
from twofold.types import Constraint, Problem, Profile, Verdict

NAMES = sorted(CONSTRAINTS)
QUESTION = "A baker sells 12 loaves in the morning and 7 after it. How many does she sell in all?"
PIECES = st.sampled_from(
    [
        *"aeby .,!?\n",
        "\n\n",
        "* one",
        "**b**",
        "<<t>>",
        '"',
        "P.S. so",
        "The sum is 5. ",
        "[n]",
        "AND ",
    ]
)


def drawn(name: str, profile: Profile, seed: int) -> Constraint | None:
    args = CONSTRAINTS[name].draw(np.random.default_rng(seed), QUESTION)
    try:
        return from_spec(name, args, profile=profile)
    except ProblemError:  # arguments that the published checker cannot use
        return None


def sums_up(rule: Constraint, other: Opposite, text: str) -> None:
    one, two = rule.check(text), other.check(text)
    if not text.strip():
        assert (one.score, two.score) == (0.0, 0.0)
    elif one.score is None or two.score is None:
        assert one.score is two.score is None
    else:
        assert one.score + two.score == 1.0
        assert rule.distance(text) + other.distance(text) == pytest.approx(1.0)  # type: ignore[operator]


@pytest.mark.parametrize("profile", ["official", "fixed"])
@pytest.mark.parametrize("name", NAMES)
def test_what_one_meets_the_other_breaks(name: str, profile: Profile) -> None:
    found = 0
    for seed in range(3):
        rule = drawn(name, profile, seed)
        other = None if rule is None else opposite(rule)
        if rule is None or other is None:
            continue
        found += 1
        assert other.of == rule
        for text in (*rule.witnesses(), "The answer is 4, or so.", " "):
            sums_up(rule, other, text)
    assert found


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(NAMES), st.integers(0, 3), st.lists(PIECES, max_size=30).map("".join))
def test_any_text_meets_one_of_the_two(name: str, seed: int, text: str) -> None:
    for profile in ("official", "fixed"):
        rule = drawn(name, profile, seed)  # type: ignore[arg-type]
        if rule is not None and (other := opposite(rule)) is not None:
            sums_up(rule, other, text)


SAID = [
    (
        "length_constraints:number_words",
        {"num_words": 9, "relation": "less than"},
        "Write at least 9 words.",
    ),
    (
        "keywords:frequency",
        {"keyword": "so", "frequency": 2, "relation": "at least"},
        "Use the word so less than 2 times.",
    ),
    ("punctuation:no_comma", {}, "Use at least one comma."),
    (
        "startend:end_checker",
        {"end_phrase": "Bye now."},
        'Do not end your answer with this phrase: "Bye now."',
    ),
    ("keywords:existence", {"keywords": ["so"]}, "Do not use the word 'so'."),
    (
        "keywords:existence",
        {"keywords": ["so", "we"]},
        "Leave out at least one of these words: 'so', 'we'.",
    ),
    ("keywords:forbidden_words", {"forbidden_words": ["so"]}, "Use the word 'so'."),
    (
        "detectable_format:number_bullet_lists",
        {"num_bullets": 1},
        "Do not use exactly 1 markdown bullet point in your answer.",
    ),
    (
        "detectable_format:number_highlighted_sections",
        {"num_highlights": 2},
        "Highlight fewer than 2 parts of your answer in markdown.",
    ),
    (
        "detectable_format:json_format",
        {},
        "Break the rule in these brackets: [Give your entire answer as JSON; a markdown code fence "
        "around it is allowed.]",
    ),
]


@pytest.mark.parametrize(("name", "args", "said"), SAID)
def test_the_words(name: str, args: dict[str, object], said: str) -> None:
    other = opposite(from_spec(name, args, profile="fixed"))
    assert other is not None and other.instruction() == said


def test_a_rule_that_its_prompt_words_otherwise_is_read_and_turned_as_worded() -> None:
    args = {"keyword": "so", "frequency": 1, "relation": "at least"}
    usual = from_spec("keywords:frequency", args, profile="fixed")
    words = "The word so must appear only once."
    (rule,) = Problem(question="?", constraints=(usual,), wordings=(words,)).constraints
    other = opposite(rule, words)
    assert other is not None and other.of == rule != usual
    assert other.instruction() == f"Break the rule in these brackets: [{words}]"
    assert [other.check(text).score for text in ("so", "so so", "a")] == [0, 1, 1]


def test_it_is_a_value_like_any_rule() -> None:
    rule = from_spec("keywords:existence", {"keywords": ["été", "so"]}, profile="fixed")
    other = opposite(rule)
    assert other is not None
    again = pickle.loads(pickle.dumps(other))
    assert again == other and hash(again) == hash(other)
    assert again.check("so").score == 1.0
    ids = {Problem(question="?", constraints=(each,)).id for each in (rule, other)}
    assert len(ids) == 2
    with pytest.raises(ProblemError, match="does not exist"):
        Opposite("keywords:existance", "{}", "", "fixed").check("a")


def test_what_cannot_be_broken_or_is_unknown_has_no_opposite() -> None:
    args = {"num_words": 0, "relation": "at least"}
    assert opposite(from_spec("length_constraints:number_words", args, profile="fixed")) is None

    @final
    @dataclass(frozen=True)
    class Own(Constraint):
        name: ClassVar[str] = "test:own"
        group: ClassVar[str] = "content"
        family: ClassVar[str] = "test"
        departure: ClassVar[str] = ""
        profile: Profile = "fixed"

        def wordings(self) -> tuple[str, ...]:
            return ("Do it.",)

        def witnesses(self) -> tuple[str, str]:
            return "a", "b"

        def _official(self, text: str) -> Verdict:
            return Verdict(float(text == "a"))

    assert opposite(Own()) is None
