"""What does a program that is known to be right say? The judge of criteria that come from rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

from twofold.judges.judge import Asked, Judge
from twofold.judges.parse_verdict import polarised
from twofold.scorers import Correct
from twofold.types import Profile, Verdict
from twofold.types.checklist import ANSWER


@final
@dataclass(frozen=True)
class ExactJudge(Judge):
    """Decides each criterion by its `rule`: a constraint's check, or whether the answer is right.

    The gold judge of experiments and the measure of every other judge. A criterion without a rule
    is unscored: there is no guessing from its text.

    Args:
        profile: How answers are graded, as in `Correct`. A constraint is checked under the profile
            it was read with, as `Compliant` does.

    Example:
        >>> from twofold.types.checklist import Criterion
        >>> from twofold.types import Problem, Response
        >>> problem, reply = Problem(question="7 + 5 = ?", answer="12"), Response(raw="12", reply="12")
        >>> right = Criterion(text="Is the final answer right?", rule=ANSWER)
        >>> kind = Criterion(text="Is the reply friendly?")
        >>> both = [Asked(problem=problem, response=reply, criterion=c) for c in (right, kind)]
        >>> [(verdict.score, verdict.reason) for verdict in ExactJudge()(both)]
        [(1.0, '12 = 12 (last)'), (None, 'the criterion has no rule')]
    """

    profile: Profile = "fixed"

    @property
    def name(self) -> str:
        """`exact`."""
        return "exact"

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        """Decide each question; all that ask for the answer go to `Correct` together.

        Raises:
            ScoringError: If the worker that compares answers cannot be started.
        """
        of_answer = [i for i, each in enumerate(asked) if each.criterion.rule == ANSWER]
        graded = self._correct(
            [asked[i].problem for i in of_answer], [asked[i].response for i in of_answer]
        )
        answers = dict(zip(of_answer, graded, strict=True))
        return [
            polarised(each.criterion, answers[i] if i in answers else _checked(each))
            for i, each in enumerate(asked)
        ]

    @cached_property
    def _correct(self) -> Correct:
        return Correct(profile=self.profile)


def _checked(asked: Asked) -> Verdict:
    """What the constraint that the rule names says of the reply."""
    lost = asked.response.unscored()
    if lost is not None:
        return lost
    rule, problem = asked.criterion.rule, asked.problem
    if not rule:
        return Verdict(None, "the criterion has no rule")
    if rule not in problem.constraint_keys:
        return Verdict(None, f"no constraint of the problem is called {rule!r}")
    constraint = problem.constraints[problem.constraint_keys.index(rule)]
    return constraint.check(asked.response.reply)
