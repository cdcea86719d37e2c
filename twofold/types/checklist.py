"""What does an instruction require, item by item? Criteria that are judged one at a time.

Checklists (RLCF) and rubrics (RaR, HealthBench) share this form. Weights are positive; `pitfall` marks
criteria where "yes" is bad, so that no sign of a weight can be misread.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Literal, final

from twofold.errors import ProblemError

# The category that a rubric gives a criterion; "" where it gives only a weight.
Category = Literal["essential", "important", "optional", ""]

# RaR's weights by category, times 100 (arXiv 2507.17746, section 4).
RAR_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"essential": 100.0, "important": 70.0, "optional": 30.0, "pitfall": 90.0}
)

# The `rule` of the criterion that the final answer is correct.
ANSWER = "answer"


@final
@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One requirement that a reply meets or does not meet.

    Args:
        text: A yes/no question about the reply, or a statement that is true or false of it ("Does the
            reply name the capital?"). One requirement, stated positively.
        weight: In (0, 100]. RLCF's anchors: 100 the reply is worthless without it, 75 important but
            implicit, 50 expected of any good reply, 25 a matter of taste.
        pitfall: Whether meeting it is bad. A score of 1 always means a good reply: met, or a pitfall
            avoided.
        title: A few words for tables.
        rule: The program that decides it exactly: one of the problem's `constraint_keys`, or `ANSWER`;
            "" = none.
        program: Source of a function `verify(text) -> bool` that decides it; "" = none. Runs only in
            the sandbox.
        tags: Names by which tables are broken down (`axis:accuracy`).

    Raises:
        ProblemError: If the text is blank or the weight is out of range.

    Example:
        >>> Criterion(text="Does the reply have exactly three bullet points?", weight=100).pitfall
        False
    """

    text: str
    weight: float = 100.0
    pitfall: bool = False
    category: Category = ""
    title: str = ""
    rule: str = ""
    program: str = ""
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ProblemError("a criterion has no text; describe the requirement or remove it")
        if not 0 < self.weight <= 100:
            raise ProblemError(
                f"the criterion {self.text[:60]!r} weighs {self.weight:g}; weights lie in (0, 100], "
                "and `pitfall` marks a criterion that is bad to meet"
            )


@final
@dataclass(frozen=True, kw_only=True)
class Checklist:
    """The criteria for one reply; at least one.

    Args:
        writer: Who wrote it: a model's spec and how it was asked, or `rules`.

    Example:
        >>> checklist = Checklist(criteria=(Criterion(text="Is it short?"),) * 2)
        >>> checklist.keys
        ('item:1', 'item:2')
    """

    criteria: tuple[Criterion, ...]
    writer: str = ""

    def __post_init__(self) -> None:
        if not self.criteria:
            raise ProblemError("a checklist has no criteria; give at least one, or omit it")

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """A name for each criterion by position; the keys of its verdicts."""
        return tuple(f"item:{i}" for i in range(1, len(self.criteria) + 1))

    @cached_property
    def digest(self) -> str:
        """16 hex digits of the SHA-256 of the criteria in order; a problem's id does not cover them."""
        rows = [
            asdict(each) | {"weight": float(each.weight)} for each in self.criteria
        ]  # 20 is 20.0
        text = json.dumps(rows, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
