"""How are judges combined, and how is their noise kept out of a reward?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, final

from twofold.judges.judge import Asked, Judge
from twofold.types import Verdict


@final
@dataclass(frozen=True)
class Blend(Judge):
    """A judge, and a program beside it where there is one.

    Without a verdict of the program (there is none, it failed, it was refused) the judge's counts.
    Where both give one, `"average"` takes the mean; `"override"` takes the program's and does not
    ask the judge. Where only the program gives one, `"average"` is unscored, since its scale would
    differ from that of the other criteria.

    Args:
        judge: The judge of every criterion, usually a model.
        program_judge: The judge that decides some of them exactly.
        how: `"average"` or `"override"`.

    Source:
        RLCF (arXiv 2507.18624), section 3, averages half and half. Departs: there a program that
        crashes counts as passed; here it is unscored.
    """

    judge: Judge
    program_judge: Judge
    how: Literal["average", "override"] = "average"

    def __post_init__(self) -> None:
        if self.how not in ("average", "override"):
            raise ValueError(f"how is {self.how!r}; use 'average' or 'override'")

    @property
    def name(self) -> str:
        """`average(judge,program)` or `override(judge,program)` with the members' names."""
        return f"{self.how}({self.judge.name},{self.program_judge.name})"

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        """Ask the program, then the judge; the parts carry both verdicts."""
        by_program = self.program_judge(asked)
        wanted = [i for i, v in enumerate(by_program) if self.how == "average" or v.score is None]
        by_judge = dict(zip(wanted, self.judge([asked[i] for i in wanted]), strict=True))
        return [_blended(program, by_judge.get(i)) for i, program in enumerate(by_program)]


def _blended(program: Verdict, judge: Verdict | None) -> Verdict:
    """One verdict of two; `judge` is None where the program overrides it."""
    if judge is None:
        return Verdict(program.score, f"program: {program.reason}", {"program": program})
    parts = {"judge": judge, "program": program}
    if program.score is None or judge.score is None:
        return Verdict(judge.score, judge.reason, parts)
    reason = f"judge {judge.score:.2f}, program {program.score:.2f}: {program.reason}"
    return Verdict((judge.score + program.score) / 2, reason, parts)


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
