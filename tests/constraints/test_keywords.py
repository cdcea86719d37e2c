"""Keywords: both profiles on texts that can be checked by eye."""

import pytest

from twofold.constraints.keywords import Existence, ForbiddenWords, Frequency, LetterFrequency
from twofold.errors import ProblemError

# keyword, text, times as a pattern, times as a word
TIMES = [
    ("note", "Note that we denote it. NOTE!", 3, 2),
    ("note", "notebook", 1, 0),
    ("note", "_note_ and **note**", 2, 2),
    ("bar", r"$\bar{x}$ and a bar", 2, 1),
    ("than", "Thanks", 1, 0),
    ("new york", "New  York, new\nyork, New York", 1, 3),
    ("a.c", "abc a.c", 2, 1),  # the published checker takes it for a pattern
    ("U.S.", "The U.S. and the USSA", 2, 1),  # 'USSA' is a U, any, an S, any
    ("c++", "C++ c cc", 3, 1),
    ("(a)", "(a) a", 2, 1),
    ("aa", "aaaa aa", 3, 1),  # non-overlapping
    ("é", "É e", 1, 1),
    ("can", "can't", 1, 1),
    ("see", "see-saw", 1, 1),
]


@pytest.mark.parametrize(("keyword", "text", "official", "fixed"), TIMES)
def test_frequency_and_existence(keyword: str, text: str, official: int, fixed: int) -> None:
    for profile, n in (("official", official), ("fixed", fixed)):
        at_least = Frequency(keyword, n, "at least", profile)  # type: ignore[arg-type]
        more = Frequency(keyword, n + 1, "at least", profile)  # type: ignore[arg-type]
        below = Frequency(keyword, n + 1, "less than", profile)  # type: ignore[arg-type]
        assert (at_least.check(text).score, more.check(text).score) == (1.0, 0.0)
        assert below.check(text).score == 1.0
        there = Existence((keyword,), profile)  # type: ignore[arg-type]
        assert there.check(text).score == float(n > 0)


def test_less_than_one_forbids() -> None:
    assert Frequency("note", 1, "less than", "official").check("denote").score == 0.0
    assert Frequency("note", 1, "less than", "fixed").check("denote").score == 1.0


def test_existence_wants_every_keyword() -> None:
    rule = Existence(("find", "must"), "official")
    assert rule.check("FINDING it MUSTARD").score == 1.0
    assert rule.check("we find it").reason == "missing: 'must'"
    assert Existence(("find", "must"), "fixed").check("FINDING it MUSTARD").score == 0.0


# word, text, official, fixed
FORBIDDEN = [
    ("note", "denote notebook", 1, 1),
    ("note", "NOTE that", 0, 0),
    ("note", "note-taking", 0, 0),
    ("note", "_note_", 1, 0),  # \b sees no edge at an underscore
    ("bar", r"\bar{x}", 0, 1),  # a command's name
    ("C#", "I like C# a lot", 1, 0),  # \b sees no edge after #
    ("no", "No.", 0, 0),
    ("no", "now", 1, 1),
]


@pytest.mark.parametrize(("word", "text", "official", "fixed"), FORBIDDEN)
def test_forbidden(word: str, text: str, official: int, fixed: int) -> None:
    assert ForbiddenWords((word,), "official").check(text).score == official
    assert ForbiddenWords((word,), "fixed").check(text).score == fixed


def test_witnesses_avoid_the_words_they_would_use() -> None:
    """IFEval forbids yes and no; a witness that answers "Yes." would be caught."""
    rule = ForbiddenWords(("yes", "no", "q", "12"), "official")
    obeys, breaks = rule.witnesses()
    assert rule.check(obeys).score == 1.0 and rule.check(breaks).score == 0.0


@pytest.mark.parametrize("profile", ["official", "fixed"])
def test_letters(profile: str) -> None:
    def rule(letter: str, n: int, relation: str) -> LetterFrequency:
        return LetterFrequency(letter, n, relation, profile)  # type: ignore[arg-type]

    assert rule("E", 3, "at least").check("Eleven").score == 1.0
    assert rule("e", 3, "less than").check("Eleven").score == 0.0
    assert rule("#", 2, "at least").check("# a #").score == 1.0  # the published code draws a letter
    assert rule("!", 1, "less than").check("No.").score == 1.0
    assert rule("q", 2, "at least").check("q").reason == "'q' occurs 1 times, at least 2 wanted"


def test_unusable_values_are_refused_with_a_remedy() -> None:
    for make, remedy in (
        (lambda: Existence((), "fixed"), "at least one word"),
        (lambda: Existence(("a", " "), "fixed"), "no blank one"),
        (lambda: ForbiddenWords((), "official"), "at least one word"),
        (lambda: Frequency("  ", 1, "at least", "fixed"), "at least one word"),
        (lambda: Frequency("a", 0, "less than", "fixed"), "give at least 1"),
        (lambda: Frequency("(", 1, "at least", "official"), "'fixed'"),
        (lambda: Frequency("$5", 1, "at least", "official"), "'fixed'"),
        (lambda: Existence(("***",), "official"), "'fixed'"),
        (lambda: LetterFrequency("ab", 1, "at least", "fixed"), "one visible character"),
        (lambda: LetterFrequency(" ", 1, "at least", "fixed"), "one visible character"),
        (lambda: LetterFrequency("a", -1, "at least", "fixed"), "0 to"),
    ):
        with pytest.raises(ProblemError, match=remedy):
            make()


def test_fixed_looks_for_the_text_that_is_no_pattern() -> None:
    assert Existence(("$5", "***", "("), "fixed").check("It is $5 (***)").score == 1.0
