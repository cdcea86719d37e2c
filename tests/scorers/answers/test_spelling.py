import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.scorers.answers.equal import settled, spellings
from twofold.scorers.answers.spelling import key, plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"$\left( 3, \dfrac{\pi}{2} \right)$", r"( 3, \frac{\pi}{2} )"),
        (r"10,\!080", "10080"),
        (r"11,\! 111,\! 111,\! 100", "11111111100"),
        ("(1,234)", "(1,234)"),
        ("１２", "12"),
        ("١٢٫٥", "12.5"),
        ("－3", "-3"),
        ("x²", "x^{2}"),
        ("10⁻⁴", "10^{-4}"),
        ("1\u202f000\u202f000", "1000000"),
        ("1'000'000", "1000000"),
        ("1’000’000", "1000000"),
        ("12,34,567", "1234567"),
        ("1.000.000", "1000000"),
        ("1.234,56", "1234.56"),
        ("1.000", "1.000"),  # a decimal number
        ("10 11 12", "10 11 12"),
        ("2**10", "2**10"),
        ("**5**", "5"),
        ("5$$6", "5 6"),  # what is removed leaves a space
        (r"\color{blue}{5}", "{5}"),
        (r"{\Large 5}", "{ 5}"),
        ("½", r"\frac{1}{2}"),
        ("0.3\u0305", r"0.\overline{3}"),
    ],
)
def test_plain_spelling(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_a_font_is_no_difference() -> None:
    assert key(r"\textbf{Evelyn}") == key("Evelyn ") == "Evelyn"
    assert key("x^{2}") == key("x^2")
    assert key("new york") != key("newyork")
    assert key("1 2") != key("12") != key(r"1\,2")


def test_what_spelling_and_exact_arithmetic_tell() -> None:
    assert settled("1/3", "0.333333") is True
    assert settled("1/3", "0.33333") is False
    assert settled("1000000", "1000001") is False  # whole numbers are exact
    assert settled("6.6e-34", "0") is False
    assert settled("5", "") is False
    assert settled("5", "x" * 5000) is False
    assert settled("Monday", "monday") is True
    assert settled("Monday", "Tuesday") is False
    assert settled("log(8)", "3*log(2)") is None  # for the worker
    assert settled("5", "many") is False
    assert settled("k=3", "n=3") is False


def test_a_comma_groups_lists_or_points() -> None:
    assert spellings("2.5", "2,5") == [("2.5", "2,5"), ("2.5", "2.5")]
    assert spellings("5", "5,0") == [("5", "5,0")]
    assert spellings("12", "12,00") == [("12", "12,00"), ("12", "12.00")]
    assert settled("100,200,300", "100, 200, 300") is True
    assert settled("1,000", "1, 000") is False


@given(st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_text_has_a_spelling(gold: str, answer: str) -> None:
    assert settled(gold, gold) in (True, False)
    assert settled(gold, answer) in (True, False, None)


@pytest.mark.parametrize(
    "unit",
    [
        "1,",
        "{",
        "\\text{",
        "5 a",
        "1 ",
        ", or ",
        "a=",
        "\\frac",
        "\\text{ a}",
        "$",
        "1/",
        "%",
        "(",
        "²",
    ],
)
def test_spelling_takes_linear_time(unit: str) -> None:
    start = time.process_time()
    settled("5", unit * 20_000)
    assert time.process_time() - start < 10
