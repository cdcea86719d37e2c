"""Which checklist follows from a problem alone? One criterion per constraint, one for the answer.

Each criterion names the rule that decides it, so its truth is exact. It is what other writers and
judges are compared with.
"""

from twofold.errors import ProblemError
from twofold.types import Problem
from twofold.types.checklist import ANSWER, Checklist, Criterion


def written_by_rules(problem: Problem) -> Checklist:
    """The exact checklist of a problem.

    Every criterion is essential and weighs 100, since the problem asks for each explicitly.
    Constraints come in their order, the answer last; no text contains the reference answer.

    Raises:
        ProblemError: If the problem has neither constraints nor an answer.
    """
    wordings = problem.wordings or [c.instruction() for c in problem.constraints]
    criteria = [
        _exact(
            f"Does the reply obey this instruction: {wording.strip()}",
            rule=key,
            title=key.partition(":")[2].replace("_", " "),
        )
        for key, wording in zip(problem.constraint_keys, wordings, strict=True)
    ]
    if problem.answer is not None and problem.answer.strip():
        text = "Does the reply reach the right final answer to the question?"
        criteria.append(_exact(text, rule=ANSWER, title="final answer"))
    if not criteria:
        raise ProblemError(
            f"problem {problem.id} has neither constraints nor an answer, so no rule can judge a reply; "
            "give it one, or let a model write its checklist"
        )
    return Checklist(criteria=tuple(criteria), writer="rules")


def _exact(text: str, *, rule: str, title: str) -> Criterion:
    return Criterion(text=text, weight=100.0, category="essential", rule=rule, title=title)
