"""Every shipped reward against replies that would like to be paid for nothing: no trick earns more
than its honest twin. What cannot be judged earns nothing and costs nothing."""

import json
from pathlib import Path

import pytest

from twofold.constraints import from_spec
from twofold.methods import REWARDS
from twofold.models.thinking import ThinkingPolicy, split_served
from twofold.types import Problem, Response

TRICKS = [
    json.loads(line)
    for line in Path(__file__).with_name("tricks.jsonl").read_text(encoding="utf-8").splitlines()
]
PAID_FOR_LENGTH = {"correct_long"}  # more text is what it asks for


def said(text: str) -> Response:
    return split_served(text, None, policy=ThinkingPolicy(), hit_limit=False)


@pytest.mark.parametrize("name", sorted(REWARDS.keys() - PAID_FOR_LENGTH))
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
