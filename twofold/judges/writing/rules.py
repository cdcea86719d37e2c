"""Which checklist follows from a problem alone? One criterion a constraint, one for the answer.

Nothing in it is judged by a model: each criterion names the rule that decides it, so its truth is
exact. It is the reference that other writers and judges are measured against.
"""

from __future__ import annotations

from twofold.errors import ProblemError
from twofold.types import Problem
from twofold.types.checklist import ANSWER, Checklist, Criterion

WRITER = "rules"
"""Who wrote it."""


def written_by_rules(problem: Problem) -> Checklist:
    """The exact checklist of a problem.

    Every criterion is essential and weighs 100: the problem asks for each in so many words. The
    criterion against preambles is left out, since no program decides it. The reference answer is
    named nowhere in it.

    Args:
        problem: With constraints, an answer, or both.

    Returns:
        The criteria in the order of the constraints, the answer last; writer `rules`.

    Raises:
        ProblemError: If the problem has neither constraints nor an answer.

    Example:
        >>> [c.rule for c in written_by_rules(Problem(question="3 + 4?", answer="7")).criteria]
        ['answer']
    """
    wordings = problem.wordings or [c.instruction() for c in problem.constraints]
    criteria = [
        _exact(_asked(wording), rule=key, title=key.partition(":")[2].replace("_", " "))
        for key, wording in zip(problem.constraint_keys, wordings, strict=True)
    ]
    if problem.answer is not None and problem.answer.strip():
        text = "Does the reply reach the right final answer to the question?"
        criteria.append(_exact(text, rule=ANSWER, title="final answer"))
    if not criteria:
        raise ProblemError(
            f"problem {problem.id} has neither constraints nor an answer, so no rule knows what a "
            "good reply is; give it one, or let a model write its checklist"
        )
    return Checklist(criteria=tuple(criteria), writer=WRITER)


def _asked(wording: str) -> str:
    """The instruction as a question of the reply; the wording stays as it is, to the letter."""
    return f"Does the reply obey this instruction: {wording.strip()}"


def _exact(text: str, *, rule: str, title: str) -> Criterion:
    return Criterion(text=text, weight=100.0, category="essential", rule=rule, title=title)
