"""Expressions spelled in several ways are equal; with one part changed, or a rest unread, they are not."""

from dataclasses import dataclass
from fractions import Fraction

import mpmath
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from twofold.scorers.answers.equal import read, settled
from twofold.scorers.answers.symbolic import equal as symbolic

SHORT = settings(max_examples=60, deadline=None, derandomize=True)


@dataclass(frozen=True)
class Made:
    """An expression with its spellings and its value to 200 digits."""

    spellings: tuple[str, str, str]
    value: object


def _numbers() -> st.SearchStrategy[Made]:
    def made(n: int) -> Made:
        return Made((str(n), str(n), "".join(chr(0xFF10 + int(d)) for d in str(n))), mpmath.mpf(n))

    return st.integers(1, 40).map(made)


def _joined(children: st.SearchStrategy[Made]) -> st.SearchStrategy[Made]:
    def pair(kind: str, a: Made, b: Made) -> Made:
        (a1, a2, a3), (b1, b2, b3) = a.spellings, b.spellings
        if kind == "+":
            return Made(
                (f"({a1}+{b1})", f"({b2} + {a2})", rf"\left({a3}+{b3}\right)"), a.value + b.value
            )
        if kind == "-":
            return Made((f"({a1}-{b1})", f"(-{b2} + {a2})", f"({a3}−{b3})"), a.value - b.value)
        if kind == "*":
            return Made(
                (rf"{a1} \cdot {b1}", f"{b2}*{a2}", rf"{{{a3}}} \times {{{b3}}}"), a.value * b.value
            )
        return Made(
            (rf"\frac{{{a1}}}{{{b1}}}", f"(({a2})/({b2}))", rf"\dfrac{{{a3}}}{{{b3}}}"),
            a.value / b.value,
        )

    def one(kind: str, a: Made, n: int) -> Made:
        a1, a2, a3 = a.spellings
        if kind == "root":
            return Made((rf"\sqrt{{{a1}}}", f"sqrt({a2})", f"√({a3})"), mpmath.sqrt(a.value))
        if kind == "ln":
            return Made(
                (rf"\ln\left({a1}\right)", f"ln({a2})", rf"\ln({{{a3}}})"), mpmath.log(a.value)
            )
        raised = "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(d)] for d in str(n))
        return Made((f"({a1})^{{{n}}}", f"({a2})**{n}", f"({a3}){raised}"), a.value**n)

    pairs = st.builds(pair, st.sampled_from("+-*/"), children, children)
    ones = st.builds(one, st.sampled_from(["root", "ln", "power"]), children, st.integers(2, 12))
    return pairs | ones


EXPRESSIONS = st.recursive(
    _numbers() | st.just(Made((r"\pi", "pi", "π"), mpmath.pi)), _joined, max_leaves=5
)


def _finite(made: Made) -> bool:
    return bool(mpmath.isfinite(made.value)) and mpmath.im(made.value) == 0


@given(st.data())
@SHORT
def test_an_expression_is_equal_in_every_spelling_and_unequal_with_a_change(
    data: st.DataObject,
) -> None:
    with mpmath.workdps(200):
        try:
            made, other = data.draw(EXPRESSIONS), data.draw(EXPRESSIONS)
        except ZeroDivisionError:
            assume(False)
        assume(_finite(made) and _finite(other) and made.value != 0)
        first, second, third = made.spellings
        assert symbolic(first, second) and symbolic(first, third) and symbolic(second, third)
        same = mpmath.almosteq(made.value, other.value, rel_eps=mpmath.mpf(10) ** -150)
        assert symbolic(first, other.spellings[1]) is bool(same)
        assert not symbolic(first, f"({second}) + 1/10^{{30}}")
        assert not symbolic(first, f"({second})*(1 + 1/7^{{40}})")


RESTS = [
    r"\foo", "sqrt", "or", "plus", "times", "modulo", r"\pmod{7}", "^", "_", "+", "=", r"\oplus 3", "if x>0",
    "blah or so", "more than x", "is not", "?", "@", "#", "≡ 1", r"\int x", "below", "under 3", "& 3",
    "to the fourth", "of which 3", "less", "hundredth", "(or 7)", "[3", "{", r"\{", "|", r"\sum", ";; y",
]  # fmt: skip


@pytest.mark.parametrize("rest", RESTS)
@given(
    value=st.sampled_from(
        ["5", r"\frac{1}{2}", r"2\sqrt{3}", "x", "(1,2)", r"\pi", "-7", "1,2", r"\text{east}"]
    )
)
@SHORT
def test_a_rest_that_is_not_read_is_never_equal(rest: str, value: str) -> None:
    answer = f"{value} {rest}"
    assert settled(value, answer) in (False, None)
    assert not symbolic(value, answer)
    assert not symbolic(answer, value)


