"""Whatever comes as a body or a problem: a reward in [0, 1], or an error of ours; never a crash."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from twofold.adapters import nemo_gym, openrlhf, problem_in, problem_text, reward_function
from twofold.adapters.problems import problem_of_row
from twofold.adapters.server.admission import Refused, parsed
from twofold.adapters.server.bodies import items
from twofold.constraints import from_spec
from twofold.errors import ScoringError
from twofold.types import Problem

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
BOUND = Problem(question="Say something.", constraints=(NO_COMMA,))
GATE = reward_function("soft_gate")

leaves = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9)
)
texts = st.sampled_from(["yes", "a, b", "<think>a", "</think>", "<think>", problem_text(BOUND)])
names = st.sampled_from(
    [
        *(
            "type",
            "content",
            "text",
            "role",
            "output",
            "message",
            "reasoning",
            "summary",
            "problem",
        ),
        *("instruction_id_list", "prompt", "kwargs", "grading_mode", "question", "constraints"),
        *("name", "args", "answer", "tool_calls", "response", "verifier_metadata", "wordings"),
    ]
)
kinds = st.sampled_from(["message", "reasoning", "output_text", "function_call", "binary", "user"])
values = st.recursive(
    leaves | texts | kinds,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(names, values, max_size=5)


@given(st.lists(values, max_size=3), objects, objects)
def test_a_body_of_nemo_gym(
    output: list[Any], metadata: dict[str, Any], more: dict[str, Any]
) -> None:
    for given_ in (metadata, metadata | {"problem": problem_text(BOUND)}):
        body = more | {"response": {"output": output}, "verifier_metadata": given_}
        try:
            found = nemo_gym.verify(body, GATE)["reward"]
        except ScoringError:
            continue
        assert 0.0 <= found <= 1.0


@given(objects | values)
def test_a_row(row: Any) -> None:
    for read in (problem_of_row, lambda each: problem_in(json.dumps(each))):
        try:
            assert isinstance(read(row), Problem)
        except ScoringError as error:
            assert "twofold convert" in str(error)


@given(values | texts)
def test_a_reply_in_any_form(said: Any) -> None:
    (verdict,) = GATE.verdicts([BOUND], [said])
    assert verdict.score is None or 0.0 <= verdict.score <= 1.0


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=10))
def test_the_reply_in_a_query_is_what_follows_the_prompt(prompt: str, reply: str, end: str) -> None:
    found = openrlhf.reply_in(prompt + reply + "</s>", prompt)
    assert reply.startswith(found.rstrip()) or found == reply
    try:
        openrlhf.reply_in(end, prompt)
    except ScoringError as error:
        assert "does not begin with its prompt" in str(error)


@given(st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
def test_a_body_of_the_server(raw: bytes) -> None:
    try:
        items(parsed(raw))
    except Refused as error:
        assert 400 <= error.status < 500 and error.message
