"""Which numbers does a story use? Steps of whole-number arithmetic within 1 to 999.

A story is written around its steps: the answer is the last step's result, the difficulty their number.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import add, floordiv, mul, sub
from typing import Literal, final

import numpy as np

from twofold.errors import ProblemError

Sign = Literal["+", "-", "×", "÷"]

# The largest number of a story: no thousands separator is needed, which `no_comma` forbids.
MOST = 999


_OPERATIONS: dict[Sign, Callable[[int, int], int]] = {"+": add, "-": sub, "×": mul, "÷": floordiv}


@final
@dataclass(frozen=True)
class Step:
    """One step of a solution, e.g. `12 + 5 = 17`.

    Raises:
        ProblemError: If the result is not a whole number in 1 to 999: a template is wrong.

    Example:
        >>> print(Step(12, "÷", 4))
        12 ÷ 4 = 3
    """

    left: int
    sign: Sign
    right: int

    def __post_init__(self) -> None:
        whole = self.sign != "÷" or self.left % self.right == 0
        if not whole or not all(1 <= n <= MOST for n in (self.left, self.right, self.result)):
            raise ProblemError(f"the step {self} of a story: its template must stay in 1 to {MOST}")

    @property
    def result(self) -> int:
        """The number the step ends in."""
        return _OPERATIONS[self.sign](self.left, self.right)

    def __str__(self) -> str:
        return f"{self.left} {self.sign} {self.right} = {self.result}"


def between(rng: np.random.Generator, low: int, high: int) -> int:
    """A whole number in `[low, high]`, both ends included."""
    return int(rng.integers(low, high + 1))


def next_step(
    rng: np.random.Generator, value: int, *, before: Sign | None = None, largest: int = 40
) -> Step:
    """A step that can follow the running number `value` (at least 2), each possible sign equally likely.

    Its result lies in 2 to 300. Multiplication and division do not follow each other, so that neither
    undoes the other.

    Example:
        >>> step = next_step(np.random.default_rng(0), 12)
        >>> step.left, 2 <= step.result <= 300
        (12, True)
    """
    parts = [k for k in (2, 3, 4, 5) if value % k == 0 and value // k >= 2]
    possible: dict[Sign, bool] = {
        "+": value <= 250,
        "-": value >= 6,
        "×": value <= 60 and before != "÷",
        "÷": bool(parts) and value >= 8 and before != "×",
    }
    signs = [sign for sign, is_possible in possible.items() if is_possible]
    sign = signs[between(rng, 0, len(signs) - 1)]
    if sign == "÷":
        return Step(value, sign, parts[between(rng, 0, len(parts) - 1)])
    return Step(value, sign, between(rng, 2, {"+": largest, "-": value - 3, "×": 5}[sign]))
