"""No trick pays: a reply that plays with a rule and does not do what its words say gets nothing.

`tricks.jsonl` has a rule, an honest reply that meets it and one that games it; `look_alikes.jsonl` has
honest replies that look like a game. All were judged by hand, from the words of the rule alone.
"""

import json
from pathlib import Path

import pytest

from twofold.constraints import CONSTRAINTS, from_spec
from twofold.scorers import SoftGate
from twofold.types import Problem, Response

HERE = Path(__file__).parent
TRICKS, LOOK_ALIKES = (
    [json.loads(line) for line in (HERE / name).read_text("utf-8").splitlines()]
    for name in ("tricks.jsonl", "look_alikes.jsonl")
)
# Scored only where NLTK's tagger is on disk.
NEEDS_MORE = {"words:start_verb"}


def rule(row):
    return from_spec(row["name"], row["args"], profile="fixed")


@pytest.mark.parametrize("row", TRICKS, ids=[f"{r['name']} {r['game']}" for r in TRICKS])
def test_a_trick_is_not_met(row):
    honest, trick = (rule(row).check(row[key]) for key in ("honest", "trick"))
    if row["name"] in NEEDS_MORE and honest.score is None:
        return
    assert (honest.score, trick.score) == (1.0, 0.0), (honest.reason, trick.reason)


@pytest.mark.parametrize("row", TRICKS, ids=[f"{r['name']} {r['game']}" for r in TRICKS])
def test_a_trick_earns_no_more_than_the_honest_reply(row):
    """As a reward: with the answer, which both get wrong, and without one."""
    for answer in (None, "987654321"):
        problem = Problem(question="Why?", answer=answer, constraints=(rule(row),))
        replies = [Response(raw=row[key], reply=row[key]) for key in ("honest", "trick")]
        honest, trick = (v.score for v in SoftGate()([problem] * 2, replies))
        assert (row["name"] in NEEDS_MORE and honest is None) or trick < honest


@pytest.mark.parametrize("row", LOOK_ALIKES, ids=[f"{r['name']} {r['like']}" for r in LOOK_ALIKES])
def test_an_honest_reply_that_looks_like_a_game_is_met(row):
    verdict = rule(row).check(row["honest"])
    assert verdict.score == 1.0, verdict.reason


def test_every_type_of_ifbench_has_a_trick_and_most_tricks_are_paid_officially():
    newer = {name for name, cls in CONSTRAINTS.items() if ".ifbench." in cls.__module__}
    assert len(newer) == 87 and newer <= {row["name"] for row in TRICKS}
    paid = sum(
        from_spec(row["name"], row["args"], profile="official").check(row["trick"]).score == 1.0
        for row in TRICKS
    )
    assert paid > len(TRICKS) / 2
