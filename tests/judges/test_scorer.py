"""Is a checklist one measure: weighted as written, unscored where any criterion is, dropped by group?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from twofold.constraints import from_spec
from twofold.errors import ProblemError, ScoringError
from twofold.judges import Asked, ExactJudge, Judge, MeetsChecklist
from twofold.judges.spec import exact
from twofold.methods.trl.advantage import AdvantageNormalizer
from twofold.methods.trl.reward import TrlReward
from twofold.scorers import Compliant, Correct, Product, SoftGate, WeightedSum
from twofold.types import FinishReason, Problem, Response, Verdict
from twofold.types.checklist import Checklist, Criterion

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")


@dataclass(frozen=True)
class Told(Judge):
    """Says what it was told to say of each criterion."""

    said: tuple[tuple[str, float | None], ...]

    @property
    def name(self) -> str:
        return "told"

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        known: Mapping[str, float | None] = dict(self.said)
        return [Verdict(known[each.criterion.text], "told") for each in asked]


def listed(*criteria: Criterion) -> Problem:
    return Problem(question="7 + 5 = ?", answer="12", checklist=Checklist(criteria=criteria))


def reply(text: str = "It is 12.") -> Response:
    return Response(raw=text, reply=text)


A, B, C = (Criterion(text=t, weight=w) for t, w in (("a", 100), ("b", 60), ("c", 40)))
TRAP = Criterion(text="trap", weight=50, pitfall=True)


def judge(**said: float | None) -> Told:
    return Told(tuple(said.items()))


def test_the_mean_is_weighted() -> None:
    (verdict,) = MeetsChecklist(judge(a=1, b=0, c=0.5))([listed(A, B, C)], [reply()])
    assert verdict.score == pytest.approx((100 + 0 + 20) / 200)
    assert [part.score for part in verdict.parts.values()] == [1, 0, 0.5]
    assert list(verdict.parts) == ["item:1", "item:2", "item:3"]
    (every,) = MeetsChecklist(judge(a=1, b=0, c=0.5), how="all")([listed(A, B, C)], [reply()])
    assert every.score == 0


def test_weights_of_rar_by_category_and_polarity() -> None:
    essential = Criterion(text="a", weight=5, category="essential")
    optional = Criterion(text="b", weight=90, category="optional")
    plain = Criterion(text="c", weight=20)
    scorer = MeetsChecklist(judge(a=1, b=0, trap=1, c=0), weights="category")
    (verdict,) = scorer([listed(essential, optional, TRAP, plain)], [reply()])
    assert verdict.score == pytest.approx((1.0 + 0.9) / (1.0 + 0.3 + 0.9 + 0.2))


def test_one_unscored_criterion_leaves_the_reply_unscored() -> None:
    """RLCF's released code multiplies an abstention of -1 by the weight."""
    (verdict,) = MeetsChecklist(judge(a=1, b=None, c=1))([listed(A, B, C)], [reply()])
    assert verdict.score is None and "1 of 3 criteria unscored" in verdict.reason
    assert verdict.parts["item:1"].score == 1


def test_what_has_no_reply_or_no_checklist_is_unscored_and_a_blank_reply_is_worth_nothing() -> None:
    scorer = MeetsChecklist(judge(trap=1, a=1))
    lost = Response(raw="", reply="", finish_reason=FinishReason.failed, error="HTTP 500")
    cut = Response(raw="<think>", reply="", finish_reason=FinishReason.unclosed_thinking)
    bare = Problem(question="?")
    problem = listed(TRAP)
    verdicts = scorer(
        [problem, problem, bare, problem, problem], [lost, cut, reply(), reply("  "), reply()]
    )
    assert [v.score for v in verdicts] == [None, None, None, 0.0, 1.0]
    assert verdicts[0].reason == "HTTP 500" and verdicts[2].reason == "no checklist"


@pytest.mark.parametrize(
    "wrong",
    [{"how": "any"}, {"weights": "equal"}, {"dropout": 1.0}, {"dropout": -0.1}, {"least": 0}],
)
def test_wrong_settings_are_told(wrong: dict[str, object]) -> None:
    with pytest.raises(ScoringError, match=next(iter(wrong))):
        MeetsChecklist(ExactJudge(), **wrong)  # type: ignore[arg-type]


