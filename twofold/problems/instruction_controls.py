"""What does instruction tuning teach: the instructions' meaning, or the form of the outputs?

The controls of Kung and Peng. The demonstrated reply stays right and obedient; the instructions in
its prompt are removed, reduced, replaced or shuffled. A model that learns as much from those has
learned the form of the outputs. The evaluation always states the true instructions.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from twofold.errors import ProblemError
from twofold.randomness import rng_for
from twofold.types import Message, Problem

# What a demonstration's prompt says of the constraints that its reply obeys: their sentences;
# nothing; the names of the forms; another problem's sentences of other types; their words in random
# order.
Instructions = Literal["original", "empty", "output_space", "delusive", "shuffled"]


def prompt(
    problem: Problem, kind: Instructions, others: Sequence[Problem], seed: int
) -> list[Message]:
    r"""The chat of a demonstration under the control `kind`; `delusive` takes its sentences from `others`.

    Raises:
        ProblemError: If the question states its constraints itself, or no other problem has different
            types.

    Source: Kung and Peng 2023, "Do models really learn to follow instructions?",
    https://arxiv.org/abs/2305.11383, section 3. Departs: their task definitions are here the sentences
    that state constraints.

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
            f"instructions: {kind} needs problems whose constraints are separate from the question: "
            f"{error}"
        ) from error


def _stated(
    problem: Problem, kind: Instructions, others: Sequence[Problem], rng: np.random.Generator
) -> list[str]:
    if not problem.constraints or kind == "empty":
        return []
    types = {constraint.name for constraint in problem.constraints}
    if kind == "output_space":  # `detectable_content:postscript` is `postscript`
        forms = [c.name.partition(":")[2].replace("_", " ") for c in problem.constraints]
        return [f"Output: {', '.join(forms)}."]
    if kind == "shuffled":
        return [" ".join(rng.permutation(" ".join(_sentences(problem)).split()))]
    for at in rng.permutation(len(others)):
        other = others[int(at)]
        if other.constraints and types.isdisjoint(c.name for c in other.constraints):
            return _sentences(other)
    raise ProblemError(
        "instructions: delusive finds no problem with other types of constraints; use a more varied "
        "set of problems"
    )


def _sentences(problem: Problem) -> list[str]:
    return list(problem.wordings or [c.instruction() for c in problem.constraints])
