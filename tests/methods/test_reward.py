"""Does TRL get from a scorer what the scorer says, and nothing where it says nothing?"""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import pytest

from twofold.constraints import from_spec
from twofold.errors import ScoringError
from twofold.methods.trl.advantage import AdvantageNormalizer
from twofold.methods.trl.reward import TrlReward
from twofold.models.thinking import ThinkingPolicy
from twofold.scorers import Compliant, Correct, Lexicographic, Product, SoftGate, WeightedSum
from twofold.types import FinishReason, Problem, Response, Scorer, Verdict

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
BOTH = Problem(question="7 + 5 = ?", answer="12", constraints=(NO_COMMA,))
FREE = Problem(question="1 + 1 = ?", answer="2")


def said(*texts: str) -> list[list[dict[str, str]]]:
    return [[{"role": "assistant", "content": text}] for text in texts]


def rewards(reward: TrlReward, completions: Sequence[Any], *problems: Problem, **more: Any) -> Any:
    ids = [problem.id for problem in problems]
    return reward(
        prompts=[p.messages() for p in problems],
        completions=completions,
        completion_ids=[[1]] * len(ids),
        problem=ids,
        trainer_state=None,
        log_extra=None,
        **more,
    )


@final
@dataclass(frozen=True)
class Down(Scorer):
    """A judge that does not answer."""

    @property
    def name(self) -> str:
        return "down"

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        raise ScoringError("the judge does not answer; start it")


def test_soft_gate_by_hand_over_the_four_cells() -> None:
    reward = TrlReward(SoftGate(), (BOTH,))
    texts = ["#### 12", "So, #### 12", "#### 13", "So, #### 13"]
    assert rewards(reward, said(*texts), *[BOTH] * 4) == pytest.approx([1, 2 / 3, 1 / 6, 0])


def test_each_reply_is_judged_against_its_own_problem() -> None:
    reward = TrlReward(Correct(), (BOTH, FREE))
    assert rewards(reward, said("#### 2", "#### 2", "#### 12"), FREE, BOTH, BOTH) == [1, 0, 1]


def test_none_when_any_part_is_unscored() -> None:
    for scorer in (Product((Correct(), Compliant("all"))), Product((Correct(), Down()))):
        reward = TrlReward(scorer, (FREE,))  # FREE has no constraint to obey
        assert rewards(reward, said("#### 2"), FREE) == [None]


def test_soft_gate_rewards_the_one_side_that_a_problem_has() -> None:
    bound = Problem(question="Say something.", constraints=BOTH.constraints)
    neither = Problem(question="Say something else.")
    reward = TrlReward(SoftGate(), (FREE, bound, neither))
    texts = ["#### 2", "#### 3", "yes", "so, yes", "yes"]
    asked = (FREE, FREE, bound, bound, neither)
    assert rewards(reward, said(*texts), *asked) == [1.0, 0.0, 1.0, 0.0, None]
    lost = SoftGate(Correct(), Down())
    assert rewards(TrlReward(lost, (BOTH,)), said("#### 12"), BOTH) == [None]  # lost is not absent


def test_groups_are_compared_in_the_reward_where_trl_could_not() -> None:
    logged: dict[str, float] = {}
    gdpo = AdvantageNormalizer(order="normalize_then_sum")
    parts = WeightedSum((Correct(), Compliant()))
    reward = TrlReward(parts, (BOTH,), aggregation=gdpo, num_generations=4)
    texts = ["#### 12", "So, #### 12", "#### 13", "So, #### 13"]
    got = rewards(reward, said(*texts), *[BOTH] * 4, log_metric=logged.__setitem__)
    assert got == pytest.approx([1.732, 0, 0, -1.732], abs=2e-3)  # two columns of ±0.866
    assert logged["measure/weighted_sum(correct,compliant)"] == 0.5  # the log has true scores
    assert logged["measure/collapsed"] == 0
    half = ["#### 12", "<think>So", "#### 13", "So, #### 13"]
    got = rewards(reward, said(*half), *[BOTH] * 4)
    assert got[1] is None
    assert sum(value for value in got if value is not None) == pytest.approx(0, abs=1e-6)


def test_an_order_is_kept_within_the_group() -> None:
    in_order = AdvantageNormalizer(order="lexicographic")
    scorer = Lexicographic(Correct(), Compliant())
    reward = TrlReward(scorer, (BOTH, FREE), aggregation=in_order, num_generations=4)
    texts = ["#### 12", "So, #### 12", "<think>", "So, #### 13"]
    plain = ["#### 2", "#### 3", "#### 3", "#### 2"]  # no constraint to compare by
    got = rewards(reward, said(*texts, *plain), *[BOTH] * 4, *[FREE] * 4)
    # 1 + .25, 1 - .25 and 0: mean 2/3, deviations 7/12, 1/12, -8/12
    spread = ((49 + 1 + 64) / 144 / 2) ** 0.5 + 1e-4
    assert got[2] is None
    assert [got[i] for i in (0, 1, 3)] == pytest.approx([x / 12 / spread for x in (7, 1, -8)])
    assert got[4:] == pytest.approx([0.5 / (3**-0.5 + 1e-4) * s for s in (1, -1, -1, 1)])
    down = TrlReward(
        Lexicographic(Correct(), Down()), (BOTH,), aggregation=in_order, num_generations=4
    )
    assert rewards(down, said(*texts), *[BOTH] * 4) == [None] * 4


