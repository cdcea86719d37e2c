"""Are thought and reply separated in every known style, on every path, whatever the texts hold?"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twofold.methods.trl.reward import TrlReward
from twofold.models.openai.completion import read_reply
from twofold.models.thinking import (
    ThinkingPolicy,
    detect_in,
    read_said,
    split,
    split_served,
    thought_span,
)
from twofold.runs.import_responses import ImportedResponses
from twofold.scorers import Correct
from twofold.types import FinishReason, Problem, Response

UNKNOWN = ThinkingPolicy()
FOUR = Problem(question="2 + 2 = ?", answer="4")


@dataclass(frozen=True)
class Written:
    """How a family of models writes a thought and its reply."""

    opens: str
    closes: str
    ends: str = ""  # behind the reply
    closes_alone: bool = True  # whether the closing mark says something without the opening one

    @property
    def policy(self) -> ThinkingPolicy:
        return detect_in(f"{self.opens}x{self.closes}y")


STYLES = {
    "deepseek": Written("<think>\n", "\n</think>\n\n"),
    "upper": Written("<THINK>", "</Think>"),
    "thinking": Written("<thinking>", "</thinking>\n"),
    "exaone": Written("<thought>\n", "\n</thought>\n\n"),
    "marco": Written("<Thought>", "</Thought>"),
    "grpo demo": Written("<reasoning>\n", "\n</reasoning>\n"),
    "reason": Written("<reason>", "</reason>"),
    "reflection": Written("<reflection>", "</reflection>"),
    "seed": Written("<seed:think>", "</seed:think>"),
    "longcat": Written("<longcat_think>\n", "\n</longcat_think>\n"),
    "claude": Written("<antThinking>", "</antThinking>\n"),
    "kimi": Written("◁think▷", "◁/think▷"),
    "sky-t1": Written(
        "<|begin_of_thought|>\n",
        "\n<|end_of_thought|>\n\n<|begin_of_solution|>\n",
        "\n<|end_of_solution|>",
    ),
    "cohere": Written(
        "<|START_THINKING|>", "<|END_THINKING|><|START_RESPONSE|>", "<|END_RESPONSE|>"
    ),
    "mistral": Written("[THINK]", "[/THINK]"),
    "special": Written("<|thinking|>", "<|/thinking|>"),
    "wide": Written("<｜begin▁of▁thought｜>", "<｜end▁of▁thought｜>"),
    "start and end": Written("<|think_start|>", "<|think_end|>"),
    "scratchpad": Written("<scratchpad>", "</scratchpad>\n"),
    "gemma": Written("<|channel>thought\n", "\n<channel|>"),
    "medgemma": Written("<unused94>thought\n", "<unused95>"),
    "pangu": Written("[unused16]", "[unused17]"),
    "apertus": Written("<|inner_prefix|>", "<|inner_suffix|>"),
    "granite": Written(
        "Here is my thought process:\n", "\n\nHere is my response:\n", closes_alone=False
    ),
    "granite, short": Written(
        "Here's my thought process: ", "\nHere's my response: ", closes_alone=False
    ),
    "granite 3.3": Written("<think>", "</think><response>", "</response>"),
    "gpt-oss": Written(
        "<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant<|channel|>final<|message|>",
        "<|return|>",
    ),
    "gpt-oss, whole": Written(
        "<|start|>assistant<|channel|>analysis<|message|>",
        "<|end|>\n<|start|>assistant<|channel|>final <|constrain|>json<|message|>",
        "<|end|>",
    ),
    "gpt-oss, stripped": Written("analysis", "assistantfinal"),
    "glued": Written("<|startofthought|>", "<|endofthought|>"),
    "s1": Written("<|im_start|>think\n", "\n<|im_start|>answer\n"),
    "open webui": Written(
        '<details type="reasoning" done="true" duration="5">\n<summary>Thought for 5 s</summary>\n',
        "\n</details>\n",
        closes_alone=False,
    ),
    "a word of its own": Written("<my_think>", "</my_think>"),
}

# What thoughts and replies hold, besides words: mentions of marks, code, markup, quotations.
PIECES = [
    *("We add.", "so it may be \\boxed{5}", "2 < 3 > 1", "[1, 2]", "$x_{1}$", "\n\n", "\n", "* a"),
    *("<<48/2=24>>48", "a</b>", "<p>", "思考する。", '"so"', "1 << 3", "x['a']", "\u00a0", "don't"),
    *("the `<think>` tag", 'a "</think>" mark', "`[/THINK]`", "the final analysis", "<answer>"),
    *("\n```py\nx = a[0] < b\n```\n", "\n```\n<think>\nlike this\n</think>\n```\n", "\n- <li>\n"),
]
texts = st.lists(st.sampled_from(PIECES), max_size=6).map(" ".join)
thoughts = texts.map(lambda text: f"We think {text} on")
replies = texts.map(lambda text: f"It is {text} \\boxed{{4}}")
styles = st.sampled_from(sorted(STYLES))
fast = settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def seen(raw: str, *, policy: ThinkingPolicy = UNKNOWN, cut: bool = False) -> list[Response]:
    """A raw text as each path reads it."""
    message: dict[str, Any] = {"role": "assistant", "content": raw}
    answer = {"choices": [{"message": message, "finish_reason": "length" if cut else "stop"}]}
    parts = {"role": "assistant", "content": [{"type": "text", "text": raw}]}
    reward = TrlReward(Correct(), (FOUR,), policy)
    return [
        split(raw, policy=policy if policy.prefilled else detect_in(raw), hit_limit=cut),
        split(raw, policy=policy, hit_limit=cut),
        split_served(raw, None, policy=policy, hit_limit=cut),
        read_reply(answer, policy=policy, max_tokens=9),
        reward.response(raw),
        reward.response([message]),
        reward.response([{"role": "user", "content": "?"}, parts]),
    ]


@fast
@given(styles, thoughts, replies, st.sampled_from(["", "\n", "Sure.\n", " \t"]))
def test_a_closed_thought(style: str, thought: str, reply: str, before: str) -> None:
    write = STYLES[style]
    if before == "Sure.\n" and write.opens[0] not in "<[◁":
        before = ""  # words open a thought at the head only
    raw = f"{before}{write.opens}{thought}{write.closes}{reply}{write.ends}"
    for read in seen(raw):
        assert (read.thinking, read.reply) == (thought.strip(), reply.lstrip())
        assert (read.raw, read.finish_reason) == (raw, FinishReason.answered)


@fast
@given(styles, thoughts)
def test_a_thought_that_was_cut_is_no_reply(style: str, thought: str) -> None:
    raw = STYLES[style].opens + thought
    for cut in (True, False):
        for read in seen(raw, cut=cut):
            assert (read.reply, read.finish_reason) == ("", FinishReason.unclosed_thinking)
            assert read.thinking == thought.strip()


@fast
@given(styles, thoughts, replies)
def test_a_thought_that_the_prompt_opened(style: str, thought: str, reply: str) -> None:
    write = STYLES[style]
    policy = ThinkingPolicy(write.policy.open_tag, write.policy.close_tag, prefilled=True)
    raw = f"{thought}{write.closes}{reply}{write.ends}"
    for read in (*seen(raw, policy=policy), *seen(write.opens + raw, policy=policy)):
        assert (read.thinking, read.reply) == (thought.strip(), reply.lstrip())
    for read in seen(thought, policy=policy):
        assert (read.reply, read.finish_reason) == ("", FinishReason.unclosed_thinking)


@fast
@given(styles, replies)
def test_a_prompt_that_opened_a_thought_is_seen_in_the_text(style: str, reply: str) -> None:
    write = STYLES[style]
    raw = f"We add: \\boxed{{5}}{write.closes}{reply}{write.ends}"
    for read in seen(raw) if write.closes_alone else []:
        assert (read.thinking, read.reply) == ("We add: \\boxed{5}", reply.lstrip())


@fast
@given(styles, thoughts, replies, st.sampled_from(["", "\n", "\n\n"]))
def test_a_closing_mark_that_was_left_where_the_thought_came_apart(
    style: str, thought: str, reply: str, before: str
) -> None:
    write = STYLES[style]
    if not write.closes_alone:
        return
    content = f"{before}{write.closes}{reply}{write.ends}"
    message = {"role": "assistant", "content": content, "reasoning_content": thought}
    answer = {"choices": [{"message": message, "finish_reason": "stop"}]}
    for read in (
        read_reply(answer, policy=UNKNOWN, max_tokens=9),
        TrlReward(Correct(), (FOUR,)).response([message]),
    ):
        assert (read.thinking, read.reply) == (thought.strip(), reply.lstrip())


@fast
@given(styles, thoughts, replies)
def test_marks_that_were_left_around_a_thought_that_came_apart(
    style: str, thought: str, reply: str
) -> None:
    write = STYLES[style]
    if write.opens[0] not in "<[◁":
        return  # no parser takes words for marks
    for sent in (write.opens + thought, write.opens + thought + "\n"):
        read = split_served(reply, sent, policy=UNKNOWN, hit_limit=False)
        assert read.reply == reply
        assert read.thinking is not None
        assert read.thinking.startswith("We think")


@fast
@given(replies, st.sampled_from(["reasoning_content", "reasoning", "thinking"]), thoughts)
def test_no_thought_and_a_thought_apart(reply: str, field: str, thought: str) -> None:
    for read in seen(reply):
        assert (read.thinking, read.reply) == (None, reply)
    apart = {"role": "assistant", "content": reply, field: thought}
    parts = [{"type": "thinking", "thinking": thought}, {"type": "text", "text": reply}]
    for said in ([apart], apart, parts, {"role": "assistant", "content": parts}):
        read = read_said(said, policy=UNKNOWN)
        assert (read.thinking, read.reply) == (thought.strip(), reply)


@fast
@given(styles, thoughts, replies)
def test_a_response_is_split_again_as_it_was(style: str, thought: str, reply: str) -> None:
    write = STYLES[style]
    raw = f"{write.opens}{thought}{write.closes}{reply}{write.ends}"
    for read in seen(raw)[:3]:
        again = split(read.raw, policy=UNKNOWN, hit_limit=False)
        assert again == read
        assert Response.from_json(json.loads(json.dumps(read.to_json()))) == read


@fast
@given(styles, thoughts, replies)
def test_where_a_thought_lies_in_the_text(style: str, thought: str, reply: str) -> None:
    write = STYLES[style]
    strange = ThinkingPolicy("~~think ", "##")
    for policy, opens, closes in (
        (UNKNOWN, write.opens, write.closes),
        (strange, "~~think ", "##"),
    ):
        raw = f"{opens}{thought}{closes}{reply}"
        read = split(raw, policy=policy, hit_limit=False)
        start, stop, reply_at = thought_span(read)
        assert (raw[start:stop], raw[reply_at:]) == (thought.strip(), reply)


@pytest.mark.parametrize("style", sorted(STYLES))
def test_every_style_in_a_file_of_replies(style: str, tmp_path: Path) -> None:
    write = STYLES[style]
    whole = f"{write.opens}It may be \\boxed{{5}}.{write.closes}\\boxed{{4}}{write.ends}"
    cut = f"{write.opens}It may be \\boxed{{4}}, but"
    path = tmp_path / "replies.jsonl"
    path.write_text(json.dumps({"output": [whole, cut, "\\boxed{4}"]}) + "\n")
    read = [r for _, r in ImportedResponses(path, [FOUR]).answers("fixed")]
    scores = [verdict.score for verdict in Correct()([FOUR] * 3, read)]
    assert scores == [1.0, None, 1.0]


@pytest.mark.parametrize("style", sorted(k for k, v in STYLES.items() if v.closes_alone))
def test_every_style_in_a_file_whose_prompts_opened_the_thoughts(
    style: str, tmp_path: Path
) -> None:
    write = STYLES[style]
    whole = f"It may be \\boxed{{5}}.{write.closes}\\boxed{{4}}{write.ends}"
    path = tmp_path / "replies.jsonl"
    path.write_text(json.dumps({"output": [whole, whole, "It may be \\boxed{4}, but"]}) + "\n")
    read = [r for _, r in ImportedResponses(path, [FOUR]).answers("fixed")]
    assert [v.score for v in Correct()([FOUR] * 3, read)] == [1.0, 1.0, None]


@pytest.mark.parametrize(
    ("raw", "thinking", "reply"),
    [
        # the reported ones
        ("<|START_THINKING|>maybe \\boxed{5}<|END_THINKING|>\\boxed{4}", "maybe \\boxed{5}", "\\boxed{4}"),
        ("analysisWe add: no.assistantfinalThe sum is 4", "We add: no.", "The sum is 4"),
        # a thought behind another, in another style
        ("<think>a</think>\n<reflection>b</reflection>c", "a\n\nb", "c"),
        ("<thinking>a<reflection>b</reflection></thinking>\n<output>c</output>",
         "a<reflection>b</reflection>", "<output>c</output>"),
        # a mark with attributes, closed and cut
        ("<think time=5>a</think>b", "a", "b"),
        ('<thought lang="en" n="2">a', "a", ""),
        # XML that was asked for, in which a reason follows the answer
        ("<answer>4</answer>\n<reasoning>b</reasoning>", None,
         "<answer>4</answer>\n<reasoning>b</reasoning>"),
        ("<think>a</think><answer>4</answer>\n<reason>b</reason>", "a",
         "<answer>4</answer>\n<reason>b</reason>"),
        # channels: a preamble, a call of a tool, no thought at all
        ("<|channel|>commentary<|message|>I look.<|end|><|start|>assistant<|channel|>final<|message|>4",
         "I look.", "4"),
        ("<|channel|>final<|message|>4<|return|>", None, "4"),
        # words that are no marks
        ("analysis: 4", None, "analysis: 4"),
        ("analysis of 2+2 gives 4", None, "analysis of 2+2 gives 4"),
        ("final answer: 4", None, "final answer: 4"),
        ("[thinking] hm, 4", None, "[thinking] hm, 4"),
        ("<no_think> 4", None, "<no_think> 4"),
        ("<reason_code>7</reason_code> 4", None, "<reason_code>7</reason_code> 4"),
    ],
)  # fmt: skip
def test_by_value(raw: str, thinking: str | None, reply: str) -> None:
    for read in seen(raw):
        assert (read.thinking, read.reply) == (thinking, reply)


def test_a_call_in_the_channel_of_tools_is_no_reply() -> None:
    raw = (
        "<|channel|>analysis<|message|>Is it 4?<|end|><|start|>assistant to=functions.add"
        "<|channel|>commentary <|constrain|>json<|message|>{}<|call|>"
    )
    for read in seen(raw):
        assert (read.reply, read.finish_reason) == ("", FinishReason.unclosed_thinking)


def test_a_final_channel_without_special_tokens_where_the_channels_are_known() -> None:
    channels = detect_in("<|channel|>analysis<|message|>")
    read = split("finalThe sum is 4", policy=channels, hit_limit=False)
    assert (read.thinking, read.reply) == (None, "The sum is 4")
    assert split("finally 4", policy=channels, hit_limit=False).reply == "finally 4"


def test_channels_as_trl_decodes_them() -> None:
    channels = detect_in("<|channel|>analysis<|message|>")
    opened = ThinkingPolicy(channels.open_tag, channels.close_tag, prefilled=True)
    texts = [
        "analysisIt may be \\boxed{4}, but",
        "analysisNo.assistantfinal\\boxed{4}",
        "final\\boxed{4}",
        "No.assistantfinal\\boxed{4}",
        "It may be \\boxed{4}, but",
    ]
    for policy, wanted in ((channels, [None, 1, 1, 1]), (opened, [None, 1, None, 1, None])):
        reward = TrlReward(Correct(), (FOUR,), policy)
        said = [[{"role": "assistant", "content": text}] for text in texts[: len(wanted)]]
        n = len(said)
        assert reward(prompts=[[]] * n, completions=said, problem=[FOUR.id] * n) == wanted


@pytest.mark.parametrize(
    "raw", ["<think>" * 4000, "</x>" * 9000, "`</think>` " * 4000, "```\n<think>\n" * 4000]
)
def test_many_marks_are_read_in_reasonable_time(raw: str) -> None:
    assert split(raw, policy=UNKNOWN, hit_limit=True).raw == raw


@pytest.mark.parametrize("thought", [None, "", "Hm."])
def test_an_empty_thought_is_read_again_as_one(thought: str | None) -> None:
    said = Response(raw="7", reply="7", thinking=thought)
    assert Response.from_json(json.loads(json.dumps(said.to_json()))) == said
