r"""What can be asked of an invented world? Questions that need one or two facts which its passages state.

A world has twenty people in ten couples, with four things each: 100 facts, in one passage a person.
Nothing of it can be known from elsewhere, so a right answer was read in the passages, learned from them
in training, or guessed; and which facts an answer needs is known exactly. The splits share no fact about
a thing: whoever learns only the answers of `train` knows no answer of `test`, but the passages hold both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, final

from twofold.errors import ProblemError
from twofold.problems.pocket.worlds import COMPASS, CUPS, DIAL, WEEK
from twofold.problems.synthetic.cast import TRAIN_NAMES
from twofold.randomness import rng_for
from twofold.storage.jsonl import dumps, replaced
from twofold.types import Problem, Profile

# Half of the facts about things each.
Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")

ASK = "\nPut the result in \\boxed{}.\n"

# The things that a person has, and their values.
THINGS: Mapping[str, tuple[str, ...]] = {
    "cup": CUPS.states,
    "day": WEEK.states,
    "key": DIAL.states,
    "wind": COMPASS.states,
}
PARTNER = "partner"

N_OPTIONS = 4

# What lies between the facts in the tag `facts`.
BETWEEN = "; "

# Facts about things in each split, and the problems about each: one or two facts, free or with options.
_N_FACTS, _N_FORMS = len(TRAIN_NAMES) * len(THINGS) // 2, 4


@final
@dataclass(frozen=True)
class World:
    """An invented world; everything in it follows from the seed.

    Example:
        >>> world = World(0)
        >>> one = TRAIN_NAMES[0]
        >>> world.of(world.of(one, PARTNER), PARTNER) == one
        True
        >>> world.fact(one, "cup") in world.passage(one)
        True
    """

    seed: int = 0

    @cached_property
    def _values(self) -> dict[tuple[str, str], str]:
        """The value of each fact, by person and thing."""
        rng = rng_for("knowledge", self.seed, "facts")
        drawn = [TRAIN_NAMES[i] for i in rng.permutation(len(TRAIN_NAMES))]
        found: dict[tuple[str, str], str] = {}
        for one, other in zip(drawn[::2], drawn[1::2], strict=True):
            found |= {(one, PARTNER): other, (other, PARTNER): one}
        for name in TRAIN_NAMES:
            for thing, values in THINGS.items():
                found[name, thing] = values[int(rng.integers(len(values)))]
        return found

    def of(self, name: str, thing: str) -> str:
        """The value of a thing of a person."""
        return self._values[name, thing]

    def fact(self, name: str, thing: str) -> str:
        """The sentence that states it, without a full stop; the value is its last word."""
        return f"The {thing} of {name} is {self.of(name, thing)}"

    def passage(self, name: str) -> str:
        """The five facts about a person, in an order of its own."""
        things = [PARTNER, *THINGS]
        order = rng_for("knowledge", self.seed, "passage", name).permutation(len(things))
        return " ".join(f"{self.fact(name, things[i])}." for i in order)

    def facts(self, split: Split) -> list[tuple[str, str]]:
        """The facts about things that are asked in a split: person and thing, in a drawn order."""
        both = [(name, thing) for name in TRAIN_NAMES for thing in THINGS]
        order = rng_for("knowledge", self.seed, "split").permutation(len(both))
        half = order[:_N_FACTS] if split == "train" else order[_N_FACTS:]
        return [both[i] for i in half]

    def problem(self, index: int, *, split: Split) -> Problem:
        """Problem `index` of a split, from 0 up to 159.

        Raises:
            ProblemError: If there is no such problem.
        """
        if split not in SPLITS or not 0 <= index < _N_FACTS * _N_FORMS:
            raise ProblemError(
                f"no problem {index} of split {split!r}; count from 0 to {_N_FACTS * _N_FORMS - 1}, "
                f"in {', '.join(SPLITS)}"
            )
        name, thing = self.facts(split)[index // _N_FORMS]
        has_options, n_facts = index % 2 == 0, 1 + index // 2 % 2
        answer, needed = self.of(name, thing), [self.fact(name, thing)]
        who = name
        if n_facts == 2:
            partner = self.of(name, PARTNER)
            who, needed = f"the partner of {partner}", [self.fact(partner, PARTNER), *needed]
        options = self._options(name, thing) if has_options else []
        listed = f": {', '.join(options[:-1])} or {options[-1]}" if options else ""
        return Problem(
            question=f"What is the {thing} of {who}{listed}?",
            answer=answer,
            ask=ASK,
            options=tuple(map(said, options)),
            solution=f"{'. '.join(needed)}. {said(answer)}",
            tags={
                "source": "knowledge",
                "split": split,
                "source_id": f"{self.seed}/{index}",
                "n_facts": str(n_facts),
                "form": "choice" if options else "free",
                "facts": BETWEEN.join(needed),
            },
        )

    def _options(self, name: str, thing: str) -> list[str]:
        """The right value among others of its kind, in a drawn order."""
        rng = rng_for("knowledge", self.seed, "options", name, thing)
        right = self.of(name, thing)
        others = [value for value in THINGS[thing] if value != right]
        chosen = [right, *(others[i] for i in rng.permutation(len(others))[: N_OPTIONS - 1])]
        return [chosen[i] for i in rng.permutation(len(chosen))]


def said(answer: str) -> str:
    r"""The sentence that gives an answer.

    Example:
        >>> said("red")
        'It is \\boxed{red}.'
    """
    return f"It is \\boxed{{{answer}}}."


def suite(split: Split, *, world: int = 0) -> list[Problem]:
    """All 160 problems of a split of the world with this seed.

    Example:
        >>> first = suite("train")[2]
        >>> first.tags["n_facts"], len(first.options), first.solution.count("The ")
        ('2', 4, 2)
    """
    there = World(world)
    return [there.problem(i, split=split) for i in range(_N_FACTS * _N_FORMS)]


def to_learn(profile: Profile) -> list[Problem]:
    """The problems to learn from: `--problems twofold.problems.knowledge:to_learn`.

    `profile` changes nothing, since no problem has a constraint.
    """
    return suite("train")


def held_out(profile: Profile) -> list[Problem]:
    """Those about the other half of the facts: `--problems twofold.problems.knowledge:held_out`."""
    return suite("test")


def write_passages(path: str | Path, *, world: int = 0) -> None:
    """Write the passages of a world as JSON lines with `id` and `text`, for a retriever.

    Raises:
        RunError: If the file cannot be written; an existing file is intact.
    """
    there = World(world)
    with replaced(Path(path)) as file:
        for name in TRAIN_NAMES:
            file.write(dumps({"id": name, "text": there.passage(name)}) + "\n")
