"""First tokens of a served model: what is asked, read, tried again, and refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from asking import chat, free_port, model_at
from faulty_server import Act, Asked, Drop, FaultyServer, Send, error
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.errors import ModelError
from twofold.models.openai.next_token_logprobs import (
    NextTokenLogprobs,
    next_token_logprobs,
    read_logprobs,
)


def answer(told: object) -> dict[str, Any]:
    content = [{"token": "x", "logprob": -1, "top_logprobs": told}]
    return {"choices": [{"message": {"content": "x"}, "logprobs": {"content": content}}]}


def tell(*pairs: tuple[str, float]) -> Send:
    told = [{"token": token, "logprob": nats} for token, nats in pairs]
    return Send(body=json.dumps(answer(told)).encode())


def test_every_prompt_gets_its_own_in_order() -> None:
    def behave(asked: Asked) -> Act:
        return tell((asked.text, -0.25), ("no", -2))

    with FaultyServer(behave) as server:
        found = next_token_logprobs(model_at(server.url), [chat(f"q{i}") for i in range(20)])
        assert next_token_logprobs(model_at(server.url), []) == []
    assert [each.logprobs for each in found] == [{f"q{i}": -0.25, "no": -2.0} for i in range(20)]
    assert server.peak <= 8 and len(server.asked) == 20
    body = server.asked[0].body
    assert body["max_tokens"] == 1 and body["temperature"] == 0.0
    assert body["logprobs"] is True and body["top_logprobs"] == 20


def test_passing_faults_are_tried_again_and_lasting_ones_reported() -> None:
    def behave(asked: Asked) -> Act:
        if asked.text == "lost":
            return error(500, "broken")
        return Drop() if asked.time == 1 else tell(("Yes", -1.0))

    with FaultyServer(behave) as server:
        found = next_token_logprobs(model_at(server.url), [chat("a"), chat("lost")])
    assert found[0] == NextTokenLogprobs({"Yes": -1.0})
    assert found[1] == NextTokenLogprobs(error="HTTP 500: broken (tried 2 times)")


def test_a_server_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ModelError):
        next_token_logprobs(model_at(f"http://127.0.0.1:{free_port()}/v1"), [chat("a")])


@pytest.mark.parametrize(
    "told",
    [
        [{"token": "Yes", "logprob": 1.0}],
        [{"token": "Yes", "logprob": None}],
        [{"token": "Yes", "logprob": "-1"}],
        [{"token": "Yes", "logprob": float("nan")}],
        [{"token": 5, "logprob": -1}],
        [{"logprob": -1}],
        ["Yes"],
    ],
)
def test_what_cannot_be_read_is_reported(told: list[Any]) -> None:
    assert read_logprobs(answer(told)) == NextTokenLogprobs(
        error="the server's log-probabilities cannot be read"
    )


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {},
        {"choices": []},
        {"choices": [{"logprobs": None}]},
        {"choices": [[]]},
        answer([]),
    ],
)
def test_an_answer_without_any_is_reported(said: object) -> None:
    assert read_logprobs(said) == NextTokenLogprobs(error="the server returns no log-probabilities")


def test_a_text_listed_twice_counts_once_and_a_sentinel_is_small() -> None:
    told = [
        {"token": "Yes", "logprob": -2},
        {"token": "Yes", "logprob": -1},
        {"token": "no", "logprob": -(10**400)},
        {"token": "a", "logprob": 1e-4},
    ]
    assert read_logprobs(answer(told)).logprobs == {"Yes": -1.0, "no": -9999.0, "a": 0.0}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "logprobs", "content", "top_logprobs", "token", "logprob"]),
            inner,
        )
    ),
    max_leaves=20,
)


@given(said=JSON)
@settings(deadline=None)
def test_any_json_is_read_or_reported(said: object) -> None:
    for whole in (said, answer(said), answer([said])):
        found = read_logprobs(whole)
        assert bool(found.logprobs) != bool(found.error)
        assert all(nats <= 0 for nats in found.logprobs.values())
