"""A scorer, and a reward that is made of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from twofold.scorers import Correct, Product
from twofold.types import Problem, Response, Scorer, Verdict


@final
@dataclass(frozen=True)
class Brief(Scorer):
    """1 for a reply of few words."""

    most: int = 20

    @property
    def name(self) -> str:
        return "brief"

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        return [
            response.unscored() or Verdict(float(len(response.reply.split()) <= self.most))
            for response in responses
        ]


RIGHT_AND_BRIEF = Product((Correct(), Brief(most=5)))
"""An object with settings of its own has a name in its module."""
