"""The repeated request and the two responses: golden vectors worked out by hand."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.constraints.combination import RepeatPrompt, TwoResponses
from twofold.errors import ProblemError
from twofold.types import Profile
from twofold.types.seen import seen

PROFILES: tuple[Profile, ...] = ("official", "fixed")
WORDS = st.lists(st.sampled_from(["two", "and", "make", "four", "*", "five."]), min_size=1)


def scores(cls: Any, text: str, **args: Any) -> tuple[float | None, ...]:
    return tuple(cls(**args, profile=p).check(text).score for p in PROFILES)


@pytest.mark.parametrize(
    ("request_", "text", "official", "fixed"),
    [
        ("Find x.", "Find x.\n\nx is 4.", 1, 1),
        ("\nFind x. ", "  Find x. It is 4.", 1, 1),
        ("Find x.", "Find x.", 1, 0),  # no answer
        ("Find x.", "Find x. \n--", 1, 0),
        ("Find x.", "FIND X. It is 4.", 1, 0),  # a change
        ("Find\n x.", "Find x. It is 4.", 0, 1),  # spacing is no change of words
        ("Find x", "Find xylophones", 1, 0),
        ("Find x", "Find x: 4", 1, 1),
        ("Find x.", '"Find x." It is 4.', 0, 0),
        ("Find x.", "Sure! Find x. It is 4.", 0, 0),
        ("Find x.", "> Find x.\n\n4", 0, 0),
    ],
)
def test_repeat_prompt(request_: str, text: str, official: int, fixed: int) -> None:
    assert scores(RepeatPrompt, text, prompt_to_repeat=request_) == (official, fixed)


def test_repeat_prompt_reason_shows_the_other_start() -> None:
    rule = RepeatPrompt(prompt_to_repeat="Find x.", profile="official")
    assert rule.check("Sure!").reason == "does not begin with the request but with 'Sure!'"


@pytest.mark.parametrize(
    ("text", "official", "fixed"),
    [
        ("a\n******\nb", 1, 1),
        ("a ****** b", 1, 1),
        ("******\na\n******\nb\n******", 1, 1),
        ("a******a", 0, 0),
        ("a\n******\nA ", 1, 0),  # one text in two spellings
        ("a b\n******\na  b", 1, 0),
        ("a*******b", 1, 0),  # seven: published takes the seventh for text
        ("a************b", 0, 0),  # twelve: published sees a blank response between
        ("a******\n******b", 0, 0),
        ("a******b******c", 0, 0),
        ("a*****b", 0, 0),
        ("a", 0, 0),
        ("a******", 0, 0),
        ("a******.", 1, 0),  # a full stop is no response
        ("**a**\n******\n**b**", 1, 1),
        ("a\n* * * * * *\nb", 0, 0),
    ],
)
def test_two_responses(text: str, official: int, fixed: int) -> None:
    assert scores(TwoResponses, text) == (official, fixed)


@given(st.lists(WORDS.map(" ".join).map("So {}.".format), min_size=1, max_size=4))
def test_two_different_responses_by_construction(responses: list[str]) -> None:
    text = "\n******\n".join(responses)
    two = len(responses) == 2 and responses[0] != responses[1]
    assert TwoResponses(profile="fixed").check(text).score == two


def test_a_blank_request_names_the_remedy() -> None:
    with pytest.raises(ProblemError, match="give the request's text"):
        RepeatPrompt(prompt_to_repeat=" \n", profile="official")


RULES = st.one_of(
    st.just(TwoResponses(profile="fixed")),
    st.builds(
        RepeatPrompt,
        prompt_to_repeat=st.text().filter(lambda request: seen(request).strip()),
        profile=st.just("fixed"),
    ),
)


@given(RULES, st.one_of(st.text(), st.text("*ab \n")))
def test_any_text_gets_a_verdict(rule: Any, text: str) -> None:
    for profile in PROFILES:
        assert type(rule)(**rule.args(), profile=profile).check(text).score in (0.0, 1.0)


@given(RULES)
def test_witnesses_hold_under_both_profiles(rule: Any) -> None:
    obeys, breaks = rule.witnesses()
    assert scores(type(rule), obeys, **rule.args()) == (1, 1)
    assert scores(type(rule), breaks, **rule.args()) == (0, 0)
