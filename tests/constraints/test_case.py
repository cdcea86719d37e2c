"""Case: both profiles on texts that can be checked by eye."""

from typing import get_args

import pytest

from twofold.constraints.case import CapitalWordFrequency, EnglishCapital, EnglishLowercase
from twofold.errors import ProblemError
from twofold.types import Profile

LOUD = "THE ANSWER IS FIVE BECAUSE WE ADD TWO AND THREE TOGETHER"
QUIET = LOUD.lower()
FRENCH = "nous trouvons que la réponse est cinq parce que nous additionnons deux et trois"

# text, official, fixed
CAPITAL = [
    (LOUD, 1, 1),
    (LOUD + r" \boxed{5}", 0, 1),  # the command's letters
    (LOUD + r" $x + y$ AND \[ \frac{a}{b} \]", 0, 1),
    (LOUD + " so", 0, 0),
    (LOUD + r" \text{so}", 0, 0),  # words are words inside \text
    (QUIET, 0, 0),
    (FRENCH.upper(), 0, 0),
    ("12345", 0, None),
    (r"\boxed{5}", 0, None),
    (LOUD + r" $\text{so}$", 0, 0),
    (LOUD + r" $\text{SO} + \text{b}$", 0, 1),
    ("AREA = BASE * ALTITUDE / 2 = 6", 0, None),  # 16 letters that look Romance
    ("TOTAL = 47 + 52 + 57 = 156 SO AVERAGE = 156/3 = 52 AND THAT IS THE ANSWER", 1, 1),
    ("ОТВЕТ: 5", 0, 0),  # no English in these letters, however few
]


@pytest.mark.parametrize(("text", "official", "fixed"), CAPITAL)
def test_capital(text: str, official: float, fixed: float | None) -> None:
    assert EnglishCapital("official").check(text).score == official
    assert EnglishCapital("fixed").check(text).score == fixed


LOWER = [
    (QUIET, 1, 1),
    (QUIET + r" \boxed{5}", 1, 1),
    (QUIET + r" \boxed{A}", 0, 1),  # an answer that is a capital letter
    (QUIET + " with $A$ and $\\Delta$", 0, 1),
    (QUIET + " I", 0, 0),
    (r"the answer is $\text{Four}$", 0, 0),
    (r"the answer is $\textbf{Four}$", 0, 0),
    (r"the answer is $\mathrm{Four}$", 0, 0),
    (r"the answer is \boxed{\text{Four}}", 0, 0),
    (r"the answer is $\text{B}$", 0, 1),  # a choice or a variable
    (r"the answer is $\text{four}$", 1, 1),
    ("the answer is so `\\text{Four}`", 0, 1),  # code
    (LOUD, 0, 0),
    (FRENCH, 0, 0),
    ("12345", 0, None),
    ("$x + 1$", 0, None),  # islower, and langdetect on one letter says no English
]


@pytest.mark.parametrize(("text", "official", "fixed"), LOWER)
def test_lowercase(text: str, official: float, fixed: float | None) -> None:
    assert EnglishLowercase("official").check(text).score == official
    assert EnglishLowercase("fixed").check(text).score == fixed


def test_the_word_that_breaks_it_is_named() -> None:
    assert EnglishCapital("fixed").check("THIS is WRONG").reason == "not in capitals: 'is'"
    assert EnglishLowercase("fixed").check("this Is wrong").reason == "has capitals: 'Is'"


def test_capital_mathematics_is_english_when_fixed() -> None:
    """The published false negative: langdetect passes over words in capitals."""
    text = "LET N BE THE NUMBER. SOLVE FOR N."
    assert EnglishCapital("official").check(text).score == 0.0
    assert EnglishCapital("fixed").check(text).score == 1.0


# text, NLTK's tokens in capitals, words in capitals
COUNTS = [
    ("I know ABC and A2.", 3, 1),  # I ABC A2
    ("WELL-KNOWN x", 1, 1),
    ("DON'T x", 2, 1),  # DO N'T
    ("Let $A$ and $B$ be points of $ABC$", 3, 0),
    (r"\ABC and \text{NOTE}", 2, 1),  # a token may hold a backslash
    ("COVID-19 in the U.S.", 2, 2),
    ("A NASA. A dog. OK?", 4, 2),
    ("none at all", 0, 0),
    ("AT&T", 2, 1),  # AT & T
    ("ÉCOLE", 1, 1),
]


@pytest.mark.parametrize(("text", "official", "fixed"), COUNTS)
def test_capital_words(text: str, official: int, fixed: int) -> None:
    for profile, n in (("official", official), ("fixed", fixed)):
        rule = CapitalWordFrequency(99, "at least", profile)  # type: ignore[arg-type]
        assert rule.check(text).reason == f"{n} words in capitals, at least 99 wanted"


def test_relations() -> None:
    for profile in get_args(Profile):
        assert CapitalWordFrequency(2, "less than", profile).check("OK so").score == 1.0
        assert CapitalWordFrequency(1, "less than", profile).check("OK so").score == 0.0
        assert CapitalWordFrequency(0, "at least", profile).check("so").score == 1.0
    with pytest.raises(ProblemError, match="give at least 1"):
        CapitalWordFrequency(0, "less than", "fixed")
