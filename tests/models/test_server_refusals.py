"""A server refuses a parameter: the request is asked again without it, or with its other name."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from asking import chat, model_at
from faulty_server import Act, Asked, FaultyServer, Say, Send

from twofold.errors import ModelError
from twofold.models.openai.adaptation import BUDGET, Changes, refused
from twofold.models.openai.endpoint import Endpoint
from twofold.models.openai.failure import Failure
from twofold.models.openai.model import ServerModel
from twofold.models.openai.next_token_logprobs import next_token_logprobs
from twofold.models.openai.request import parameter
from twofold.problems import Problem
from twofold.runs.audit import audit
from twofold.types import FinishReason, Sampling

SENT = {
    "model": "m",
    "messages": [],
    "max_tokens": 9,
    "temperature": 0.0,
    "top_p": 1.0,
    "seed": 5,
    "stream": False,
}


def openai_error(message: str, param: str | None = None, code: str | None = None) -> object:
    kind = "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def pydantic_error(*fields: str) -> list[object]:
    text = "Extra inputs are not permitted"
    return [
        {"type": "extra_forbidden", "loc": ["body", f], "msg": text, "input": 5} for f in fields
    ]


# Bodies of errors as servers word them, with the parameter that they are about.
REFUSALS: list[tuple[str, object]] = [
    (
        "max_tokens",
        openai_error(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
        ),
    ),
    (
        "temperature",
        openai_error(
            "Unsupported value: 'temperature' does not support 0 with this model. Only the default "
            "(1) value is supported.",
            "temperature",
            "unsupported_value",
        ),
    ),
    ("seed", openai_error("Unrecognized request argument supplied: seed")),
    ("seed", openai_error("Unknown parameter: 'seed'.", "seed", "unknown_parameter")),
    ("seed", {"detail": pydantic_error("seed")}),
    ("top_p", {"detail": pydantic_error("top_p", "seed")}),
    ("seed", {"object": "error", "message": {"detail": pydantic_error("seed")}, "code": 422}),
    (
        "seed",
        {
            "object": "error",
            "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'seed'), 'msg': 'Extra inputs "
            "are not permitted', 'input': 5}]",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
    ),
    ("temperature", {"error": {"message": "temperature: Extra inputs are not permitted"}}),
    (
        "top_p",
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "`temperature` and `top_p` cannot both be specified for this model. "
                "Please use only one.",
            },
        },
    ),
    ("temperature", {"error": {"message": "`temperature` is deprecated for this model."}}),
    ("seed", {"error": {"message": "property 'seed' is unsupported, did you mean 'stop'?"}}),
    (
        "temperature",
        {
            "error": "Input validation error: `temperature` must be strictly positive",
            "error_type": "validation",
        },
    ),
    ("top_p", {"error": "Input validation error: `top_p` must be > 0.0 and < 1.0"}),
    ("seed", {"error": "unknown field `seed`, expected one of `messages`, `temperature`, `top_p`"}),
    (
        "seed",
        [
            {
                "error": {
                    "code": 400,
                    "message": 'Invalid JSON payload received. Unknown name "seed": Cannot find '
                    "field.",
                    "status": "INVALID_ARGUMENT",
                }
            }
        ],
    ),
    ("seed", {"message": "Malformed input request: #: extraneous key [seed] is not permitted"}),
    ("seed", {"error": {"message": "openai does not support parameters: ['seed'], for model=o3."}}),
    ("seed", {"error": "Model m does not support parameter seed."}),
    ("seed", {"message": "Additional properties are not allowed ('seed' was unexpected)"}),
    ("stream", {"error": 'json: unknown field "stream"'}),
    ("top_p", {"error": {"message": "Argument not supported on this model: topP"}}),
    ("max_tokens", {"message": "max_tokens is not supported by this deployment"}),
    ("temperature", {"error": {"code": 400, "message": "Unsupported param: temperature"}}),
    (
        "seed",
        {
            "errors": [
                {
                    "keyword": "additionalProperties",
                    "params": {"additionalProperty": "seed"},
                    "message": "must NOT have additional properties: seed is unknown",
                }
            ]
        },
    ),
]

# What is wrong with one request, or with something else.
OTHERS: list[object] = [
    openai_error(
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens "
        "(4488 in the messages, 512 in the completion). Please reduce the length of the messages.",
        "messages",
        "context_length_exceeded",
    ),
    {
        "object": "error",
        "message": "'max_tokens' or 'max_completion_tokens' is too large: 512. This model's maximum "
        "context length is 4096 tokens and your request has 4000 input tokens.",
        "code": 400,
    },
    openai_error(
        "max_tokens is too large: 99999. This model supports at most 4096 completion tokens.",
        "max_tokens",
    ),
    openai_error(
        "The response was filtered due to the prompt triggering our content policy. The prompt "
        "asks for the temperature of a seed.",
        "prompt",
        "content_filter",
    ),
    {"error": {"message": "The message 'What is the temperature of seed oil?' is not allowed"}},
    {"error": "model is overloaded"},
    {"error": {"message": "no such user"}},
    {},
    [],
    None,
    "temperature",
    {"detail": [{"loc": ["body", "messages", 0], "msg": "invalid", "type": "value_error"}]},
]


def failure(answer: object, status: int = 400) -> Failure:
    return Failure("rejected", f"HTTP {status}", status, answer)


@pytest.mark.parametrize(("name", "answer"), REFUSALS)
def test_the_refused_parameter_is_read(name: str, answer: object) -> None:
    assert refused(failure(answer), SENT) == name


@pytest.mark.parametrize("answer", OTHERS)
def test_other_errors_are_no_refusal(answer: object) -> None:
    assert refused(failure(answer), SENT) is None


@pytest.mark.parametrize(("name", "answer"), REFUSALS)
def test_other_statuses_are_no_refusal(name: str, answer: object) -> None:
    assert refused(failure(answer, 429), SENT) is None


def test_a_budget_that_is_missing_is_renamed() -> None:
    answer = {
        "detail": [{"type": "missing", "loc": ["body", "max_new_tokens"], "msg": "Field required"}]
    }
    changes = Changes().after(failure(answer), SENT)
    assert changes is not None
    assert changes.budget == "max_new_tokens"


def test_changes_end_whatever_is_refused() -> None:
    """Each optional parameter once, the budget's names once each: then nothing is tried."""
    changes: Changes | None = Changes()
    for _ in range(len(SENT) + len(BUDGET)):
        assert changes is not None
        sent = changes.applied(SENT)
        names = [name for name in sent if name not in ("model", "messages")]
        after = changes.after(failure({"error": f"unknown field `{names[-1]}`"}), SENT)
        if after is None:
            return
        changes = after
    pytest.fail("the changes did not end")


