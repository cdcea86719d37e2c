r"""What is a unit worth? `2 cm` and `20 mm` are one length; `2 cm` and `2 m` are not.

A unit that only one side states is no difference. Two that both state must measure the same, and
are converted exactly. A noun that is no unit of measure ("apples") counts as itself.
"""

import re
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import final

Dimensions = tuple[tuple[str, int], ...]


@final
@dataclass(frozen=True)
class Unit:
    """A product of powers of base units and of nouns.

    Args:
        dimensions: Base unit or noun, and its power; sorted, without powers of zero.
        factor: How many base units it is.
    """

    dimensions: Dimensions = ()
    factor: Fraction = field(default=Fraction(1))

    def times(self, other: "Unit", power: int = 1) -> "Unit":
        """This unit times a power of another."""
        powers = dict(self.dimensions)
        for base, n in other.dimensions:
            powers[base] = powers.get(base, 0) + n * power
        kept = tuple(sorted((base, n) for base, n in powers.items() if n))
        return Unit(kept, self.factor * other.factor**power)

    def measures(self, other: "Unit") -> bool:
        """Whether both measure the same; of two nouns one may be said with an adjective more."""
        if self.dimensions == other.dimensions:
            return True
        mine, others = (dict(unit.dimensions) for unit in (self, other))
        nouns = [[base for base in each if base not in _BASES] for each in (mine, others)]
        if len(nouns[0]) != 1 or len(nouns[1]) != 1:
            return False
        words = [set(noun[0].split()) for noun in nouns]
        powers = mine.pop(nouns[0][0]), others.pop(nouns[1][0])
        same = words[0] <= words[1] or words[1] <= words[0]
        return same and powers[0] == powers[1] and mine == others


# Words that are no unit by themselves and say nothing about the value.
NEUTRAL = frozenset({"unit", "units", "u"})

_PREFIXES = {
    "p": -12, "n": -9, "u": -6, "m": -3, "c": -2, "d": -1, "k": 3, "M": 6, "G": 9, "T": 12,
}  # fmt: skip
_PREFIX_WORDS = {
    "pico": -12, "nano": -9, "micro": -6, "milli": -3, "centi": -2, "deci": -1, "kilo": 3,
    "mega": 6, "giga": 9, "tera": 12,
}  # fmt: skip
# Symbol and word, base units and their powers, how many of them.
_SI: tuple[tuple[str, str, dict[str, int], Fraction | int], ...] = (
    ("m", "meter|metre", {"m": 1}, 1),
    ("g", "gram|gramme", {"kg": 1}, Fraction(1, 1000)),
    ("s", "second", {"s": 1}, 1),
    ("A", "ampere|amp", {"A": 1}, 1),
    ("K", "kelvin", {"K": 1}, 1),
    ("mol", "mole", {"mol": 1}, 1),
    ("L", "liter|litre", {"m": 3}, Fraction(1, 1000)),
    ("l", "", {"m": 3}, Fraction(1, 1000)),
    ("N", "newton", {"kg": 1, "m": 1, "s": -2}, 1),
    ("J", "joule", {"kg": 1, "m": 2, "s": -2}, 1),
    ("W", "watt", {"kg": 1, "m": 2, "s": -3}, 1),
    ("Pa", "pascal", {"kg": 1, "m": -1, "s": -2}, 1),
    ("Hz", "hertz", {"s": -1}, 1),
    ("C", "coulomb", {"A": 1, "s": 1}, 1),
    ("V", "volt", {"kg": 1, "m": 2, "s": -3, "A": -1}, 1),
    ("Ohm", "ohm", {"kg": 1, "m": 2, "s": -3, "A": -2}, 1),
    ("F", "farad", {"kg": -1, "m": -2, "s": 4, "A": 2}, 1),
    ("T", "tesla", {"kg": 1, "s": -2, "A": -1}, 1),
    ("H", "henry", {"kg": 1, "m": 2, "s": -2, "A": -2}, 1),
    ("eV", "electronvolt", {"eV": 1}, 1),
    ("B", "byte", {"byte": 1}, 1),
    ("cal", "calorie", {"cal": 1}, 1),
    ("pc", "parsec", {"pc": 1}, 1),
)
_INCH = Fraction(254, 10000)
_POUND = Fraction(45359237, 100000000)
_OTHERS: tuple[tuple[str, dict[str, int], Fraction | int], ...] = (
    ("in|inch|inches", {"m": 1}, _INCH),
    ("ft|foot|feet", {"m": 1}, 12 * _INCH),
    ("yd|yds|yard", {"m": 1}, 36 * _INCH),
    ("mi|mile", {"m": 1}, 63360 * _INCH),
    ("lb|lbs", {"kg": 1}, _POUND),
    ("oz|ounce", {"kg": 1}, _POUND / 16),
    ("ton|tonne", {"ton": 1}, 1),
    ("min|mins|minute", {"s": 1}, 60),
    ("h|hr|hrs|hour", {"s": 1}, 3600),
    ("sec|secs", {"s": 1}, 1),
    ("day", {"s": 1}, 86400),
    ("week|wk|wks", {"s": 1}, 7 * 86400),
    ("month", {"month": 1}, 1),
    ("year|yr|yrs", {"month": 1}, 12),
    ("mph", {"m": 1, "s": -1}, 63360 * _INCH / 3600),
    ("kmh|kph", {"m": 1, "s": -1}, Fraction(10, 36)),
    ("cc", {"m": 3}, Fraction(1, 10**6)),
    ("acre", {"m": 2}, 43560 * (12 * _INCH) ** 2),
    ("ha|hectare", {"m": 2}, 10**4),
    ("cup", {"cup": 1}, 1),
    ("pint", {"cup": 1}, 2),
    ("quart", {"cup": 1}, 4),
    ("gallon|gal", {"cup": 1}, 16),
    ("degree|deg", {"degree": 1}, 1),
    ("radian|rad|rads", {"radian": 1}, 1),
    ("celsius|°C", {"celsius": 1}, 1),
    ("fahrenheit|°F", {"fahrenheit": 1}, 1),
    ("dollar|usd|USD|buck|$", {"dollar": 1}, 1),
    ("cent|¢", {"dollar": 1}, Fraction(1, 100)),
    ("euro|EUR|eur|€", {"euro": 1}, 1),
    ("GBP|gbp|£|quid", {"pound": 1}, 1),
    ("pound", {"pound": 1}, 1),
    ("yen|JPY|¥|円", {"yen": 1}, 1),
    ("yuan|CNY|RMB|元", {"yuan": 1}, 1),
    ("rupee|INR|Rs|rs|₹", {"rupee": 1}, 1),
    ("rouble|ruble|RUB|₽", {"rouble": 1}, 1),
    ("won|KRW|₩", {"won": 1}, 1),
    ("₪", {"shekel": 1}, 1),
    ("₫", {"dong": 1}, 1),
    ("฿", {"baht": 1}, 1),
    ("CHF|franc", {"franc": 1}, 1),
    ("AM|am", {"am": 1}, 1),
    ("PM|pm", {"pm": 1}, 1),
    ("bit", {"bit": 1}, 1),
    ("atm", {"atm": 1}, 1),
    ("bar", {"bar": 1}, 1),
    ("rpm", {"rpm": 1}, 1),
    ("dB", {"dB": 1}, 1),
)

