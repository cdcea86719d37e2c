"""How likely is each way to begin a served model's reply? The log-probabilities of its first token.

The dialect is `logprobs` and `top_logprobs` of the `chat/completions` call with `max_tokens` 1, as
vLLM, SGLang and llama.cpp serve them. A server tells its likeliest tokens alone (20 at most, in most
of them), and some tell none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, final

import numpy as np

from twofold.errors import ModelError
from twofold.models.background import finished
from twofold.models.completion import request_body, sample_seed
from twofold.models.retry import Breaker, Failure
from twofold.models.server import ServerModel, _Asking
from twofold.types import Message, Sampling

if TYPE_CHECKING:
    from twofold.models.connection import Connection

TOP = 20
"""How many tokens are asked for: the most that the dialect allows."""

LEAST = -9999.0
"""What stands for minus infinity, nats."""


@final
@dataclass(frozen=True)
class FirstToken:
    """The likeliest first tokens of one reply.

    Args:
        logprobs: Log-probability by token text, nats, at most 0; empty where `error` says why.
        error: What went wrong, without secrets.
    """

    logprobs: Mapping[str, float] = field(default_factory=dict)
    error: str = ""


def first_tokens(model: ServerModel, prompts: Sequence[Sequence[Message]]) -> list[FirstToken]:
    """Ask for the first token of the reply to each prompt, as many at once as the model allows.

    Args:
        model: The served model; requests are tried again as its replies are.
        prompts: One chat each.

    Returns:
        One for each prompt, in order.

    Raises:
        ModelError: If the server cannot be reached at all, or refuses key, path or model.
    """
    asking = _Asking(model, Sampling(max_tokens=1), Breaker())
    found = dict(finished(partial(_ask_all, asking, prompts)))
    return [found[i] for i in range(len(prompts))]


async def _ask_all(
    asking: _Asking,
    prompts: Sequence[Sequence[Message]],
    hand_over: Callable[[tuple[int, FirstToken]], None],
) -> None:
    from twofold.models.connection import connect

    model = asking.model
    todo = iter(enumerate(prompts))
    try:
        async with (
            connect(model.endpoint, model.limits, at_once=model.concurrency) as connection,
            asyncio.TaskGroup() as workers,
        ):
            for _ in range(min(model.concurrency, len(prompts))):
                workers.create_task(_work(asking, connection, todo, hand_over))
    except ExceptionGroup as group:
        errors, bugs = group.split(ModelError)
        if errors is None or bugs is not None:
            raise
        raise ModelError(str(errors.exceptions[0])) from None


async def _work(
    asking: _Asking,
    connection: Connection,
    todo: Iterator[tuple[int, Sequence[Message]]],
    hand_over: Callable[[tuple[int, FirstToken]], None],
) -> None:
    for i, prompt in todo:
        seed = sample_seed(0, prompt, 0)
        body = request_body(asking.model.model, prompt, asking.sampling, seed=seed)
        body |= {"logprobs": True, "top_logprobs": TOP}
        answer = await asking._ask(connection, body, np.random.default_rng(seed))
        if isinstance(answer, Failure):
            hand_over((i, FirstToken(error=answer.reason)))
        else:
            hand_over((i, read_first(answer.json)))


def read_first(answer: object) -> FirstToken:
    """The first token's log-probabilities in a server's answer.

    A text that stands there twice (two tokens of one spelling, or the drawn one told again) counts
    once, with its larger number: a probability that is counted twice would be wrong, a missing one
    is small.

    Example:
        >>> told = [{"token": "Yes", "logprob": -0.1}, {"token": " no", "logprob": -2.5}]
        >>> read_first({"choices": [{"logprobs": {"content": [{"top_logprobs": told}]}}]}).logprobs
        {'Yes': -0.1, ' no': -2.5}
        >>> read_first({"choices": [{"logprobs": None}]}).error
        'the server tells no log-probabilities'
    """
    found: dict[str, float] = {}
    for entry in _entries(answer):
        told = entry if isinstance(entry, dict) else {}
        token, nats = told.get("token"), told.get("logprob")
        if not isinstance(token, str) or not isinstance(nats, (int, float)) or not nats <= 1e-3:
            return FirstToken(error="the server's log-probabilities cannot be read")
        found[token] = max(float(min(0.0, max(nats, LEAST))), found.get(token, LEAST))
    return FirstToken(found) if found else FirstToken(error="the server tells no log-probabilities")


def _entries(answer: object) -> list[object]:
    """The list of likeliest tokens, wherever an answer has the form of one; else an empty one."""
    at: Any = answer
    for key in ("choices", 0, "logprobs", "content", 0, "top_logprobs"):
        if isinstance(key, str):
            at = at.get(key) if isinstance(at, dict) else None
        else:
            at = at[key] if isinstance(at, list) and at else None
    return at if isinstance(at, list) else []
