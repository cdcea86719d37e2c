"""Is the reference answer usable: present, unambiguous, and right by its own scorer?"""

import re
from collections.abc import Iterator, Sequence

from twofold.problems.lint.fault import Fault
from twofold.types import Problem, Response, Scorer

_SEVERAL = re.compile(r"\bor\b|\\pm|\\mp|±")
_EQUATION = re.compile(r"(?<![<>!\\])=")


def spelled(problem: Problem) -> Iterator[Fault]:
    r"""Answers that are blank (error) or ambiguous (warning).

    Graders disagree on `k=3` or `1 \pm \sqrt{19}`: must the reply have `k=`, must it have both roots?
    """
    gold = problem.answer
    if gold is None:
        return
    if not gold.strip(" $"):
        detail = "the answer is blank; give one or leave it out"
        yield Fault.of(problem, "blank_gold", detail, "error")
    elif _SEVERAL.search(gold) or _EQUATION.search(gold):
        detail = f"{gold!r} is an equation or several values; a grader may accept a part of it"
        yield Fault.of(problem, "ambiguous_gold", detail, "warning")


def scored(problems: Sequence[Problem], correct: Scorer) -> Iterator[Fault]:
    r"""Answers that `correct` does not accept when the reply is `\boxed{answer}`; blank ones are skipped."""
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
