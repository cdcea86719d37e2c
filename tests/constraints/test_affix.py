"""End phrase, quotation marks, commas: golden vectors worked out by hand."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.constraints.affix import EndPhrase, NoComma, Quotation
from twofold.errors import ProblemError
from twofold.types import Profile

PROFILES: tuple[Profile, ...] = ("official", "fixed")
WORDS = st.lists(st.sampled_from(["two", "and", "make", "“four”", '"five"', "(six)"])).map(" ".join)
ASK = "Any other questions?"


def scores(cls: Any, text: str, **args: Any) -> tuple[float | None, ...]:
    return tuple(cls(**args, profile=p).check(text).score for p in PROFILES)


@pytest.mark.parametrize(
    ("phrase", "text", "official", "fixed"),
    [
        (ASK, "Four. Any other questions?", 1, 1),
        (ASK, 'Four. "ANY OTHER QUESTIONS?"\n', 1, 1),
        (ASK, '"Four. Any other questions?"', 1, 1),
        (ASK, "Any other questions?", 1, 1),
        (ASK, "Four. **Any other questions?**", 0, 1),
        (ASK, "Four. _Any other questions?_", 0, 1),
        (ASK, "“Four. Any other questions?”", 0, 1),
        (ASK, "Four. Any other\nquestions?", 0, 1),
        (ASK, 'Four. Any other questions? "', 0, 1),  # published: the blank stays
        (ASK, "fourAny other questions?", 1, 0),
        (ASK, "Four. (Any other questions?)", 0, 1),
        (ASK, "Four. [**Any other questions?**]", 0, 1),
        (ASK, "(Any other questions?).", 0, 0),
        (ASK, "Any other questions? Ask.", 0, 0),
        (ASK, "Any other questions", 0, 0),
        (ASK, "Any other questions?!", 0, 0),
        (" in India. ", "It lies in India.", 1, 1),
        ("in India.", "It lies within India.", 1, 0),
        ('He said "go', 'Then He said "go', 1, 1),
    ],
)
def test_end_phrase(phrase: str, text: str, official: int, fixed: int) -> None:
    assert scores(EndPhrase, text, end_phrase=phrase) == (official, fixed)


@pytest.mark.parametrize("phrase", ["", " ", "...", "__", 'say "hi"'])
def test_unusable_end_phrases_name_the_remedy(phrase: str) -> None:
    for profile in PROFILES:
        with pytest.raises(ProblemError, match="give words, and no quotation mark"):
            EndPhrase(end_phrase=phrase, profile=profile)


@pytest.mark.parametrize(
    ("text", "official", "fixed"),
    [
        ('"It is 4."', 1, 1),
        (' "It is\n\n4."\n', 1, 1),
        ('"', 0, 0),
        ('""', 1, 0),
        ('" "', 1, 0),
        ("“It is 4.”", 0, 1),
        ("„Es ist 4.“", 0, 1),
        ('“It is 4."', 0, 0),
        ("'It is 4.'", 0, 0),
        ("''It is 4.''", 0, 0),
        ('"It" is "4"', 1, 0),
        ("“It” is “4”", 0, 0),
        ('"He said "four" and left."', 1, 1),
        ('"He said "four""', 1, 1),
        ('""Four" he said"', 1, 1),
        ('"print("hi") and x="5" end"', 1, 1),
        ('"{\\"a\\": 1}"', 1, 1),
        ('"One.\n\n"Two."', 1, 1),  # every paragraph opens anew, the last one closes
        ('"It is 4".', 0, 0),
        ('Yes: "It is 4."', 0, 0),
        ("«4»", 0, 1),
        ("»Es ist 4.«", 0, 1),
        ("«It» is «4»", 0, 0),
        ("«He said «four» and left.»", 0, 1),
        ('“A 12" board is 4.”', 0, 1),  # another kind of mark closes nothing
        ("«4", 0, 0),
    ],
)
def test_quotation(text: str, official: int, fixed: int) -> None:
    assert scores(Quotation, text) == (official, fixed)


@given(WORDS, st.sampled_from(['""', "“”", "„“"]))
def test_a_wrapped_reply_is_in_quotation_marks(words: str, pair: str) -> None:
    assert Quotation(profile="fixed").check(f"{pair[0]}So {words}.{pair[1]}").score == 1
    assert Quotation(profile="fixed").check(f"So {words}.").score == 0


@pytest.mark.parametrize(
    ("text", "official", "fixed"),
    [
        ("Two and two make four.", 1, 1),
        ("Well, four.", 0, 0),
        ("1,000", 0, 0),
        ("1{,}000", 0, 0),
        ("f(x)\\,dx", 0, 1),  # a LaTeX space
        ("a \\\\, b", 0, 0),  # a LaTeX line break, then a comma
        ("a \\\\\\, b", 0, 1),  # a line break, then a space
        ("四，四", 1, 0),
        ("四、四", 1, 0),
        ("أربعة، أربعة", 1, 0),
        ("a; b‚ c", 1, 1),  # a low quotation mark looks like one
    ],
)
def test_no_comma(text: str, official: int, fixed: int) -> None:
    assert scores(NoComma, text) == (official, fixed)


def test_no_comma_reason_shows_the_place() -> None:
    verdict = NoComma(profile="fixed").check("a\\,b, c, d")
    assert verdict.reason == "2 commas, the first after 'a\\\\,b'"


PHRASES = st.one_of(st.text(), st.text('ab "x?*_ΑΣİß')).filter(
    lambda s: any(c.isalnum() for c in s) and not s.strip().endswith('"')
)
RULES = st.one_of(
    st.sampled_from([Quotation(profile="fixed"), NoComma(profile="fixed")]),
    st.builds(EndPhrase, end_phrase=PHRASES, profile=st.just("fixed")),
)


@given(RULES, st.one_of(st.text(), st.text('ab ,\\"“”„\n')))
def test_any_text_gets_a_verdict(rule: Any, text: str) -> None:
    for profile in PROFILES:
        assert type(rule)(**rule.args(), profile=profile).check(text).score in (0.0, 1.0)


@given(RULES)
def test_witnesses_hold_under_both_profiles(rule: Any) -> None:
    obeys, breaks = rule.witnesses()
    assert scores(type(rule), obeys, **rule.args()) == (1, 1)
    assert scores(type(rule), breaks, **rule.args()) == (0, 0)
