"""Can a set of problems be trusted? Faults found without a model: `twofold check`.

Every rule is a pure function from problems to `Fault`s; `lint` runs them all. The names of the
rules are stable:

- `gold_fails` (error), `gold_unscored` (warning): the answer does not pass its own scorer.
- `blank_gold` (error), `ambiguous_gold` (warning): the answer is blank; is an equation or several
  values.
- `gold_breaks` (error): the answer as it is written breaks a constraint.
- `repeat_breaks`, `keyword_breaks`, `ending_breaks` (error): one constraint forces a text that
  breaks another (a warning where a loophole of the checker is left).
- `no_text_obeys_both` (error): two constraints exclude each other.
- `same_constraint` (warning): one constraint twice.
- `box_in_capitals`, `two_answer_marks`, `less_than_one`, `number_not_said` (warning): the prompt
  says two things, or another than the checkers.
- `same_problem` (error), `same_question`, `same_published_id` (warning): there twice.
- `overlap_same`, `overlap_near` (warning): the question is in the other file too.
"""

from __future__ import annotations

from collections.abc import Sequence

from twofold.problems.lint.clashes import clashes
from twofold.problems.lint.fault import Fault, Severity, summary
from twofold.problems.lint.golds import scored, spelled
from twofold.problems.lint.overlap import duplicates, overlap
from twofold.problems.lint.wordings import wordings
from twofold.types import Problem, Scorer

__all__ = ["Fault", "Severity", "lint", "summary"]


def lint(
    problems: Sequence[Problem], *, correct: Scorer | None = None, train_set: Sequence[Problem] = ()
) -> list[Fault]:
    """All faults of a set of problems.

    Args:
        problems: The set; its constraints are asked under the profile they were read with.
        correct: The scorer of the answers; None leaves the two rules that need it out. It is an
            argument because problems know nothing of scorers.
        train_set: Another set (what was trained on) to find overlap with.

    Returns:
        Faults, problem by problem, then those that concern two problems.

    Raises:
        ScoringError: If `correct` cannot work at all.

    Example:
        >>> from twofold.constraints import from_spec
        >>> comma = from_spec("punctuation:no_comma", None, profile="fixed")
        >>> pair = Problem(question="Which point?", answer="(1, 2)", constraints=(comma,))
        >>> [fault.rule for fault in lint([pair])]
        ['gold_breaks']
    """
    faults = [
        fault
        for problem in problems
        for rule in (spelled, clashes, wordings)
        for fault in rule(problem)
    ]
    if correct is not None:
        faults.extend(scored(problems, correct))
    return [*faults, *duplicates(problems), *overlap(problems, train_set)]
