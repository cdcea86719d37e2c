"""What does an instruction ask for, item by item? Criteria that are judged one at a time.

A `Criterion` is one thing that a reply either does or does not; a `Checklist` is all that are asked
of one reply, each with its weight. Checklists (RLCF) and rubrics (RaR, HealthBench) are the same
thing: a rubric is a checklist whose criteria have a category and may be pitfalls.

The polarity is a field and never a sign: weights are above 0, and whether "yes, the reply does this"
is good or bad is said by `pitfall`. A sign that is read the wrong way trains the opposite.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Literal, final

from twofold.errors import ProblemError

Category = Literal["essential", "important", "optional", ""]
"""How much a rubric says that a criterion matters; "" where it says only a weight."""

RAR_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"essential": 100.0, "important": 70.0, "optional": 30.0, "pitfall": 90.0}
)
"""RaR's weights by category, 100 times 1.0, 0.7, 0.3 and 0.9 (arXiv 2507.17746, section 4)."""

ANSWER = "answer"
"""The `rule` of the criterion that the final answer is right."""


@final
@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One thing that a reply does or does not do.

    Args:
        text: A question that yes or no answers of the reply alone, or a statement that it makes true
            or false ("Does the reply name the capital?"). One requirement, stated positively.
        weight: In (0, 100]. The anchors of RLCF: 100 without it the reply is worth nothing, 75 it
            matters much though nobody said so, 50 any good reply has it, 25 a matter of taste.
        pitfall: Whether doing it is bad. A verdict of 1 always means that the reply did well: met,
            or for a pitfall avoided.
        category: What a rubric calls it.
        title: A few words for tables.
        rule: What decides it exactly: one of the problem's `constraint_keys`, or `ANSWER`; "" = no
            program here knows.
        program: Source of a function `verify(text) -> bool` that says whether the reply does it; "" =
            none. It runs in the sandbox and nowhere else.
        tags: What tables are broken down by (`axis:accuracy`).

    Raises:
        ProblemError: If the text is blank or the weight out of its range.

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
            raise ProblemError("a criterion is blank; say what the reply has to do, or remove it")
        if not 0 < self.weight <= 100:
            raise ProblemError(
                f"the criterion {self.text[:60]!r} weighs {self.weight:g}; give above 0 up to 100, and "
                "say `pitfall` where doing it is bad"
            )


@final
@dataclass(frozen=True, kw_only=True)
class Checklist:
    """All that is asked of one reply.

    Args:
        criteria: At least one.
        writer: Who wrote it: a model's spec and how it was asked, or `rules`.

    Raises:
        ProblemError: If there is no criterion.

    Example:
        >>> checklist = Checklist(criteria=(Criterion(text="Is it short?"),) * 2)
        >>> checklist.keys
        ('item:1', 'item:2')
    """

    criteria: tuple[Criterion, ...]
    writer: str = ""

    def __post_init__(self) -> None:
        if not self.criteria:
            raise ProblemError(
                "a checklist has no criteria; give at least one, or leave the checklist out"
            )

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """A name for each criterion, by its place: verdicts are filed under these."""
        return tuple(f"item:{i}" for i in range(1, len(self.criteria) + 1))

    @cached_property
    def digest(self) -> str:
        """16 hex digits of the SHA-256 of the criteria, their order included: what verdicts are about.

        A problem's id says nothing of its checklist, so verdicts that are kept by place need this too.
        """
        text = json.dumps([asdict(criterion) for criterion in self.criteria], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
