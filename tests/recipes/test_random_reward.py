"""The control of reward training pays no text more than another."""

import importlib

from twofold.types import FinishReason, Problem, Response

RANDOM = importlib.import_module("recipes.00_pocket_study.random_reward").RandomReward()
PROBLEM = Problem(question="7 + 5 = ?", answer="12")


def test_it_pays_no_text_more_than_another() -> None:
    for right in (12, 13):
        texts = [f"{n} #### {right}" for n in range(400)]
        verdicts = RANDOM([PROBLEM] * 400, [Response(raw=t, reply=t) for t in texts])
        assert abs(sum(v.score for v in verdicts) / 400 - 0.5) < 0.1  # four standard errors


def test_what_cannot_be_judged_is_unscored() -> None:
    cut = Response(
        raw="<think>", reply="", thinking="", finish_reason=FinishReason.unclosed_thinking
    )
    assert RANDOM([PROBLEM], [cut])[0].score is None
