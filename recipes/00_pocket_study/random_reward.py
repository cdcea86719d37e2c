"""What improves without being rewarded? A random reward, the control of reward training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from twofold.types import Problem, Response, Scorer, Verdict


@final
@dataclass(frozen=True)
class RandomReward(Scorer):
    """0 or 1 at random: what improves under it improves without being rewarded.

    The same reply to the same problem always gets the same score, so that a run can be resumed.

    Args:
        seed: Seed of the draw.

    Source:
        "Spurious Rewards", arXiv 2506.10947: random rewards raised some models' accuracy by 20
        points.

    Example:
        >>> problem = Problem(question="7 + 5 = ?")
        >>> replies = [Response(raw=str(n), reply=str(n)) for n in range(1000)]
        >>> 450 < sum(v.score for v in RandomReward()([problem] * 1000, replies)) < 550
        True
    """

    seed: int = 0

    @property
    def name(self) -> str:
        """`random`."""
        return "random"

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        """Draw a score for each reply; failed and unfinished replies are unscored, as everywhere."""
        return [
            response.unscored() or self._drawn(problem, response)
            for problem, response in zip(problems, responses, strict=True)
        ]

    def _drawn(self, problem: Problem, response: Response) -> Verdict:
        text = f"{self.seed} {problem.id} {response.raw}".encode("utf-8", "surrogatepass")
        drawn = hashlib.sha256(text).digest()[0] & 1
        return Verdict(float(drawn), "drawn at random")
