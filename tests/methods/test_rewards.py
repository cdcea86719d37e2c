"""Does a file name the reward that it means, and is one that could not work refused at once?"""

from dataclasses import replace
from pathlib import Path

import pytest

from twofold.constraints import from_spec
from twofold.judges import Blend, Holistic, MeetsChecklist, Quantised
from twofold.methods import REWARDS, Dpo, Grpo, Rft, TrainingError
from twofold.methods.rewards import require_applies, reward
from twofold.scorers import Correct, SoftGate
from twofold.types import Problem, Response
from twofold.types.checklist import Checklist, Criterion

NOISY = "recipes.checklists.planted_judges:LabelNoiseJudge"
SERVER = "http://127.0.0.1:9/v1#m"
PLAIN = Problem(question="2 + 2 = ?", answer="4")
LISTED = Problem(
    question="A poem.", checklist=Checklist(criteria=(Criterion(text="Does it rhyme?"),))
)


def test_levels_come_before_programs() -> None:
    """A program's 0 or 1 is exact; rounding the blend would undo the average."""
    made = reward({"judge": NOISY, "levels": 3, "programs": "average"})
    assert isinstance(made, MeetsChecklist)
    assert isinstance(made.judge, Blend) and isinstance(made.judge.judge, Quantised)


@pytest.mark.parametrize("judge", [SERVER, f"sampled:{SERVER}"])
def test_a_holistic_reward_asks_the_model_that_is_named(judge: str) -> None:
    made = reward({"shape": "holistic", "judge": judge})
    assert isinstance(made, Holistic) and made.model.spec == SERVER


@pytest.mark.parametrize("judge", ["exact", NOISY, f"odds:{SERVER}"])
def test_a_holistic_reward_needs_a_model_that_writes(judge: str) -> None:
    with pytest.raises(TrainingError, match="name a MODEL"):
        reward({"shape": "holistic", "judge": judge})


def test_what_does_nothing_beside_a_holistic_rating_is_refused() -> None:
    with pytest.raises(TrainingError, match="levels, dropout would do nothing"):
        reward({"shape": "holistic", "judge": SERVER, "levels": 2, "dropout": 0.5})


def test_a_judge_in_place_of_a_reward_is_reported_with_a_hint() -> None:
    with pytest.raises(ValueError, match=r"\{judge: exact\}"):
        reward("exact")


def test_a_reward_that_scores_none_of_the_problems_is_refused(tmp_path: Path) -> None:
    listed = reward({"judge": "exact"})
    for method in (Grpo(reward=listed), Dpo(reward=listed), Rft(reward=listed), Rft()):
        with pytest.raises(
            TrainingError, match=r"can score none of the 1 problems.*checklist write"
        ):
            method.train("nowhere", [PLAIN], out=tmp_path / "run")
    require_applies(listed, [PLAIN, LISTED])
    require_applies(SoftGate(Correct(), listed), [PLAIN])  # it goes by the answer alone


@pytest.mark.parametrize("name", sorted(REWARDS))
def test_a_reward_applies_where_it_gives_a_score(name: str) -> None:
    """By hand: only what takes one side alone goes by the answer or the rule of the other problems."""
    rule = from_spec("punctuation:no_comma", None, profile="fixed")
    bound, both = (
        replace(PLAIN, answer=None, constraints=(rule,)),
        replace(PLAIN, constraints=(rule,)),
    )
    one_sided = name.startswith(("soft_gate", "correct_then", "compliant_then"))
    by_answer = one_sided or name in ("correct", "correct_short", "correct_long")
    by_rule = one_sided or name in ("compliant", "compliant_all", "compliant_graded")
    problems = [both, PLAIN, bound, LISTED]
    scores = [REWARDS[name]([p], [Response(raw="#### 4", reply="#### 4")])[0] for p in problems]
    assert [v.is_scored for v in scores] == [True, by_answer, by_rule, False]
    assert [REWARDS[name].applies(p) for p in problems] == [True, by_answer, by_rule, False]


def test_a_graded_soft_gate_keeps_the_order_of_the_cells_and_ranks_by_nearness_within() -> None:
    args = {"num_words": 4, "relation": "less than"}
    rule = from_spec("length_constraints:number_words", args, profile="fixed")
    problem = Problem(question="7 + 5 = ?", answer="12", constraints=(rule,))
    texts = ["so #### 12", "so it is #### 12", "so it is surely then #### 12"]  # 2, 4 and 6 words
    texts += [text.replace("12", "13") for text in texts]
    replies = [Response(raw=text, reply=text) for text in texts]
    found = reward("soft_gate_graded")([problem] * 6, replies)
    graded = [1, 1 - 1 / 3, 0]  # at most 3 words: none, 1 and 3 too many
    by_hand = [(1 + s / 2) / 1.5 for s in graded] + [s / 6 for s in graded]
    assert [verdict.score for verdict in found] == pytest.approx(by_hand)
    assert by_hand == sorted(by_hand, reverse=True)
