"""Is the reference answer usable: there, clear, and right by its own scorer?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from twofold.problems.lint.fault import Fault
from twofold.types import Problem, Response, Scorer

_SEVERAL = re.compile(r"\bor\b|\\pm|\\mp|±")
_EQUATION = re.compile(r"(?<![<>!\\])=")


def spelled(problem: Problem) -> Iterator[Fault]:
    r"""Answers that are blank (error), or can be read in more than one way (warning).

    A gold such as `k=3` or `1 \pm \sqrt{19}` is what graders disagree on: must the reply say `k=`,
    must it give both roots?
    """
    if problem.answer is None:
        return
    if not problem.answer.strip(" $"):
        yield Fault.of(
            problem, "blank_gold", "the answer is blank; give one or leave it out", "error"
        )
    elif _SEVERAL.search(problem.answer) or _EQUATION.search(problem.answer):
        detail = (
            f"{problem.answer!r} is an equation or several values; a grader may take a part of it"
        )
        yield Fault.of(problem, "ambiguous_gold", detail, "warning")


def scored(problems: Sequence[Problem], correct: Scorer) -> Iterator[Fault]:
    r"""Answers that their own scorer does not take, when the reply is `\boxed{answer}`.

    Args:
        problems: Those without an answer, or with a blank one, are passed over.
        correct: The scorer that will judge the replies.

    Raises:
        ScoringError: If the scorer cannot work at all.
    """
    asked = [p for p in problems if p.answer is not None and p.answer.strip()]
    replies = [f"\\boxed{{{p.answer}}}" for p in asked]
    responses = [Response(raw=reply, reply=reply) for reply in replies]
    for problem, reply, verdict in zip(asked, replies, correct(asked, responses), strict=True):
        if verdict.score is None:
            detail = f"{reply!r} is unscored: {verdict.reason}"
            yield Fault.of(problem, "gold_unscored", detail, "warning")
        elif verdict.score < 1:
            detail = f"{reply!r} scores {verdict.score:g}: {verdict.reason}"
            yield Fault.of(problem, "gold_fails", detail, "error")
