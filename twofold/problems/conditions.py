"""In which conditions is a problem asked? With its constraints in the prompt, and without them.

Told and untold are what audits and evaluations during training compare, on the same questions.
"""

from collections.abc import Sequence

from twofold.types import Message, Problem

CONDITIONS = ("constrained", "unconstrained")


def prompt(problem: Problem, condition: str) -> list[Message] | None:
    """The chat for a problem in a condition; None where the condition does not apply.

    Without constraints it is asked `unconstrained` only; if the question states them, `constrained` only.
    """
    if condition == "constrained":
        return problem.messages() if problem.is_bound else None
    if problem.question_states_constraints:
        return None
    return problem.messages(stated=())


def asked(problems: Sequence[Problem]) -> list[tuple[str, Problem, list[Message]]]:
    """Condition, problem and chat of all that can be asked, condition by condition.

    Example:
        >>> [(condition, chat[0]["content"]) for condition, _, chat in asked([Problem(question="2 + 2?")])]
        [('unconstrained', '2 + 2?')]
    """
    return [
        (condition, problem, messages)
        for condition in CONDITIONS
        for problem in problems
        if (messages := prompt(problem, condition)) is not None
    ]
