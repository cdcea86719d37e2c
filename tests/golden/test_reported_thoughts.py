"""Do the reported faults about thoughts and messages have the right value now?"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from twofold.constraints import from_spec
from twofold.methods.trl.reward import TrlReward
from twofold.models.openai.completion import read_reply
from twofold.models.thinking import ThinkingPolicy, detect_in, split
from twofold.scorers import Correct, SoftGate
from twofold.types import Problem

SHARED = Path(os.environ["TWOFOLD_SHARED"])
CASES = SHARED / "data" / "reported_faults" / "cases.jsonl"
NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
TWELVE = Problem(question="7 + 5 = ?", answer="12", constraints=(NO_COMMA,))


def found(case: dict[str, Any]) -> Any:
    """What the code says now, in the form of the case's right value; None if it asks for more."""
    given, right = case["input"], case["right"]
    if given["call"] == "detect_in+split+Correct(gold 4)":
        read = split(given["raw"], policy=detect_in(given["raw"]), hit_limit=False)
        score = Correct()([Problem(question="?", answer="4")], [read])[0].score
        return {"score": score, "reply_has_thought": "\\boxed{5}" in read.reply}
    if given["call"] == "read_reply":
        choice = {"message": given["message"], "finish_reason": given["finish_reason"]}
        read = read_reply({"choices": [choice]}, policy=ThinkingPolicy(), max_tokens=99)
        values = {"reply": read.reply, "ended": read.finish_reason.value}
        return {key: values[key] for key in right}
    reward = TrlReward(SoftGate(), (TWELVE,))
    return reward(prompts=[[]], completions=[given["completion"]], problem=[TWELVE.id])[0]


def test_every_reported_case_is_right() -> None:
    if not CASES.exists():
        pytest.skip(f"no {CASES.name}: set TWOFOLD_SHARED to the folder with the benchmark data")
    rows = [json.loads(line) for line in CASES.read_text(encoding="utf-8").split("\n") if line]
    kinds = ("T1 ", "T2 ", "S1 ", "S2 ", "R1 ", "R2 ")
    calls = ("detect_in+split+Correct(gold 4)", "read_reply", "TrlReward(SoftGate)")
    cases = [c for c in rows if c["kind"].startswith(kinds) and c["input"]["call"] in calls]
    assert len(cases) >= 8
    assert [found(case) for case in cases] == [case["right"] for case in cases]
