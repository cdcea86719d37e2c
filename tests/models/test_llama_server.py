"""ServerModel against a real server: llama.cpp with SmolLM2-135M-Instruct."""

from __future__ import annotations

import pytest

from twofold.models.openai.model import ServerModel
from twofold.types import FinishReason, Message, Response, Sampling

pytestmark = pytest.mark.slow

ASKED = {
    "What is the capital of France? Answer in one sentence.": "paris",
    "What is 2 + 2? Answer with the number.": "4",
    "Which colour do you get when you mix blue and yellow?": "green",
    "What is the opposite of hot? Answer in one word.": "cold",
    "How many days are in a week?": "7|seven",
    "Which planet do we live on? Answer in one sentence.": "earth",
}


def chat(text: str) -> list[Message]:
    return [Message(role="user", content=text)]


def test_six_questions_get_sensible_replies(llama_server: str) -> None:
    model = ServerModel.from_spec(llama_server)
    assert model.model == "smollm2"
    said = model.sample([chat(text) for text in ASKED], Sampling(max_tokens=64))
    for (reply,) in said:
        assert reply.finish_reason in (FinishReason.answered, FinishReason.truncated), reply
        assert reply.raw == reply.reply
        assert reply.n_reply_tokens is not None
        assert 0 < reply.n_reply_tokens <= 64
    right = [
        any(word in reply.reply.lower() for word in words.split("|"))
        for (reply,), words in zip(said, ASKED.values(), strict=True)
    ]
    assert sum(right) >= 5, said  # a model of 135 M parameters may miss one


def test_budget_truncates(llama_server: str) -> None:
    model = ServerModel.from_spec(f"{llama_server}#smollm2")
    asked = [chat("Write a long story about a dragon."), chat("Say only: yes")]
    (cut,), (other,) = model.sample(asked, Sampling(max_tokens=8))
    assert cut.finish_reason is FinishReason.truncated
    assert cut.n_reply_tokens == 8
    assert cut.reply
    assert other.has_reply


def test_samples_stream_resume_and_differ(llama_server: str) -> None:
    model = ServerModel.from_spec(f"{llama_server}#smollm2")
    prompts = [chat("Name an animal."), chat("Name a country.")]
    sampling = Sampling(max_tokens=12, temperature=1.0)
    stream = model.stream(prompts, sampling, n=2, seed=1)
    first: dict[tuple[int, int], Response] = {}
    for p, g, reply in stream:
        first[p, g] = reply
        if len(first) == 2:
            stream.close()
            break
    rest = {(p, g): r for p, g, r in model.stream(prompts, sampling, n=2, seed=1, done=set(first))}
    assert first.keys().isdisjoint(rest)
    assert first.keys() | rest.keys() == {(0, 0), (0, 1), (1, 0), (1, 1)}
    whole = first | rest
    assert all(reply.has_reply for reply in whole.values())
    assert whole[0, 0].raw != whole[0, 1].raw or whole[1, 0].raw != whole[1, 1].raw
    # Not asserted: that a second call gives the same replies. This server keeps the seed, but what
    # its cache holds of earlier prompts moves the last bits of the logits: one of four differed.


def test_prompt_beyond_the_context_is_failed_with_the_servers_words(llama_server: str) -> None:
    model = ServerModel.from_spec(f"{llama_server}#smollm2")
    (fits,), (long,) = model.sample([chat("Hello"), chat("word " * 4000)], Sampling(max_tokens=4))
    assert fits.has_reply
    assert long.finish_reason is FinishReason.failed
    assert "context" in long.error


def test_fingerprint_is_the_same_twice(llama_server: str) -> None:
    model = ServerModel.from_spec(llama_server)
    assert model.fingerprint() == ServerModel.from_spec(model.spec).fingerprint()
    assert model.observed()["listed"] == {"id": "smollm2", "owned_by": "me"}
