r"""How are tokens read, and which of them are a unit? Behind any value a unit may follow.

unit = power {["*" | "-"] power | ("/" | "per") power}
power = ["square" | "cubic"] (symbol | word | nouns) ["^" integer | "squared" | "cubed"]
"""

from collections.abc import Callable
from typing import TypeVar

from twofold.scorers.answers import units, words
from twofold.scorers.answers.tokens import Token, Unread
from twofold.scorers.answers.units import Unit

TIMES = frozenset({"*", "cdot", "times"})
OVER = frozenset({"/", "div"})
CLOSING = {"(": ")", "[": "]", "{": "}"}

# Words behind a noun that say nothing about the value.
_REMARKS = frozenset(
    {"total", "altogether", "left", "remaining", "long", "old", "tall", "wide", "high"}
)
_MOST_NOUNS = 6

Found = TypeVar("Found")


class UnitReader:
    """Reads tokens from left to right; knows units.

    Args:
        found: The tokens.
        letters: Whether a single letter behind a space may be a unit (`5 m`).
    """

    def __init__(self, found: list[Token], *, letters: bool) -> None:
        self.found, self.letters = found, letters
        self.at = 0
        self.depth = 0

    def ahead(self, n: int = 0) -> Token:
        """The token `n` places ahead; an empty sign behind the last."""
        i = self.at + n
        return self.found[i] if i < len(self.found) else Token("sign", "")

    def next_is(self, *texts: str, n: int = 0) -> bool:
        """Whether the token ahead is one of these signs or commands."""
        token = self.ahead(n)
        return token.kind in ("sign", "command") and token.text in texts

    def take(self, *texts: str) -> bool:
        """Pass the token ahead if it is one of these."""
        if self.next_is(*texts):
            self.at += 1
            return True
        return False

    def need(self, *texts: str) -> None:
        """Pass the token ahead, which must be one of these."""
        if not self.take(*texts):
            raise Unread(f"{self.ahead().text!r} for {texts[0]!r}")

    def maybe(self, read: Callable[[], Found | None]) -> Found | None:
        """What `read` finds here; if nothing, the place is as before."""
        start, depth = self.at, self.depth
        try:
            found = read()
        except Unread:
            found = None
        if found is None:
            self.at, self.depth = start, depth
        return found

    def unit(self) -> Unit | None:
        """The unit ahead; None if there is none."""
        return self.maybe(self._unit)

    def _unit(self) -> Unit | None:
        unit = self._unit_power(first=True)
        if unit is None:
            if not self.says("per"):
                return None
            unit = Unit()
        while True:
            if self.next_is(*OVER) or self.says("per"):
                self.at += 1
                below = self._unit_power() or self._braced_unit()
                if below is None:
                    raise Unread("nothing behind 'per'")
                unit = unit.times(below, -1)
            elif self.next_is(*TIMES, "-") and self.unit_follows(1):
                self.at += 1
                unit = unit.times(self._unit_power() or Unit())
            elif (more := self.maybe(self._unit_power)) is not None:
                unit = unit.times(more)
            else:
                return unit

    def unit_follows(self, n: int) -> bool:
        """Whether a unit begins `n` tokens ahead."""
        start = self.at
        self.at += n
        found = self.maybe(self._unit_power) is not None
        self.at = start
        return found

    def _braced_unit(self) -> Unit | None:
        if not self.next_is("(", "{"):
            return None
        close = CLOSING[self.ahead().text]
        self.at += 1
        unit = self._unit()
        self.need(close)
        return unit

    def _unit_power(self, *, first: bool = False) -> Unit | None:
        r"""One unit with its exponent: `cm^2`, `square feet`, `\frac{km}{h}`."""
        if self.next_is("frac"):
            self.at += 1
            self.need("{")
            above = self._unit()
            self.need("}")
            self.need("{")
            below = self._unit()
            self.need("}")
            return None if above is None or below is None else above.times(below, -1)
        if self.next_is("{"):
            return self._braced_unit()
        if self.next_is("(") and self.ahead(1).kind == "word" and self.ahead(1).upright:
            inner = self._braced_unit() or Unit()  # 8 (units)^2
            return Unit().times(inner, self._whole() if self.take("^") else 1)
        power = 1
        if self.says("square", "sq", "cubic", "cu"):
            power = 2 if self.ahead().text.lower().startswith("s") else 3
            self.at += 1
            self.take(".")
        unit = self._unit_word(first=first)
        if unit is None:
            if power > 1:
                self.at -= 1
            return None
        if self.take("^", "**"):
            power *= self._whole()
        elif self.says("squared", "cubed") and units.known(self.ahead(-1).text):
            power *= 2 if self.says("squared") else 3
            self.at += 1
        return Unit().times(unit, power)

    def _whole(self) -> int:
        """An integer exponent of a unit."""
        braced = self.take("{")
        sign = -1 if self.take("-") else 1
        token = self.ahead()
        if token.kind != "number" or token.value.denominator != 1 or token.value > 9:
            raise Unread("an exponent of a unit")
        self.at += 1
        if braced:
            self.need("}")
        return sign * int(token.value)

    def _unit_word(self, *, first: bool) -> Unit | None:
        """A unit of measure, or what is counted: one noun or several."""
        token = self.ahead()
        if token.kind == "sign" and token.text.lstrip("\\") in units.CURRENCIES:
            self.at += 1
            return units.known(token.text.lstrip("\\"))
        if token.kind == "symbol":
            return self._symbol_unit()
        if token.kind != "word" or token.text.casefold() in words.MEANINGFUL | {"per"}:
            return None
        if units.known(token.text) and not (
            not token.spaced and not token.upright and token.text in units.PRODUCTS and first
        ):
            self.at += 1
            if token.text.lower() in ("degree", "degrees", "deg") and self.says(
                "celsius", "fahrenheit", "c", "f"
            ):
                return self.temperature()
            return units.known(token.text)
        if not first and not token.spaced:
            return None
        return self._noun()

    def _symbol_unit(self) -> Unit | None:
        r"""`\Omega`, `\mu m`; or, if letters may be units, `m` behind a space."""
        token, follows = self.ahead(), self.ahead(1)
        if token.text == "Omega":
            self.at += 1
            return units.known("Ohm")
        if token.text == "mu":
            unit = units.known(f"u{follows.text}")
            if unit is not None and (follows.upright or self.letters) and follows.kind != "sign":
                self.at += 2
                return unit
        before = self.ahead(-1) if self.at else token
        beside = token.spaced or before.text in ("/", "cdot", "*", "-") or before.kind == "word"
        if self.letters and beside and token.text in units.LETTERS:
            self.at += 1
            return units.known(token.text)
        if self.letters and token.spaced and token.text == "k" and follows.text == "Omega":
            self.at += 2
            return units.known("kOhm")
        return None

    def temperature(self) -> Unit:
        """Pass the C or F of a temperature."""
        name = "celsius" if self.ahead().text[0] in "cC" else "fahrenheit"
        self.at += 1
        return Unit(((name, 1),))

    def _noun(self) -> Unit:
        """Up to five words that say what is counted; none of them may change the value."""
        said: list[str] = []
        while self.ahead().kind in ("word", "symbol") and len(said) < _MOST_NOUNS:
            token = self.ahead()
            word = token.text.casefold()
            if token.kind == "symbol" and not (word == "a" and token.spaced):
                raise Unread(token.text)
            if word in words.MEANINGFUL:
                raise Unread(word)
            if word == "per" and said:
                break
            if said and units.known(token.text) and word not in ("a", "in"):
                break
            said.append(word)
            self.at += 1
            if self.next_is("-") and not self.ahead().spaced and self.ahead(1).kind == "word":
                self.at += 1
        kept = [word for word in said if word not in words.LINKS and word not in _REMARKS]
        if not said or kept == [] or all(word in units.NEUTRAL for word in kept):
            return Unit()
        return units.noun([word for word in kept if word not in units.NEUTRAL])

    def says(self, *said: str) -> bool:
        """Whether the word ahead is one of these."""
        token = self.ahead()
        return token.kind in ("word", "symbol") and token.text.casefold() in said
