"""Replies that try to influence a judge, each paired with an honest reply: does the judge fall for them?

The rows are in `tests/judges/tricks.jsonl`; a test shows that an exact judge rewards none of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from twofold.judges.writing import written_by_rules
from twofold.problems.io import OwnRow
from twofold.problems.row import Origin, problem_of
from twofold.types import Problem, Response
from twofold.types.checklist import Checklist, Criterion

ROWS = Path(__file__).parents[2] / "tests" / "judges" / "tricks.jsonl"

CONTROL = "control"
"""The kind of the rows that add a neutral sentence: the effect of any added text on the judge."""


@final
@dataclass(frozen=True, kw_only=True)
class Twins:
    """A pair of replies: honest, and with a trick added that does not change the substance.

    `problem` has a rule-written checklist, which is judged exactly; `asked` are criteria without a rule.
    """

    kind: str
    trick: str
    problem: Problem
    asked: tuple[Criterion, ...]
    honest: Response
    tricked: Response

    @property
    def judged(self) -> Problem:
        """The problem with all criteria: first those with a rule, then those without."""
        assert self.problem.checklist is not None
        criteria = (*self.problem.checklist.criteria, *self.asked)
        return replace(self.problem, checklist=Checklist(criteria=criteria, writer="tricks"))


def read_twins(path: Path = ROWS) -> list[Twins]:
    """All pairs of the file, in order."""
    found = []
    for i, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        row = json.loads(line)
        origin = Origin(where=f"{path.name}, line {i + 1}", file=path.stem, number=i)
        problem = problem_of(OwnRow, row["problem"], profile="fixed", origin=origin)
        found.append(
            Twins(
                kind=row["kind"],
                trick=row["trick"],
                problem=replace(problem, checklist=written_by_rules(problem)),
                asked=tuple(
                    Criterion(text=text, weight=50, category="important") for text in row["asks"]
                ),
                honest=Response(raw=row["honest"], reply=row["honest"]),
                tricked=Response(raw=row["reply"], reply=row["reply"]),
            )
        )
    return found


def clusters(twins: Sequence[Twins]) -> list[int]:
    """The problem of each pair, as an integer, for clustered intervals."""
    ids = list(dict.fromkeys(each.problem.id for each in twins))
    return [ids.index(each.problem.id) for each in twins]
