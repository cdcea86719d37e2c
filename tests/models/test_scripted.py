"""ScriptedModel: says its lines, resumes, shares, and is bound to its script by fingerprint."""

from __future__ import annotations

import subprocess
import sys

import pytest

from twofold.errors import ModelError
from twofold.models.scripted import ScriptedModel
from twofold.models.thinking import ThinkingPolicy
from twofold.models.work_share import missing_pairs
from twofold.types import FinishReason, Message, Response, Sampling, Share


def chat(text: str) -> list[Message]:
    return [Message(role="user", content=text)]


def test_mapping_gives_lines_by_sample_and_starts_again() -> None:
    model = ScriptedModel({"a": ["1", "2"], "b": ["3"]})
    said = model.sample([chat("a"), chat("b")], Sampling(), n=3)
    assert [[r.reply for r in row] for row in said] == [["1", "2", "1"], ["3", "3", "3"]]


def test_function_sees_prompt_and_sample() -> None:
    model = ScriptedModel(lambda prompt, sample: f"{prompt}/{sample}")
    said = model.sample([chat("a"), chat("b")], Sampling(), n=2)
    assert [[r.raw for r in row] for row in said] == [["a/0", "a/1"], ["b/0", "b/1"]]


def test_messages_of_a_chat_are_joined_by_blank_lines() -> None:
    model = ScriptedModel({"be short\n\nhello": ["hi"]})
    asked = [Message(role="system", content="be short"), Message(role="user", content="hello")]
    assert model.sample([asked], Sampling())[0][0].reply == "hi"


def test_raw_text_is_split_and_a_response_is_left_alone() -> None:
    failed = Response(raw="", reply="", finish_reason=FinishReason.failed, error="down")
    model = ScriptedModel({"q": ["<think>t</think>r", "<think>never", "", failed]})
    whole, unclosed, empty, as_told = model.sample([chat("q")], Sampling(), n=4)[0]
    assert (whole.thinking, whole.reply, whole.finish_reason) == ("t", "r", FinishReason.answered)
    assert (unclosed.reply, unclosed.finish_reason) == ("", FinishReason.unclosed_thinking)
    assert empty.finish_reason is FinishReason.empty
    assert as_told is failed


def test_thinking_policy_is_followed() -> None:
    model = ScriptedModel({"q": ["t</think>r"]}, thinking=ThinkingPolicy(prefilled=True))
    assert model.sample([chat("q")], Sampling())[0][0].thinking == "t"


@pytest.mark.parametrize("script", [{"q": []}, {}])
def test_prompt_without_a_line_names_the_remedy(script: dict[str, list[str]]) -> None:
    with pytest.raises(ModelError, match=r"no line for the prompt 'q'; add at least one"):
        ScriptedModel(script).sample([chat("q")], Sampling())


def test_done_is_skipped_and_shares_make_the_whole() -> None:
    model = ScriptedModel(lambda prompt, sample: f"{prompt}{sample}")
    prompts = [chat(str(i)) for i in range(5)]
    whole = {(p, g): r.raw for p, g, r in model.stream(prompts, Sampling(), n=3)}
    assert len(whole) == 15
    done = {(0, 0), (2, 1), (4, 2)}
    shared: dict[tuple[int, int], str] = {}
    for rank in range(4):
        for p, g, reply in model.stream(
            prompts, Sampling(), n=3, done=done, share=Share(rank, world=4)
        ):
            assert (p, g) not in shared
            shared[p, g] = reply.raw
    assert shared == {pair: raw for pair, raw in whole.items() if pair not in done}


def test_pairs_are_dealt_before_what_is_done_is_taken_away() -> None:
    mine = missing_pairs(2, 3, done=frozenset(), share=Share(1, world=2))
    assert mine == [(0, 1), (1, 0), (1, 2)]
    resumed = missing_pairs(2, 3, done={(0, 0), (1, 0)}, share=Share(1, world=2))
    assert resumed == [(0, 1), (1, 2)]
    assert missing_pairs(0, 3, done=frozenset(), share=Share()) == []


def one(prompt: str, sample: int) -> str:
    return "one"


def two(prompt: str, sample: int) -> str:
    return "two"


class Speaker:
    def __call__(self, prompt: str, sample: int) -> str:
        return "spoken"


def test_fingerprint_follows_the_script() -> None:
    def of(model: ScriptedModel) -> object:
        return model.fingerprint()

    assert of(ScriptedModel({"a": ["1"], "b": ["2"]})) == of(
        ScriptedModel({"b": ["2"], "a": ["1"]})
    )
    assert of(ScriptedModel({"a": ["1"]})) != of(ScriptedModel({"a": ["2"]}))
    reply = Response(raw="1", reply="1")
    assert of(ScriptedModel({"a": [reply]})) != of(ScriptedModel({"a": ["1"]}))
    assert of(ScriptedModel(one)) == of(ScriptedModel(one)) != of(ScriptedModel(two))
    assert of(ScriptedModel(one, name="x")) != of(ScriptedModel(one, name="y"))
    prefilled = ThinkingPolicy(prefilled=True)
    assert of(ScriptedModel(one)) != of(ScriptedModel(one, thinking=prefilled))
    assert of(ScriptedModel(Speaker())) == of(ScriptedModel(Speaker())) != of(ScriptedModel(one))


def test_import_needs_neither_openai_nor_torch() -> None:
    code = (
        "import sys; sys.modules['openai'] = None; sys.modules['torch'] = None; "
        "import twofold.models.scripted"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
