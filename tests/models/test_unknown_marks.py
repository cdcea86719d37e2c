"""Is a tag told that may mark a thought, and nothing else?"""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.constraints import from_spec
from twofold.methods.trl.reward import UNKNOWN_MARKS, TrlReward
from twofold.models.thinking import ThinkingPolicy, split, unknown_mark
from twofold.models.thinking.unknown import _ELEMENTS
from twofold.runs.score import score
from twofold.scorers import Correct
from twofold.types import Count, FinishReason, Problem

FOUR = Problem(question="2 + 2 = ?", answer="4")
NAMES = ["ponder", "deliberate", "x_mind", "plan", "analysis", "inner-voice", "Überlegung", "work"]

names = st.sampled_from(NAMES)
sentences = st.lists(
    st.sampled_from(
        ["We add.", "It is \\boxed{4}.", "2 < 3", "a > b", "\n\n", "`x`", "* one", "1."]
    ),
    min_size=1,
    max_size=5,
).map(lambda parts: "We see " + " ".join(parts) + " now")
fast = settings(max_examples=150, deadline=None, derandomize=True)


@fast
@given(names, sentences, sentences, st.sampled_from(["<{}>", "<|{}|>", "◁{}▷"]))
def test_a_strange_tag_at_the_head_is_told(name: str, inside: str, behind: str, tag: str) -> None:
    opens = tag.format(name)
    closes = tag.format("/" + name)
    for reply in (f"{opens}{inside}{closes}\n{behind}", f"\n {opens}\n{inside}"):
        assert unknown_mark(reply) == opens
        assert split(reply, policy=ThinkingPolicy(), hit_limit=False).reply == reply
    assert unknown_mark(f"{opens}{inside}{closes}<answer>4</answer>") == opens


def test_a_thought_in_the_brackets_of_a_stage_direction_is_told_where_it_is_closed() -> None:
    assert unknown_mark("[reasoning]2+2[/reasoning]4") == "[reasoning]"
    assert unknown_mark("[b]bold[/b] and more") == ""


@fast
@given(names, sentences, sentences)
def test_a_strange_tag_that_nothing_opens_is_told(name: str, inside: str, behind: str) -> None:
    assert unknown_mark(f"{inside}\n</{name}>\n\n{behind}") == f"</{name}>"


elements = st.sampled_from(_ELEMENTS.split())
pages = st.recursive(
    sentences,
    lambda inner: st.tuples(elements, st.lists(inner, min_size=1, max_size=3)).map(
        lambda pair: f"<{pair[0]}>\n" + "\n".join(pair[1]) + f"\n</{pair[0]}>"
    ),
    max_leaves=6,
)


@fast
@given(st.lists(pages, min_size=1, max_size=3), names)
def test_pages_and_plain_replies_are_not_told(parts: list[str], name: str) -> None:
    page = "\n".join(parts)
    assert unknown_mark(page) == ""
    assert unknown_mark(f"<{name}>{page}</{name}>") == ""  # around all of it: asked for
    assert unknown_mark(f"We write `</{name}>` and go on.\n{page}") == ""
    assert unknown_mark(f"Look:\n```\n{name}</{name}>\n```\n{page}") == ""
    assert unknown_mark(f"Use <{name}> and </{name}> here.\n{page}") == ""


@pytest.mark.parametrize(
    "reply",
    [
        "4",
        "",
        "<<A title>>\nThe text.",
        "[Your Name]\nDear Sir,",
        "[NAME] is here.",
        "<<48/2=24>>24",
        "<div class='a'>x</div> and more",
        "<!DOCTYPE html><html></html>",
        "<?xml version='1.0'?><note><to>you</to></note>",
        "<title>A</title>\n<body>B</body>",
        "<answer>4</answer> is it",
        "<|im_start|>assistant\n4",
        "<s> 4 </s>",
        "4</s>\nmore",
        "List<String> x; x</div>y",
        "a < b > c",
        "void <T> f()",
        "<response>4</response>\nmore",
        "[thinking] hm, 4",
        "<a href='x'>y</a> and more",
        "<tool_call>{}</tool_call>\nmore",
    ],
)
def test_replies_that_are_not_told(reply: str) -> None:
    assert unknown_mark(reply) == ""


