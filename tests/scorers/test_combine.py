from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import final

import pytest

from twofold.constraints import from_spec
from twofold.errors import ScoringError
from twofold.scorers import (
    Compliant,
    Correct,
    Gated,
    Length,
    Lexicographic,
    Product,
    SoftGate,
    WeightedSum,
)
from twofold.types import Problem, Response, Scorer, Verdict


@final
@dataclass(frozen=True)
class Says(Scorer):
    """Always the same score."""

    called: str
    score: float | None

    @property
    def name(self) -> str:
        return self.called

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        return [Verdict(self.score, "why") for _ in responses]


def judge(scorer: Scorer) -> Verdict:
    return scorer([Problem(question="?")], [Response(raw="x", reply="x")])[0]


@pytest.mark.parametrize(
    ("c", "s", "expected"),
    [
        (1, 1, 1),
        (1, 0, 2 / 3),
        (0, 1, 1 / 6),
        (0, 0, 0),
        (1, 0.5, 1.25 / 1.5),
        (0.5, 0.5, 0.6875 / 1.5),
    ],
)
def test_soft_gate_by_hand(c: float, s: float, expected: float) -> None:
    verdict = judge(SoftGate(Says("c", c), Says("s", s)))
    assert verdict.score == pytest.approx(expected)
    assert [part.score for part in verdict.parts.values()] == [c, s]


def test_soft_gate_rises_in_both() -> None:
    grid = [i / 10 for i in range(11)]
    for c, s in product(grid, grid[:-1]):
        assert SoftGate.reward(c, s) < SoftGate.reward(c, s + 0.1)
        assert SoftGate.reward(s, c) < SoftGate.reward(s + 0.1, c)


def test_unscored_member_leaves_the_sum_unscored() -> None:
    for c, s in [(None, 1.0), (1.0, None), (None, None), (None, 0.0)]:
        members = Says("c", c), Says("s", s)
        assert judge(SoftGate(*members)).score is None
        assert judge(Product(members)).score is None
    assert judge(Product((Says("c", 1), Says("s", None)))).reason == "s: why"


def test_all_of_is_the_product() -> None:
    assert judge(Product((Says("a", 0.5), Says("b", 0.5), Says("c", 1)))).score == 0.25
    assert judge(Product((Says("a", 0.5), Says("b", 0)))).score == 0
    assert judge(Product((Says("a", 1),))).parts == {"a": Verdict(1, "why")}


def test_names() -> None:
    assert SoftGate().name == "soft_gate"
    assert SoftGate() == SoftGate(Correct(), Compliant("mean"))
    with pytest.raises(ScoringError, match="two scorers are called 'a'"):
        Product((Says("a", 1), Says("b", 1), Says("a", 0)))
    with pytest.raises(ScoringError, match="two scorers"):
        SoftGate(Correct(), Correct("official"))
    with pytest.raises(ScoringError, match="at least one"):
        Product(())


def test_weighted_sum_and_gates_by_hand_over_the_four_cells() -> None:
    no_comma = from_spec("punctuation:no_comma", None, profile="fixed")
    problem = Problem(question="7 + 5 = ?", answer="12", constraints=(no_comma,))
    texts = ["#### 12", "So, #### 12", "#### 13", "So, #### 13"]
    replies = [Response(raw=text, reply=text) for text in texts]

    def scores(scorer: Scorer) -> list[float | None]:
        return [verdict.score for verdict in scorer([problem] * 4, replies)]

    both = (Correct(), Compliant())
    assert scores(WeightedSum(both)) == [1, 0.5, 0.5, 0]
    assert scores(WeightedSum(both, (3, 1))) == [1, 0.75, 0.25, 0]
    assert scores(Gated(Correct(), Compliant())) == [1, 0.5, 0, 0]
    assert scores(Gated(Compliant(), Correct())) == [1, 0, 0.5, 0]
    assert scores(Lexicographic(Correct(), Compliant())) == [1, 2 / 3, 1 / 3, 0]
    assert scores(Lexicographic(Compliant("all"), Correct())) == [1, 1 / 3, 2 / 3, 0]