def test_dropout_is_one_mask_a_group_and_changes_with_the_step() -> None:
    names = "abcdefgh"
    criteria = [Criterion(text=name) for name in names]
    problem = listed(*criteria, TRAP)
    scorer = MeetsChecklist(judge(**dict.fromkeys(names, 1.0), trap=1.0), dropout=0.5)
    kept = set()
    for step in range(20):
        first, second = scorer.at(step)([problem] * 2, [reply("one"), reply("two")])
        assert first.parts.keys() == second.parts.keys()
        assert len(first.parts) == 5 and "item:9" in first.parts  # half of eight, and the pitfall
        assert scorer.at(step)([problem], [reply("three")])[0].parts.keys() == first.parts.keys()
        kept.add(frozenset(first.parts))
    assert len(kept) > 10
    assert len(scorer([problem], [reply()])[0].parts) == 9  # an audit drops nothing


def test_dropout_keeps_the_least() -> None:
    problem = listed(A, B, C)
    told = judge(a=1, b=1, c=1)
    always = MeetsChecklist(told, dropout=0.9).at(3)([problem], [reply()])[0]
    assert len(always.parts) == 3
    one = MeetsChecklist(told, dropout=0.9, least=1).at(3)([problem], [reply()])[0]
    assert len(one.parts) == 1


def test_each_problem_has_its_own_mask() -> None:
    names = "abcdefgh"
    problems = [
        Problem(
            question=f"{i}?", checklist=Checklist(criteria=tuple(Criterion(text=n) for n in names))
        )
        for i in range(12)
    ]
    scorer = MeetsChecklist(judge(**dict.fromkeys(names, 1.0)), dropout=0.5).at(1)
    masks = {frozenset(v.parts) for v in scorer(problems, [reply()] * 12)}
    assert len(masks) > 6


def test_the_step_reaches_a_measure_inside_others() -> None:
    inner = MeetsChecklist(ExactJudge(), dropout=0.5)
    for outer in (
        SoftGate(Correct(), inner),
        Product((Correct(), inner)),
        WeightedSum((SoftGate(Correct(), inner), Compliant())),
    ):
        assert "step=7" in repr(outer.at(7)) and "step=None" in repr(outer)
    assert Correct().at(7) == Correct()


def test_the_soft_gate_takes_the_side_that_a_problem_has() -> None:
    gate = SoftGate(Correct(), MeetsChecklist(judge(a=0.0, b=1.0)))
    no_list = Problem(question="7 + 5 = ?", answer="12")
    no_answer = Problem(question="Say so.", checklist=Checklist(criteria=(B,)))
    both = Problem(question="7 + 5 = ?", answer="12", checklist=Checklist(criteria=(A,)))
    neither = Problem(question="?")
    right = reply("#### 12")
    scores = [v.score for v in gate([no_list, no_answer, both, neither], [right] * 4)]
    assert scores == [1.0, 1.0, pytest.approx(1 / 1.5), None]


def test_a_checklist_is_no_part_of_a_problems_identity() -> None:
    """Replies that were made before the checklist was written are still this problem's."""
    assert listed(A).id == listed(B, C).id == Problem(question="7 + 5 = ?", answer="12").id


@pytest.mark.parametrize("weight", [0, -1, 101, float("nan")])
def test_weights_are_above_zero(weight: float) -> None:
    with pytest.raises(ProblemError, match="weighs"):
        Criterion(text="a", weight=weight)


def test_blank_criteria_and_empty_checklists_are_refused() -> None:
    with pytest.raises(ProblemError, match="has no text"):
        Criterion(text=" ")
    with pytest.raises(ProblemError, match="no criteria"):
        Checklist(criteria=())


def test_a_criterion_is_no_measure_of_its_own_whoever_judges_it() -> None:
    """A blend says who said what of each criterion; GDPO must not take the criteria for its parts.

    Checklists differ in length, and a group with fewer parts than another would have no reward at all.
    """
    wanted = (
        Criterion(text="right?", rule="answer"),
        Criterion(text="no comma?", rule="punctuation:no_comma"),
    )
    short, long = (
        Problem(
            question=str(n),
            answer="12",
            constraints=(NO_COMMA,),
            checklist=Checklist(criteria=wanted[:n]),
        )
        for n in (1, 2)
    )
    logged: dict[str, float] = {}
    reward = TrlReward(
        MeetsChecklist(exact()),
        (short, long),
        aggregation=AdvantageNormalizer(order="normalize_then_sum"),
        num_generations=2,
    )
    ids = [short.id, short.id, long.id, long.id]
    texts = ["#### 12", "#### 13"] * 2
    state = SimpleNamespace(global_step=3)
    found = reward(
        [None] * 4, texts, problem=ids, trainer_state=state, log_metric=logged.__setitem__
    )
    assert [round(value or 0, 1) for value in found] == [0.7, -0.7, 0.7, -0.7]
    assert sorted(logged) == ["measure/checklist", "measure/collapsed", "measure/unscored"]
