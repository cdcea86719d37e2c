"""What is asked when nothing can be downloaded? Generated word problems, with constraints.

Problem `index` of a split is a pure function of the seed. Difficulty is the number of steps, 1 to 5;
difficulty, number of constraints (1 to 3) and the type of one constraint cycle through all values.
Train and test share no arithmetic (`_belongs`) and no name; some things and one story structure are
held out for the test (`cast`, `stories`).
"""

import hashlib

import numpy as np

from twofold.errors import ProblemError
from twofold.problems.synthetic.binding import TYPES, bind
from twofold.problems.synthetic.cast import Cast, Split
from twofold.problems.synthetic.stories import FAMILIES, Story
from twofold.problems.synthetic.witness import obedient_reply, solution
from twofold.randomness import rng_for
from twofold.types import Problem, Profile

# The text between question and constraints, which asks for no form that a constraint could forbid.
# Among twelve wordings tried on SmolLM2-135M it was one of the best (10 of 48 replies to one-step
# problems right, at temperature 0.5); "step by step" made that model ramble (0 of 16).
ASK = "\nExplain the calculation in plain words. Put the final number in \\boxed{}.\n"

_LEVELS, _MOST_CONSTRAINTS = 5, 3


def suite(
    n: int, *, seed: int = 0, split: Split = "test", profile: Profile = "fixed"
) -> list[Problem]:
    """The first `n` problems of a split.

    A multiple of 15 balances difficulty and number of constraints, one of 19 the constraint types.

    Raises:
        ProblemError: If `n` is below 1.

    Example:
        >>> suite(3) == suite(5)[:3]
        True
    """
    if n < 1:
        raise ProblemError(f"a suite of {n} problems is empty; ask for 1 or more")
    return [problem(seed, index, split=split, profile=profile) for index in range(n)]


def problem(seed: int, index: int, *, split: Split, profile: Profile) -> Problem:
    """Problem number `index`, from 0; `profile` changes nothing else.

    Returns:
        A problem with tags `source`, `split`, `source_id`, `family`, `difficulty` (its number of
        steps) and `steps` (the solution, e.g. `12 + 5 = 17; 17 × 2 = 34`).

    Raises:
        ProblemError: If the index is negative or the split does not exist.

    Example:
        >>> p = problem(0, 5, split="test", profile="fixed")
        >>> p.tags["difficulty"], len(p.constraints)
        ('1', 2)
    """
    if index < 0 or split not in FAMILIES:
        raise ProblemError(f"no problem {index} of {split!r}; count from 0, in 'train' or 'test'")
    rng = rng_for("synthetic", seed, split, "problem", index)
    n_steps = 1 + index % _LEVELS
    story = _story(rng, split, n_steps)
    block, place = divmod(index, len(TYPES))
    deck = rng_for("synthetic", seed, split, "types", block).permutation(len(TYPES))
    first, n = list(TYPES)[deck[place]], 1 + index // _LEVELS % _MOST_CONSTRAINTS
    constraints = bind(rng, first, n, question=story.text, n_steps=n_steps, profile=profile)
    return Problem(
        question=story.text,
        answer=str(story.answer),
        constraints=constraints,
        ask=ASK,
        tags={
            "source": "synthetic",
            "split": split,
            "source_id": f"{seed}/{index}",
            "family": story.family,
            "difficulty": str(n_steps),
            "steps": _spelled(story),
        },
    )


def _story(rng: np.random.Generator, split: Split, n_steps: int) -> Story:
    """A story whose arithmetic belongs to the split: drawn again until it does, twice on average."""
    families = FAMILIES[split]
    tell = families[int(rng.integers(len(families)))]
    while True:
        story = tell(Cast(rng, split), n_steps)
        if _belongs(_spelled(story)) == split:
            return story


def _spelled(story: Story) -> str:
    return "; ".join(map(str, story.steps))


def _belongs(steps: str) -> Split:
    """The one split in which this arithmetic may be asked, by its hash."""
    return "test" if hashlib.sha256(steps.encode()).digest()[0] % 2 else "train"