def test_the_second_measure_never_turns_the_first_and_decides_between_equals() -> None:
    grid = [i / 4 for i in range(5)]
    for (f, t), (g, u) in product(product([0, 1], grid), repeat=2):
        one, other = (judge(Lexicographic(Says("f", a), Says("t", b))) for a, b in [(f, t), (g, u)])
        assert one.score is not None and other.score is not None
        assert (one.score > other.score) == ((f, t) > (g, u))
    # a first measure that is earned in part is not earned
    assert judge(Lexicographic(Says("f", 0.9), Says("t", 0))).score == 0
    for f, t in [(None, 1.0), (1.0, None), (0.0, None)]:  # type: ignore[assignment]
        assert judge(Lexicographic(Says("f", f), Says("t", t))).score is None


@pytest.mark.parametrize("scorer", [SoftGate(), Lexicographic(Compliant("all"), Correct())])
def test_a_problem_with_one_side_is_scored_by_that_one(scorer: Scorer) -> None:
    no_comma = from_spec("punctuation:no_comma", None, profile="fixed")
    free, bound = (
        Problem(question="2 + 2?", answer="4"),
        Problem(question="2?", constraints=(no_comma,)),
    )
    replies = [Response(raw=text, reply=text) for text in ("#### 4", "so, #### 4", "so, #### 5")]
    assert [v.score for v in scorer([free] * 3, replies)] == [1, 1, 0]
    assert [v.score for v in scorer([bound] * 3, replies)] == [1, 0, 0]
    assert scorer.applies(free) and scorer.applies(bound)


def test_the_soft_gate_applies_where_either_side_does() -> None:
    no_comma = from_spec("punctuation:no_comma", None, profile="fixed")
    sides = [
        {"answer": "4", "constraints": (no_comma,)},
        {"answer": "4"},
        {"constraints": (no_comma,)},
        {},
    ]
    applies = [SoftGate().applies(Problem(question="2 + 2?", **each)) for each in sides]  # type: ignore[arg-type]
    assert applies == [True, True, True, False]


def test_half_of_a_lengths_say_is_given_at_two_hundred_characters() -> None:
    problem = Problem(question="7 + 5 = ?", answer="12")
    text = "#### 12".rjust(200)
    (verdict,) = Length(Correct(), "short")([problem], [Response(raw=text, reply=text)])
    assert verdict.score == 0.75


def test_length_pays_only_what_is_earned() -> None:
    problem = Problem(question="7 + 5 = ?", answer="12")
    texts = ["#### 12", "It is so: " * 9 + "#### 12", "#### 13"]
    replies = [Response(raw=text, reply=text) for text in texts]
    short = [v.score for v in Length(Correct(), "short", half=7)([problem] * 3, replies)]
    assert short == pytest.approx([0.75, (1 + 7 / 104) / 2, 0])  # 7 and 97 characters
    long = [v.score for v in Length(Correct(), "long", half=7)([problem] * 3, replies)]
    assert long == pytest.approx([0.75, (1 + 97 / 104) / 2, 0])


@pytest.mark.parametrize(
    "make",
    [
        lambda: WeightedSum(()),
        lambda: WeightedSum((Correct(), Correct())),
        lambda: WeightedSum((Correct(), Compliant()), (1, 0)),
        lambda: WeightedSum((Correct(), Compliant()), (1,)),
        lambda: Gated(Correct(), Correct()),
        lambda: Length(Correct(), "short", half=0),
        lambda: Length(Correct(), "tall"),  # type: ignore[arg-type]
    ],
)
def test_combinations_that_make_no_sense(make: Callable[[], Scorer]) -> None:
    with pytest.raises(ScoringError):
        make()
