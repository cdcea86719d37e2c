"""What is the best decision, and how good is the one in a reply?

Every family is a linear or an integer program with its own story: one exact solver (HiGHS, through
scipy) and one judge serve them all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import final

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from twofold.errors import ProblemError

# Relative violation of a constraint that is allowed, besides rounding (`ROUNDED`).
TOLERANCE = 1e-6

# Half of the second decimal: replies round to two.
ROUNDED = 0.005

_NUMBER = r"[-+]?(?:\d{1,9}(?:\.\d*)?|\.\d+)(?:/\d{1,9})?"
# A name, and perhaps a number with a unit.
_ENTRY = re.compile(rf"^(?P<name>[^=:≈]+?) ?(?:[=:≈] ?(?P<value>{_NUMBER})(?: ?[A-Za-z]+)?)?$")

_FRACTION = re.compile(r"\\[dt]?frac ?\{ ?(-?\d+) ?\} ?\{ ?(\d+) ?\}")
_ARROW = re.compile(r" ?(?:\\(?:to|rightarrow)\b|->|→|–|—) ?")
# What LaTeX adds to a list without changing its meaning.
_MARKUP = re.compile(r"\\(?:text|textbf|mathrm|mathbf|quad)\b|\\[ ,;:!]|[\s$\[\]{}]+")


@final
@dataclass(frozen=True)
class Rule:
    """`low <= sum of coefficient x decision <= high`; rules of one name are reported together."""

    name: str
    terms: Mapping[str, float]
    low: float = -np.inf
    high: float = np.inf

    def holds(self, decision: Mapping[str, float], slack: float = 0.0) -> bool:
        """Whether a decision keeps the rule; `slack` is the rounding error allowed in each decision."""
        value = sum(c * decision.get(name, 0.0) for name, c in self.terms.items())
        room = slack * sum(abs(c) for c in self.terms.values())
        size = TOLERANCE * max(1.0, abs(value))
        return self.low - room - size <= value <= self.high + room + size


@final
@dataclass(frozen=True)
class Program:
    """Maximise (or minimise) the worth of decisions under rules.

    Args:
        worth: The worth of one unit of each decision.
        is_max: Whether worth is maximised.
        rules: The constraints.
        most: The largest value of each decision; the smallest is 0.
        is_whole: Whether decisions are whole numbers.

    Example:
        >>> cap = Rule("capacity", {"a": 2, "b": 3}, high=4)
        >>> best = Program({"a": 3, "b": 5}, True, (cap,), {"a": 1, "b": 1}, True).best
        >>> best.worth, dict(best.decision)
        (5.0, {'b': 1.0})
    """

    worth: Mapping[str, float]
    is_max: bool
    rules: tuple[Rule, ...]
    most: Mapping[str, float]
    is_whole: bool

    @cached_property
    def best(self) -> Best | None:
        """The optimum; None if no decision keeps all rules."""
        names = list(self.worth)
        sign = -1.0 if self.is_max else 1.0
        rows = np.array([[rule.terms.get(name, 0.0) for name in names] for rule in self.rules])
        lows, highs = [rule.low for rule in self.rules], [rule.high for rule in self.rules]
        found = milp(
            sign * np.array([self.worth[name] for name in names]),
            constraints=LinearConstraint(rows, lows, highs),
            bounds=Bounds(0.0, np.array([self.most[name] for name in names])),
            integrality=np.full(len(names), int(self.is_whole)),
        )
        if found.status == 2:
            return None
        if not found.success:
            raise ProblemError(f"the solver failed ({found.message}); draw another problem")
        values = np.round(found.x) if self.is_whole else np.round(found.x, 6)
        decision = {n: float(v) for n, v in zip(names, values, strict=True) if v > 1e-6}
        return Best(round(sign * float(found.fun), 6), decision)

    def judge(self, decision: Mapping[str, float]) -> Judgement:
        """How good a decision is; unknown names break the rule `names`."""
        slack = 0.0 if self.is_whole else ROUNDED
        known = decision.keys() <= self.worth.keys()
        inside = all(
            -slack <= value <= self.most.get(name, 0.0) + slack
            and (not self.is_whole or value == round(value))
            for name, value in decision.items()
        )
        kept: dict[str, bool] = {"names": known, "bounds": inside}
        for rule in self.rules:
            kept[rule.name] = kept.get(rule.name, True) and rule.holds(decision, slack)
        worth = sum(self.worth.get(name, 0.0) * value for name, value in decision.items())
        is_feasible = all(kept.values())
        gap = None
        if is_feasible and self.best is not None:
            behind = self.best.worth - worth if self.is_max else worth - self.best.worth
            rounded = [n for n, value in decision.items() if value != round(value)]
            behind -= slack * sum(abs(self.worth[name]) for name in rounded)
            gap = max(0.0, behind) / max(1.0, abs(self.best.worth))
        return Judgement(kept, is_feasible, gap)


@final
@dataclass(frozen=True)
class Best:
    """The optimum of a program: its worth, and one decision that reaches it (zeros left out)."""

    worth: float
    decision: Mapping[str, float]


@final
@dataclass(frozen=True)
class Judgement:
    """What a decision is worth: which rules it keeps, and its relative distance to the optimum.

    `gap` is beyond what rounding to two decimals may cost; None if the decision is not feasible.
    """

    kept: Mapping[str, bool]
    is_feasible: bool
    gap: float | None

    def is_best(self, tolerance: float = 1e-3) -> bool:
        """Whether the decision is feasible and optimal, up to `tolerance` of the optimum."""
        return self.gap is not None and self.gap <= tolerance


def parsed(text: str, names: Sequence[str]) -> dict[str, float] | None:
    r"""The decision that an answer states; None if it does not have the requested form.

    Entries are separated by commas: a name alone counts once, `name = number` that many times (`7/3` and
    a unit are allowed), and `S-A-T` is read as its edges. After a semicolon, a part without a known
    name (a total) is ignored. Case, white space and LaTeX markup do not matter; `none` is an empty
    decision. A bare number is no entry: `bread=1,5` is ambiguous.

    Example:
        >>> parsed("a-b, B-C; 7", ["A-B", "B-C"]), parsed("lamp = 2.5, axe=1", ["axe", "lamp"])
        ({'A-B': 1.0, 'B-C': 1.0}, {'lamp': 2.5, 'axe': 1.0})
        >>> parsed("take as much as you can carry", ["axe"]) is None
        True
    """
    spelt = {_folded(name): name for name in names}
    plain = _FRACTION.sub(r"\1/\2", text.replace("\\approx", "=").replace("\n", ","))
    plain = _ARROW.sub("-", _MARKUP.sub(" ", plain)).strip().removesuffix(".")
    if _folded(plain) in ("none", "nothing"):
        return {}
    decision: dict[str, float] = {}
    for part in (_entries(part, spelt) for part in plain.split(";")):
        if part is None:
            return None
        for name, value in part if any(name in names for name, _ in part) else ():
            decision[name] = decision.get(name, 0.0) + value
    return {name: value for name, value in decision.items() if value} if decision else None


def _entries(text: str, spelt: Mapping[str, str]) -> list[tuple[str, float]] | None:
    """Names and numbers between commas; None if there is something else beside a known name."""
    found: list[tuple[str, float]] = []
    is_odd = False
    for entry in filter(None, (part.strip() for part in re.split(r",|\band\b", text))):
        match = _ENTRY.match(entry)
        top, _, bottom = ((match and match["value"]) or "1").partition("/")
        is_bad = re.fullmatch(_NUMBER, entry) or (bottom and not int(bottom))
        if match is None or len(match["name"].split()) > 3 or is_bad:
            is_odd = True
            continue
        value = float(top) / float(bottom or 1)
        name = _folded(match["name"])
        edges = [f"{a}-{b}" for a, b in pairwise(name.split("-"))]
        route = edges if edges and name not in spelt and spelt.keys() >= {*edges} else [name]
        found += [(spelt.get(n, match["name"].strip()), value) for n in route]
    names = set(spelt.values())
    return None if is_odd and any(name in names for name, _ in found) else found


def _folded(name: str) -> str:
    return re.sub(r"[\s_]", "", _ARROW.sub("-", name)).casefold()
