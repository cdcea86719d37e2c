"""A judge: it decides one criterion for one reply."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from twofold.judges import Asked, Judge
from twofold.types import Verdict


@final
@dataclass(frozen=True)
class Lenient(Judge):
    """Finds every criterion met, by any reply at all."""

    @property
    def name(self) -> str:
        return "lenient"

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        return [each.response.unscored() or Verdict(1.0, "why not") for each in asked]
