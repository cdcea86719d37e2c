"""Can a set of problems be trusted? Faults found without a model: `twofold check`.

Every rule is a pure function from problems to `Fault`s; `lint` runs them all. Stable names of rules:

- `gold_fails` (error), `gold_unscored` (warning): the answer does not pass its own scorer.
- `blank_gold` (error), `ambiguous_gold` (warning): the answer is blank; is an equation or several
  values.
- `gold_breaks` (error): the answer itself breaks a constraint.
- `repeat_breaks`, `keyword_breaks`, `ending_breaks`, `mark_breaks` (error): one constraint forces a
  text that breaks another (warning: a loophole of the checker remains).
- `copy_breaks` (error): one constraint leaves a single reply, which breaks another.
- `no_text_obeys_both` (error), `same_constraint` (warning): two constraints exclude or repeat each
  other.
- `box_in_capitals`, `two_answer_marks`, `less_than_one`, `number_not_said` (warning): the prompt
  contradicts itself or the checkers.
- `no_space` (warning): `ask` runs into the question or the rules.
- `nothing_to_score` (warning): neither an answer nor a constraint nor a checklist.
- `witness_fails` (error): a constraint of your own judges one of its own two texts wrong.
- `same_problem` (error), `same_question`, `same_published_id` (warning): duplicates.
- `rule_cannot_be_met` (warning): a published rule fails every obedient reply.
- `overlap_same`, `overlap_near` (warning): the question is also in the other file.
"""

from collections.abc import Sequence

from twofold.problems.lint.clashes import clashes
from twofold.problems.lint.fault import Fault, Severity, summary
from twofold.problems.lint.golds import scored, spelled
from twofold.problems.lint.overlap import duplicates, overlap
from twofold.problems.lint.prompts import prompts
from twofold.problems.lint.published import published
from twofold.problems.lint.witnesses import witnesses
from twofold.problems.lint.wordings import wordings
from twofold.types import Problem, Scorer


def lint(
    problems: Sequence[Problem], *, correct: Scorer | None = None, train_set: Sequence[Problem] = ()
) -> list[Fault]:
    """All faults of a set of problems.

    Args:
        problems: The set; its constraints are checked under the profile they were read with.
        correct: The scorer of the answers, an argument because problems know no scorers; None skips the
            two rules that need it.
        train_set: Another set (the training data) to find overlap with.

    Raises:
        ScoringError: If `correct` cannot work at all.

    Example:
        >>> from twofold.constraints import from_spec
        >>> comma = from_spec("punctuation:no_comma", None, profile="fixed")
        >>> pair = Problem(question="Which point?", answer="(1, 2)", ask=" ", constraints=(comma,))
        >>> [fault.rule for fault in lint([pair])]
        ['gold_breaks']
    """
    rules = (spelled, clashes, wordings, published, prompts)
    faults = [fault for problem in problems for rule in rules for fault in rule(problem)]
    faults += witnesses(problems)
    golds = [] if correct is None else scored(problems, correct)
    return [*faults, *golds, *duplicates(problems), *overlap(problems, train_set)]
