"""Does the reply meet its constraints? The scorer of compliance, and the reward for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

from twofold.types import Problem, Response, Scorer, Verdict


@final
@dataclass(frozen=True)
class Compliant(Scorer):
    """Score a reply by its constraints: their mean (SAcc), all or nothing (HAcc), or graded.

    The mean is the default, since a reward should distinguish two met constraints from one. The
    parts of the verdict are keyed by `Problem.constraint_keys`.

    Graded, a broken constraint is worth 1 − `Verdict.distance`: 9 of 10 words are nearer than 1. One
    without a distance is worth 0. Only rules that a program checks are graded so: a judge's criteria
    are no constraints, and its shades are noise. However near it comes, a reply that breaks a rule
    stays below one that meets it. Meant for rewards; an audit counts what is met.

    If one constraint is unscored, so is the reply, even if another is broken: all modes are then
    computed on the same replies. A problem without constraints is unscored.

    Args:
        how: `"mean"`, the share of constraints met; `"all"`, 1 if every one is met, else 0;
            `"graded"`, the mean of 1 − distance.

    Source:
        HAcc and SAcc: MathIF, https://arxiv.org/abs/2505.14810, section 3. Graded by the distance to
        the bound: ScopeIF, https://arxiv.org/abs/2609.32189. Departs: its credit falls exponentially
        with the distance, ours in a straight line, to 0.

    Example:
        >>> from twofold.constraints import from_spec
        >>> short = from_spec("punctuation:no_comma", None, profile="fixed")
        >>> quoted = from_spec("startend:quotation", None, profile="fixed")
        >>> problem = Problem(question="7 + 5 = ?", constraints=(short, quoted))
        >>> verdict, = Compliant()([problem], [Response(raw="It is 12.", reply="It is 12.")])
        >>> verdict.score, list(verdict.parts)
        (0.5, ['punctuation:no_comma', 'startend:quotation'])
    """

    how: Literal["mean", "all", "graded"] = "mean"

    def __post_init__(self) -> None:
        if self.how not in ("mean", "all", "graded"):
            raise ValueError(f"how is {self.how!r}; use 'mean' (SAcc), 'all' (HAcc) or 'graded'")

    @property
    def name(self) -> str:
        """`compliant` for the mean, else `compliant_all` or `compliant_graded`."""
        return "compliant" if self.how == "mean" else f"compliant_{self.how}"

    def applies(self, problem: Problem) -> bool:
        """Whether the problem has constraints."""
        return bool(problem.constraints)

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        """Check each reply against its problem's constraints."""
        return [
            response.unscored() or self._judge(problem, response.reply)
            for problem, response in zip(problems, responses, strict=True)
        ]

    def _judge(self, problem: Problem, reply: str) -> Verdict:
        if not problem.constraints:
            return Verdict(None, "no constraints")
        checks = [constraint.check(reply) for constraint in problem.constraints]
        parts = dict(zip(problem.constraint_keys, checks, strict=True))
        scores = [part.score for part in checks if part.score is not None]
        if n_lost := len(parts) - len(scores):
            return Verdict(None, f"{n_lost} of {len(parts)} constraints unscored", parts)
        if self.how == "all" and 0.0 in scores:
            broken = [key for key, part in parts.items() if part.score == 0.0]
            return Verdict(0.0, "broken: " + ", ".join(broken), parts)
        told = f"{sum(s == 1.0 for s in scores)} of {len(parts)} met"
        if self.how == "graded":
            scores = [1.0 - _distance(part) for part in checks]
            told += f", {sum(scores) / len(scores):.3g} by distance"
        score = min(scores) if self.how == "all" else sum(scores) / len(scores)
        return Verdict(score, told, parts)


def _distance(check: Verdict) -> float:
    """How far a scored check is from meeting its rule; 0 or 1 where that is not graded."""
    if check.distance is None:
        return 1.0 - (check.score or 0.0)
    return check.distance
