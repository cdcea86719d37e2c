"""Every type of IFBench and its training set: drawn arguments, witnesses, distance, hostile texts."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.constraints import CONSTRAINTS, from_spec, ifbench
from twofold.constraints.ifbench.lines import _without_blank_lines
from twofold.constraints.loose import loose
from twofold.errors import ProblemError
from twofold.types import Constraint

QUESTION = (
    "A baker sells 12 loaves in the morning and 7 in the afternoon, when it rains in the town and nobody "
    "comes to buy the bread that she has made with so much care. How many does she sell in all?"
)
TYPES = sorted(
    cls.name
    for file in ifbench.FAMILIES
    for cls in vars(file).values()
    if getattr(cls, "__module__", "") == file.__name__ and CONSTRAINTS.get(getattr(cls, "name", ""))
)
PIECES = st.sampled_from(
    [
        *"abz AB.,!?;:\n*-\"'()[]{}<>#`~“’é猫😀",
        *(
            "👍🏽",
            "12",
            "3.5",
            "\\frac{1}{2}",
            "$x$",
            "...",
            "Dr. ",
            "U.S. ",
            "e.g. ",
            "—",
            "don't",
        ),
        *("ß", "İ", "\u200b", "\xa0", "\r\n", "* ", "<i>"),
    ]
)


def drawn(name: str, profile: str, seed: int) -> Constraint:
    args = CONSTRAINTS[name].draw(np.random.default_rng(seed), QUESTION)
    return from_spec(name, args, profile=profile)  # type: ignore[arg-type]


def test_there_are_87_types_beside_the_25() -> None:
    assert len(TYPES) == len(set(TYPES)) == 87
    assert len(CONSTRAINTS) == 112


@pytest.mark.parametrize("profile", ["official", "fixed"])
@pytest.mark.parametrize("name", TYPES)
def test_witnesses_of_drawn_arguments(name: str, profile: str) -> None:
    for seed in range(12):
        rule = drawn(name, profile, seed)
        assert len(set(rule.wordings())) == len(rule.wordings()) >= 1
        assert rule.instruction() == rule.wordings()[0]
        for text, score in zip(rule.witnesses(), (1.0, 0.0), strict=True):
            verdict = rule.check(text)
            if text.strip() and verdict.score is not None:
                assert verdict.score == score, (rule, text, verdict)
                assert loose(rule, text).score == score or score == 0.0


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(TYPES), st.integers(0, 5), st.lists(PIECES, max_size=60).map("".join))
def test_a_checker_never_raises_and_grades_what_it_fails(name: str, seed: int, text: str) -> None:
    for profile in ("official", "fixed"):
        rule = drawn(name, profile, seed)
        verdict = rule.check(text)
        assert rule.check(text) == verdict
        distance = rule.distance(text)
        if verdict.score is None:
            assert distance is None
            assert verdict.reason
        else:
            assert verdict.score in (0.0, 1.0)
            assert 0.0 <= distance <= 1.0
            assert (distance == 0.0) == (verdict.score == 1.0)
            assert (loose(rule, text).score or 0.0) >= verdict.score


@pytest.mark.parametrize(
    ("name", "args", "text", "official", "fixed"),
    [
        # Where the words of the request and the published checker part.
        ("count:conjunctions", {"small_n": 2}, "And this, and that, and so on.", 1, 1),
        ("count:conjunctions", {"small_n": 3}, "And and and, it is.", 1, 0),
        ("count:numbers", {"N": 2}, "From 2-3 people.", 0, 1),
        ("count:numbers", {"N": 1}, "It costs 1,250.50 in all.", 1, 1),
        ("count:numbers", {"N": 1}, "1. There are 7.", 0, 1),
        ("count:words_japanese", {"N": 5}, "one two", 1, 0),
        (
            "count:keywords_multiple",
            {f"keyword{i}": letter for i, letter in enumerate("abcde", start=1)},
            "x",
            0,
            0,
        ),
        ("words:repeats", {"small_n": 1}, "well-known wellknown", 0, 1),
        ("words:palindrome", {}, "level " * 10, 1, 0),
        ("ratio:sentence_type", {}, "no end", 1, 0),
        ("ratio:sentence_balance", {}, "no end", 1, 0),
        ("ratio:sentence_words", {}, "We nap now. We run out. We eat hay.", 1, 0),
        ("sentence:increment", {"small_n": 1}, "Only one sentence.", 1, 0),
        ("sentence:alliteration_increment", {}, "Big bad cats can. My mild maid.", 0, 1),
        ("sentence:keyword", {"word": "c++", "N": 1}, "We use c++ here.", 0, 1),
        ("words:last_first", {}, "We love “cats”. Cats, they purr.", 0, 1),
        ("words:words_position", {"keyword": "cat"}, "Well, cat is a cat here!", 0, 1),
        ("words:start_verb", {}, "Write.", None, None),
        ("format:newline", {}, "one two\n \nthree", 1, 0),
        ("format:line_indent", {}, "a\n\n\n b", 0, 1),
        ("format:list", {"sep": "-"}, "well-known and well-read", 1, 0),
        ("format:sub-bullets", {}, "no bullets at all", 1, 0),
        ("format:sub-bullets", {}, "* **bold** a\n  - b", 0, 1),
        ("format:no_bullets_bullets", {}, "One. Two.\n\nThree.\n\n* a\n* b\n", 0, 1),
        ("format:no_bullets_bullets", {}, "One! Two!\n* a\n* b", 1, 0),
        ("format:title_case", {}, "The Lord of the Rings", 0, 1),
        ("format:title_case", {}, "I Don't Know", 0, 1),
        ("format:title_case", {}, r"The Answer Is $x + \frac{a}{b}$", 0, 1),
        ("format:title_case", {}, r"The Sum \[ x + y = z \] Is \(n\), So \boxed{4}", 0, 1),
        ("format:title_case", {}, r"It Costs $5 and more than $6", 0, 0),
        ("format:title_case", {}, r"The Answer Is $x = \text{half}$", 0, 0),
        ("format:title_case", {}, r"The Answer Is $we go on$", 0, 0),
        ("format:title_case", {}, r"The Answer Is \boxed{half}", 0, 0),
        ("format:options", {"options": "major, minor"}, "Minor", 0, 1),
        ("format:options", {"options": "yes/no/maybe"}, "Maybe\n", 0, 1),
        ("format:parentheses", {}, ":( :( :( :( :( )", 1, 0),
        ("format:quotes", {}, "“a ‘b “c” b’ a”", 0, 1),
        ("format:quotes", {}, "I can't, it's, don't, won't", 0, 0),
        ("format:quote_unquote", {}, "He said “yes”.", 1, 0),
        ("format:thesis", {}, "<em></em>", 1, 0),
        ("format:output_template", {}, "Future Outlook: a My Answer: b My Conclusion: c", 1, 0),
        ("format:no_whitespace", {}, "one\n", 0, 1),
        ("format:emoji", {}, "Bonjour 🇫🇷", 0, 1),
        ("repeat:repeat_change", {"prompt_to_repeat": "Write a song."}, "Write a song. ", 1, 0),
        (
            "repeat:repeat_span",
            {"prompt_to_repeat": "a b c d", "n_start": 1, "n_end": 2},
            "b c",
            0,
            1,
        ),
        (
            "new:copy_span_idx",
            {"prompt_to_repeat": "abcdef", "n_start": 1, "n_end": 3},
            "bcd",
            0,
            1,
        ),
        ("copy:copy", {"prompt_to_repeat": "Write a song."}, "write a song.", 1, 0),
        ("copy:repeat_phrase", {"phrase": "a b. c", "small_n": 1}, "A x c", 0, 1),
        ("keywords:word_once", {"keyword": "cat"}, "The cat saw a cat.", 0, 1),
        ("keywords:word_once", {"keyword": "cat"}, "A category.", 1, 0),
        ("keywords:exclude_word_harder", {"keyword": "cat"}, "Cat, cat.", 1, 0),
        ("keywords:palindrome", {}, "I am a man", 1, 0),
        ("keywords:palindrome", {}, "Level, it is.", 0, 1),
        ("first_word:first_word_answer", {"first_word": "time"}, "**Time**, it flies.", 0, 1),
        ("last_word:last_word_answer", {"last_word": "don't"}, "No, I don't.", 0, 1),
        ("keywords:start_end", {}, "Time goes on in time.", 0, 0),
        ("keywords:start_end", {}, '"Time goes on in time"', 0, 1),
        ("punctuation:punctuation_dot", {}, "Well…", 1, 0),
        ("count:count_unique", {}, "One, two, three.", 0, 1),
        ("count:count_unique", {}, "The one and the two", 1, 0),
        ("count:lowercase_counting", {"N": 1}, "I don't", 0, 1),
        ("count:lowercase_counting", {"N": 0}, r"IT IS $x + \alpha y$ OR \boxed{4}", 0, 1),
        ("count:lowercase_counting", {"N": 1}, r"IT IS \(x\) OR \[y = \text{so it}\]", 0, 0),
        ("count:lowercase_counting", {"N": 2}, r"IT IS \(x\) OR \[y = \text{so it}\]", 0, 1),
        ("count:lowercase_counting", {"N": 2}, r"IT IS $all as we like$", 0, 0),
        ("count:lowercase_counting", {"N": 0}, r"IT COSTS $5 and $6", 0, 0),
        ("custom:date_format_list", {}, "1800-00-10", 1, 0),
        (
            "custom:csv_city",
            {},
            "```csv\nID,Country,City,Year,Count\n" + "1,a,b,2,3\n" * 7 + "```",
            0,
            1,
        ),
    ],
)
def test_what_the_words_say(name: str, args: dict, text: str, official: int, fixed: int) -> None:
    scores = [from_spec(name, args, profile=p).check(text).score for p in ("official", "fixed")]
    if name != "words:start_verb":  # it needs NLTK's tagger
        assert scores == [official, fixed]


@pytest.mark.parametrize(
    ("name", "args", "told"),
    [
        ("count:numbrs", {"N": 1}, "count:numbers"),
        ("count:numbers", {"n": 1}, "missing argument N"),
        ("count:numbers", {"N": -1}, "must lie in 0"),
        ("copy:copy", {"prompt_to_repeat": " "}, "give the request's text"),
        ("ratio:overlap", {"reference_text": "a", "percentage": 120}, "give 0 to 100"),
        ("format:options", {"options": "yes"}, "give two or more"),
        ("count:count_increment_word", {"keyword1": "a", "keyword2": "a b"}, "part of the other"),
        (
            "count:keywords_multiple",
            {f"keyword{i}": w for i, w in enumerate(("pie", "apple pie", "c", "d", "e"), start=1)},
            "part of the other",
        ),
        (
            "keywords:word_count_different_numbers",
            {"keyword": "a", "frequency": 10**9, "relation": "at least"},
            "must lie in 0",
        ),
    ],
)
def test_a_bad_type_or_argument_names_the_remedy(name: str, args: dict, told: str) -> None:
    with pytest.raises(ProblemError, match=told):
        from_spec(name, args, profile="fixed")


# Arguments with blanks, marks or other alphabets, or words that the witnesses use themselves.
ODD = [
    ("first_word:first_word_answer", {"first_word": " a "}),
    ("first_word:first_word_sent", {"first_word": "It."}),
    ("last_word:last_word_answer", {"last_word": " here "}),
    ("last_word:last_word_sent", {"last_word": "go!"}),
    ("keywords:keyword_specific_position", {"keyword": "no!", "n": 1, "m": 1}),
    (
        "keywords:word_count_different_numbers",
        {"keyword": "here", "frequency": 3, "relation": "at least"},
    ),
    (
        "keywords:word_count_different_numbers",
        {"keyword": "a", "frequency": 0, "relation": "at least"},
    ),
    ("count:count_increment_word", {"keyword1": "a b", "keyword2": "a"}),
    ("count:count_increment_word", {"keyword1": "a b", "keyword2": "b a"}),
    ("count:count_increment_word", {"keyword1": "br\u0435ad", "keyword2": "oil"}),
    ("keywords:exclude_word_harder", {"keyword": "br\u0435ad"}),
    ("keywords:forbidden_words", {"forbidden_words": ["br\u0435ad"]}),
    ("words:repeats", {"small_n": 0}),
]


@pytest.mark.parametrize(("name", "args"), ODD)
def test_odd_arguments_have_a_text_that_obeys_and_one_that_breaks(name: str, args: dict) -> None:
    rule = from_spec(name, args, profile="fixed")
    obeys, breaks = rule.witnesses()
    assert (rule.check(obeys).score, rule.check(breaks).score) == (1.0, 0.0)


def test_a_bound_that_every_reply_keeps_has_no_text_that_breaks_it() -> None:
    args = {"letter": "*", "let_frequency": 0, "let_relation": "at least"}
    assert from_spec("letters:letter_counting2", args, profile="fixed").witnesses()[1] == ""


def test_one_keyword_inside_another_counts_for_both() -> None:
    """`a b` once and `a` twice: one more `a` does."""
    args = {"keyword1": "a b", "keyword2": "a"}
    rule = from_spec("count:count_increment_word", args, profile="fixed")
    assert [rule.check(text).score for text in ("a b, a", "a b, a, a", "a, a")] == [1, 0, 0]


def test_a_word_of_many_hyphens_is_judged() -> None:
    """Each part of `water-water-...` has two syllables, so all words have an even number."""
    check = from_spec("words:odd_even_syllables", {}, profile="fixed").check
    assert check("cat " + "-".join(["a"] * 4000)).score == 1  # 1, then 4000
    assert check("water " + "-".join(["a"] * 4000)).score == 0


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(["", "", " ", "\t", "a", " b", "  c"]), max_size=12))
def test_blank_lines_are_removed_as_the_published_loop_does(lines: list[str]) -> None:
    """The loop itself, which takes time that grows with the square of the number of lines."""
    wanted, i = list(lines), 0
    while i < len(wanted):
        if not wanted[i].strip():
            wanted.remove(wanted[i])
        i += 1
    assert _without_blank_lines("\n".join(lines)) == (wanted if lines else [])


@pytest.mark.parametrize("name", sorted(CONSTRAINTS))
def test_the_smallest_bounds_have_witnesses_that_say_so(name: str) -> None:
    """Each number 0 to 3, each relation: refused, or the witnesses obey and break, or "" where none can."""
    drawn_args = CONSTRAINTS[name].draw(np.random.default_rng(1), "How many are 3 and 4?")
    numbers = [key for key, value in drawn_args.items() if isinstance(value, int)]
    relations = [key for key, value in drawn_args.items() if value in ("at least", "less than")]
    for values in product(range(4), repeat=len(numbers)):
        for said in product(("at least", "less than"), repeat=len(relations)):
            args = drawn_args | dict(zip(numbers + relations, values + said, strict=True))
            try:
                rule = from_spec(name, args, profile="fixed")
            except ProblemError:
                continue
            for text, score in zip(rule.witnesses(), (1.0, 0.0), strict=True):
                assert not text.strip() or rule.check(text).score in (score, None), (rule, text)
