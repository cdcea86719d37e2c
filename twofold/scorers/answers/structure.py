r"""How is an answer of several parts read? Lists, tuples, intervals, sets, relations, options.

answer   = relation {("," | ";" | "and" | "or") relation}
relation = side {("=" | "<" | "≤" | "≈" | "∈" | ":" ...) side}
side     = quantity {("∪" | "∩" | "\\") quantity} | words
"""

import re
from functools import lru_cache
from typing import final

from twofold.scorers.answers import words
from twofold.scorers.answers.expressions import ExpressionReader
from twofold.scorers.answers.spelling import MAX_CHARS, key
from twofold.scorers.answers.terms import Term
from twofold.scorers.answers.tokens import Token, Unread, tokens

_RELATIONS = {
    "=": "=", "<": "<", ">": ">", "le": "≤", "ge": "≥", "ne": "≠", "approx": "≈", "in": "∈",
    "lt": "<", "gt": ">", "sim": "≈",
}  # fmt: skip
_SETS = {"cup": "union", "cap": "intersection", "setminus": "without", "backslash": "without"}
_LABEL = re.compile(r"[A-Ja-j]")
_CLOCK = re.compile(r"\d{1,2}")
# Words that are an answer by themselves, but not behind a number.
_MOST_WORDS = 8


@lru_cache(maxsize=4096)
def readings(text: str) -> tuple[Term, ...]:
    r"""What an answer in `plain` form can mean; nothing if it, or a part of it, is not known.

    Two readings differ in whether a single letter behind a value is a unit or a variable.

    Example:
        >>> [term.head for term in readings(r"2\sqrt{3} \text{ cm}")], readings("4 sqrt")
        (['mul'], ())
    """
    found: list[Term] = []
    if not text or len(text) > MAX_CHARS:
        return ()
    for letters in (False, True):
        try:
            term = AnswerReader(tokens(text), letters=letters).answer()
        except Unread:
            continue
        if term not in found:
            found.append(term)
    name = _only_words(text)
    if name:
        found.append(Term("words", name=name))
    return tuple(found)


def _only_words(text: str) -> str:
    """An answer of nothing but words, in normal form; else ""."""
    said = re.sub(r"\\text\s*\{([^{}]*)\}", r"\1", text).strip().casefold()
    if not re.fullmatch(r"[^\W\d_][^\W\d_]*(?:[ '’.-]+[^\W\d_]+)*\.?", said):
        return ""
    parts = said.rstrip(".").split()
    if len(said) == 1:
        return ""  # a variable
    if parts[0] in ("the", "a", "an", "it's") and len(parts) > 1:
        parts = parts[1:]
    return " ".join(parts)


