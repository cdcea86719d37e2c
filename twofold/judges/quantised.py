"""How is a judge's noise kept out of a reward? Its verdicts are rounded to a few levels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

from twofold.judges.judge import Asked, Judge
from twofold.types import Verdict


@final
@dataclass(frozen=True)
class Quantised(Judge):
    """Rounds another judge's verdicts to evenly spaced levels.

    Training uses differences within a group, scaled to the same size: without rounding, 0.70
    against 0.72 has the same effect as 0 against 1. Two levels make a majority vote of many
    samples.

    Args:
        judge: Whose verdicts are rounded.
        levels: Number of scores from 0 to 1, at least 2 (3: 0, 0.5, 1). Midpoints are rounded up.
    """

    judge: Judge
    levels: int = 3

    def __post_init__(self) -> None:
        if self.levels < 2:
            raise ValueError(f"levels is {self.levels}; give at least 2 (0 and 1)")

    @property
    def name(self) -> str:
        """`quantised(...)` with the inner judge's name."""
        return f"quantised({self.judge.name})"

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        """Judge by the inner judge, then round; what is unscored stays unscored."""
        steps = self.levels - 1
        return [
            verdict
            if verdict.score is None
            else replace(verdict, score=math.floor(verdict.score * steps + 0.5) / steps)
            for verdict in self.judge(asked)
        ]