def test_the_first_line_of_a_thought_without_its_special_tokens_is_told() -> None:
    assert unknown_mark("thought\nWe add.\n4") == "thought"
    assert unknown_mark("Thought\nWe add.\n4") == ""


def test_a_reward_logs_their_share() -> None:
    logged: dict[str, float] = {}
    reward = TrlReward(Correct(), (FOUR,))
    reward(
        prompts=[[]] * 4,
        completions=["<ponder>2</ponder>4", "4", "4", "4"],
        problem=[FOUR.id] * 4,
        log_metric=logged.__setitem__,
    )
    assert logged[UNKNOWN_MARKS] == 0.25


@pytest.mark.parametrize("extra", ["", "<p>4</p>\nIt is \\boxed{4}"])
def test_a_score_tells_them_and_named_marks_are_used(tmp_path: Path, extra: str) -> None:
    no_comma = from_spec("punctuation:no_comma", None, profile="fixed")
    asked = [Problem(question="2 + 2 = ?", answer="4", constraints=(no_comma,))]
    strange = "<ponder>It may be, so, \\boxed{5}.</ponder>\nIt is \\boxed{4}"
    outputs = [strange, strange, strange.split("</")[0], extra or "\\boxed{4}"]
    path = tmp_path / "replies.jsonl"
    path.write_text(json.dumps({"output": outputs}) + "\n")
    told = score(path, asked, out=tmp_path / "told").findings[0]
    caveat = next(each for each in told.caveats if "may mark a thought" in each)
    assert "constrained: 3 of 4 replies, 75%" in caveat
    assert "<ponder>" in caveat and "--thinking-marks OPEN CLOSE" in caveat
    marks = Count(role="model", condition="constrained", metric="unknown_thinking_mark", n=3)
    assert marks in told.counts
    assert "may mark a thought" in (tmp_path / "told" / "report.html").read_text()

    named = ("<ponder>", "</ponder>")
    found = score(path, asked, out=tmp_path / "named", thinking_marks=named).findings[0]
    assert not any("may mark a thought" in each for each in found.caveats)
    accuracy = found.estimate("accuracy", condition="constrained")
    assert accuracy is not None
    assert (accuracy.value, accuracy.n_unscored) == (1.0, 1)
    cut = Count(
        role="model", condition="constrained", metric=FinishReason.unclosed_thinking.value, n=1
    )
    assert cut in found.counts
    again = score(tmp_path / "told", asked, out=tmp_path / "again", thinking_marks=named)
    value = again.findings[0].estimate("accuracy", condition="constrained")
    assert value is not None
    assert (value.value, value.n_unscored) == (1.0, 1)  # a run of ours is read again


def test_a_score_of_replies_without_thoughts_tells_nothing(tmp_path: Path) -> None:
    asked = [FOUR]
    path = tmp_path / "replies.jsonl"
    path.write_text(json.dumps({"output": ["\\boxed{4}", "<p>4</p> and more", "[A] 4"]}) + "\n")
    found = score(path, asked, out=tmp_path / "run").findings[0]
    assert not any("may mark a thought" in each for each in found.caveats)
    assert all(count.metric != "unknown_thinking_mark" for count in found.counts)


def test_the_reported_score_of_channels_without_special_tokens(tmp_path: Path) -> None:
    no_comma = from_spec("punctuation:no_comma", None, profile="fixed")
    asked = [Problem(question="2 + 2 = ?", answer="4", constraints=(no_comma,))]
    raw = "analysisWe add, of course: maybe \\boxed{0}. No.assistantfinalThe sum is \\boxed{4}"
    path = tmp_path / "replies.jsonl"
    path.write_text(json.dumps({"output": [raw] * 4}) + "\n")
    found = score(path, asked, out=tmp_path / "run").findings[0]
    for metric in ("accuracy", "hacc"):
        estimate = found.estimate(metric, condition="constrained")
        assert estimate is not None
        assert estimate.value == 1.0
