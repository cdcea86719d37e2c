"""What does a rule say that is known to be right? The judge of criteria that come from rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.judges.judge import Asked, Judge
from twofold.judges.parse_verdict import judged, polarised
from twofold.scorers import Correct
from twofold.types import Profile, Verdict
from twofold.types.checklist import ANSWER


@final
@dataclass(frozen=True)
class ExactJudge(Judge):
    """Decides each criterion by its `rule`: a constraint's check, or whether the answer is right.

    The ground truth in experiments, and what every other judge is compared with. A criterion
    without a rule is unscored.

    Args:
        profile: How answers are graded, as in `Correct`. A constraint is checked under its own
            profile.

    Example:
        >>> from twofold.types.checklist import Criterion
        >>> from twofold.types import Problem, Response
        >>> problem, reply = Problem(question="7 + 5?", answer="12"), Response(raw="12", reply="12")
        >>> right = Criterion(text="Is the final answer right?", rule=ANSWER)
        >>> ExactJudge()([Asked(problem=problem, response=reply, criterion=right)])[0].reason
        '12 = 12 (concluded)'
    """

    name: ClassVar[str] = "exact"

    profile: Profile = "fixed"

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        """Decide each question; all that ask for the answer go to `Correct` together."""
        found = judged(asked, _checked, self._graded)
        return [polarised(each.criterion, v) for each, v in zip(asked, found, strict=True)]

    def _graded(self, asked: list[Asked]) -> list[Verdict]:
        problems, responses = [each.problem for each in asked], [each.response for each in asked]
        return Correct(profile=self.profile)(problems, responses)


def _checked(asked: Asked) -> Verdict | None:
    """The verdict of the constraint that the rule names; None if it asks for the answer."""
    rule, problem = asked.criterion.rule, asked.problem
    if rule == ANSWER:
        return None
    if lost := asked.response.unscored():
        return lost
    if not rule:
        return Verdict(None, "the criterion has no rule")
    if rule not in problem.constraint_keys:
        return Verdict(None, f"no constraint of the problem is called {rule!r}")
    constraint = problem.constraints[problem.constraint_keys.index(rule)]
    return constraint.check(asked.response.reply)
