"""Does the model read its instruction, or does it do so anyway? A problem beside its twin tells.

The twin asks the same with one rule turned into its opposite. A reply that meets the rule breaks the
opposite, so what a model does in both alike earns as much with the rule as without it: one reply's
two scores add up to the same whether it meets the rule or not. Only what differs between the two,
because the instruction was read, is worth something.

The twin is told the opposite and not asked without the rule: a reward for breaking a rule that was
not stated would teach odd replies to plain questions, and the opposite is an instruction like others.
"""

from collections.abc import Iterable
from dataclasses import replace

from twofold.constraints.opposite import opposite
from twofold.problems.drawn import go_together
from twofold.randomness import rng_for
from twofold.types import Problem

# The tag of a twin: the id of the problem that it is the twin of.
TWIN_OF = "twin_of"


def twin(problem: Problem) -> Problem | None:
    """The problem with one of its rules, drawn by its id, turned into the opposite; the others stay.

    One at a time: then a habit gains nothing under any reward that counts a rule as met or broken, all
    or nothing rewards included. A rule whose opposite contradicts another rule is not turned. None
    where there is no rule that can be turned, where the question states the rules itself, and where a
    checklist judges the reply, which may ask for the rule.

    Example:
        >>> from twofold.constraints import from_spec
        >>> rule = from_spec("punctuation:no_comma", None, profile="fixed")
        >>> twin(Problem(question="7 + 5 = ?", ask=" ", constraints=(rule,))).messages()[0]["content"]
        '7 + 5 = ? Use at least one comma.'
    """
    if problem.question_states_constraints or problem.checklist is not None:
        return None
    said = problem.wordings or ("",) * len(problem.constraints)
    found = [opposite(c, words) for c, words in zip(problem.constraints, said, strict=True)]
    turned = [
        (i, (*problem.constraints[:i], each, *problem.constraints[i + 1 :]))
        for i, each in enumerate(found)
        if each is not None
    ]
    turned = [(i, rules) for i, rules in turned if go_together(rules)]
    if not turned:
        return None
    at, rules = turned[int(rng_for("contrast", problem.id).integers(len(turned)))]
    words = [c.instruction() if i == at or not said[i] else said[i] for i, c in enumerate(rules)]
    tags = {**problem.tags, TWIN_OF: problem.id}
    return replace(problem, constraints=rules, wordings=tuple(words), tags=tags)


def with_twins(problems: Iterable[Problem]) -> list[Problem]:
    """The problems, each followed by its twin if it has one."""
    return [each for problem in problems for each in (problem, twin(problem)) if each is not None]
