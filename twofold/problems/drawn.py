"""Which constraints does a problem get? One to five of given types or families, that go together.

The types are named by what training showed: `trained`; `near`, a type unseen of a family seen; `far`, a
family unseen. Obedience that carries over shows on `near` and `far` types.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from twofold.constraints import CONSTRAINTS, from_spec
from twofold.constraints.parts import clash
from twofold.errors import ProblemError, nearest
from twofold.problems.lint.clashes import clashes
from twofold.randomness import rng_for
from twofold.types import Constraint, Problem, Profile

# How far a type is from those that training showed.
Distance = Literal["trained", "near", "far"]

# How many constraints a problem gets at most, as in the published training files.
MOST = 5

# How often arguments that a constraint refuses (a request with no second word) are drawn anew.
_TRIES = 20


def types_of(names: Iterable[str]) -> list[str]:
    """The types that names of types and families stand for, each once, in the order of the registry.

    Raises:
        ProblemError: If a name is neither a type nor a family; tells the nearest.

    Example:
        >>> types_of(["punctuation"])[:2]
        ['punctuation:no_comma', 'punctuation:punctuation_dot']
    """
    families = {cls.family for cls in CONSTRAINTS.values()}
    wanted = set()
    for name in names:
        if name not in CONSTRAINTS and name not in families:
            hint = nearest(name, [*families, *CONSTRAINTS])
            raise ProblemError(f"{name!r} is no type and no family of constraints; {hint}")
        wanted |= {t for t, cls in CONSTRAINTS.items() if name in (t, cls.family)}
    return [name for name in CONSTRAINTS if name in wanted]


def distance(name: str, trained: Iterable[str]) -> Distance:
    """How far a type is from the trained ones.

    Example:
        >>> distance("punctuation:punctuation_dot", ["punctuation:no_comma"])
        'near'
    """
    seen = set(trained)
    if name in seen:
        return "trained"
    families = {CONSTRAINTS[each].family for each in seen}
    return "near" if CONSTRAINTS[name].family in families else "far"


def bind(
    problem: Problem,
    types: Sequence[str],
    *,
    rng: np.random.Generator,
    most: int = MOST,
    profile: Profile = "fixed",
) -> Problem:
    """The problem with one to `most` constraints of `types` in place of its own.

    No two of them clash, by type or by what is drawn for them, so fewer than drawn may fit. Each is
    worded in one of its wordings.

    Args:
        problem: Its question must not state constraints itself.
        types: Registry names; the first constraint is of any of them with equal chance.
        rng: Draws number, types, arguments and wordings.
        most: The largest number of constraints, 1 to 5.
        profile: How the constraints judge.

    Raises:
        ProblemError: If there is no type, none that a reply to this question can meet, `most` is out of
            range, or the question states its constraints.
    """
    if not types or not 1 <= most <= MOST:
        raise ProblemError(
            f"{len(types)} types and up to {most} constraints; give types, and 1 to {MOST}"
        )
    if problem.question_states_constraints:
        raise ProblemError(f"problem {problem.id} states its own constraints; take a bare question")
    wanted = int(rng.integers(1, most, endpoint=True))
    chosen: list[Constraint] = []
    for place in rng.permutation(len(types)):
        if not any(clash(types[place], c.name) for c in chosen):
            drawn = _drawn(types[place], problem.question, rng, profile)
            chosen += [rule for rule in drawn if go_together((*chosen, rule))]
        if len(chosen) == wanted:
            break
    if not chosen:
        raise ProblemError(
            f"no constraint of {', '.join(types)} can be met in a reply to {problem.question!r:.60}; "
            "give more types"
        )
    wordings = tuple(c.wordings()[int(rng.integers(len(c.wordings())))] for c in chosen)
    return replace(problem, constraints=tuple(chosen), wordings=wordings)


def bound(
    problems: Sequence[Problem],
    types: Sequence[str],
    *,
    seed: int = 0,
    most: int = MOST,
    profile: Profile = "fixed",
) -> list[Problem]:
    """Every problem with constraints drawn from `types`, a function of the seed and its question alone."""
    return [
        bind(p, types, rng=rng_for("drawn", seed, p.question), most=most, profile=profile)
        for p in problems
    ]


def go_together(rules: tuple[Constraint, ...]) -> bool:
    """Whether no two constraints are known to contradict each other, with these arguments."""
    faults = clashes(Problem(question="?", constraints=rules))
    return all(fault.severity != "error" for fault in faults)


def _drawn(
    name: str, question: str, rng: np.random.Generator, profile: Profile
) -> list[Constraint]:
    """A constraint of the type for this question; none if it has no feasible arguments here."""
    for _ in range(_TRIES):
        try:
            rule = from_spec(name, CONSTRAINTS[name].draw(rng, question), profile=profile)
        except ProblemError:
            continue
        if rule.witnesses()[0].strip():  # else no reply is known that meets it
            return [rule]
    return []
