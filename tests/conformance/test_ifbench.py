"""Official verdicts of IFBench's checkers and of the RLVR-IF reward are repeated, strict and loose."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from twofold.constraints import CONSTRAINTS, from_spec
from twofold.constraints.loose import loose
from twofold.problems import load
from twofold.problems.rlvr_if import constraints_of

ROOT = Path(os.environ["TWOFOLD_SHARED"])
DATA = ROOT / "data" / "ifbench"
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(),
    reason="IFBench is not here; set TWOFOLD_SHARED to the folder with data/ifbench",
)


def rows(name: str) -> list[dict]:
    return [json.loads(row) for row in (DATA / name).read_text("utf-8").split("\n") if row]


def test_verdicts_strict_and_loose() -> None:
    wrong, unscored, seen = [], Counter(), Counter()
    for row in rows("vectors.jsonl"):
        seen[row["name"]] += 1
        rule = from_spec(row["name"], row["args"], profile="official")
        strict, lenient = rule.check(row["text"]), loose(rule, row["text"])
        if strict.score is None:  # a resource is missing: the reason names the remedy
            assert "python -m nltk" in strict.reason
            unscored[row["name"]] += 1
            continue
        if (strict.score, lenient.score) != (row["expected"], row["expected_loose"]):
            wrong.append((row["id"], row["name"], strict, lenient))
    assert not wrong
    assert len(seen) == 87
    assert set(unscored) <= {"words:start_verb"}


def test_published_prompts_are_read() -> None:
    problems = load(DATA / "IFBench_test.jsonl", profile="fixed")
    assert len(problems) == 300
    assert {problem.tags["source"] for problem in problems} == {"ifbench"}
    types = {constraint.name for problem in problems for constraint in problem.constraints}
    assert len(types) == 58
    assert types <= set(CONSTRAINTS)


def test_rewards_of_the_training_form() -> None:
    """As the published reward reads a reply: after the last closing mark, without answer tags."""
    for row in rows("rlvr_vectors.jsonl"):
        reply = row["prediction"].replace("<|assistant|>", "").strip().split("</think>")[-1]
        reply = re.sub(r"</?answer>", "", reply).strip()
        rules = constraints_of(row["ground_truth"], profile="official")
        scores = [rule.check(reply).score for rule in rules]
        if None not in scores:
            assert sum(scores) / max(len(scores), 1) == pytest.approx(row["reward"]), row["id"]
