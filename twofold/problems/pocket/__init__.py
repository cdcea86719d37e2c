"""What is the pocket model asked? Chains of small facts in words, with constraints on the reply.

Problem `index` of a split is a pure function of the seed. `train` and `test` share no chain
(`Tale.part`); `ood` is longer (6 or 7 moves) or pairs two things that training never pairs. `train`
has only the `SEEN` types of constraints; `test` and `ood` cycle through all types.
"""

from typing import Literal

from twofold.errors import ProblemError
from twofold.problems.pocket.binding import COMPETING, HELD_OUT, SEEN, bind
from twofold.problems.pocket.reply import guess, obedient_reply, solution
from twofold.problems.pocket.tale import SEEN_SKILLS, UNSEEN_SKILLS, tell
from twofold.randomness import rng_for
from twofold.types import Problem, Profile

# Training data, test data, or data unlike the training data.
Split = Literal["train", "test", "ood"]

SPLITS: tuple[Split, ...] = ("train", "test", "ood")

ASK = "\nPut the result in \\boxed{}.\n"


def suite(
    n: int, *, seed: int = 0, split: Split = "test", profile: Profile = "fixed"
) -> list[Problem]:
    """The first `n` problems of a split; a multiple of 13 (train: 9) balances constraint types.

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
        A problem with tags `source`, `split`, `source_id`, `skill` (`dial`, `dial+compass` ...),
        `difficulty` (number of moves), `constraint_types` (`seen` or `held_out`), `competes` (`competing`
        or `neutral`: whether a constraint leaves no room for the working in the visible reply) and
        `steps` (the solution).

    Raises:
        ProblemError: If the index is negative or the split does not exist.

    Example:
        >>> p = problem(0, 4, split="train", profile="fixed")
        >>> p.tags["difficulty"], p.tags["constraint_types"]
        ('4', 'seen')
    """
    if index < 0 or split not in SPLITS:
        splits = ", ".join(SPLITS)
        raise ProblemError(f"no problem {index} of split {split!r}; count from 0, in {splits}")
    rng = rng_for("pocket", seed, split, "problem", index)
    long = split == "ood" and index % 2 == 0
    skills = UNSEEN_SKILLS if split == "ood" and not long else SEEN_SKILLS
    skill = skills[int(rng.integers(len(skills)))]
    n_moves = 6 + index // 2 % 2 if long else 3 + index % 3
    tale = tell(rng, skill, n_moves, part="train" if split == "train" else "test", cast=index)
    types = [*SEEN] if split == "train" else [*SEEN, *HELD_OUT]
    block, place = divmod(index, len(types))
    first = types[rng_for("pocket", seed, split, "types", block).permutation(len(types))[place]]
    n_constraints = 2 if rng.random() < 1 / 3 else 1
    constraints = bind(rng, first, n_constraints, n_steps=len(tale.moves), profile=profile)
    return Problem(
        question=tale.text,
        answer=tale.answer,
        constraints=constraints,
        ask=ASK,
        tags={
            "source": "pocket",
            "split": split,
            "source_id": f"{seed}/{index}",
            "skill": "+".join(world.name for world in skill),
            "difficulty": str(n_moves),
            "constraint_types": "seen" if first in SEEN else "held_out",
            "competes": "competing" if any(c.name in COMPETING for c in constraints) else "neutral",
            "steps": "; ".join(tale.steps),
        },
    )
