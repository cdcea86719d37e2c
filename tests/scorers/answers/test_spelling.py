import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.scorers.answers.spelling import elements, name_and_value, number, plain, settled


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"$\left( 3, \dfrac{\pi}{2} \right)$", r"( 3, \frac{\pi}{2} )"),
        (r"\text{(C)}", "C"),
        (r"10,\!080", "10080"),
        (r"11,\! 111,\! 111,\! 100", "11111111100"),
        (r"864 \mbox{ inches}^2", "864"),
        ("18 dollars per day", "18"),
        ("2 cos x", "2 cos x"),
        ("5x", "5x"),
        ("(1,234)", "(1,234)"),
        ("１２", "12"),
        ("١٢٫٥", "12.5"),
        (r"\{1, 2\}", "1, 2"),
        (r"\{1\} \cup \{2\}", r"\{1\} \cup \{2\}"),  # two sets are no braces around one
        (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"),
    ],
)
def test_plain_spelling(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_superscript_is_not_a_digit_of_the_base() -> None:
    assert plain("x²") == "x^2"


@pytest.mark.parametrize(
    ("text", "value", "percent"),
    [
        ("12", Fraction(12), False),
        ("-.5", Fraction(-1, 2), False),
        ("3 1/2", Fraction(7, 2), False),
        (r"3\frac{1}{2}", Fraction(7, 2), False),
        ("1e3", Fraction(1000), False),
        (r"1.5 \times 10^{-2}", Fraction(3, 200), False),
        ("12%", Fraction(12), True),
    ],
)
def test_number_is_exact(text: str, value: Fraction, percent: bool) -> None:
    assert number(text) == (value, percent)


@pytest.mark.parametrize("text", ["", "x", "1/0", "1..2", "1e9999", "9" * 5000, "1,2"])
def test_no_number(text: str) -> None:
    assert number(text) is None


def test_numbers_differ_by_at_most_a_millionth() -> None:
    assert settled("1/3", "0.333333") is True
    assert settled("1/3", "0.33333") is False
    assert settled("1000000", "1000001") is False  # whole numbers are exact
    assert settled("6.6e-34", "0") is False


def test_what_spelling_can_and_cannot_tell() -> None:
    assert settled("5", "") is False
    assert settled("5", "x" * 5000) is False
    assert settled("Monday", "monday") is True
    assert settled("Monday", "Tuesday") is False
    assert settled("log(8)", "3*log(2)") is None  # words and digits: for mathematics to say
    assert settled("5", "many") is False


def test_elements_and_names() -> None:
    assert elements("f(1,2), [3,4], {5,6}") == ["f(1,2)", "[3,4]", "{5,6}"]
    assert name_and_value("f(x) = x = 3") == ("f(x)", "3")
    assert name_and_value("x=1, y=2") == ("", "x=1, y=2")
    assert settled("k=3", "n=3") is None


@given(st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=500, deadline=None)
def test_any_text_has_a_spelling(gold: str, answer: str) -> None:
    assert settled(plain(gold), plain(gold)) is True
    assert settled(plain(gold), plain(answer)) in (True, False, None)


@pytest.mark.parametrize(
    "unit",
    ["1,", "{", "\\text{", "5 a", "1 ", ", or ", "a=", "\\frac", "\\text{ a}", "$", "1/", "%"],
)
def test_spelling_takes_linear_time(unit: str) -> None:
    start = time.perf_counter()
    settled("5", plain(unit * 20_000))
    assert time.perf_counter() - start < 10
