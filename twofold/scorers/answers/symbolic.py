r"""Have two expressions the same value, where that needs algebra? A computer algebra system decides.

Numbers are compared with more digits than all numbers in them have together, so that no term is too
small to count. Formulas are compared at several points with as many digits, wherever both have a
value in the real numbers (the root of a negative length has none).

Only the worker process imports this file: a comparison may never end or use all memory.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any, final

import sympy

from twofold.scorers.answers.arithmetic import Arithmetic, close, is_rounded, rational
from twofold.scorers.answers.equal import read, spellings
from twofold.scorers.answers.equality import CONSTANTS, Comparison, some
from twofold.scorers.answers.terms import Term

DIGITS = 60  # significant digits of a comparison, besides those of the numbers in it
SPARE = 15  # of them may be lost to rounding
POINTS = 10  # where two formulas are compared
LEAST_POINTS = 3  # where both must have a value
MOST_DIGITS = 20_000
MILLION = 10**6
ZERO = Fraction(0)

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        name: getattr(sympy, sympy_name)
        for name, sympy_name in (
            ("sin", "sin"), ("cos", "cos"), ("tan", "tan"), ("cot", "cot"), ("sec", "sec"),
            ("csc", "csc"), ("arcsin", "asin"), ("arccos", "acos"), ("arctan", "atan"),
            ("arccot", "acot"), ("arcsec", "asec"), ("arccsc", "acsc"), ("sinh", "sinh"),
            ("cosh", "cosh"), ("tanh", "tanh"), ("coth", "coth"), ("arcsinh", "asinh"),
            ("arccosh", "acosh"), ("arctanh", "atanh"), ("ln", "log"), ("exp", "exp"),
            ("abs", "Abs"), ("floor", "floor"), ("ceil", "ceiling"), ("sgn", "sign"), ("Re", "re"),
            ("Im", "im"), ("binom", "binomial"), ("max", "Max"), ("min", "Min"), ("mod", "Mod"),
        )
    },
    "gcd": lambda *args: sympy.Integer(sympy.igcd(*args)),
    "lcm": lambda *args: sympy.Integer(sympy.ilcm(*args)),
    "lg": lambda x: sympy.log(x, 10),
    "log_": lambda x, base: sympy.log(x, base),
    # Of a logarithm without a base only the multiples are known.
    "log": lambda x: sympy.Symbol("log ", positive=True) * sympy.log(x),
}  # fmt: skip
_TRIGONOMETRIC = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})
_CONSTANTS = {"i": sympy.I, "e": sympy.E, "pi": sympy.pi}
_RIGHT_ANGLE = sympy.pi / 180


class NoExpressionError(ValueError):
    """An answer that is no expression, such as a word or an infinity."""


@final
class Symbolic(Arithmetic):
    """Decides by computer algebra."""

    def equal(self, gold: Term, answer: Term) -> bool | None:
        """See `Arithmetic.equal`."""
        values = rational(gold), rational(answer)
        if values[0] is not None and values[1] is not None:
            return values[0] == values[1] or close(values[0], values[1], gold, answer)
        pair = _expressions(gold, answer)
        if pair is None:
            return False
        decimal = any(term.places is not None for each in (gold, answer) for term in each.walk())
        digits = _digits(gold, answer)
        if any(each.free_symbols for each in pair):
            return _same_formula(pair, digits, decimal=decimal)
        numbers = [each.evalf(digits) for each in pair]
        if not all(number.is_number and number.is_finite for number in numbers):
            return False
        if _near(numbers[0], numbers[1], digits):
            return True
        known = _rational(numbers[0]), _rational(numbers[1])
        if not decimal or known[0] is None or known[1] is None:
            return False
        return close(known[0], known[1], gold, answer)

    def rounded(self, value: Term, said: Term) -> bool | None:
        """See `Arithmetic.rounded`."""
        pair = _expressions(value, said)
        if pair is None:
            return False
        if not any(each.free_symbols for each in pair):
            digits = _digits(value, said)
            known = [_rational(each.evalf(digits)) for each in pair]
            if None not in known and is_rounded(known[0] or ZERO, known[1] or ZERO, value, said):
                return True
        return self.equal(value, said)

    def proportional(self, gold: Term, answer: Term) -> bool | None:
        """See `Arithmetic.proportional`."""
        pair = _expressions(gold, answer)
        if pair is None:
            return False
        digits = _digits(gold, answer)
        ratio = None
        for point in _points(pair):
            values = [each.evalf(digits, subs=point) for each in pair]
            if not all(value.is_number and value.is_finite for value in values):
                continue
            if values[0] == 0 or values[1] == 0:
                return False
            here = values[0] / values[1]
            if ratio is None:
                ratio = here
            elif not _near(here, ratio, digits):
                return False
        return ratio is not None


def _expressions(gold: Term, answer: Term) -> tuple[Any, Any] | None:
    """Both as expressions of sympy; None if one is none."""
    try:
        return expression(gold), expression(answer)
    except (ValueError, TypeError, ZeroDivisionError, AttributeError, NotImplementedError):
        return None


@lru_cache(maxsize=1024)
def expression(term: Term) -> Any:
    """A term as an expression of sympy.

    Raises:
        NoExpressionError: If it is none.
    """
    return _expression(term, in_degrees=False)


def _expression(term: Term, *, in_degrees: bool) -> Any:
    args = [_expression(arg, in_degrees=in_degrees) for arg in term.args] if (
        term.head not in ("call",)
    ) else []  # fmt: skip
    match term.head:
        case "number":
            return sympy.Rational(term.value.numerator, term.value.denominator)
        case "symbol" if term.name != "infty":
            return _CONSTANTS.get(term.name, sympy.Symbol(term.name))
        case "add":
            return sympy.Add(*args)
        case "mul":
            return sympy.Mul(*args)
        case "neg":
            return -args[0]
        case "bracket":
            return args[0]
        case "large":
            return args[0] * sympy.Rational(term.value.numerator)
        case "degree":
            return args[0] * _RIGHT_ANGLE if in_degrees else args[0]
        case "div":
            if args[1] == 0:
                raise NoExpressionError("division by zero")
            return args[0] / args[1]
        case "power":
            return args[0] ** args[1]
        case "factorial":
            return sympy.factorial(args[0])
        case "root":
            return _root(*args)
        case "call":
            return _call(term)
    raise NoExpressionError(term.head)


def _root(value: Any, index: Any) -> Any:
    if index.is_Integer and index % 2 and value.is_number and value.is_negative:
        return -((-value) ** (1 / index))
    return value ** (1 / index)


def _call(term: Term) -> Any:
    degrees = term.name in _TRIGONOMETRIC
    args = [_expression(arg, in_degrees=degrees) for arg in term.args]
    if term.name.endswith("()"):
        return sympy.Symbol(f"{term.name} {args}")
    if term.name not in _FUNCTIONS:
        raise NoExpressionError(term.name)
    return _FUNCTIONS[term.name](*args)


def _digits(*terms: Term) -> int:
    """More digits than all numbers in the terms have together, powers and factorials too."""
    total = DIGITS
    for term in terms:
        for node in term.walk():
            value = rational(node)
            if value is not None:
                total += (value.numerator.bit_length() + value.denominator.bit_length()) // 3
            elif (
                node.head in ("power", "root", "call", "factorial") and not node.symbols - CONSTANTS
            ):
                size = abs(expression(node).evalf(5))
                if size.is_number and size.is_finite and size > 0:
                    total += abs(int(sympy.log(size, 10).evalf(5)))
    return min(total, MOST_DIGITS)


def _near(first: Any, second: Any, digits: int) -> bool:
    """Whether two numbers agree in all but the last of `digits` digits."""
    limit = sympy.Float(10, digits) ** (SPARE - digits)
    size = abs(first)
    return bool(abs(first - second) <= limit * (size if size > limit else 1))


def _rational(number: Any) -> Fraction | None:
    """A number with many digits as a fraction; None if it is not real."""
    if not number.is_real or not number.is_finite:
        return None
    exact = sympy.Rational(number)
    return Fraction(int(exact.p), int(exact.q))


def _same_formula(pair: tuple[Any, Any], digits: int, *, decimal: bool) -> bool:
    """Whether two formulas agree wherever both have a value in the real numbers."""
    complex_too = any(each.has(sympy.I) for each in pair)
    seen = 0
    # A reference answer with the root of a variable is about positive ones.
    for point in _points(pair, positive=any(_radicands(pair[0]))):
        if not complex_too and not all(_is_real(each, point) for each in pair):
            continue
        value, other = (each.evalf(digits, subs=point) for each in pair)
        if not all(each.is_number and each.is_finite for each in (value, other)):
            continue
        near = _near(value, other, digits)
        if not near and not (decimal and abs(value - other) <= abs(value) / MILLION):
            return False
        seen += 1
    return seen >= LEAST_POINTS


def _radicands(formula: Any) -> list[Any]:
    """What stands under the roots and logarithms of a formula and has variables."""
    parts = [power.base for power in formula.atoms(sympy.Pow) if power.exp.is_integer is False]
    parts += [logarithm.args[0] for logarithm in formula.atoms(sympy.log)]
    return [part for part in parts if part.free_symbols]


def _is_real(formula: Any, point: dict[Any, Any]) -> bool:
    """Whether no root or logarithm of a negative number is in a formula at a point."""
    parts = [part.evalf(15, subs=point) for part in _radicands(formula)]
    return all(
        part.is_real is not False and part >= 0 for part in parts if part.is_real is not None
    )


def _points(pair: tuple[Any, Any], *, positive: bool = False) -> list[dict[Any, Any]]:
    """Values for the variables: of both signs, and some that are positive throughout."""
    symbols = sorted(pair[0].free_symbols | pair[1].free_symbols, key=str)
    points = []
    for i in range(POINTS):
        point = {}
        for k, symbol in enumerate(symbols):
            mixed = (104_729 * (i + 1) * (k + 3) + 7919 * k * k) % 999_983 + 1
            negative = i % 2 and (i // 2 + k) % 2 == 0 and not (positive or symbol.is_positive)
            value = sympy.Rational(mixed * (1 + i % 3), 10**6)
            point[symbol] = -value if negative else value
        points.append(point)
    return points


COMPARISON = Comparison(Symbolic())


def equal(gold: str, answer: str) -> bool:
    """Whether two answers as written are equal; neither may hold anything that was not read."""
    return bool(
        some(
            COMPARISON.same(first, second)
            for pair in spellings(gold, answer)
            for first in read(pair[0])
            for second in read(pair[1])
        )
    )
