"""What people reported of the `fixed` rules (kinds C1 to C7): the right verdict of every case."""

import json
import os
from pathlib import Path

import pytest

from twofold.constraints import from_spec

SHARED = Path(os.environ["TWOFOLD_SHARED"])
CASES = SHARED / "data" / "reported_faults" / "cases.jsonl"

JSON, BARE = "detectable_format:json_format", "detectable_format:constrained_response"
QUOTED, END = "startend:quotation", "startend:end_checker"
QUESTION = {"end_phrase": "Any other questions?"}


def has(*keywords):
    return "keywords:existence", {"keywords": list(keywords)}


# name and arguments, reply, right
REPORTED = [
    # C1: scripts without spaces, and Latin words inside them
    (("keywords:forbidden_words", {"forbidden_words": ["不好"]}), "这个方法不好用。", 0),
    (has("कि"), "किताब पढ़ो", 0),
    (has("創造性"), "彼の創造性は高い。", 1),
    (has("서울"), "서울은 크다.", 1),
    (has("AI"), "このAIは賢い。", 1),
    (has("art"), "Let us start.", 0),
    # C2: apostrophes, hyphens, accents
    (has("Straße"), "DIE STRASSE IST LANG", 1),
    (has("café"), "un cafe\u0301 noir", 1),
    (has("don't"), "I don\u2019t know.", 1),
    (has("well-known"), "a well\u2011known fact", 1),
    (
        (
            "keywords:letter_frequency",
            {"letter": "é", "let_frequency": 1, "let_relation": "at least"},
        ),
        "cafe\u0301",
        1,
    ),
    # C3: an invisible character at the edge
    ((JSON, {}), '\ufeff{"a": 4}', 1),
    ((BARE, {}), "My answer is yes.\u2060", 1),
    ((QUOTED, {}), '"It is 4."\ufeff', 1),
    ((QUOTED, {}), '"It is 4."\u200b', 1),
    ((END, QUESTION), "It is 4. Any other questions?\u2060", 1),
    # C4: no titles
    (("detectable_format:title", {}), "48/2=<<48/2=24>>24 clips.\n#### 24", 0),
    (("detectable_format:title", {}), "x = 1 << 3; y = 16 >> 2;", 0),
    # C5: special tokens that a file kept
    ((JSON, {}), '{"a": 4}<|im_end|>', 1),
    ((BARE, {}), "My answer is yes.<end_of_turn>", 1),
    ((BARE, {}), "My answer is yes.</s>", 1),
    ((END, QUESTION), "It is 4. Any other questions?</s>", 1),
    ((END, QUESTION), "It is 4. Any other questions?<|eot_id|>", 1),
    ((QUOTED, {}), '"It is 4."<|eot_id|>', 1),
    (
        ("change_case:english_capital", {}),
        "THE ANSWER TO THE QUESTION IS FIVE APPLES IN A BASKET</s>",
        1,
    ),
    # C6: sentences and abbreviations
    (
        ("length_constraints:number_sentences", {"num_sentences": 2, "relation": "at least"}),
        "He arrived at 5 p.m. She left.",
        1,
    ),
    # C7: other fences, other scripts' quotation marks
    ((JSON, {}), '```jsonc\n{"a": 1}\n```', 1),
    ((QUOTED, {}), "「答えは四です。」", 1),
]


@pytest.mark.parametrize(("spec", "reply", "right"), REPORTED, ids=lambda each: ascii(each)[:60])
def test_the_right_verdict(spec, reply, right):
    name, args = spec
    verdict = from_spec(name, args, profile="fixed").check(reply)
    assert verdict.score == right, verdict.reason


def test_the_cases_handed_over():
    if not CASES.exists():
        pytest.skip(f"{CASES} is absent; set TWOFOLD_SHARED to the folder that holds data/")
    rows = [json.loads(line) for line in CASES.read_text("utf-8").splitlines()]
    ours = [row for row in rows if row["input"]["call"] == "constraint(fixed)"]
    assert len(ours) == 24
    for row in ours:
        rule = from_spec(row["input"]["name"], row["input"]["args"], profile="fixed")
        assert rule.check(row["input"]["reply"]).score == row["right"], row
