"""What is wrong with a reply to a generated problem? A critic that knows the solution."""

import re

from twofold.types import Problem

_BOX = re.compile(r"\\boxed\{([^{}]*)\}")


def critique(problem: Problem, reply: str) -> str:
    r"""The first step that a reply omits or gets wrong, and a conclusion; the tag `steps` is the solution.

    Example:
        >>> asked = Problem(question="?", answer="5", tags={"steps": "First, up 1 from 4 gives 5"})
        >>> critique(asked, "First, up 1 from 4 gives 6. It is \\boxed{6}.")
        'It should be: First up 1 from 4 gives 5. The result is 5. Conclusion: wrong'
    """
    said = _squeezed(reply)
    boxed = _BOX.findall(reply)
    is_right = bool(boxed) and {answer.strip() for answer in boxed} == {str(problem.answer)}
    steps = [step.replace(",", "") for step in problem.tags["steps"].split("; ")]
    missing = next((step for step in steps if not _holds(said, _squeezed(step))), None)
    if is_right:
        told = "Every step holds." if missing is None else "The working is not shown."
        return f"{told} The result is {problem.answer}. Conclusion: right"
    told = "The steps hold." if missing is None else f"It should be: {missing}."
    return f"{told} The result is {problem.answer}. Conclusion: wrong"


def _holds(said: str, step: str) -> bool:
    """Whether the reply has the step, not as part of a longer number."""
    return re.search(rf"(?<!\d){re.escape(step)}(?!\d)", said) is not None


def _squeezed(text: str) -> str:
    """The text without what may differ in a correct step: white space, commas, the times sign."""
    return re.sub(r"[\s,]", "", text).replace("*", "×").replace("\\times", "×")
