"""What does fine-tuning on instructions teach: their meaning, or what outputs look like?

The controls of Kung and Peng. The demonstrated reply stays right and obedient; what the prompt says
of it is emptied, reduced, swapped or scrambled. A model that learns as much from those has learned
the form of the outputs. What is asked at the end always states the true instructions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from twofold.errors import ProblemError
from twofold.randomness import rng_for
from twofold.types import Constraint, Message, Problem

Instructions = Literal["original", "empty", "output_space", "delusive", "shuffled"]
"""What the prompt of a demonstration says of the constraints that its reply obeys: their sentences;
nothing; the mere names of the forms; the sentences of another problem, of other types; their words
in random order."""


def prompt(
    problem: Problem, kind: Instructions, others: Sequence[Problem], seed: int
) -> list[Message]:
    r"""The chat of a demonstration under a control.

    Args:
        problem: What is asked.
        kind: The control.
        others: Where `delusive` takes its sentences from.
        seed: Of the choice and of the order of words.

    Raises:
        ProblemError: If the question states its constraints itself, or no other problem has
            different types.

    Source:
        Kung and Peng 2023, "Do models really learn to follow instructions?",
        https://arxiv.org/abs/2305.11383, section 3. Departs: their definitions of whole tasks are
        here the sentences that state constraints.

    Example:
        >>> from twofold.constraints import from_spec
        >>> quoted = from_spec("startend:quotation", None, profile="fixed")
        >>> asked = Problem(question="7 + 5 = ?", constraints=(quoted,), ask="\n")
        >>> prompt(asked, "output_space", [asked], 0)[0]["content"]
        '7 + 5 = ?\nOutput: quotation.'
    """
    if kind == "original":
        return problem.messages()
    rng = rng_for("instructions", seed, problem.id)
    try:
        return problem.messages(stated=_stated(problem, kind, others, rng))
    except ProblemError as error:
        raise ProblemError(
            f"instructions: {kind} needs problems whose constraints stand apart from the question: "
            f"{error}"
        ) from error


def _stated(
    problem: Problem, kind: Instructions, others: Sequence[Problem], rng: np.random.Generator
) -> list[str]:
    if not problem.constraints or kind == "empty":
        return []
    if kind == "output_space":
        return [f"Output: {', '.join(_form(c) for c in problem.constraints)}."]
    own = list(problem.wordings or [c.instruction() for c in problem.constraints])
    if kind == "shuffled":
        return [" ".join(rng.permutation(" ".join(own).split()))]
    types = {constraint.name for constraint in problem.constraints}
    for at in rng.permutation(len(others)):
        other = others[int(at)]
        if other.constraints and types.isdisjoint(c.name for c in other.constraints):
            return list(other.wordings or [c.instruction() for c in other.constraints])
    raise ProblemError(
        "instructions: delusive finds no problem with other types of constraints; take a more varied "
        "set of problems"
    )


def _form(constraint: Constraint) -> str:
    """The name of the form alone: `detectable_content:postscript` is `postscript`."""
    return constraint.name.partition(":")[2].replace("_", " ")