@given(
    st.fractions(min_value=-1000, max_value=1000, max_denominator=97),
    st.sampled_from(
        ["", r"\text{ cm}", "%", r"^\circ", " apples", r"\,\mathrm{m/s}^2", " dollars per day"]
    ),
)
@SHORT
def test_a_number_is_itself_in_every_form_and_no_other(value: Fraction, unit: str) -> None:
    n, d = value.numerator, value.denominator
    forms = [f"{n}/{d}{unit}", rf"\frac{{{n}}}{{{d}}}{unit}", rf"x = \dfrac{{{n}}}{{{d}}} {unit}"]
    if n < 0:
        forms += [f"−{-n}/{d}{unit}", rf"-\frac{{{-n}}}{{{d}}}{unit}", f"minus {-n}/{d}{unit}"]
    if abs(value) > 1 and d > 1:
        whole, part = divmod(abs(n), d)
        forms.append(rf"{'-' if n < 0 else ''}{whole}\frac{{{part}}}{{{d}}}{unit}")
    for form in forms:
        assert settled(forms[0], form) is True, form
        assert settled(form, f"{n + 1}/{d}{unit}") is False
        assert settled(form, f"{n}/{d + 1}{unit}") is (n == 0)


@given(st.integers(1, 10**15))
@SHORT
def test_grouped_digits(n: int) -> None:
    american, digits = f"{n:,}", str(n)
    indian = digits[-3:]
    for i in range(len(digits) - 3, 0, -2):
        indian = f"{digits[max(0, i - 2) : i]},{indian}"
    forms = [american, indian, american.replace(",", r"{,}"), american.replace(",", r",\!")]
    forms += [
        american.replace(",", sep) for sep in (" ", "\u202f", "\u2009", "'", "’", r"\,", r"\ ", "~")
    ]
    for form in forms:
        assert settled(digits, form) is True, form
        assert settled(str(n + 1), form) is False, form


@given(st.integers(1, 10**6), st.integers(1, 6))
@SHORT
def test_repeating_decimals(repeated: int, start: int) -> None:
    block = str(repeated)
    value = Fraction(start, 10) + Fraction(repeated, (10 ** len(block) - 1) * 10)
    gold = f"{value.numerator}/{value.denominator}"
    for form in (
        rf"0.{start}\overline{{{block}}}",
        f"0.{start}({block})",
        rf"0.{start}\bar{{{block}}}",
    ):
        assert settled(gold, form) is True
        assert settled(f"{value.numerator + 1}/{value.denominator}", form) is False


UNITS = [
    "cm",
    "m",
    "km",
    "kg",
    "g",
    "s",
    "h",
    "N",
    "J",
    "cm^2",
    "m/s",
    "km/h",
    "dollars",
    "euros",
    "apples",
]


@pytest.mark.parametrize("first", UNITS)
def test_two_units_that_are_both_stated_must_be_one(first: str) -> None:
    for second in UNITS:
        for n in (2, 7):
            pair = rf"{n} \text{{ {first}}}", rf"{n} \text{{ {second}}}"
            assert settled(*pair) is (first == second)
        assert settled("2", rf"2 \text{{ {second}}}") is True


@pytest.mark.parametrize(
    ("gold", "answer", "same"),
    [
        (r"2\text{ km}", r"2000 \text{ m}", True),
        (r"36\text{ km/h}", r"10 \text{ m/s}", True),
        (r"1.5\text{ h}", "1 hour 30 minutes", True),
        (r"1.5\text{ h}", "1 hour 40 minutes", False),
        (r"5 \text{ apples}", "5 red apples", True),
        (r"5 \text{ apples}", "5 pears", False),
        (r"\$5", "500 cents", True),
        ("30^\\circ", r"\frac{\pi}{6}", True),
        ("5^\\circ\\text{C}", "5^\\circ\\text{F}", False),
        ("1000", r"1 \text{ k}", False),
        ("12", "1 2", False),
        ("10", r"1\,0", False),
        ("5.5", "5 and a half", True),
        ("5", "5 and a half", False),
        ("0.5", r"0.5\%", False),
        ("12.5", r"12.5\%", True),
        ("0.125", r"12.5\%", True),
    ],
)  # fmt: skip
def test_units_by_hand(gold: str, answer: str, same: bool) -> None:
    assert symbolic(gold, answer) is same


def test_every_character_is_read_or_nothing() -> None:
    assert read("4 sqrt") == () == read("5 @") == read("3 (or 4)")
    assert read("4 sqrt(2)") and read("5 apples") and read(r"5\,\mathrm{m/s}")


@pytest.mark.parametrize(
    ("gold", "answer", "equal"),
    [
        ("cat", "act", False),
        ("cat", "Cat", True),
        ("r d s b", "r b s d", False),
        ("rat dog sun bee", "rat sun dog bee", False),
        ("A B C", "C B A", False),
        ("x y z", "xyz", True),
        ("a dozen", "twelve", True),
        ("xyz", r"x \cdot z \cdot y", True),  # with a sign between, it is a product
        ("ab", "ba", True),  # two letters may be a product, or the ends of a line
    ],
)
def test_letters_alone_are_a_text_whose_order_counts(gold: str, answer: str, equal: bool) -> None:
    found = settled(gold, answer)
    assert (symbolic(gold, answer) if found is None else found) is equal
