"""Are verdicts rounded to evenly spaced levels, and what is unscored left alone?"""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from twofold.judges import Asked, Judge, Quantised
from twofold.types import Problem, Response, Verdict
from twofold.types.checklist import Criterion


@dataclass(frozen=True)
class Says(Judge):
    score: float | None

    @property
    def name(self) -> str:
        return "says"

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        return [Verdict(self.score, "so") for _ in asked]


ASKED = Asked(
    problem=Problem(question="?"),
    response=Response(raw="a", reply="a"),
    criterion=Criterion(text="is it?"),
)


@pytest.mark.parametrize(
    ("said", "levels", "score"),
    [
        (0.74, 3, 0.5),
        (0.75, 3, 1.0),
        (0.25, 3, 0.5),
        (0.24, 3, 0.0),
        (0.37, 5, 0.25),
        (0.38, 5, 0.5),
        (0.50, 2, 1.0),
        (0.49, 2, 0.0),
        (1.0, 7, 1.0),
        (None, 2, None),
    ],
)
def test_levels(said: float | None, levels: int, score: float | None) -> None:
    assert Quantised(Says(said), levels)([ASKED])[0] == Verdict(score, "so")


def test_one_level_is_none() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        Quantised(Says(1.0), 1)
