"""Two judges of one thing, one of them a program: who is believed?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

from twofold.judges.judge import Asked, Judge
from twofold.types import Verdict


@final
@dataclass(frozen=True)
class Blend(Judge):
    """A judge, and a program beside it where there is one.

    Where the program says nothing (there is none, it failed, it was refused) the judge stands alone.
    Where both speak, `"average"` takes the mean and `"override"` the program, and the judge is not even
    asked. Where only the program speaks, an average would rest on another scale than its neighbours,
    so it is unscored; an override is the program's.

    Args:
        judge: The judge of every criterion, usually a model.
        program_judge: The judge that knows some of them exactly.
        how: What is done where both speak.

    Raises:
        ValueError: If `how` is unknown.

    Source:
        RLCF (arXiv 2507.18624), section 3, averages half and half. Departs: there a program that
        crashes counts as passed (and a swallowed error keeps programs out altogether); here it is
        unscored.

    Example:
        >>> from twofold.judges.exact import ExactJudge
        >>> Blend(ExactJudge(), ExactJudge()).name
        'average(exact,exact)'
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
        """Ask the program, then the judge; the parts carry what each one said."""
        programs = self.program_judge(asked)
        wanted = [
            i
            for i, verdict in enumerate(programs)
            if self.how == "average" or verdict.score is None
        ]
        found = dict(zip(wanted, self.judge([asked[i] for i in wanted]), strict=True))
        return [_blended(program, found.get(i)) for i, program in enumerate(programs)]


def _blended(program: Verdict, judge: Verdict | None) -> Verdict:
    """One verdict of two; `judge` is None where the program overrides it."""
    if judge is None:
        return Verdict(program.score, f"program: {program.reason}", {"program": program})
    parts = {"judge": judge, "program": program}
    if program.score is None or judge.score is None:
        return Verdict(judge.score, judge.reason, parts)
    score = (judge.score + program.score) / 2
    return Verdict(
        score, f"judge {judge.score:.2f}, program {program.score:.2f}: {program.reason}", parts
    )
