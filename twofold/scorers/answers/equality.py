r"""Are two answers equal? By their structure; what their parts are worth, an `Arithmetic` tells.

Every comparison has three outcomes: equal, unequal, or not known (None), which is for the worker.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TypeVar, final

from twofold.scorers.answers import words
from twofold.scorers.answers.arithmetic import Arithmetic, rational
from twofold.scorers.answers.sets import Piece, pieces, variable
from twofold.scorers.answers.terms import Term, infinite, number

Part = TypeVar("Part")  # a term, or a piece of a set

_STRUCTURE = frozenset(
    {"list", "tuple", "set", "matrix", "relation", "words", "option", "ratio", "clock"}
)
CONSTANTS = frozenset({"e", "i", "pi", "infty"})
_DEGREE = Term("div", (Term("symbol", name="pi"), number(180)))


@final
class Comparison:
    """Compares answers.

    Args:
        arithmetic: Compares expressions.
    """

    def __init__(self, arithmetic: Arithmetic) -> None:
        self._arithmetic = arithmetic

    def same(self, gold: Term, answer: Term) -> bool | None:
        """Whether two answers are equal; None if that is not known."""
        gold, answer = simplified(gold), simplified(answer)
        if gold == answer:
            return True
        heads = {gold.head, answer.head}
        if "option" in heads:
            return self._options(gold, answer)
        if is_set(gold) or is_set(answer):
            return self._sets(gold, answer)
        if "relation" in heads:
            return self._relations(gold, answer)
        if "list" in heads:
            return self._lists(gold, answer)
        if heads & {"ratio", "clock"}:
            return self._ratios(gold, answer)
        if heads & {"tuple", "matrix"}:
            return self._tuples(gold, answer)
        if heads & {"words", "set", "reals", "union"}:
            return False
        return self._quantities(gold, answer)

    # Options

    def _options(self, gold: Term, answer: Term) -> bool | None:
        if gold.head == answer.head:
            if gold.name != answer.name:
                return False
            return not (gold.args and answer.args) or self.same(gold.args[0], answer.args[0])
        option, other = (gold, answer) if gold.head == "option" else (answer, gold)
        if other.head in ("symbol", "words") and len(other.name) == 1:
            return option.name == other.name.upper()
        if not option.args:
            return False
        text = option.args[0]
        return self.same(text, answer) if gold is option else self.same(gold, text)

    # Relations

    def _relations(self, gold: Term, answer: Term) -> bool | None:
        if gold.head == answer.head:
            if gold.name == answer.name == "=":
                return self._equations(gold, answer)
            if gold.name == answer.name:
                return every(self.same(g, a) for g, a in zip(gold.args, answer.args, strict=True))
        stated = [
            self._stated(each) if each.head == "relation" else (None, [each])
            for each in (gold, answer)
        ]
        names = [name for name, _ in stated if name is not None]
        if len(names) == 2 and names[0] != names[1]:
            return False
        return some(self.same(g, a) for g in stated[0][1] for a in stated[1][1])

    def _stated(self, term: Term) -> tuple[Term | None, list[Term]]:
        """The name and the values of `x = 2 + 3 = 5`; no values if they do not agree."""
        sides = list(term.args)
        name = None
        if is_name(sides[0]):
            name = sides.pop(0)
        elif len(sides) == 2 and is_name(sides[1]):
            name = sides.pop(1)
        elif sides[0].symbols - CONSTANTS:
            return None, []  # an equation
        agree = every(self._arithmetic.rounded(a, b) for a, b in pairwise(sides))
        if set(term.name.split()) - {"=", "≈"} or agree is False:
            return name, []
        return name, sides if agree else sides[-1:]

    def _equations(self, gold: Term, answer: Term) -> bool | None:
        """Two equations: the same name with the same value, or one a multiple of the other."""
        names = [next((s for s in each.args if is_name(s)), None) for each in (gold, answer)]
        values = [
            next((s for s in each.args if not is_name(s)), each.args[1]) for each in (gold, answer)
        ]
        if names[0] is not None and names[0] == names[1] and len(values) == 2:
            direct = self.same(values[0], values[1])
            if direct is not False:
                return direct
        if any(arg.has(*_STRUCTURE) for each in (gold, answer) for arg in each.args):
            return False
        zeros = [
            Term("add", (each.args[0], Term("neg", (each.args[1],)))) for each in (gold, answer)
        ]
        if not zeros[0].symbols & zeros[1].symbols:
            return False
        return self._arithmetic.proportional(zeros[0], zeros[1])

    # Sets

    def _sets(self, gold: Term, answer: Term) -> bool | None:
        found = pieces(gold), pieces(answer)
        if found[0] is None or found[1] is None:
            if gold.head == answer.head == "relation":
                return self._relations(gold, answer)
            return False
        names = variable(gold), variable(answer)
        if names[0] and names[1] and names[0] != names[1]:
            return False
        return self._matched(found[0], found[1], self._pieces)

    def _pieces(self, gold: Piece, answer: Piece) -> bool | None:
        ends = zip(gold.ends, answer.ends, strict=True)
        return every(
            (infinite(g[0]) == infinite(a[0]))
            and (infinite(g[0]) != 0 or (every([g[1] == a[1], self.same(g[0], a[0])])))
            for g, a in ends
        )

    # Lists

    def _lists(self, gold: Term, answer: Term) -> bool | None:
        if gold.head == answer.head:
            return self._matched(gold.args, answer.args, self.same)
        # x = 1, y = 2 for (1, 2)
        coordinates, other = (gold, answer) if gold.head == "tuple" else (answer, gold)
        if coordinates.head == "tuple" and coordinates.name == "()" and other.head == "list":
            names = [item.args[0].name for item in other.args if item.name == "="]
            ordered = len(names) == len(other.args) and names == sorted(set(names))
            if not ordered or len(names) != len(coordinates.args):
                return False
            values = [item.args[1] for item in other.args]
            pairs = zip(coordinates.args, values, strict=True)
            return every(self.same(*pair) for pair in pairs)
        if answer.head == "list":  # one value said in several ways
            return every(self.same(gold, item) for item in answer.args)
        return False

    def _matched(
        self,
        golds: Sequence[Part],
        answers: Sequence[Part],
        same: Callable[[Part, Part], bool | None],
    ) -> bool | None:
        """Whether each of the golds has an answer of its own."""
        if len(golds) != len(answers):
            return False
        left, unknown = list(answers), False
        for gold in golds:
            verdicts = [same(gold, answer) for answer in left]
            if True in verdicts:
                del left[verdicts.index(True)]
            elif None in verdicts:
                unknown = True
            else:
                return False
        return None if unknown else True

    def _ratios(self, gold: Term, answer: Term) -> bool | None:
        if gold.head == answer.head == "clock":
            halves = gold.unit, answer.unit
            same_half = halves[0] is None or halves[1] is None or halves[0] == halves[1]
            return same_half and every(
                self._arithmetic.equal(g, a) for g, a in zip(gold.args, answer.args, strict=True)
            )
        if answer.head in ("ratio", "clock") and gold.head in ("ratio", "clock"):
            if len(gold.args) != len(answer.args):
                return False
            first = gold.args[0], answer.args[0]
            return every(
                self._arithmetic.equal(Term("mul", (g, first[1])), Term("mul", (a, first[0])))
                for g, a in zip(gold.args[1:], answer.args[1:], strict=True)
            )
        if gold.head == "ratio" and len(gold.args) == 2 and answer.head not in _STRUCTURE:
            return self.same(Term("div", gold.args), answer)
        return False

    def _tuples(self, gold: Term, answer: Term) -> bool | None:
        if gold.head != answer.head:
            gold, answer = vector(gold), vector(answer)
        if gold.head != answer.head or gold.name != answer.name:
            return False
        if len(gold.args) != len(answer.args):
            return False
        if gold.head == "matrix":
            shapes = [[len(row.args) for row in each.args] for each in (gold, answer)]
            if shapes[0] != shapes[1]:
                return False
        pairs = zip(_entries(gold), _entries(answer), strict=True)
        return every(self.same(g, a) for g, a in pairs)

    # Quantities

    def _quantities(self, gold: Term, answer: Term) -> bool | None:
        return some(self._measured(g, a) for g in large(gold) for a in large(answer))

    def _measured(self, gold: Term, answer: Term) -> bool | None:
        if gold.percent != answer.percent:
            part, bare = (gold, answer) if gold.percent else (answer, gold)
            share = Term("div", (part.bare, number(100)))
            value = rational(bare.bare)
            both = [(share, bare.bare)]
            if value is not None and abs(value) > 1:  # below one it is the share itself
                both.append((part.bare, bare.bare))
            return some(self._arithmetic.equal(*pair) for pair in both)
        units = gold.unit, answer.unit
        if units[0] is None or units[1] is None or not all(u.dimensions for u in units if u):
            angle = _is_angle(gold) != _is_angle(answer)
            plain = self._arithmetic.equal(gold.bare, answer.bare)
            if plain is True or not angle:
                return plain
            turned = [
                Term("mul", (t.bare, _DEGREE)) if _is_angle(t) else t.bare for t in (gold, answer)
            ]
            return some([plain, self._arithmetic.equal(turned[0], turned[1])])
        if {unit.dimensions for unit in units if unit} == {(("degree", 1),), (("radian", 1),)}:
            turned = [
                Term("mul", (t.bare, _DEGREE)) if _is_angle(t) else t.bare for t in (gold, answer)
            ]
            return self._arithmetic.equal(turned[0], turned[1])
        if not units[0].measures(units[1]):
            return False
        if units[0].factor == units[1].factor:
            return self._arithmetic.equal(gold.bare, answer.bare)
        ratio = number(units[1].factor / units[0].factor)
        return self._arithmetic.equal(gold.bare, Term("mul", (ratio, answer.bare)))


def every(verdicts: Iterable[bool | None]) -> bool | None:
    """Whether all are true; unknown if one is unknown and none is false."""
    found = True
    unknown = False
    for verdict in verdicts:
        if verdict is False:
            found = False
            break
        unknown = unknown or verdict is None
    return found and (None if unknown else True)


def some(verdicts: Iterable[bool | None]) -> bool | None:
    """Whether one is true; unknown if one is unknown and none is true."""
    unknown = False
    for verdict in verdicts:
        if verdict:
            return True
        unknown = unknown or verdict is None
    return None if unknown else False


def simplified(term: Term) -> Term:
    """An answer without what makes no difference: brackets around it, a set of one, ±."""
    while term.head == "bracket":
        term = replace(term.args[0], unit=term.unit or term.args[0].unit, percent=term.percent)
    if term.head == "matrix" and len(term.args) == len(term.args[0].args) == 1:
        return simplified(term.args[0].args[0])
    if term.head == "words":
        if term.name in words.EMPTY:
            return Term("set")
        if term.name in words.REALS:
            return Term("reals")
    if term.head == "union" and all(arg.head == "set" for arg in term.args):
        term = Term("set", tuple(item for arg in term.args for item in arg.args))
    if term.head == "set" and len(term.args) == 1:
        return simplified(term.args[0])
    if term.head == "set" and term.args:
        term = Term("list", term.args, name=",")
    if term.head == "relation" and term.name == "=" and term.args[1].head in ("list", "set"):
        return simplified(term.args[1])
    if term.head == "relation" and term.name == "∈" and term.args[1].head == "set":
        return simplified(term.args[1])
    if term.head == "list":
        items = [part for arg in term.args for part in _parts(simplified(arg))]
        return replace(term, args=_without_repeats(items))
    if term.head != "list" and term.has("pm", "mp"):
        signs = [term.mapped(partial(_signed, sign=sign)) for sign in (1, -1)]
        return Term("list", tuple(signs), name=",")
    return term


def _without_repeats(items: list[Term]) -> tuple[Term, ...]:
    return tuple(dict.fromkeys(items))


def _parts(term: Term) -> tuple[Term, ...]:
    return term.args if term.head == "list" else (term,)


def _signed(term: Term, *, sign: int) -> Term:
    if term.head not in ("pm", "mp"):
        return term
    return term.args[0] if (term.head == "pm") == (sign > 0) else Term("neg", term.args)


def is_name(term: Term) -> bool:
    """Whether a side of an equation only says what is equal: `x`, `f(x)`, `a + b`, `Area`."""
    if term.head == "words":
        return True
    if term.head == "symbol":
        return term.name not in CONSTANTS
    if term.head == "call":
        return term.name.endswith("()") or (term.name == "abs" and is_name(term.args[0]))
    if term.head in ("add", "mul", "neg", "tuple", "div"):
        return all(is_name(arg) for arg in term.args)
    if term.head == "power":
        return is_name(term.args[0]) and term.args[1].head == "number"
    return term.head == "bracket" and is_name(term.args[0])


def is_set(term: Term) -> bool:
    """Whether an answer can only be a set of numbers, not a list, a pair or a value."""
    if term.head in ("union", "without", "intersection", "reals"):
        return True
    if term.head == "tuple":
        return term.name in ("[)", "(]") or any(infinite(arg) for arg in term.args)
    if term.head == "relation":
        return bool(set(term.name.split()) & set("<>≤≥≠∈"))
    return term.head == "list" and all(is_set(arg) for arg in term.args)


def vector(term: Term) -> Term:
    """A matrix of one row or column as a tuple."""
    if term.head == "matrix":
        if all(len(row.args) == 1 for row in term.args):
            return Term("tuple", tuple(row.args[0] for row in term.args), name="()")
        if len(term.args) == 1:
            return Term("tuple", term.args[0].args, name="()")
    return term


def _entries(term: Term) -> Iterator[Term]:
    if term.head == "matrix":
        for row in term.args:
            yield from row.args
    else:
        yield from term.args


def large(term: Term) -> list[Term]:
    """`2 million` is 2000000, or 2 where a question asks for millions."""
    if term.head != "large":
        return [term]
    inner = replace(term.args[0], unit=term.unit, percent=term.percent)
    scaled = Term("mul", (number(term.value), inner.bare), unit=term.unit)
    return [scaled, *large(inner)] if inner.head == "large" else [scaled, inner]


def _is_angle(term: Term) -> bool:
    return term.unit is not None and term.unit.dimensions == (("degree", 1),)
