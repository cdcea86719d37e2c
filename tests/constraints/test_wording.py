"""What the prompt's words say of a count, and of which published instructions that changes the bound."""

import os
import re
import time
from dataclasses import fields
from pathlib import Path

import pytest

from twofold.constraints import from_spec, keywords
from twofold.constraints.counting import Bound
from twofold.constraints.wording import stated_bound, stated_times
from twofold.problems import load
from twofold.types import Problem
from twofold.types.problem import READING

SHARED = Path(os.environ["TWOFOLD_SHARED"])


@pytest.mark.parametrize(
    ("prompt", "registry", "stated"),
    [
        ("at least two sections", ("exactly", 2), ("at least", 2)),
        ("exactly two sections", ("exactly", 2), None),
        ("two sections", ("exactly", 2), None),
        ("no more than 3 sections", ("exactly", 3), ("less than", 4)),
        ("up to three sections", ("exactly", 3), ("less than", 4)),
        ("more than 3 sections", ("exactly", 3), None),  # 4 or more: another number and relation
        ("more than 3 sections", ("at least", 4), None),
        ("3 or more sections", ("exactly", 3), ("at least", 3)),
        ("3+ sections", ("exactly", 3), ("at least", 3)),
        ("three sections or fewer", ("exactly", 3), ("less than", 4)),
        ("under 5 sections", ("exactly", 5), ("less than", 5)),
        ("2 to 4 sections", ("at least", 2), None),
        ("2 to 4 sections", ("less than", 5), None),
        ("not fewer than 1,000 sections", ("at least", 1000), None),
        ("at least 2 sections and at least 3 sections", ("exactly", 2), None),
        ("at least 2 words and sections", ("exactly", 2), None),
    ],
)
def test_bounds(prompt, registry, stated):
    found = stated_bound(prompt, "sections?", Bound(*registry))
    assert found == (stated and Bound(*stated))


@pytest.mark.parametrize(
    ("prompt", "registry", "stated"),
    [
        ("Mention Sarah only once.", ("less than", 2), ("exactly", 1)),
        ("Mention Sarah at least twice.", ("at least", 2), None),
        ("Sarah should appear 10 or more times.", ("at least", 10), None),
        ("Avoid Sarah more than twice.", ("less than", 3), None),
        ("Do not say Sarah more than 4 times.", ("less than", 3), ("less than", 5)),
        ("Use Sarah once or less.", ("less than", 2), None),
        ("Sarah is here. Say Tom at least 3 times.", ("less than", 2), None),
        ("Sarah should appear 6 or 7 times.", ("at least", 6), None),
    ],
)
def test_times(prompt, registry, stated):
    found = stated_times(prompt, r"\bSarah\b", Bound(*registry))
    assert found == (stated and Bound(*stated))


def test_a_problem_gives_its_constraints_their_words():
    rule = from_spec(
        "detectable_format:multiple_sections",
        {"section_spliter": "Part", "num_sections": 2},
        profile="fixed",
    )
    three = "Part 1\nA.\nPart 2\nB.\nPart 3\nC."
    stated = Problem(
        question="Give at least two sections called Part.",
        constraints=(rule,),
        question_states_constraints=True,
    )
    worded = Problem(question="Why?", constraints=(rule,), wordings=("Use at least 2 sections.",))
    plain = Problem(question="Why are there at least two sections?", constraints=(rule,))
    verdicts = [p.constraints[0].check(three).score for p in (stated, worded, plain)]
    assert verdicts == [1.0, 1.0, 0.0]
    assert stated.constraints[0].args() == rule.args()


def test_the_published_instructions_that_are_worded_otherwise():
    folder = SHARED / "data" / "ifeval"
    if not folder.exists():
        pytest.skip(f"{folder} is absent; set TWOFOLD_SHARED to the folder that holds data/")
    found = {}
    for problem in load(folder / "input_data.jsonl", profile="fixed"):
        for rule in problem.constraints:
            for each in fields(rule):
                value = getattr(rule, each.name)
                if each.metadata == READING and each.name == "stated" and value is not None:
                    found[problem.tags["source_id"], rule.name] = str(value)
    bounds = {
        key[0]: re.sub(r"Bound\(relation='(.*)', n=(\d+)\)", r"\1 \2", v)
        for key, v in found.items()
    }
    assert bounds == {
        "1174": "at least 6",
        "1379": "exactly 1",
        "1481": "at least 2",
        "2180": "at least 5",
        "337": "at least 400",
        "3429": "at least 4",
        "3672": "exactly 1",
    }


def test_a_pattern_that_would_not_end_is_unscored(monkeypatch):
    monkeypatch.setattr(keywords, "SEARCH_S", 0.2)
    args = {"keyword": "(?:a|a)*[b-d]", "frequency": 0, "relation": "at least"}
    rule = from_spec("keywords:frequency", args, profile="official")
    start = time.process_time()
    verdict = rule.check("a" * 60 + "!")
    assert time.process_time() - start < 10
    assert verdict.score is None and "too long" in verdict.reason


# Text that a rule must not read in quadratic time; some took minutes once.
SLOW = ["\\[", "\\(", "P.S. ", "!", "A. ", "p.m. She ", "$a", "<<a", "*a "]


@pytest.mark.parametrize("unit", SLOW)
def test_long_replies_end(unit):
    """40,000 characters in seconds of work."""
    text = "x" + unit * (40_000 // len(unit)) + "x"
    start = time.process_time()
    for name, args in (
        ("length_constraints:number_sentences", {"num_sentences": 5, "relation": "at least"}),
        (
            "change_case:capital_word_frequency",
            {"capital_frequency": 3, "capital_relation": "at least"},
        ),
        ("detectable_format:title", {}),
        ("detectable_format:number_highlighted_sections", {"num_highlights": 3}),
    ):
        for profile in ("official", "fixed"):
            assert from_spec(name, args, profile=profile).check(text).score is not None
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("prompt", "bold_counts", "italic_counts"),
    [
        ("Highlight at least 1 section, i.e. *highlighted*.", 1, 1),
        ("Italicize at least 1 section, i.e. *italic*.", 0, 1),
        ("Put at least 1 part in boldface.", 1, 0),
        ("Make a bold claim about Italian food and highlight 1 part.", 1, 1),
        ("Make a bold claim about Italian food.", 1, 1),
    ],
)
def test_what_a_highlight_is(prompt, bold_counts, italic_counts):
    name, args = "detectable_format:number_highlighted_sections", {"num_highlights": 1}
    rule = from_spec(name, args, profile="fixed").worded(prompt)
    assert rule.check("It is **so**.").score == bold_counts
    assert rule.check("It is *so*.").score == italic_counts
