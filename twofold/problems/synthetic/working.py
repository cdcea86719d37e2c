"""What does a solution without a required form look like? The steps in sentences, then the number."""

from twofold.types import Problem

_LINKS = ("Then", "Next", "After that")


def solution(problem: Problem) -> str:
    r"""A reply to a synthetic problem (its tag `steps`) that is right and ignores its constraints.

    Example:
        >>> asked = Problem(question="?", answer="34", tags={"steps": "12 + 5 = 17; 17 × 2 = 34"})
        >>> solution(asked)
        'First, 12 + 5 = 17. Then, 17 × 2 = 34. The answer is \\boxed{34}.'
    """
    first, *others = problem.tags["steps"].split("; ")
    told = [f"First, {first}."]
    told += [f"{_LINKS[i % len(_LINKS)]}, {step}." for i, step in enumerate(others)]
    return " ".join([*told, f"The answer is \\boxed{{{problem.answer}}}."])