@final
class AnswerReader(ExpressionReader):
    """Reads a whole answer."""

    def answer(self) -> Term:
        """The answer; every token belongs to it.

        Raises:
            Unread: If a token does not.
        """
        self._introduction()
        self._aside()
        option = self.maybe(self._option)
        if option is not None:
            return option
        read = self._list()
        if self.at < len(self.found):
            raise Unread(self.ahead().text)
        return read

    def _introduction(self) -> None:
        """Words before a value that leave it as it is, and a sign for about."""
        while self.at + 1 < len(self.found):
            token = self.ahead()
            filler = token.kind == "word" and token.text.casefold() in words.FILLERS
            filler = filler and len(token.text) > 1
            if not filler and not self.next_is("approx", "sim", "=", ":"):
                return
            self.at += 1
            if filler:
                self.take(",")

    def _aside(self) -> None:
        """Leave out that a value is rounded, or a value said twice: `five (5)`, `5 (five)`."""
        for phrase in (["in", "all"], ["in", "total"], ["altogether"]):
            if [token.text.casefold() for token in self.found[-len(phrase) :]] == phrase:
                del self.found[-len(phrase) :]
        if not self.found:
            return
        bracketed = self.found[-1].text == ")" and self.found[-3:-2] and self.found[-3].text == "("
        remark = self.found[-2 if bracketed else -1]
        if remark.text.casefold() in words.REMARKS and len(self.found) > self.at + 1:
            del self.found[-3 if bracketed else -1 :]
        if len(self.found) < self.at + 4 or self.found[-1].text != ")":
            return
        first, opened, second = self.found[self.at], self.found[-3], self.found[-2]
        if opened.text != "(" or not first.kind == second.kind == "number":
            return
        if first.text[:1].isalpha() == second.text[:1].isalpha():
            return
        if first.value != second.value:
            raise Unread("two values")
        del self.found[-3:]

    # Lists

    def _list(self) -> Term:
        found = [self._relation()]
        kinds = set()
        while (kind := self._separator()) is not None:
            if kind == "," and self.at == len(self.found):
                break
            kinds.add(kind)
            found.append(self._relation())
        if len(found) == 1:
            return found[0]
        return Term("list", tuple(found), name="or" if "or" in kinds else "and" if kinds else ",")

    def _separator(self) -> str | None:
        """Pass what stands between two items of a list; None if nothing does."""
        kind = None
        while True:
            if self.take(",", ";", "\\\\", "land"):
                kind = kind or ","
            elif self.take("lor") or self._word("or"):
                kind = "or"
            elif self._word("and"):
                kind = kind if kind == "or" else "and"
            else:
                return kind

    def _word(self, said: str) -> bool:
        if self.ahead().kind == "word" and self.says(said):
            self.at += 1
            return True
        return False

    # Relations

    def _relation(self) -> Term:
        sides, signs = [self._side()], []
        while self.ahead().kind in ("sign", "command") and self.ahead().text in _RELATIONS:
            signs.append(_RELATIONS[self.ahead().text])
            self.at += 1
            self.take("=")  # ==
            sides.append(self._side())
        if signs:
            return Term("relation", tuple(sides), name=" ".join(signs))
        is_ratio = self.next_is(":") or (self.ahead().kind == "word" and self.says("to"))
        if is_ratio and sides[0].head != "symbol":
            return self._ratio(sides[0])
        return sides[0]

    def _ratio(self, first: Term) -> Term:
        """2:3, or the time 8:05."""
        before = self.ahead(-1)
        parts = [first]
        minutes = self.ahead(1)
        timed = self.next_is(":")
        while self.take(":") or self._word("to"):
            parts.append(self.sum())
        if timed and len(parts) == 2 and _CLOCK.fullmatch(before.text) and re.fullmatch(
            r"[0-5]\d", minutes.text
        ):  # fmt: skip
            unit = self.unit()
            return Term("clock", tuple(parts), unit=unit)
        return Term("ratio", tuple(parts))

    def _side(self) -> Term:
        read = self.maybe(self.quantity) if not self._name_follows() else None
        if read is None:
            read = self._words()
        while self.ahead().kind == "command" and self.ahead().text in _SETS:
            head = _SETS[self.ahead().text]
            self.at += 1
            read = Term(head, (read, self.quantity()))
        return read

    def _name_follows(self) -> bool:
        """Whether the side is a name in words: `Area = 5`."""
        end = self.at
        while end < len(self.found) and self.found[end].kind in ("word", "symbol"):
            end += 1
        follows = self.found[end].text if end < len(self.found) else ""
        words_only = end > self.at and any(t.kind == "word" for t in self.found[self.at : end])
        return words_only and follows in ("=", "approx")

    def _words(self) -> Term:
        """An item in words."""
        said: list[str] = []
        while self.ahead().kind in ("word", "symbol") and len(said) < _MOST_WORDS:
            if self.says("or", "and"):
                break
            word = self.ahead().text.casefold()
            if word in words.MEANINGFUL and len(word) > 1:
                raise Unread(word)
            said.append(word)
            self.at += 1
            if self.next_is("'") and not self.ahead().spaced:
                self.at += 1
        if not said:
            raise Unread(self.ahead().text or "the end")
        if len(said) > 1 and said[0] in ("the", "a", "an"):
            said = said[1:]
        return Term("words", name=" ".join(said))

    # Brackets

    def bracketed(self) -> Term:
        """A bracket with what is in it."""
        if self.take("emptyset"):
            return Term("set")
        token = self.ahead()
        self.at += 1
        if token.text in ("\\{", "{"):
            return self._set("\\}" if token.text == "\\{" else "}")
        if token.text == "langle":
            items = self._items()
            self.need("rangle")
            return Term("tuple", tuple(items), name="()")
        items = self._items()
        closed = self.ahead().text
        self.need(")", "]")
        if len(items) == 1:
            if token.text == "(" and closed == ")" and not items[0].has("relation", "words"):
                return Term("bracket", tuple(items))
            if token.text == "[" and closed == "]":
                return Term("tuple", tuple(items), name="[]")
            raise Unread("a bracket")
        return Term("tuple", tuple(items), name=token.text + closed)

    def _items(self) -> list[Term]:
        self.depth += 1
        found = [self._relation()]
        while self.take(",", ";"):
            found.append(self._relation())
        self.depth -= 1
        return found

    def _set(self, closed: str) -> Term:
        r"""`\{1, 2\}` or `{1, 2}`, or the numbers that meet a condition: `\{x : x < 2\}`."""
        if closed == "\\}" and self.take(closed):
            return Term("set")
        start = self.at
        first = self.maybe(self._member)
        if first is not None:
            condition = self._list()
            self.need(closed)
            return condition
        self.at = start
        items = self._items()
        self.need(closed)
        return Term("set", tuple(items))

    def _member(self) -> Term | None:
        r"""Pass `x :`, `x |` or `x \in \mathbb{R} :` of a set."""
        token = self.ahead()
        if token.kind != "symbol":
            return None
        self.at += 1
        if self.take("in"):
            self.base()
        return Term("symbol", name=token.text) if self.take(":", "|", "\\|") else None

    # Options

    def _option(self) -> Term | None:
        """An option of a multiple choice with its text: `(B) 4`, `A. 5`, `Option C`."""
        named = self.says("option", "choice", "answer")
        self.at += named
        opened = self.take("(")
        token = self.ahead()
        if token.kind not in ("symbol", "word") or not _LABEL.fullmatch(token.text):
            return None
        self.at += 1
        closed = self.take(")") if opened else self.take(")", ".", ":")
        if opened and not closed:
            return None
        if not closed and not named:
            return None
        self.take(".", ":")
        label = token.text.upper()
        said = " ".join(token.text.casefold() for token in self.found[self.at :])
        if not said or said in words.CONFIRMED:
            self.at = len(self.found)
            return Term("option", name=label)
        follows = self.ahead()
        if not (follows.spaced or token.upright) or self.next_is("+", "*", "/", "^", "=", "("):
            return None
        if token.text.islower() and not (opened or named):
            return None
        return Term("option", (self._text(),), name=label)

    def _text(self) -> Term:
        """The text of an option, whatever it is but a sentence about the option.

        Raises:
            Unread: If it is one: "Option A is wrong".
        """
        rest = self.found[self.at :]
        if rest[0].text.casefold() in words.VERBS:
            raise Unread(rest[0].text)
        self.at = len(self.found)
        try:
            return AnswerReader([*rest], letters=self.letters).answer()
        except Unread:
            return Term("words", name=_joined(rest))


def _joined(found: list[Token]) -> str:
    return key(" ".join(token.text for token in found)).casefold()