CURRENCIES = frozenset("$€£¥₹₽₩₪₫฿¢")

# Units of one letter, which as a letter of a formula may be a variable.
LETTERS = frozenset("mgsALNJWVCKTFHhlB")
# Units that beside a number without a space are rather a product of variables.
PRODUCTS = frozenset({"mg", "ms", "cd", "am", "mA", "mN", "cm", "mi", "in"}) - {"cm", "mi", "in"}


def _powers(bases: dict[str, int]) -> Dimensions:
    return tuple(sorted(bases.items()))


@cache
def _table() -> dict[str, Unit]:
    """Every unit by each of its spellings."""
    table: dict[str, Unit] = {}
    for names, bases, factor in _OTHERS:
        for name in names.split("|"):
            table[name] = Unit(_powers(bases), Fraction(factor))
            if len(name) > 2 and name.isalpha():
                table.setdefault(name + "s", table[name])
    for symbol, words, bases, factor in _SI:
        for prefix, power in {"": 0, **_PREFIXES}.items():
            unit = Unit(_powers(bases), factor * Fraction(10) ** power)
            table.setdefault(prefix + symbol, unit)
        for word in filter(None, words.split("|")):
            for prefix, power in {"": 0, **_PREFIX_WORDS}.items():
                unit = Unit(_powers(bases), factor * Fraction(10) ** power)
                table.setdefault(prefix + word, unit)
                table.setdefault(prefix + word + "s", unit)
    return table


_BASES = frozenset(
    base for bases in ([b for _, _, b, _ in _SI] + [b for _, b, _ in _OTHERS]) for base in bases
)


def known(word: str) -> Unit | None:
    """The unit of measure that a word or symbol names; None if it names none.

    Example:
        >>> known("km").factor, known("apples")
        (Fraction(1000, 1), None)
    """
    table = _table()
    return table.get(word) or (table.get(word.lower()) if len(word) > 3 else None)


def noun(words: list[str]) -> Unit:
    """What is counted, as a unit; singular, so that one may say apple or apples."""
    singular = (re.sub(r"(?<=[^s\W]{2})s$", "", word.casefold()) for word in words)
    return Unit(((" ".join(singular), 1),))