def strict(*refusals: tuple[str, object], status: int = 400) -> Any:
    """A server that refuses these parameters, one after the other."""

    def behave(asked: Asked) -> Act:
        for name, answer in refusals:
            if name in asked.body:
                return Send(status, json.dumps(answer).encode())
        return Say(f"re {asked.text}")

    return behave


@pytest.mark.parametrize(
    ("name", "answer", "status"),
    [(name, answer, (400, 422)[i % 2]) for i, (name, answer) in enumerate(REFUSALS)]
    + [(*REFUSALS[1], 200), (*REFUSALS[12], 200)],
)
def test_a_refusal_is_asked_once_more_and_then_known(
    name: str, answer: object, status: int
) -> None:
    with FaultyServer(strict((name, answer), status=status)) as server:
        model = model_at(server.url, concurrency=1)
        said = model.sample([chat(str(i)) for i in range(5)], Sampling(max_tokens=9))
        told = model.observed()
    assert [r.reply for (r,) in said] == [f"re {i}" for i in range(5)]
    bodies = [asked.body for asked in server.asked if asked.path.endswith("completions")]
    assert len(bodies) == 6
    assert all(name not in body for body in bodies[1:])
    if name == "max_tokens":
        assert all(body["max_completion_tokens"] == 9 for body in bodies[1:])
        assert told == {"renamed": {"max_tokens": "max_completion_tokens"}}
    else:
        assert [*told["left_out"]] == [name]  # type: ignore[call-overload]


def test_several_refusals_are_learned_together(caplog: pytest.LogCaptureFixture) -> None:
    found = {"max_tokens": REFUSALS[0], "temperature": REFUSALS[1], "seed": REFUSALS[4]}
    with FaultyServer(strict(*found.values())) as server:
        model = model_at(server.url, concurrency=4)
        said = model.sample([chat(str(i)) for i in range(24)], Sampling(max_tokens=9))
    assert all(r.finish_reason is FinishReason.answered for (r,) in said)
    assert len(server.asked) <= 24 + 4 * len(found)  # the requests that were under way
    told = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(told) == 3


