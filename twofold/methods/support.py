"""Can the base solve the problems at all? Without any rewarded sample nothing is learned."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from twofold.methods.method import TrainingError
from twofold.methods.trl.reward import judged
from twofold.types import Problem, Response, Scorer, Verdict


@final
@dataclass(frozen=True, kw_only=True)
class Support:
    """What the base earns on some problems, of which `n_problems` have a scored reply.

    `n_solved` of them have a correct reply (pass@k for k = `n_samples`; a score above 0 if the reward
    does not measure correctness), and `n_mixed` have replies that differ, which gives a gradient.
    `unrewarded` are the ids of the problems whose replies were all scored and all earned 0.
    """

    n_problems: int
    n_solved: int
    n_mixed: int
    n_samples: int
    unrewarded: tuple[str, ...] = ()

    def __str__(self) -> str:
        return (
            f"pass@{self.n_samples} of the base is {self.n_solved}/{self.n_problems}, and "
            f"{self.n_mixed} of its groups have replies that differ in score"
        )


def support(
    problems: Sequence[Problem], responses_P_G: Sequence[Sequence[Response]], *, by: Scorer
) -> Support:
    """Count what the replies earn; there are equally many for each problem."""
    n_problems = n_solved = n_mixed = 0
    unrewarded: list[str] = []
    for problem, responses in zip(problems, responses_P_G, strict=True):
        found = judged(by, [problem] * len(responses), responses)
        if found and all(verdict.score == 0.0 for verdict in found):  # an unscored one may be good
            unrewarded.append(problem.id)
        verdicts = [verdict for verdict in found if verdict.is_scored]
        n_problems += bool(verdicts)
        n_solved += any(map(_solves, verdicts))
        n_mixed += len({verdict.score for verdict in verdicts}) > 1
    n_samples = max((len(row) for row in responses_P_G), default=0)
    return Support(
        n_problems=n_problems,
        n_solved=n_solved,
        n_mixed=n_mixed,
        n_samples=n_samples,
        unrewarded=tuple(unrewarded),
    )


def _solves(verdict: Verdict) -> bool:
    """Whether the reply is correct or, if that is not measured, scores above 0."""
    score = verdict.parts.get("correct", verdict).score
    return score is not None and score > 0


def require(found: Support, *, reward: str) -> None:
    """Raise a `TrainingError` if no reply is scored, none solves its problem, or no group differs."""
    if found.n_problems == 0:
        raise TrainingError(
            f"no reply of the base could be scored by {reward}: the problems lack what it measures "
            "(an answer, constraints), or the token budget cuts off every thought; choose other "
            "problems, another reward or a larger budget"
        )
    if found.n_solved == 0 or found.n_mixed == 0:
        raise TrainingError(
            f"{found}: under {reward} there is nothing to reinforce. Take easier problems or a "
            "stronger base, teach the skill by `sft` first, or draw more replies; to train "
            "anyway, set precheck_problems to 0"
        )
