"""Who and what is a story about, and what is held out for the test split?

The splits share no name, and some things occur in the test split only: a model that has learnt the
words of the training stories does not know all those of the test.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, final

import numpy as np

# Which part of the suite: no arithmetic and no name is in both.
Split = Literal["train", "test"]

Choice = TypeVar("Choice")

TRAIN_NAMES = (
    *("Anna", "Bruno", "Clara", "David", "Emil", "Frida", "Greta", "Hugo", "Irene", "Jonas"),
    *("Karin", "Lukas", "Maria", "Nora", "Oscar", "Paula", "Rita", "Sven", "Tina", "Viktor"),
)
TEST_NAMES = (
    *("Amir", "Bella", "Carlos", "Diana", "Elif", "Farid", "Gina", "Hassan", "Ines", "Jamal"),
    *("Kira", "Leila", "Mateo", "Nadia", "Omar", "Priya", "Rosa", "Samir", "Thea", "Yusuf"),
)


@final
@dataclass(frozen=True)
class Cast:
    """The people and things of one story; `split` decides which there are."""

    rng: np.random.Generator
    split: Split

    def names(self, n: int) -> list[str]:
        """`n` different names, at most 20."""
        names = TRAIN_NAMES if self.split == "train" else TEST_NAMES
        return [names[i] for i in self.rng.permutation(len(names))[:n]]

    def pick(self, seen: Sequence[Choice], held_out: Sequence[Choice] = ()) -> Choice:
        """One of the choices; those `held_out` are for the test split only."""
        choices = [*seen, *held_out] if self.split == "test" else seen
        return choices[int(self.rng.integers(len(choices)))]
