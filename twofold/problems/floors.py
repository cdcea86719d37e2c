"""What do trivial replies score? The baselines beside every score."""

from collections import Counter
from collections.abc import Iterator, Sequence

from twofold.types import Problem

# The names of the floors; each is a role in rows and records.
FLOORS = ("bare_answer", "constant_reply")

# The constant answer if no problem has a reference answer.
NO_REFERENCE = "5"


def floor_replies(problems: Sequence[Problem]) -> Iterator[tuple[str, Problem, str]]:
    r"""Every floor's reply to every problem: (floor, problem, reply).

    - `constant_reply`: the most frequent reference answer in a box, for all problems: what a guess of
      the right kind scores.
    - `bare_answer`: the problem's own reference answer in a box and nothing else, which is right but
      ignores every constraint. Problems without a reference answer have none.

    Source: the floors are ours; on MathIF a boxed answer alone meets 31 % of the constraints.

    Example:
        >>> asked = Problem(question="2 + 2?", answer="4"), Problem(question="A poem.")
        >>> [(floor, reply) for floor, _, reply in floor_replies(asked)]
        [('constant_reply', '\\boxed{4}'), ('bare_answer', '\\boxed{4}'), ('constant_reply', '\\boxed{4}')]
    """
    answers = Counter(problem.answer for problem in problems if problem.answer is not None)
    usual = min(answers, key=lambda answer: (-answers[answer], answer), default=NO_REFERENCE)
    for problem in problems:
        yield "constant_reply", problem, f"\\boxed{{{usual}}}"
        if problem.answer is not None:
            yield "bare_answer", problem, f"\\boxed{{{problem.answer}}}"
