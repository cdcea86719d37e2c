"""Can the base do it at all? Reward teaches nothing where no sample ever earns any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from twofold.methods.method import TrainingError
from twofold.methods.trl.reward import judged
from twofold.types import Problem, Response, Scorer, Verdict


@final
@dataclass(frozen=True, kw_only=True)
class Support:
    """What a base's samples earn on a probe of the problems.

    Args:
        n_problems: Problems with at least one scored reply.
        n_solved: Of those, problems with a right reply (pass@k, k the replies drawn); where the reward
            does not measure that, with a reply that earns anything.
        n_mixed: Of those, problems whose scored replies differ: only there is a slope.
        n_samples: Replies drawn a problem.
    """

    n_problems: int
    n_solved: int
    n_mixed: int
    n_samples: int

    def __str__(self) -> str:
        return (
            f"pass@{self.n_samples} of the base is {self.n_solved}/{self.n_problems}, and "
            f"{self.n_mixed} of its groups have replies that differ in score"
        )


def support(
    problems: Sequence[Problem], responses_P_G: Sequence[Sequence[Response]], *, by: Scorer
) -> Support:
    """Count what the replies to a probe earn.

    Args:
        problems: The probe.
        responses_P_G: Equally many replies to each, drawn as in training.
        by: The reward.

    Example:
        >>> from twofold.scorers import Correct
        >>> problem = Problem(question="7 + 5 = ?", answer="12")
        >>> replies = [Response(raw=text, reply=text) for text in ("#### 12", "#### 13")]
        >>> print(support([problem], [replies], by=Correct()))
        pass@2 of the base is 1/1, and 1 of its groups have replies that differ in score
    """
    n_problems = n_solved = n_mixed = 0
    for problem, responses in zip(problems, responses_P_G, strict=True):
        verdicts = [v for v in judged(by, [problem] * len(responses), responses) if v.is_scored]
        n_problems += bool(verdicts)
        n_solved += any(map(_solves, verdicts))
        n_mixed += len({verdict.score for verdict in verdicts}) > 1
    n_samples = max((len(row) for row in responses_P_G), default=0)
    return Support(n_problems=n_problems, n_solved=n_solved, n_mixed=n_mixed, n_samples=n_samples)


def _solves(verdict: Verdict) -> bool:
    """Right, where the reward measures that; else worth anything at all."""
    told = verdict.parts.get("correct")
    score = told.score if told is not None else verdict.score
    return score is not None and score > 0


def require(found: Support, *, reward: str) -> None:
    """Stop before reward training that cannot learn.

    Args:
        found: What the base's samples earn.
        reward: The scorer's name, for the message.

    Raises:
        TrainingError: If no reply was scored, none solved its problem, or no group differs.
    """
    if found.n_problems == 0:
        raise TrainingError(
            f"no reply of the base could be scored by {reward}: the problems lack what it measures "
            "(an answer, constraints), or the token budget ends inside every thought; choose other "
            "problems, another reward or a larger budget"
        )
    if found.n_solved == 0 or found.n_mixed == 0:
        raise TrainingError(
            f"{found}: under {reward} there is nothing to reinforce. Take easier problems or a "
            "stronger base, teach the skill by `sft` first, or draw more replies; to train all the "
            "same, set precheck_problems to 0"
        )
