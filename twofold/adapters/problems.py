"""How does a problem travel through a trainer's data set? As one text: our own row, in JSON."""

import json
from functools import lru_cache

from twofold.errors import ProblemError, ScoringError
from twofold.extension import ExtensionError, nothing_imported
from twofold.problems.io import OwnRow, rows_of
from twofold.problems.row import Origin, problem_of
from twofold.storage.jsonl import dumps
from twofold.types import Problem

# Problems that are kept built, for the many replies to each.
_KEPT = 4096
_REMEDY = "write the data set with `twofold convert`, which puts the problem there"


def problem_text(problem: Problem) -> str:
    r"""The problem as JSON on one line, for a column of a trainer's data set.

    The trainer hands the column to the reward, so no table of problems has to be there as well.

    Args:
        problem: Any problem. Its checklist, solution and tags travel too; the profile does not, since a
            reward judges under `fixed`.

    Raises:
        ProblemError: If a constraint has the name of another class.

    Example:
        >>> problem_text(Problem(question="What is 3 + 4?", answer="7"))
        '{"question":"What is 3 + 4?","answer":"7"}'
    """
    (row,) = rows_of([problem])
    return dumps(row)


@lru_cache(maxsize=_KEPT)
def problem_in(text: str) -> Problem:
    """The problem that `problem_text` wrote; the last 4096 texts are kept built.

    Data do not import code: a constraint from outside the package must have been registered.

    Raises:
        ScoringError: If it is no problem of ours; says why and what to do.

    Example:
        >>> problem_in('{"question":"What is 3 + 4?","answer":"7"}').answer
        '7'
    """
    try:
        row = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise ScoringError(f"{text!r:.60} is no problem in JSON; {_REMEDY}") from error
    return problem_of_row(row)


def problem_of_row(row: object) -> Problem:
    """The problem of a row in our own form, as JSON values; raises as `problem_in`."""
    if not isinstance(row, dict):
        raise ScoringError(f"{row!r:.60} is no problem, which is an object; {_REMEDY}")
    origin = Origin(where="the problem", file="", number=0)
    try:
        with nothing_imported():
            return problem_of(OwnRow, row, profile="fixed", origin=origin)
    except (ProblemError, ExtensionError) as error:
        raise ScoringError(f"{error}; {_REMEDY}") from error
