import math

import pytest
from sympy import Function
from sympy.parsing.sympy_parser import standard_transformations

from twofold.scorers.answers.official_answer import _same_form, extract, grade
from twofold.scorers.answers.official_value import FAILURES, parsed, same_value


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "().__class__",
        "x.evalf()",
        "x . evalf()",
        "x.\nevalf()",
        "[x for x in x]",
        "(lambda: 1)()",
        '"a"',
        "f'{x}'",
        "(x:=1)",
        "x\\\n.evalf()",
    ],
)
def test_programs_are_refused(text: str) -> None:
    with pytest.raises(FAILURES):
        parsed(text, standard_transformations)


@pytest.mark.parametrize("name", ["open", "eval", "exec", "exit", "getattr", "print", "sympify"])
def test_a_name_that_is_not_listed_is_only_a_symbol(name: str) -> None:
    assert parsed(f"{name}(0)", standard_transformations) == Function(name)(0)


@pytest.mark.parametrize(
    ("found", "gold", "same"),
    [
        ("50", "0.5", True),
        ("0.5", "50", True),
        ("1.00009", "1", True),
        ("1.0002", "1", False),
        ("[1,2]", "(1,2)", False),
        ("(1, 2)", "(1,2)", True),
        ("2,1", "1,2", False),
        ("Interval.Ropen(1, 2)", "[1, 2)", True),
        ("Interval.Ropen(1, 2)", "[1, 2]", False),
        ("Interval.Lopen(1, 2)", "(1, 2]", True),
        ("Interval.open(1, 2)", "(1, 2)", True),
        ("Interval.open(1, 2)", "[1, 2]", False),
        ("Interval(1, 2)", "[1, 2]", True),
        ("(1, 0.5)", "(1, 50)", True),  # part by part, each with its hundredfold
        ("1, 0.5", "1, 50", True),
        ("1, 0.5", "1, 5", False),
        (r"2\pi", "628.31853", True),
        (r"-\pi", "-314.159265", True),
        (r"(\pi, 2\pi)", "(314.159265, 6.2831853)", True),
        ("2*x", "x + x", True),
        ("2", "1+1", True),
        ("x", "2", False),
        ("12%", "12", True),
        ("3.141592", r"\pi", True),
        (r"2\pi", "6.2831853", True),
        ("10^6", "1000000", False),
        ("", "5", False),
    ],
)
def test_second_grader_by_hand(found: str, gold: str, same: bool) -> None:
    assert same_value(found, gold, pi=math.pi) is same


@pytest.mark.parametrize(
    ("found", "gold", "right"),
    [
        ("2/4", r"\frac{1}{2}", False),
        ("2.0", "2", True),
        ("3-1", "2", True),
        ("k=3", "3", True),
        (r"\frac12", r"\frac{1}{2}", True),
        (r"\sqrt3", r"\sqrt{3}", True),
        (r"5 \text{ cm}", "5", True),
        (r"7 \frac{3}{4}", "7.75", True),
        ("5 miles", "5", True),
        ("(x+1)^2", "x^2+2*x+1", True),
        ("2 million", "2000000", False),
        ("1e999", "5", False),
        ("nan", "5", False),
        ("(2x,1)", "(x+x,1)", True),
        ("x^10", "x^5*x^5", False),
        ("x^(2)", "x*x", False),
        ("a+b", "b+a", True),
        ("3", "k=3", True),
        ("3", "abc=3", False),
        ("6.28", r"2\pi", True),  # 3.14 will do for π
        ("6.29", r"2\pi", False),
    ],
)
def test_first_grader_by_hand(found: str, gold: str, right: bool) -> None:
    assert grade(rf"\boxed{{{found}}}", gold)[0] is right


@pytest.mark.parametrize(
    ("gold", "found", "same"),
    [
        ("(1,12)", "(1,13)", False),
        ("(1/2,3.0)", "(1/2,3)", True),
        ("(1/2,3.0)", "(2/4,3)", False),  # a fraction must be the same fraction
        ("(1,12)", "( 1, 12 )", True),
        ("(1,2)", "(1,2,3)", False),
        ("(1+1,1)", "(2,1)", False),  # a whole number must be given as one
        ("(x+x,1)", "(2x,1)", True),
        ("(1,(x+x))", "(1,(2x))", False),  # brackets inside: one member, which is no expression
        ("c+b+a", "a+b+c", False),  # more than two letters are not tried
        ("b+a", "a+b", True),
    ],
)
def test_what_the_first_grader_alone_says(gold: str, found: str, same: bool) -> None:
    assert _same_form(gold, found) is same


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("So 5 is the answer.", "So 5"),
        (r"\boxed{x = 5}", "5"),
        (r"\boxed{1} then \fbox{2}", "1"),
        (r"We have \fbox{2} apples", "2"),
        (r"\boxed{1", r"\boxed{1"),
        ("We get 5. And so on", "5"),
        ("We use {5} apples", "We use {5} apples"),
        ("", ""),
    ],
)
def test_extraction(reply: str, found: str) -> None:
    assert extract(reply) == found
