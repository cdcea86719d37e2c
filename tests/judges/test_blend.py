"""Blend: who is believed where a program speaks, where it does not, and where the judge is lost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import pytest

from twofold.judges.blend import Blend
from twofold.judges.judge import Asked, Judge
from twofold.types import Problem, Response, Verdict
from twofold.types.checklist import Criterion


@dataclass(frozen=True)
class Says(Judge):
    """Says the score that stands under the criterion's text, and notes what it was asked."""

    scores: dict[str, float | None]
    heard: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return "says"

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        self.heard.extend(each.criterion.text for each in asked)
        return [Verdict(self.scores[each.criterion.text], "told so") for each in asked]


JUDGE = {"both": 0.2, "judge only": 0.2, "program only": None, "neither": None}
PROGRAM = {"both": 1.0, "judge only": None, "program only": 1.0, "neither": None}
ASKED = [
    Asked(
        problem=Problem(question="?"),
        response=Response(raw="a", reply="a"),
        criterion=Criterion(text=text),
    )
    for text in JUDGE
]


@pytest.mark.parametrize(
    ("how", "scores"), [("average", [0.6, 0.2, None, None]), ("override", [1.0, 0.2, 1.0, None])]
)
def test_the_four_cases(how: Literal["average", "override"], scores: list[float | None]) -> None:
    found = Blend(Says(JUDGE), Says(PROGRAM), how=how)(ASKED)
    assert [verdict.score for verdict in found] == scores
    assert all(verdict.reason for verdict in found)
    assert [v.parts["program"].score for v in found] == list(PROGRAM.values())


def test_an_overridden_judge_is_not_asked() -> None:
    judge = Says(JUDGE)
    Blend(judge, Says(PROGRAM), how="override")(ASKED)
    assert judge.heard == ["judge only", "neither"]


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(ValueError, match="how is"):
        Blend(Says({}), Says({}), how="max")  # type: ignore[arg-type]


def test_the_names_of_the_members_stand_in_the_name() -> None:
    assert Blend(Says({}), Says({})).name == "average(says,says)"
    assert Blend(Says({}), Says({}), how="override").name == "override(says,says)"
