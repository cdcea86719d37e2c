r"""What is the smallest part of an expression? A number, a symbol, a function or a bracket."""

from abc import ABC, abstractmethod
from dataclasses import replace
from fractions import Fraction

from twofold.scorers.answers import words
from twofold.scorers.answers.reader import UnitReader
from twofold.scorers.answers.terms import Term, number
from twofold.scorers.answers.tokens import MARKS, Token, Unread

MAX_DEPTH = 40

# Letters that, directly before a bracket, are a function.
_CALLED = frozenset({"f", "g", "h", "F", "G", "H", "I", "P", "delta", "Gamma", "u"})
_STARTS = frozenset({"frac", "binom", "lfloor", "lceil"}) | MARKS
_MATRICES = frozenset({"pmatrix", "bmatrix", "matrix", "smallmatrix", "array"})


class AtomReader(UnitReader, ABC):
    """Reads what an expression is made of; sums and brackets are read by a subclass."""

    @abstractmethod
    def sum(self) -> Term:
        """A sum of products."""

    @abstractmethod
    def factor(self) -> Term:
        """A base with its exponents."""

    @abstractmethod
    def bracketed(self) -> Term:
        """What a bracket begins: an expression, a tuple, an interval or a set."""

    def base(self) -> Term:
        """An expression that needs no brackets."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unread("too deep")
        read = self._base()
        self.depth -= 1
        return read

    def _base(self) -> Term:
        token = self.ahead()
        if token.kind == "number":
            self.at += 1
            return self._in_base(number(token.value, token.places), token.text)
        if token.kind == "symbol":
            return self._symbol()
        if token.kind == "function":
            return self._function()
        if token.kind == "word" and self._product_of_letters(token):
            self.at += 1
            letters = tuple(Term("symbol", name=letter) for letter in token.text)
            return Term("mul", letters)
        if token.text in MARKS and token.kind == "command":
            return self._accented()
        if self.take("frac"):
            return Term("div", (self.group(), self.group()))
        if self.take("binom"):
            return Term("call", (self.group(), self.group()), name="binom")
        for opened, closed in (("lfloor", "rfloor"), ("lceil", "rceil"), ("|", "|")):
            if self.take(opened):
                inner = self.sum()
                self.need(closed)
                return Term(
                    "call", (inner,), name={"lfloor": "floor", "lceil": "ceil"}.get(opened, "abs")
                )
        if self.take("begin"):
            return self._matrix()
        if self.next_is("{"):
            return self.maybe(self._braced) or self.bracketed()
        if self.next_is("(", "[", "\\{", "langle", "emptyset"):
            return self.bracketed()
        raise Unread(token.text or "the end")

    def _braced(self) -> Term:
        self.need("{")
        read = self.sum()
        if self.take("choose"):
            read = Term("call", (read, self.sum()), name="binom")
        self.need("}")
        return read

    def _in_base(self, read: Term, digits: str) -> Term:
        """A number with its base: `101_2`, `52_{8}`, `52 base 8`."""
        start = self.at
        if self.says("base"):
            self.at += 1
            base = self.ahead()
            self.at += 1
        elif self.take("_"):
            braced = self.take("{")
            base = self.ahead()
            self.at += 1
            if braced:
                self.need("}")
        else:
            return read
        if base.kind != "number" or base.value.denominator != 1:
            self.at = start
            raise Unread("a base")
        return Term("based", name=digits, value=base.value)

    def _symbol(self) -> Term:
        name = self.ahead().text
        self.at += 1
        name += self._script()
        before = self.at
        if name == "C" and self.next_is("(") and (chosen := self.maybe(self._arguments)):
            if len(chosen) == 2:
                return Term("call", chosen, name="binom")
            self.at = before
        if name in _CALLED and self.next_is("(") and not self.ahead().spaced:
            return Term("call", self._arguments(), name=f"{name}()")
        return Term("symbol", name=name)

    def _script(self) -> str:
        """The subscript and primes behind a letter, as a part of its name."""
        script = ""
        if self.take("_"):
            script = "_" + "".join(token.text for token in self._group_tokens())
        if self.next_is("^") and (self.next_is("prime", n=1) or (
            self.next_is("{", n=1) and self.next_is("prime", n=2)
        )):  # fmt: skip
            self.at += 1
            script += "'" * len(self._group_tokens())
        while self.take("'"):
            script += "'"
        return script

    def _group_tokens(self) -> list[Token]:
        """The tokens in braces, or the one token that stands for them."""
        if not self.take("{"):
            self.at += 1
            return [self.ahead(-1)]
        start, depth = self.at, 1
        while depth:
            if self.at >= len(self.found):
                raise Unread("an open brace")
            depth += self.next_is("{") - self.next_is("}")
            self.at += 1
        return self.found[start : self.at - 1]

    def _accented(self) -> Term:
        r"""A letter with a mark, as one symbol: `\vec{v}`, `\mathbb{R}`, `\angle ABC`."""
        mark = self.ahead().text
        self.at += 1
        inner = "".join(token.text for token in self._group_tokens())
        if not inner.isalnum():
            raise Unread(inner)
        if mark == "mathbb" and inner == "R":
            return Term("reals")
        return Term("symbol", name=f"{mark} {inner}{self._script()}")

    def _arguments(self) -> tuple[Term, ...]:
        self.need("(")
        found = [self.sum()]
        while self.take(","):
            found.append(self.sum())
        self.need(")")
        return tuple(found)

    def _function(self) -> Term:
        name = self.ahead().text
        self.at += 1
        if name == "mod":
            raise Unread(name)
        base = power = None
        if name in ("sqrt", "cbrt"):
            return self._root(name)
        if self.take("_"):
            whole = self.ahead().kind == "number" and (
                self.ahead(1).spaced or self.next_is("(", n=1)
            )
            base = self.base() if whole else self.group()
        if self.next_is("^"):
            self.at += 1
            power = self.exponent()
        if power is not None and power.head == "neg" and power.args[0].value == 1:
            name, power = f"arc{name}", None
        args = self._arguments() if self.next_is("(") else (self._argument(),)
        if base is not None:
            if name not in ("log", "lg"):
                raise Unread(f"{name}_")
            args, name = (*args, base), "log_"
        read = Term("call", args, name=name)
        return read if power is None else Term("power", (read, power))

    def _root(self, name: str) -> Term:
        index = number(3 if name == "cbrt" else 2)
        if self.take("["):
            index = self.sum()
            self.need("]")
        if self.next_is("("):
            (inner,) = self._arguments()
        elif self.next_is("{"):
            inner = self.group()
        else:
            inner = self.base()
        return Term("root", (inner, index))

    def _argument(self) -> Term:
        r"""The argument of a function without brackets: the product behind it (`\sin 2x`)."""
        read = Term("neg", (self.factor(),)) if self.take("-") else self.factor()
        while (
            self.factor_follows()
            and self.ahead().kind != "function"
            and not self.next_is("(")
            and not self.unit_ends()
        ):
            read = Term("mul", (read, self.factor()))
        if "pi" in read.symbols and self.next_is("/") and self.ahead(1).kind == "number":
            self.at += 1
            read = Term("div", (read, self.factor()))  # \sin \pi/6
        return read

    def factor_follows(self) -> bool:
        """Whether the token ahead begins a factor that is multiplied without a sign."""
        token = self.ahead()
        if token.kind == "number":
            return self.at > 0 and self.ahead(-1).text == "!"
        if token.kind in ("symbol", "function"):
            return token.text != "infty"
        if token.kind == "command":
            return token.text in _STARTS
        if token.kind == "word":
            return self._product_of_letters(token)
        return token.kind == "sign" and token.text in ("(", "{", "[") and token.text != "["

    def _product_of_letters(self, token: Token) -> bool:
        """Whether a short run of letters is a product of variables."""
        said = token.text
        if token.upright or not said.isascii() or said.casefold() in words.MEANINGFUL:
            return False
        glued = not token.spaced
        return len(said) <= 3 and (glued or not set(said.lower()) & set("aeiouy") or len(said) == 2)

    def unit_ends(self) -> bool:
        """Whether a unit is ahead, so that no factor is."""
        start = self.at
        found = self.unit() is not None
        self.at = start
        return found

    def exponent(self) -> Term:
        """What stands behind `^`."""
        if self.next_is("{"):
            return self.group()
        if self.take("-"):
            return Term("neg", (self.exponent(),))
        self.take("+")
        base = self.base()
        if self.next_is("^", "**"):
            self.at += 1
            return Term("power", (base, self.exponent()))
        return base

    def group(self) -> Term:
        """An expression in braces, or the one token that stands for it."""
        if self.take("{"):
            read = self.sum()
            self.need("}")
            return read
        token = self.ahead()
        if token.kind == "number" and token.text.isdigit() and len(token.text) > 1:
            rest = token.text[1:]
            self.found[self.at] = replace(token, text=rest, value=Fraction(rest), spaced=False)
            return number(int(token.text[0]))
        return self.base()

    def _matrix(self) -> Term:
        self.need("{")
        kind = self.ahead().text
        self.at += 1
        self.need("}")
        if kind not in _MATRICES:
            raise Unread(kind)
        if kind == "array" and self.next_is("{"):
            self._group_tokens()
        rows = [[self.sum()]]
        while not self.take("end"):
            if self.take("&"):
                rows[-1].append(self.sum())
            else:
                self.need("\\\\")
                if not self.next_is("end"):
                    rows.append([self.sum()])
        self._group_tokens()
        return Term("matrix", tuple(Term("row", tuple(row)) for row in rows))
