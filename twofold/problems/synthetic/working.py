r"""How is a problem worked out when nobody asks for a form? The steps in sentences, then the number."""

from __future__ import annotations

from twofold.types import Problem

_LINKS = ("Then", "Next", "After that")


def solution(problem: Problem) -> str:
    r"""A reply to a synthetic problem that is right and pays no heed to its constraints.

    Args:
        problem: Of this suite: its tag `steps` holds the solution.

    Example:
        >>> asked = Problem(question="?", answer="34", tags={"steps": "12 + 5 = 17; 17 × 2 = 34"})
        >>> solution(asked)
        'First, 12 + 5 = 17. Then, 17 × 2 = 34. The answer is \\boxed{34}.'
    """
    first, *others = problem.tags["steps"].split("; ")
    told = [f"First, {first}."]
    told += [f"{_LINKS[i % len(_LINKS)]}, {step}." for i, step in enumerate(others)]
    return " ".join([*told, f"The answer is \\boxed{{{problem.answer}}}."])
