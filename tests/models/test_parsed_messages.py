"""Is a reply read alike from servers, trainers and files that have parsed it already?"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.constraints import from_spec
from twofold.methods.trl.reward import TrlReward
from twofold.models.openai.completion import read_reply
from twofold.models.thinking import ThinkingPolicy, read_said
from twofold.runs.import_responses import ImportedResponses
from twofold.scorers import SoftGate
from twofold.types import FinishReason, Problem, Response

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
TWELVE = Problem(question="7 + 5 = ?", answer="12", constraints=(NO_COMMA,))
RIGHT = "\\boxed{12}"
CALL = {"id": "1", "type": "function", "function": {"name": "add", "arguments": "{}"}}


def rewarded(*turns: Any) -> float | None:
    reward = TrlReward(SoftGate(), (TWELVE,))
    return reward(prompts=[[]], completions=[[*turns]], problem=[TWELVE.id])[0]


def turn(content: Any, role: str = "assistant", **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def served(message: dict[str, Any], finish_reason: object = "stop") -> Response:
    answer = {"choices": [{"message": message, "finish_reason": finish_reason}]}
    return read_reply(answer, policy=ThinkingPolicy(), max_tokens=9)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "thinking", "thought"])
@pytest.mark.parametrize("content", ["", "\n", None, []])
def test_a_thought_apart_without_a_reply_is_not_rewarded(field: str, content: Any) -> None:
    assert rewarded(turn(content, **{field: f"it is 12, so {RIGHT} wait"})) is None
    assert rewarded(turn("<think>so</think>")) == 0  # here the thought ended, and nothing was said


@pytest.mark.parametrize(
    ("turns", "reward"),
    [
        # the reported ones
        ([turn([{"type": "text", "text": RIGHT}])], 1.0),
        ([turn("", tool_calls=[CALL]), turn("12", "tool"), turn(RIGHT)], 1.0),
        # the result of a tool is never the reply, nor is what was said before its call
        ([turn("", tool_calls=[CALL]), turn(RIGHT, "tool")], None),
        ([turn(RIGHT), turn("", tool_calls=[CALL])], None),
        ([turn(RIGHT, tool_calls=[CALL])], None),
        ([turn(RIGHT, function_call={"name": "add"})], None),
        ([turn(RIGHT, tool_calls=[])], 1.0),
        ([turn(RIGHT), turn("Thanks.", "user")], 1.0),
        ([turn("no", tool_calls=None), turn("?", "user"), turn(RIGHT)], 1.0),
        ([turn("Answer!", "user")], None),
        ([], None),
        # typed parts
        ([turn([{"type": "text", "text": "\\boxed"}, {"type": "text", "text": "{12}"}])], 1.0),
        ([turn([{"type": "output_text", "text": RIGHT}])], 1.0),
        ([turn({"type": "text", "text": RIGHT})], 1.0),
        ([turn([{"type": "thinking", "thinking": "1, 2"}, {"type": "text", "text": RIGHT}])], 1.0),
        ([turn([{"type": "reasoning", "reasoning": "1, 2"}, {"type": "text", "text": RIGHT}])], 1.0),
        ([turn([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "1, 2"}]},
                {"type": "text", "text": RIGHT}])], 1.0),
        ([turn([{"type": "thinking", "thinking": [{"type": "text", "text": "1, 2"}]},
                {"type": "text", "text": RIGHT}])], 1.0),
        ([turn([{"text": "1, 2", "thought": True}, {"text": RIGHT}])], 1.0),
        ([turn([{"type": "text", "text": "<think>1, 2</think>" + RIGHT}])], 1.0),
        ([turn([{"type": "thinking", "thinking": RIGHT}])], None),
        ([turn([{"type": "text", "text": "So"}, {"type": "thinking", "thinking": RIGHT}])], None),
        ([turn([{"type": "text", "text": RIGHT}, {"type": "tool_use", "name": "add"}])], None),
        ([turn([{"type": "image_url", "image_url": {"url": "x"}}])], None),
        ([turn(None)], None),
        ([turn(7)], None),
        # a thought apart, with marks left in either
        ([turn("</think>" + RIGHT, reasoning_content="1, 2")], 1.0),
        ([turn(RIGHT, reasoning_content="<think>1, 2</think>")], 1.0),
        ([turn(RIGHT, reasoning_content=" ")], 1.0),
        ([turn("<think>no, wait", reasoning_content="1, 2")], None),
    ],
)  # fmt: skip
def test_the_reward_of_a_completion(turns: list[Any], reward: float | None) -> None:
    assert rewarded(*turns) == reward


@pytest.mark.parametrize(
    ("message", "reply", "thinking"),
    [
        ({"content": [{"type": "text", "text": "4"}]}, "4", None),
        ({"content": "\n</think>\n\n{\"a\": 4}", "reasoning_content": "hm"}, '{"a": 4}', "hm"),
        ({"content": "4", "reasoning": {"content": "hm"}}, "4", "hm"),
        ({"content": "4", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}, "4", "hm"),
        ({"content": None, "refusal": "I cannot."}, "I cannot.", None),
        ({"content": [{"type": "refusal", "refusal": "I cannot."}]}, "I cannot.", None),
        ({"content": [{"type": "text", "text": {"value": "4"}}]}, "4", None),
        ({"content": ""}, "", None),
    ],
)  # fmt: skip
def test_a_message_of_a_server(message: dict[str, Any], reply: str, thinking: str | None) -> None:
    read = served(message)
    assert (read.reply, read.thinking, read.error) == (reply, thinking, "")


@pytest.mark.parametrize(
    ("reasons", "ended"),
    [
        (
            "stop STOP Stop eos EOS eos_token EOS_TOKEN end_turn END_TURN endTurn stop_sequence "
            "stop_token stop_str FINISH_REASON_STOP FinishReason.STOP complete COMPLETED finished "
            "eos_found done",
            FinishReason.answered,
        ),
        (
            "length LENGTH Length max_tokens MAX_TOKENS MaxTokens maxtokens max_output_tokens "
            "FINISH_REASON_MAX_TOKENS max_new_tokens model_length token_limit stopped_limit "
            "incomplete model_context_window_exceeded truncated",
            FinishReason.truncated,
        ),
        (
            "content_filter SAFETY RECITATION tool_calls TOOL_USE function_call error abort "
            "cancelled timeout FINISH_REASON_UNSPECIFIED insufficient_system_resource refusal "
            "OTHER 7 whatever",
            FinishReason.failed,
        ),
    ],
)
def test_finish_reasons_of_any_spelling(reasons: str, ended: FinishReason) -> None:
    for reason in reasons.split():
        for spelled in {reason, reason.replace("_", "-"), reason.replace("_", " ")}:
            read = served({"content": "4"}, spelled)
            assert read.finish_reason is ended, spelled
            assert ended is not FinishReason.failed or spelled in read.error
    for none in (None, ""):
        assert served({"content": "4"}, none).finish_reason is FinishReason.answered


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "text", "role", "content", "thinking", "tool_calls", "reasoning"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(json_values)
def test_whatever_comes_is_a_response(value: Any) -> None:
    read = read_said(value, policy=ThinkingPolicy())
    assert read.has_reply or read.error or read.finish_reason is FinishReason.unclosed_thinking
    if isinstance(value, dict):
        assert served(value).raw == read.raw or value.keys() <= {"type", "text", "thinking"}


def test_a_file_of_replies_may_hold_messages_and_parts(tmp_path: Path) -> None:
    parts = [{"type": "thinking", "thinking": "1, 2"}, {"type": "text", "text": RIGHT}]
    said = [
        RIGHT,
        turn(RIGHT, reasoning_content="1, 2"),
        parts,
        [turn("", tool_calls=[CALL]), turn("12", "tool"), turn(RIGHT)],
        [turn(RIGHT, "tool")],
        turn("", reasoning_content=RIGHT),
    ]
    path = tmp_path / "replies.jsonl"
    wanted = [1.0, 1.0, 1.0, 1.0, None, None]
    for rows in (
        [{"output": said}],
        [{"prompt": TWELVE.messages()[0]["content"], "response": each} for each in said],
        [{"doc_id": 0, "doc": {"question": TWELVE.question}, "resps": [said]}],
    ):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        read = [r for _, r in ImportedResponses(path, [TWELVE]).answers("fixed")]
        assert [v.score for v in SoftGate()([TWELVE] * 6, read)] == wanted
