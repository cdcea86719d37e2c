"""Bullets, highlights, sections, JSON, title, set answer: golden vectors worked out by hand.

The `official` column is what the published checkers do; it was also compared with them on random
texts while these were written. The `fixed` column is what a reader of the instruction would say.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.constraints.format import BulletLists, HighlightedSections, MultipleSections
from twofold.constraints.structure import ConstrainedResponse, JsonFormat, Title
from twofold.errors import ProblemError

WORDS = st.lists(st.sampled_from(["we", "add", "two", "and", "find", "four"]), min_size=1).map(
    " ".join
)
COUNT = st.integers(0, 6)


def scores(cls: Any, text: str, **args: Any) -> tuple[float | None, ...]:
    return tuple(cls(**args, profile=p).check(text).score for p in ("official", "fixed"))


@pytest.mark.parametrize(
    ("text", "official", "fixed"),
    [
        ("* a\n* b", 2, 2),
        ("- a\n  - nested\n* c", 3, 3),
        ("none at all", 0, 0),
        ("+ a\n* b", 1, 2),  # `+` is a markdown bullet
        ("* a\n---", 2, 1),  # a rule
        ("* a\n* * *\n- - -", 3, 1),
        ("-5 = x", 1, 0),
        ("*italic* first\n**bold** first", 1, 0),
        ("* a\n```\n- b\n```\n* c", 3, 2),
        ("* a\n```\n- the fence is never closed", 2, 1),
        ("\\[\nx\n- 3\n\\]\n- so", 2, 1),
        ("$$\na\n- 3\n$$", 1, 0),
        ("-\n*", 1, 0),  # the published pattern wants a character after `*`, none after `-`
        ("*\n* b", 1, 1),  # and that character may be the line break, which eats the next line
        ("\n\n \n- a\n\n\n* b", 2, 2),
        ("a\r\n- b\r\n* c", 2, 2),
        ("• a\n– b\n1. c\n— d", 0, 2),  # a numbered point and an em dash are no bullets
        ('"* a\n* b"', 1, 2),  # the whole reply in quotation marks
        ("«- a\n- b»", 1, 2),
        ('So\n"* a', 0, 0),  # a quotation mark further down begins no reply
        ("> * a\n> - b\n> ---", 0, 2),  # a block quote
        ("–5 = x", 0, 0),
        ("* $x$ is four", 1, 1),
        ("* *a* b", 1, 1),
        ("| - | - |", 0, 0),
    ],
)
def test_bullets(text: str, official: int, fixed: int) -> None:
    for n in range(5):
        assert scores(BulletLists, text, num_bullets=n) == (n == official, n == fixed)


def test_bullets_reason() -> None:
    verdict = BulletLists(num_bullets=3, profile="fixed").check("* a\n* b\n* c\n* d")
    assert verdict.reason == "4 bullets, 3 wanted"


@given(st.lists(WORDS, min_size=1), st.lists(WORDS), st.sampled_from("*-+"))
def test_as_many_bullets_as_were_written(points: list[str], prose: list[str], marker: str) -> None:
    text = "\n".join([*prose, *(f"{marker} {point}" for point in points)])
    assert BulletLists(num_bullets=len(points), profile="fixed").check(text).score == 1


@pytest.mark.parametrize(
    ("text", "official", "fixed"),
    [
        ("*a* and **b c**", 2, 2),
        ("***a***", 2, 1),
        ("2 * 3 * 4", 1, 0),
        ("2*3*4", 1, 0),
        ("* a * b", 1, 0),
        ("* *a* b", 0, 1),  # published: `* *` is blank and eats the first star of `*a*`
        ("**", 0, 0),
        ("****", 0, 0),
        ("* *", 0, 0),
        ("** **", 0, 0),
        ("_a_ __b__", 0, 0),
        ("*a\nb*", 0, 1),
        ("*a b *c*", 1, 1),
        ("这是*重点*内容", 1, 1),
        ("(*a*), *b*.", 2, 2),
        ("\\*a\\*", 1, 0),
        ("`*a*` and $x^*+y^*$", 2, 0),
        ("```\n*a*\n```", 1, 0),
        ("*$x$* and **`f`**", 2, 2),
        ("* **Step:** add\n* **Stop:** now", 4, 2),  # published: `*Step:*` and `**Step:**`
        ("***a***b***c***", 4, 0),  # glued to letters
        ("**a*b** *c*", 1, 2),  # a product inside
        ("*a **b** c*", 4, 1),  # nested: once, with the whole
        ("**a *b* c** *d*", 2, 2),
        ("**a *b***", 1, 1),  # both close at once
        ("***a** b*", 3, 1),  # both open at once
        ("*a \\* b*", 1, 1),
    ],
)
def test_highlights(text: str, official: int, fixed: int) -> None:
    for n in range(1, 6):
        assert scores(HighlightedSections, text, num_highlights=n) == (n <= official, n <= fixed)


@given(st.lists(WORDS, min_size=1), st.sampled_from(["*", "**", "***"]))
def test_as_many_highlights_as_were_written(parts: list[str], star: str) -> None:
    text = "Now " + " then ".join(f"{star}{part}{star}" for part in parts)
    assert HighlightedSections(num_highlights=len(parts), profile="fixed").check(text).score == 1
    assert (
        HighlightedSections(num_highlights=len(parts) + 1, profile="fixed").check(text).score == 0
    )


@pytest.mark.parametrize(
    ("text", "official", "fixed"),
    [
        ("Section 1\na\nSection 2\nb", 2, 2),
        ("**Section 1:** a\n### Section 2\nb", 2, 2),
        ('"Section 1\na', 1, 1),
        ("[Section 1]\na", 1, 1),
        ("Section 1\nSection 2\nb", 2, 1),  # an empty section is none
        ("Section 1\na\nSection 1\nb", 2, 1),  # the same number twice
        ("Section 1\na, see Section 2", 2, 1),  # not a heading
        ("Section 1.1 a\nSection 1.2 b", 2, 0),
        ("Subsection 1 a\nSection 2b c", 1, 0),
        ("mySection1 a", 1, 0),
        ("Section1\na", 1, 1),
        ("Section  1\na", 0, 1),
        ("section 1\na\nSECTION 2\nb", 0, 0),
        ("Sections 1\na", 0, 0),
        ("Section one\na", 0, 0),
    ],
)
def test_official_accepts_at_least_n_sections_and_fixed_exactly_n(
    text: str, official: int, fixed: int
) -> None:
    for n in range(4):
        found = scores(MultipleSections, text, section_spliter="Section", num_sections=n)
        assert found == (n <= official, n == fixed)


@given(st.integers(1, 8), st.sampled_from(["Section", "SECTION", "Day"]), WORDS)
def test_sections_by_construction(n: int, word: str, body: str) -> None:
    text = "".join(f"## {word} {i + 1}\n{body}\n\n" for i in range(n))
    rule = MultipleSections(section_spliter=word, num_sections=n, profile="fixed")
    assert rule.check(text).score == 1
    assert rule.check(text + f"{word} {n + 1}\nmore").score == 0


def test_section_word_is_stripped_as_published() -> None:
    assert scores(MultipleSections, "Day 1\na", section_spliter=" Day ", num_sections=1) == (1, 1)


@pytest.mark.parametrize(
    ("text", "official", "fixed"),
    [
        ('{"a": 1}', 1, 1),
        ('\n```json\n{"a": [1]}\n```\n', 1, 1),
        ('```JSON\n{"a": 1}\n```', 1, 1),
        ('```{"a": 1}```', 1, 1),
        ('```json {"a": 1}```', 1, 1),
        ('```jSON\n{"a": 1}\n```', 0, 1),  # three spellings are published
        ('```json```Json{"a": 1}```', 1, 0),  # published: the prefixes come off one by one
        ('```json\n{"a": 1}', 1, 0),  # half a fence
        ('{"a": 1}\n```', 1, 0),
        ("[1, 2]", 1, 1),
        ("5", 1, 0),
        ('"a"', 1, 0),
        ("null", 1, 0),
        ('{"a": NaN}', 1, 0),
        ("[-Infinity]", 1, 0),
        ("{'a': 1}", 0, 0),
        ('Here: {"a": 1}', 0, 0),
        ('{"a": 1} {"b": 2}', 0, 0),
        ("```", 0, 0),
        ("[" + "1" * 5000 + "]", 0, 1),  # Python reads no int of 5000 digits; it is JSON
    ],
)
def test_json(text: str, official: int, fixed: int) -> None:
    assert scores(JsonFormat, text) == (official, fixed)


def test_json_nested_beyond_reading_is_unscored() -> None:
    assert scores(JsonFormat, "[" * 100_000) == (None, None)


@pytest.mark.parametrize(
    ("text", "official", "fixed"),
    [
        ("<<Four>>\nyes", 1, 1),
        ("a << the sum >> b", 1, 1),
        ("<<<Four>>>", 1, 1),
        ("<Four>", 0, 0),
        ("<<Four\n>>", 0, 0),
        ("<<>>", 0, 0),
        ("<< >>", 0, 0),
        ("<<>>>", 0, 0),
        ("<<>> a <<>>", 1, 0),  # published: all between the first and the last pair
        ("<<!>>", 1, 0),
        (">>a<<", 0, 0),
        ("<<>\n<<b>>", 1, 1),
        ("«Four»", 0, 0),
    ],
)
def test_title(text: str, official: int, fixed: int) -> None:
    assert scores(Title, text) == (official, fixed)


@pytest.mark.parametrize(
    ("text", "official", "fixed"),
    [
        ("My answer is yes.", 1, 1),
        ('  "My answer is maybe."\n', 1, 1),
        ("**My answer is no.**", 1, 1),
        ("I think: My answer is no.", 1, 0),
        ("My answer is yes. My answer is no. My answer is maybe.", 1, 0),
        ("My answer is yes", 0, 0),
        ("my answer is yes.", 0, 0),
        ("Yes.", 0, 0),
    ],
)
def test_constrained_response(text: str, official: int, fixed: int) -> None:
    assert scores(ConstrainedResponse, text) == (official, fixed)


@pytest.mark.parametrize(
    ("cls", "args", "says"),
    [
        (BulletLists, {"num_bullets": -1}, "num_bullets"),
        (HighlightedSections, {"num_highlights": -1}, "num_highlights"),
        (MultipleSections, {"section_spliter": "Day", "num_sections": -1}, "num_sections"),
        (MultipleSections, {"section_spliter": " ", "num_sections": 2}, "give a word"),
        (MultipleSections, {"section_spliter": "Part (", "num_sections": 2}, "without the signs"),
    ],
)
def test_unusable_arguments_name_the_remedy(cls: Any, args: dict[str, Any], says: str) -> None:
    for profile in ("official", "fixed"):
        with pytest.raises(ProblemError, match=says):
            cls(**args, profile=profile)


RULES = st.one_of(
    st.builds(BulletLists, num_bullets=COUNT, profile=st.just("fixed")),
    st.builds(HighlightedSections, num_highlights=COUNT, profile=st.just("fixed")),
    st.builds(
        MultipleSections,
        section_spliter=st.sampled_from(["Section", "Day", "# Part", "1", "A.B", "\u0663"]),
        num_sections=COUNT,
        profile=st.just("fixed"),
    ),
    st.sampled_from([cls(profile="fixed") for cls in (JsonFormat, Title, ConstrainedResponse)]),
)
PIECES = [
    "*",
    "**",
    "- ",
    "\n",
    " ",
    "```",
    "$",
    "\\[",
    "Section 1",
    "<<",
    ">>",
    "{",
    "}",
    "a",
    "5",
]
TEXT = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))


@given(RULES, TEXT)
def test_any_text_gets_a_verdict(rule: Any, text: str) -> None:
    for profile in ("official", "fixed"):
        args = rule.args() | {"profile": profile}
        assert type(rule)(**args).check(text).score in (0.0, 1.0)


@given(RULES)
def test_witnesses_hold_under_both_profiles(rule: Any) -> None:
    obeys, breaks = rule.witnesses()
    assert scores(type(rule), obeys, **rule.args()) == (1, 1)
    assert scores(type(rule), breaks, **rule.args()) == (0, 0)
