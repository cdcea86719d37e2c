"""Which numbers does a story run on? Steps of whole-number arithmetic that never leave 1 to 999.

A story is written around steps, never the other way round, so its answer is the last step's
result and its difficulty is the number of steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from twofold.errors import ProblemError

Sign = Literal["+", "-", "×", "÷"]
"""What a step does."""

MOST = 999
"""No number of a story is larger: none needs a thousands separator, which `no_comma` forbids."""


@final
@dataclass(frozen=True)
class Step:
    """One step of a solution, e.g. `12 + 5 = 17`.

    Args:
        left: First operand.
        sign: What is done.
        right: Second operand.

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
            raise ProblemError(
                f"a story has the step {self}; its template must stay in 1 to {MOST}"
            )

    @property
    def result(self) -> int:
        """The number the step ends in."""
        match self.sign:
            case "+":
                return self.left + self.right
            case "-":
                return self.left - self.right
            case "×":
                return self.left * self.right
            case "÷":
                return self.left // self.right

    def __str__(self) -> str:
        return f"{self.left} {self.sign} {self.right} = {self.result}"


def between(rng: np.random.Generator, low: int, high: int) -> int:
    """A whole number in `[low, high]`, both ends included.

    Example:
        >>> between(np.random.default_rng(0), 7, 7)
        7
    """
    return int(rng.integers(low, high + 1))


def next_step(
    rng: np.random.Generator, value: int, *, before: Sign | None = None, largest: int = 40
) -> Step:
    """A step that can follow on `value`, each possible sign as likely as the others.

    Multiplying and dividing do not follow each other, so that neither undoes the other.

    Args:
        rng: Source of all randomness.
        value: The running number, at least 2.
        before: The sign of the step that led to it.
        largest: The most that is added, at least 2.

    Returns:
        A step whose left side is `value` and whose result lies in 2 to 300.

    Example:
        >>> step = next_step(np.random.default_rng(0), 12)
        >>> step.left, 2 <= step.result <= 300
        (12, True)
    """
    signs: list[Sign] = []
    parts = [k for k in (2, 3, 4, 5) if value % k == 0 and value // k >= 2]
    if value <= 250:
        signs.append("+")
    if value >= 6:
        signs.append("-")
    if value <= 60 and before != "÷":
        signs.append("×")
    if parts and value >= 8 and before != "×":
        signs.append("÷")
    sign = signs[between(rng, 0, len(signs) - 1)]
    match sign:
        case "+":
            right = between(rng, 2, largest)
        case "-":
            right = between(rng, 2, value - 3)
        case "×":
            right = between(rng, 2, 5)
        case "÷":
            right = parts[between(rng, 0, len(parts) - 1)]
    return Step(value, sign, right)
