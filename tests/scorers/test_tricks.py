"""Every shipped reward against replies that would like to be paid for nothing: no trick earns more
than its honest twin. What cannot be judged earns nothing and costs nothing."""

import json
from pathlib import Path

import pytest

from twofold.constraints import from_spec
from twofold.methods import REWARDS
from twofold.models.thinking import ThinkingPolicy, split_served
from twofold.types import FinishReason, Problem, Response

TRICKS = [
    json.loads(line)
    for line in Path(__file__).with_name("tricks.jsonl").read_text(encoding="utf-8").splitlines()
]
CONTROLS = {"coin"}  # rewards nothing on purpose
PAID_FOR_LENGTH = {"correct_long"}  # more text is what it asks for


def said(text: str) -> Response:
    return split_served(text, None, policy=ThinkingPolicy(), hit_limit=False)


@pytest.mark.parametrize("name", sorted(REWARDS.keys() - CONTROLS - PAID_FOR_LENGTH))
@pytest.mark.parametrize("row", TRICKS, ids=[row["trick"] for row in TRICKS])
def test_no_trick_earns_more_than_its_honest_twin(name: str, row: dict[str, object]) -> None:
    rules = tuple(from_spec(rule, args, profile="fixed") for rule, args in row["rules"])  # type: ignore[attr-defined]
    problem = Problem(question="7 + 5 = ?", answer=str(row["gold"]), constraints=rules)
    reward = REWARDS[name]
    honest, trick = reward([problem] * 2, [said(str(row["honest"])), said(str(row["reply"]))])
    assert honest.score is not None
    assert trick.score is None or trick.score <= honest.score + 1e-12, trick.reason


def test_the_corpus_has_every_kind() -> None:
    assert len(TRICKS) == 18  # what docs/methods.md says
    kinds = " ".join(row["trick"] for row in TRICKS)
    for kind in ("boxed", "shotgun", "empty", "echoed", "left open", "Cyrillic", "zero-width"):
        assert kind in kinds


def test_the_coin_pays_no_text_more_than_another() -> None:
    problem = Problem(question="7 + 5 = ?", answer="12")
    right = [said(f"{n} #### 12") for n in range(400)]
    wrong = [said(f"{n} #### 13") for n in range(400)]
    shares = [
        sum(v.score for v in REWARDS["coin"]([problem] * 400, texts)) / 400  # type: ignore[misc]
        for texts in (right, wrong)
    ]
    assert all(abs(share - 0.5) < 0.1 for share in shares)  # four standard errors
    cut = Response(
        raw="<think>", reply="", thinking="", finish_reason=FinishReason.unclosed_thinking
    )
    assert REWARDS["coin"]([problem], [cut])[0].score is None