def test_a_refusal_that_returns_without_the_parameter_is_not_learned() -> None:
    def behave(asked: Asked) -> Act:
        return Send(400, json.dumps({"error": "`temperature` is not allowed here"}).encode())

    with FaultyServer(lambda a: Say("hi") if a.text == "start" else behave(a)) as server:
        model = model_at(server.url, concurrency=1)
        said = model.sample([chat("start"), chat("q")], Sampling())
        assert "left_out" not in model.observed()
    assert said[1][0].finish_reason is FinishReason.failed
    assert sum(asked.path.endswith("completions") for asked in server.asked) == 3


def test_a_parameter_of_the_user_that_is_refused_is_one_error() -> None:
    answer = {"detail": pydantic_error("top_k")}
    with FaultyServer(strict(("top_k", answer))) as server:
        model = ServerModel(endpoint=Endpoint(server.url), model="m", request={"top_k": 20})
        with pytest.raises(ModelError, match="take top_k out of --request"):
            model.sample([chat(str(i)) for i in range(50)], Sampling())
    assert len(server.asked) <= 8


@pytest.mark.parametrize("status", [400, 403])
def test_refused_logprobs_are_one_error_with_the_remedy(status: int) -> None:
    answer = openai_error("You are not allowed to request 'logprobs' from this model")
    with FaultyServer(strict(("logprobs", answer), status=status)) as server:
        model = model_at(server.url)
        with pytest.raises(ModelError, match=r"log-probabilities.*sampled:"):
            next_token_logprobs(model, [chat(str(i)) for i in range(50)])
    assert len(server.asked) <= 8


def test_parameters_are_added_and_left_out() -> None:
    request = {"top_k": 20, "seed": None, "chat_template_kwargs": {"enable_thinking": False}}
    with FaultyServer(lambda a: Say("hi")) as server:
        model = ServerModel(endpoint=Endpoint(server.url), model="m", request=request)
        model.sample([chat("a")], Sampling())
    body = server.asked[0].body
    assert body["top_k"] == 20
    assert body["chat_template_kwargs"] == {"enable_thinking": False}
    assert "seed" not in body


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("temperature", 0.5, "use --temperature"),
        ("messages", None, "the problems are the messages"),
        ("n", 2, "use --samples"),
        ("stream", True, "replies are read whole"),
    ],
)
def test_parameters_given_elsewhere_are_refused(name: str, value: object, remedy: str) -> None:
    with pytest.raises(ModelError, match=remedy):
        ServerModel(endpoint=Endpoint("http://h/v1"), model="m", request={name: value})


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("top_k=20", ("top_k", 20)),
        ("reasoning_effort=low", ("reasoning_effort", "low")),
        ('a="20"', ("a", "20")),
        ('a={"b": [1]}', ("a", {"b": [1]})),
        ("seed=null", ("seed", None)),
        ("a=", ("a", "")),
        ("a=b=c", ("a", "b=c")),
    ],
)
def test_a_parameter_is_read_as_json_or_text(text: str, read: tuple[str, object]) -> None:
    assert parameter(text) == read


@pytest.mark.parametrize("text", ["top_k", "=5", "a=NaN", 'a={"b": Infinity}'])
def test_a_parameter_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ModelError):
        parameter(text)


def test_an_audit_tells_what_was_refused(tmp_path: Path) -> None:
    behave = strict(REFUSALS[0], REFUSALS[1], REFUSALS[4])

    def with_list(asked: Asked) -> Act:
        return Say(None) if asked.path.endswith("/models") else behave(asked)

    asked = [Problem(question=f"What is {i}?", answer=str(i)) for i in range(3)]
    with FaultyServer(with_list) as server:
        result = audit(model_at(server.url), asked, out=tmp_path / "run")
    observed = json.loads((tmp_path / "run/manifest.json").read_text())["observed"]["model"]
    assert observed["listed"] == {"id": "m"}
    assert observed["renamed"] == {"max_tokens": "max_completion_tokens"}
    assert {*observed["left_out"]} == {"temperature", "seed"}
    caveats = " ".join(result.findings[0].caveats)
    assert "refuses temperature, so its own temperature was used" in caveats
    assert "max_tokens" not in caveats
