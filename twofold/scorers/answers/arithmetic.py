"""Have two expressions the same value? Rational numbers are decided here, exactly and at once."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from math import factorial
from typing import final

from twofold.scorers.answers.terms import Term

TOLERANCE = Fraction(1, 10**6)  # relative difference at which a decimal may stand for a value

# Bits beyond which a power is left to the worker, which can be killed.
MOST_BITS = 100_000
_MOST_FACTORIAL = 3000


class Arithmetic(ABC):
    """What must be known of values to compare answers; None where it is not known."""

    @abstractmethod
    def equal(self, gold: Term, answer: Term) -> bool | None:
        """Whether two expressions are equal: decimals by `close`, all others exactly."""

    @abstractmethod
    def rounded(self, value: Term, said: Term) -> bool | None:
        """Whether `said` is `value` or a decimal that it is rounded to."""

    @abstractmethod
    def proportional(self, gold: Term, answer: Term) -> bool | None:
        """Whether one expression is a constant multiple of the other, so that both vanish together."""


@final
class Exact(Arithmetic):
    """Decides what rational numbers decide, without a computer algebra system."""

    def equal(self, gold: Term, answer: Term) -> bool | None:
        """Equal trees, and rational numbers; the rest is unknown."""
        if gold == answer:
            return True
        values = rational(gold), rational(answer)
        if values[0] is None or values[1] is None:
            return None
        return values[0] == values[1] or close(values[0], values[1], gold, answer)

    def rounded(self, value: Term, said: Term) -> bool | None:
        """See `Arithmetic.rounded`."""
        values = rational(value), rational(said)
        if values[0] is None or values[1] is None:
            return None
        return is_rounded(values[0], values[1], value, said)

    def proportional(self, gold: Term, answer: Term) -> bool | None:
        """Only the same expression is known to be."""
        return True if gold == answer else None


def close(gold: Fraction, answer: Fraction, *terms: Term) -> bool:
    """Whether a decimal may stand for a value: to a millionth, and rounded or cut off at its end.

    Two values that are both written exactly (whole numbers, fractions, powers) are never close.
    """
    if not any(term.places is not None for each in terms for term in each.walk()):
        return False
    difference = abs(gold - answer)
    if difference > TOLERANCE * abs(gold):
        return False
    digits = [last_digit(term) or Fraction(0) for term in terms]
    if not any(digits):
        return True
    values = (gold, answer) if digits[0] >= digits[-1] else (answer, gold)
    cut_off = abs(values[0]) < abs(values[1]) and difference < max(digits)
    return cut_off or difference <= max(digits) / 2


def is_rounded(value: Fraction, said: Fraction, *terms: Term) -> bool:
    """Whether two sides of `a ≈ b` agree to the last digit of the decimal among them."""
    digits = [digit for term in terms if (digit := last_digit(term)) is not None]
    return value == said or bool(digits and abs(value - said) < max(digits))


def last_digit(term: Term) -> Fraction | None:
    """What the last digit of a decimal number is worth; None if there is no such digit."""
    if term.head == "number":
        return None if term.places is None else Fraction(10) ** -term.places
    if term.head in ("neg", "bracket", "degree"):
        return last_digit(term.args[0])
    if term.head in ("mul", "div", "large"):
        digits = [last_digit(arg) for arg in term.args]
        if term.head == "large":
            return None if digits[0] is None else digits[0] * term.value
        for digit, other in ((digits[0], term.args[-1]), (digits[-1], term.args[0])):
            factor = rational(other)
            if digit is not None and factor and last_digit(other) is None:
                return digit * abs(factor) if term.head == "mul" else digit / abs(factor)
    return None


_UNARY: dict[str, Callable[[Fraction], Fraction]] = {
    "neg": lambda x: -x,
    "bracket": lambda x: x,
    "degree": lambda x: x,
}


@lru_cache(maxsize=8192)
def rational(term: Term) -> Fraction | None:
    """The exact value of an expression of rational numbers; None if it is not one, or is huge."""
    if term.head == "number":
        return term.value
    if term.head not in ("add", "mul", "div", "power", "factorial", "large", "root", *_UNARY):
        return None
    values = [rational(arg) for arg in term.args]
    if any(value is None for value in values):
        return None
    known = [value for value in values if value is not None]
    if term.head in _UNARY:
        return _UNARY[term.head](known[0])
    if term.head == "add":
        return sum(known, Fraction(0))
    if term.head == "mul":
        product = Fraction(1)
        for value in known:
            product *= value
        return product
    if term.head == "div":
        return known[0] / known[1] if known[1] else None
    if term.head == "large":
        return known[0] * term.value
    if term.head == "root":
        return _root(*known)
    if term.head == "factorial":
        whole = known[0].denominator == 1 and 0 <= known[0] <= _MOST_FACTORIAL
        return Fraction(factorial(int(known[0]))) if whole else None
    return _power(*known)


def _power(base: Fraction, exponent: Fraction) -> Fraction | None:
    if exponent.denominator != 1 or (base == 0 and exponent <= 0):
        return None
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if bits * abs(exponent) > MOST_BITS and abs(base) != 1 and base:
        return None
    return base ** int(exponent)


def _root(value: Fraction, index: Fraction) -> Fraction | None:
    """The rational root of a value that is a power of a rational number."""
    if index.denominator != 1 or not 1 <= index <= 100 or value < 0:
        return None
    n = int(index)
    parts = []
    for whole in (value.numerator, value.denominator):
        guess = _whole_root(whole, n)
        if guess**n != whole:
            return None
        parts.append(guess)
    return Fraction(parts[0], parts[1])


def _whole_root(whole: int, n: int) -> int:
    """The largest integer whose nth power is at most `whole`."""
    low, high = 0, 1 << (whole.bit_length() // n + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**n <= whole else (low, middle - 1)
    return low
