r"""Which sets of real numbers does an answer name? As intervals, however they are written.

`[2, 3)`, `2 \le x < 3` and `\{x : 2 \le x < 3\}` are one set; so are `x < 2 or x > 3` and
`(-\infty, 2) \cup (3, \infty)`.
"""

from dataclasses import dataclass
from typing import final

from twofold.scorers.answers.terms import Term

_INFINITY = Term("symbol", name="infty")
_MINUS_INFINITY = Term("neg", (_INFINITY,))
_FLIPPED = {"<": ">", ">": "<", "≤": "≥", "≥": "≤"}

End = tuple[Term, bool]  # a bound, and whether it belongs to the set


@final
@dataclass(frozen=True)
class Piece:
    """An interval; a single number is one whose ends are equal."""

    low: End
    high: End

    @property
    def ends(self) -> tuple[End, End]:
        """Both ends."""
        return self.low, self.high


_ALL = Piece((_MINUS_INFINITY, False), (_INFINITY, False))


def pieces(term: Term) -> list[Piece] | None:
    """The intervals of a set; None if the answer is no set that we can write so."""
    if term.head == "reals":
        return [_ALL]
    if term.head == "tuple" and len(term.args) == 2 and term.name in ("()", "[]", "[)", "(]"):
        low, high = term.args
        return [Piece((low, term.name[0] == "["), (high, term.name[1] == "]"))]
    if term.head == "set":
        return [Piece((item, True), (item, True)) for item in term.args]
    if term.head == "union":
        return _joined(pieces(term.args[0]), pieces(term.args[1]))
    if term.head == "without":
        return _without(term)
    if term.head == "list":
        return _listed(term)
    if term.head == "bracket":
        return pieces(term.args[0])
    if term.head == "relation":
        return _related(term)
    return None


def variable(term: Term) -> str:
    """The variable whose values a condition describes; "" if none is named."""
    found = {
        side.name
        for node in term.walk()
        if node.head == "relation"
        for side in node.args
        if side.head == "symbol" and side.name != "infty"
    }
    return found.pop() if len(found) == 1 else ""


def _joined(first: list[Piece] | None, second: list[Piece] | None) -> list[Piece] | None:
    return None if first is None or second is None else first + second


def _without(term: Term) -> list[Piece] | None:
    """The real numbers except one."""
    whole, left_out = term.args
    if whole.head != "reals" or left_out.head != "set" or len(left_out.args) != 1:
        return None
    return _except(left_out.args[0])


def _except(point: Term) -> list[Piece]:
    return [
        Piece((_MINUS_INFINITY, False), (point, False)),
        Piece((point, False), (_INFINITY, False)),
    ]


def _listed(term: Term) -> list[Piece] | None:
    """Conditions joined by "or"; or two joined by "and", one from each side."""
    found = [pieces(item) for item in term.args]
    if any(each is None for each in found):
        return None
    known = [each for each in found if each is not None]
    conditions = all(item.head == "relation" for item in term.args)
    if term.name == "or" or not conditions:
        return [piece for each in known for piece in each]
    if len(known) == 2 and len(known[0]) == len(known[1]) == 1:
        (first,), (second,) = known
        for a, b in ((first, second), (second, first)):
            if a.high[0] == _INFINITY and b.low[0] == _MINUS_INFINITY:
                return [Piece(a.low, b.high)]
    return None


def _related(term: Term) -> list[Piece] | None:
    r"""A condition on one variable: `x < 2`, `1 \le x < 3`, `x \ne 2`, `x \in [0, 1]`."""
    signs = term.name.split()
    if _is_distance(term):
        return _around_zero(term.args[1], signs[0])
    if signs == ["∈"]:
        return pieces(term.args[1]) if term.args[0].head == "symbol" else None
    at = next(
        (i for i, side in enumerate(term.args) if side.head == "symbol" and side.name != "infty"),
        None,
    )
    if at is None or len(signs) > 2 or (len(signs) == 2 and at != 1):
        return None
    low, high = _ALL.low, _ALL.high
    for i, sign in enumerate(signs):
        bound, seen = (
            (term.args[i], _FLIPPED.get(sign, sign)) if i < at else (term.args[i + 1], sign)
        )
        if seen == "≠" and len(signs) == 1:
            return _except(bound)
        if seen == "=" and len(signs) == 1:
            return [Piece((bound, True), (bound, True))]
        if seen in ("<", "≤") and high == _ALL.high:
            high = (bound, seen == "≤")
        elif seen in (">", "≥") and low == _ALL.low:
            low = (bound, seen == "≥")
        else:
            return None
    return [Piece(low, high)]


def _is_distance(term: Term) -> bool:
    """Whether a condition is `|x| < a` or the like."""
    first = term.args[0]
    return len(term.args) == 2 and first.name == "abs" and first.args[0].head == "symbol"


def _around_zero(bound: Term, sign: str) -> list[Piece] | None:
    low, closed = Term("neg", (bound,)), sign in ("≤", "≥")
    if sign in ("<", "≤"):
        return [Piece((low, closed), (bound, closed))]
    if sign in (">", "≥"):
        return [Piece(_ALL.low, (low, closed)), Piece((bound, closed), _ALL.high)]
    return None