def test_collapsed_groups_are_counted() -> None:
    logged: dict[str, float] = {}
    reward = TrlReward(Correct(), (FREE,), num_generations=2)
    texts = ["#### 2", "#### 3", "#### 2", "#### 2", "#### 3", "<think>"]
    rewards(reward, said(*texts), *[FREE] * 6, log_metric=logged.__setitem__)
    assert logged["measure/collapsed"] == pytest.approx(2 / 3)


def test_a_scorer_that_raises_blames_no_reply() -> None:
    logged: list[tuple[str, float]] = []
    reward = TrlReward(Down(), (FREE,), watched=(("right", Correct()),))
    log = lambda name, value: logged.append((name, value))  # noqa: E731
    assert rewards(reward, said("#### 2", "no"), FREE, FREE, log_metric=log) == [None, None]
    assert logged == [("measure/right", 0.5), ("measure/unscored", 1.0)]


def test_thought_and_reply_are_split_as_in_an_audit() -> None:
    reward = TrlReward(Correct(), (FREE,))
    texts = ["<think>#### 2</think>#### 3", "<think>3</think>#### 2", "<think>#### 2", ""]
    assert rewards(reward, said(*texts), *[FREE] * 4) == [0.0, 1.0, None, 0.0]
    assert reward.response(said("")[0]).finish_reason is FinishReason.empty


def test_a_prefilled_thought() -> None:
    reward = TrlReward(Correct(), (FREE,), ThinkingPolicy(prefilled=True))
    texts = ["#### 2", "#### 3</think>#### 2"]
    assert rewards(reward, said(*texts), *[FREE] * 2) == [None, 1.0]


def test_thought_in_a_field_of_its_own_and_plain_text() -> None:
    reward = TrlReward(Correct(), (FREE,))
    apart = {"role": "assistant", "content": "#### 2", "reasoning_content": "#### 3"}
    assert rewards(reward, [[apart], "#### 2"], FREE, FREE) == [1.0, 1.0]
    assert reward.response([apart]).thinking == "#### 3"
    other = {"role": "assistant", "content": "#### 2", "thinking": "#### 4"}
    assert reward.response([other]).thinking == "#### 4"


def test_parts_are_logged_over_the_scored_replies() -> None:
    logged: dict[str, float] = {}
    reward = TrlReward(
        SoftGate(), (BOTH, FREE), watched=(("joint", Product((Correct(), Compliant("all")))),)
    )
    texts = ["#### 12", "So, #### 13", "#### 2"]
    out = rewards(reward, said(*texts), BOTH, BOTH, FREE, log_metric=logged.__setitem__)
    assert out == [1.0, 0.0, 1.0]
    assert logged == pytest.approx(
        {
            "measure/soft_gate": 2 / 3,
            "measure/correct": 2 / 3,
            "measure/compliant": 0.5,
            "measure/compliant_all": 0.5,
            "measure/joint": 0.5,
            "measure/unscored": 0,
        }
    )


def test_picklable_and_named() -> None:
    reward = TrlReward(SoftGate(), (BOTH,))
    rewards(reward, said("#### 12"), BOTH)  # used before it travels
    copy = pickle.loads(pickle.dumps(reward))
    assert copy == reward and copy.__name__ == "soft_gate"
    assert rewards(copy, said("#### 12"), BOTH) == [1.0]


def test_what_is_wrong_with_the_data_set_is_reported() -> None:
    reward = TrlReward(Correct(), (BOTH,))
    with pytest.raises(ScoringError, match="no column `problem`"):
        reward(prompts=[[]], completions=said("12"))
    with pytest.raises(ScoringError, match="was not given"):
        rewards(reward, said("12"), FREE)


def test_a_side_that_a_problem_does_not_have_moves_nothing_by_part() -> None:
    """GDPO on mixed problems: plain ones are rewarded by their answer alone, not left without reward."""
    plain = Problem(question="7 + 5 = ?", answer="12")
    bound = Problem(
        question="3 + 4 = ?",
        answer="7",
        constraints=(from_spec("punctuation:no_comma", None, profile="fixed"),),
    )
    reward = TrlReward(
        SoftGate(),
        (plain, bound),
        aggregation=AdvantageNormalizer(order="normalize_then_sum"),
        num_generations=2,
    )
    texts = ["#### 12", "#### 13", "#### 7", "So, #### 7"]
    found = reward(
        prompts=[[]] * 4, completions=texts, problem=[plain.id, plain.id, bound.id, bound.id]
    )
    assert None not in found
    right, wrong, obeys, breaks = (value for value in found if value is not None)
    assert right == -wrong > 0.7 and obeys == -breaks > 0.7


def test_a_class_in_place_of_a_scorer_is_refused_with_its_remedy() -> None:
    with pytest.raises(ScoringError, match=r"give SoftGate\(\)"):
        TrlReward(SoftGate, (BOTH,))
    with pytest.raises(ScoringError, match="give a twofold scorer"):
        TrlReward(len, (BOTH,))
    with pytest.raises(ScoringError, match=r"give SoftGate\(\)"):
        TrlReward(SoftGate(), (BOTH,), watched=(("also", SoftGate),))
