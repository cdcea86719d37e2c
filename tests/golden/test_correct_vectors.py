"""The official profile against MathIF's own code: its verdicts on hand-made replies, and counts.

The expected values were measured by running the published code (TingchenFu/MathIF at 0f92ee5).
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twofold.scorers import Correct
from twofold.types import Problem, Response

SHARED = Path(os.environ["TWOFOLD_SHARED"])
MATHIF = SHARED / "data" / "mathif"
OFFICIAL = Correct(profile="official", timeout_s=20)


def rows(pattern: str) -> list[dict[str, Any]]:
    if not MATHIF.is_dir():
        pytest.skip("no MathIF data; set TWOFOLD_SHARED to the folder that holds data/mathif")
    texts = [path.read_text() for path in sorted(MATHIF.glob(pattern))]
    return [json.loads(line) for text in texts for line in text.splitlines() if line.strip()]


def judge(golds: list[str], replies: list[str]) -> list[bool]:
    problems = [Problem(question="?", answer=gold) for gold in golds]
    verdicts = OFFICIAL(problems, [Response(raw=reply, reply=reply) for reply in replies])
    assert all(verdict.is_scored for verdict in verdicts)
    return [verdict.score == 1.0 for verdict in verdicts]


def test_every_vector() -> None:
    vectors = [row for row in rows("parity_vectors.jsonl") if row["kind"] == "correct"]
    assert len(vectors) == 22
    verdicts = judge([row["gold"] for row in vectors], [row["response"] for row in vectors])
    assert verdicts == [row["expected"] for row in vectors]


@pytest.mark.parametrize(
    ("reply", "n_wrong"),
    [
        (lambda gold: rf"\boxed{{{gold}}}", 3),
        (lambda gold: rf"\boxed{{{gold.replace('$', '')}}}", 5),
        (lambda gold: f"#### {gold}", 418),
        (lambda gold: f"\\boxed{{{gold}}}\nI hope this answer is helpful.", 420),
        (lambda gold: rf"THE FINAL ANSWER IS $\BOXED{{{gold.upper()}}}$.", 127),
        (lambda gold: f"The answer is {gold}.", 111),
    ],
    ids=["boxed", "boxed without dollars", "hashes", "helpful", "capitals", "constrained"],
)
def test_golds_that_the_published_grader_calls_wrong(
    reply: Callable[[str], str], n_wrong: int
) -> None:
    golds = [row["answer"] for row in rows("*_*le.jsonl")]
    assert len(golds) == 420
    assert judge(golds, [reply(gold) for gold in golds]).count(False) == n_wrong


def test_golds_with_an_equals_sign_fail_in_their_own_box() -> None:
    problems = rows("*_*le.jsonl")
    golds = [row["answer"] for row in problems]
    right = judge(golds, [rf"\boxed{{{gold}}}" for gold in golds])
    wrong = [row["id"] for row, passed in zip(problems, right, strict=True) if not passed]
    assert wrong == ["minerva-triple-12", "minerva-triple-27", "olympiad-triple-17"]
