"""Replies judged by hand, from the words of their prompt, before any of them was run.

`hand_judged.jsonl` has 255 of them: constraint, arguments, the prompt's words, reply, and the right verdict
(null where people may differ). The prompts' words are those in which the published data state the
constraint, or close to them.
"""

import json
from pathlib import Path

import pytest

from twofold.constraints import CONSTRAINTS, from_spec

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "hand_judged.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['name']}: {row['reply'][:40]!a}")
def test_fixed_judges_as_a_person_does(row):
    rule = from_spec(row["name"], row["args"], profile="fixed").worded(row["prompt"])
    verdict = rule.check(row["reply"])
    assert verdict.score == row["right"], verdict.reason


def test_they_cover_every_type_and_are_not_what_official_says_anyway():
    published = {n for n, c in CONSTRAINTS.items() if ".ifbench." not in c.__module__}
    assert {row["name"] for row in ROWS} == published and len(published) == 25
    differs = 0
    for row in ROWS:
        official = from_spec(row["name"], row["args"], profile="official")
        differs += official.check(row["reply"]).score != row["right"]
    assert differs >= 120
