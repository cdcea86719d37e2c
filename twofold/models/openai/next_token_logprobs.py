"""How likely is each way to begin a served model's reply? The log-probabilities of its first token.

The dialect is `logprobs` and `top_logprobs` of the `chat/completions` call with `max_tokens` 1, as
vLLM, SGLang and llama.cpp serve them. A server tells its likeliest tokens alone (20 at most, in most
of them), and some tell none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from twofold.models.openai.completion import request_body, sample_seed
from twofold.models.openai.failure import Failure
from twofold.models.openai.model import ServerModel
from twofold.types import Message, Sampling

TOP = 20
"""How many tokens are asked for: the most that the dialect allows."""

LEAST = -9999.0
"""What stands for minus infinity, nats."""


@final
@dataclass(frozen=True)
class NextTokenLogprobs:
    """The likeliest next tokens after one prompt.

    Args:
        logprobs: Log-probability by token text, nats, at most 0; empty where `error` says why.
        error: What went wrong, without secrets.
    """

    logprobs: Mapping[str, float] = field(default_factory=dict)
    error: str = ""


def next_token_logprobs(
    model: ServerModel, prompts: Sequence[Sequence[Message]]
) -> list[NextTokenLogprobs]:
    """Ask for the first token of the reply to each prompt, as many at once as the model allows.

    Args:
        model: The served model; requests are tried again as its replies are.
        prompts: One chat each.

    Returns:
        One for each prompt, in order.

    Raises:
        ModelError: If the server cannot be reached at all, or refuses key, path or model.
    """
    if not prompts:
        return []
    from twofold.models.openai.connection import chat_completions

    bodies = (
        request_body(model.model, prompt, Sampling(max_tokens=1), seed=sample_seed(0, prompt, 0))
        | {"logprobs": True, "top_logprobs": TOP}
        for prompt in prompts
    )
    found = {
        i: NextTokenLogprobs(error=answer.reason)
        if isinstance(answer, Failure)
        else read_logprobs(answer)
        for i, answer in chat_completions(model.endpoint, model.limits, enumerate(bodies))
    }
    return [found[i] for i in range(len(prompts))]


def read_logprobs(answer: object) -> NextTokenLogprobs:
    """The first token's log-probabilities in a server's answer.

    A text that stands there twice (two tokens of one spelling, or the drawn one told again) counts
    once, with its larger number: a probability that is counted twice would be wrong, a missing one
    is small.

    Example:
        >>> told = [{"token": "Yes", "logprob": -0.1}, {"token": " no", "logprob": -2.5}]
        >>> read_logprobs({"choices": [{"logprobs": {"content": [{"top_logprobs": told}]}}]}).logprobs
        {'Yes': -0.1, ' no': -2.5}
        >>> read_logprobs({"choices": [{"logprobs": None}]}).error
        'the server tells no log-probabilities'
    """
    found: dict[str, float] = {}
    for entry in _entries(answer):
        told = entry if isinstance(entry, dict) else {}
        token, nats = told.get("token"), told.get("logprob")
        if not isinstance(token, str) or not isinstance(nats, (int, float)) or not nats <= 1e-3:
            return NextTokenLogprobs(error="the server's log-probabilities cannot be read")
        found[token] = max(float(min(0.0, max(nats, LEAST))), found.get(token, LEAST))
    return (
        NextTokenLogprobs(found)
        if found
        else NextTokenLogprobs(error="the server tells no log-probabilities")
    )


def _entries(answer: object) -> list[object]:
    """The list of likeliest tokens, wherever an answer has the form of one; else an empty one."""
    at: Any = answer
    for key in ("choices", 0, "logprobs", "content", 0, "top_logprobs"):
        if isinstance(key, str):
            at = at.get(key) if isinstance(at, dict) else None
        else:
            at = at[key] if isinstance(at, list) and at else None
    return at if isinstance(at, list) else []
