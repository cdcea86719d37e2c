r"""How is an expression with its unit read? By a grammar of its own, to the last token.

A quantity is a sum with a unit behind it; a sum consists of terms, a term of factors, a factor of a
base with exponents.
"""

from abc import ABC
from dataclasses import replace
from functools import partial

from twofold.scorers.answers import units, words
from twofold.scorers.answers.atoms import MAX_DEPTH, AtomReader
from twofold.scorers.answers.reader import OVER, TIMES
from twofold.scorers.answers.terms import Term, number
from twofold.scorers.answers.tokens import Unread
from twofold.scorers.answers.units import Unit

_COUNTRIES = frozenset({"US", "CA", "AU"})
_CODES = frozenset({"USD", "EUR", "GBP", "INR", "Rs", "CHF", "RMB", "CNY", "JPY"})


class ExpressionReader(AtomReader, ABC):
    """Reads expressions and quantities."""

    def quantity(self) -> Term:
        """An expression with its unit, or money with its sign before it."""
        token = self.ahead()
        before = None
        sign = 1
        if token.text in ("-", "+") and self._currency(1):
            sign = -1 if token.text == "-" else 1
            self.at += 1
        if self._currency(0):
            before = self._money()
        read = self.sum()
        if sign < 0:
            read = Term("neg", (read,))
        read = self._scaled(_in_degrees(read))
        if self.take("%"):
            read = replace(read, percent=True)
        if self.next_is("cdot", "times", "*"):
            self.at += 1
            unit = self.unit()
            if unit is None:
                raise Unread("an operator at the end")
        else:
            unit = self.unit()
        if before is not None:
            unit = before if unit is None else _one_of(before, unit)
        if unit is not None:
            read = replace(read, unit=unit)
            while more := self.maybe(partial(self._compound, read)):
                read = more
        return self._below_zero(read)

    def _scaled(self, read: Term) -> Term:
        """A number times the scale in words behind it."""
        if read.head not in ("number", "neg", "add", "div"):
            return read
        while self.ahead().kind == "word":
            word = self.ahead().text.casefold()
            if word in words.SCALES or (word in words.PARTS and word.endswith("ths")):
                factor = {**words.SCALES, **words.PARTS}[word]
                read = Term("mul", (number(factor), read))
            elif word in words.LARGE:
                read = Term("large", (read,), value=words.LARGE[word])
            else:
                break
            self.at += 1
        return read

    def _below_zero(self, read: Term) -> Term:
        if [self.ahead(n).text.casefold() for n in range(2)] in (["below", "zero"], ["below", "0"]):
            self.at += 2
            return replace(Term("neg", (read.bare,)), unit=read.unit)
        return read

    def _compound(self, read: Term) -> Term | None:
        """5 hours (and) 30 minutes: the second in the unit of the first, which is the larger."""
        self.at += self.says("and")
        if self.ahead().kind != "number" or read.percent or read.unit is None:
            return None
        more, unit = self.factor(), self.unit()
        if unit is None or unit.dimensions != read.unit.dimensions:
            return None
        if unit.factor >= read.unit.factor:
            return None
        more = Term("mul", (number(unit.factor / read.unit.factor), more))
        return replace(Term("add", (read.bare, more)), unit=read.unit)

    def _currency(self, n: int) -> bool:
        token = self.ahead(n)
        if token.kind == "sign" and token.text.lstrip("\\") in units.CURRENCIES:
            return True
        follows = self.ahead(n + 1)
        country = token.text in ("US", "CA", "AU", "USD", "EUR", "GBP", "INR", "Rs", "CHF", "RMB")
        return country and (follows.kind == "number" or follows.text in ("\\$", "$", "."))

    def _money(self) -> Unit:
        token = self.ahead()
        self.at += 1
        if token.text in _COUNTRIES:
            self.need("\\$", "$")
            return Unit((("dollar", 1),))
        if token.text == "Rs":
            self.take(".")
        unit = units.known(token.text.lstrip("\\"))
        if unit is None:
            raise Unread(token.text)
        return unit

    def sum(self) -> Term:
        """A sum of products."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unread("too deep")
        parts = [self._signed()]
        while self.next_is("+", "-", "pm", "mp") or self._operator("plus", "minus"):
            parts.append(self._signed())
        self.depth -= 1
        return parts[0] if len(parts) == 1 else Term("add", tuple(parts))

    def _operator(self, *said: str) -> bool:
        """Whether an operation in words is ahead, behind a value and before another."""
        return self.ahead().kind == "word" and self.says(*said)

    def _signed(self) -> Term:
        sign = self.ahead().text.casefold()
        if sign in ("-", "+", "pm", "mp", "plus", "minus", "negative"):
            self.at += 1
            inner = self._signed() if self.next_is("+", "-") and sign in "+-" else self.term()
            if sign in ("pm", "mp"):
                return Term(sign, (inner,))
            return inner if sign in ("+", "plus") else Term("neg", (inner,))
        return self.term()

    def term(self) -> Term:
        """A product."""
        read = self._mixed() or self.factor()
        while True:
            start = self.at
            if self.take(*TIMES) or (self._operator("times") and self._skip(1)):
                if self.unit_follows(0):
                    self.at = start
                    return read
                read = Term("mul", (read, self._negated()))
            elif self.take(*OVER) or (self._operator("over") and self._skip(1)):
                read = Term("div", (read, self._negated()))
            elif self._operator("divided") and self.ahead(1).text == "by":
                self.at += 2
                read = Term("div", (read, self._negated()))
            elif self.take("bmod") or (self._operator("mod") and self._skip(1)):
                read = Term("call", (read, self.factor()), name="mod")
            elif self._operator("choose") and self._skip(1):
                read = Term("call", (read, self.factor()), name="binom")
            elif self.factor_follows() and self.unit_ends() is False:
                read = Term("mul", (read, self.factor()))
            else:
                return read

    def _skip(self, n: int) -> bool:
        self.at += n
        return True

    def _negated(self) -> Term:
        if self.take("-"):
            return Term("neg", (self.factor(),))
        self.take("+")
        return self.factor()

    def _mixed(self) -> Term | None:
        r"""2 1/2 or 2\frac12, with a proper fraction of whole numbers."""
        whole = self.ahead()
        if whole.kind != "number" or whole.value.denominator != 1 or whole.places is not None:
            return None
        half = self.ahead(2)  # 5 and a half
        if self.ahead(1).text == "and" and half.text[:1].isalpha() and 0 < half.value < 1:
            self.at += 3
            return Term("add", (number(whole.value), number(half.value)))
        if self.ahead(1).text == "frac":
            start = self.at
            self.at += 1
            part = self.maybe(self.base)
            if part is None or part.head != "div" or any(a.head != "number" for a in part.args):
                self.at = start
                return None
            above, below = part.args
            if above.value >= below.value:
                raise Unread("a whole number before an improper fraction")
        elif (
            self.ahead(1).kind == self.ahead(3).kind == "number"
            and self.ahead(2).text == "/"
            and (self.ahead(1).spaced or self.ahead(1).text == "")
        ):
            above, below = number(self.ahead(1).value), number(self.ahead(3).value)
            self.at += 4
            if above.value >= below.value:
                raise Unread("a whole number before an improper fraction")
        else:
            return None
        if self.next_is("^", "**", "!") and not self.next_is("circ", n=1):
            raise Unread("a power of a mixed number")
        return self._marked(Term("add", (number(whole.value), Term("div", (above, below)))))

    def factor(self) -> Term:
        """A base with its exponents and marks."""
        return self._marked(self.base())

    def _marked(self, read: Term) -> Term:
        """What was read, with the exponents and marks behind it."""
        while True:
            if self.next_is("circ") or (self.next_is("^") and self.next_is("circ", n=1)):
                self.at += 1 if self.next_is("circ") else 2
                read = Term("degree", (read,))
                if self.ahead().kind in ("word", "symbol") and self.ahead().text in ("C", "F"):
                    read = replace(read.args[0], unit=self.temperature())
            elif self.next_is("^", "**"):
                self.at += 1
                read = Term("power", (read, self.exponent()))
            elif self.next_is("!") and not self.next_is("!", n=1):
                self.at += 1
                read = Term("factorial", (read,))
            elif self._operator("squared", "cubed"):
                read = Term("power", (read, number(2 if self.says("squared") else 3)))
                self.at += 1
            elif self._operator("factorial"):
                self.at += 1
                read = Term("factorial", (read,))
            else:
                return read


def _in_degrees(term: Term) -> Term:
    """An angle with its sign of degrees as its unit; one inside a function stays there."""
    if not _has_degrees(term):
        return term
    return replace(_without_degrees(term), unit=units.known("degree"))


def _has_degrees(term: Term) -> bool:
    return term.head == "degree" or (
        term.head != "call" and any(_has_degrees(arg) for arg in term.args)
    )


def _without_degrees(term: Term) -> Term:
    if term.head == "call":
        return term
    if term.head == "degree":
        return _without_degrees(term.args[0])
    return replace(term, args=tuple(_without_degrees(arg) for arg in term.args))


def _one_of(first: Unit, second: Unit) -> Unit:
    """The unit that is said twice, as in `$5 dollars`."""
    if all(power < 0 for _, power in second.dimensions):  # $5 per month
        return first.times(second)
    if not first.measures(second):
        raise Unread("two units")
    return second
