"""Does the reply meet its constraints? The scorer of compliance, and the reward for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

from twofold.types import Problem, Response, Scorer, Verdict


@final
@dataclass(frozen=True)
class Compliant(Scorer):
    """Score a reply by the problem's constraints: their mean (SAcc) or all or nothing (HAcc).

    The mean is the default, since a reward should distinguish two met constraints from one. The
    parts of the verdict are keyed by `Problem.constraint_keys`.

    If one constraint is unscored, so is the reply, even if another is broken: both modes are then
    computed on the same replies. A problem without constraints is unscored.

    Args:
        how: `"mean"`, the share of constraints met; `"all"`, 1 if every one is met, else 0.

    Source:
        HAcc and SAcc: MathIF, https://arxiv.org/abs/2505.14810, section 3.

    Example:
        >>> from twofold.constraints import from_spec
        >>> short = from_spec("punctuation:no_comma", None, profile="fixed")
        >>> quoted = from_spec("startend:quotation", None, profile="fixed")
        >>> problem = Problem(question="7 + 5 = ?", constraints=(short, quoted))
        >>> verdict, = Compliant()([problem], [Response(raw="It is 12.", reply="It is 12.")])
        >>> verdict.score, list(verdict.parts)
        (0.5, ['punctuation:no_comma', 'startend:quotation'])
    """

    how: Literal["mean", "all"] = "mean"

    def __post_init__(self) -> None:
        if self.how not in ("mean", "all"):
            raise ValueError(f"how is {self.how!r}; use 'mean' (SAcc) or 'all' (HAcc)")

    @property
    def name(self) -> str:
        """`compliant` for the mean, `compliant_all` for all or nothing."""
        return "compliant" if self.how == "mean" else "compliant_all"

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
        score = min(scores) if self.how == "all" else sum(scores) / len(scores)
        return Verdict(score, f"{sum(s == 1.0 for s in scores)} of {len(parts)} met", parts)
