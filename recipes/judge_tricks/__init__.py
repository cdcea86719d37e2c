"""Replies that try to talk a judge round, each beside its honest twin: how much does a judge fall for them?

The rows are in `tests/judges/tricks.jsonl`; there an exact judge is shown to pay nothing for any of them.
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
"""The kind of the rows that add a neutral sentence: what any added text does to a judge."""


@final
@dataclass(frozen=True, kw_only=True)
class Twins:
    """One reply twice: honest, and with a trick added that changes nothing of its substance.

    Args:
        kind: The kind of trick, or `CONTROL`.
        trick: What was added, in a few words.
        problem: With the checklist that its rules write: everything in it is decided exactly.
        asked: Criteria that no rule decides, for a model judge.
        honest: The reply.
        tricked: The same with the trick.
    """

    kind: str
    trick: str
    problem: Problem
    asked: tuple[Criterion, ...]
    honest: Response
    tricked: Response

    @property
    def judged(self) -> Problem:
        """The problem with all its criteria: those of its rules first, then those without one."""
        assert self.problem.checklist is not None
        criteria = (*self.problem.checklist.criteria, *self.asked)
        return replace(self.problem, checklist=Checklist(criteria=criteria, writer="tricks"))


def read_twins(path: Path = ROWS) -> list[Twins]:
    """All twins of the file, in its order."""
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
    """The problem of each pair, as integers."""
    ids = list(dict.fromkeys(each.problem.id for each in twins))
    return [ids.index(each.problem.id) for each in twins]
