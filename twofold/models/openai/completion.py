"""What is sent for one reply, and what may be believed of what comes back?

The dialect is the `chat/completions` call of OpenAI-compatible servers. They agree on little
beyond it, so one request asks for one reply (`n` is ignored by many), and whatever is missing,
cut or of another kind becomes a `failed` response with its reason: never a guess, never a zero.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from twofold.models.thinking import ThinkingPolicy, split_served
from twofold.types import FinishReason, Message, Response, Sampling

_STOPPED = (None, "stop", "eos", "eos_token", "end_turn", "stop_sequence")
_CUT = ("length", "max_tokens")


def sample_seed(seed: int, prompt: Sequence[Message], sample: int) -> int:
    """The seed of one reply, from the run's seed, the prompt's content and the sample's index.

    The prompt's place in the list plays no part, so a resumed or shared-out run asks for the same
    replies. Servers may ignore a seed, and few keep it across hardware or batch sizes.

    Returns:
        An integer in [0, 2**31), which every server takes.

    Example:
        >>> asked = [Message(role="user", content="2 + 2?")]
        >>> sample_seed(0, asked, 0) != sample_seed(0, asked, 1)
        True
    """
    text = json.dumps([seed, list(prompt), sample], sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def request_body(
    model: str, prompt: Sequence[Message], sampling: Sampling, *, seed: int
) -> dict[str, object]:
    """The body of the request for one reply.

    Halves of a character (lone surrogates) become U+FFFD, because UTF-8 cannot send them.

    Example:
        >>> request_body("m", [], Sampling(max_tokens=8), seed=3)["max_tokens"]
        8
    """
    return {
        "model": model,
        "messages": [{k: _storable(str(v)) for k, v in message.items()} for message in prompt],
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": seed,
        "stream": False,
    }


def failed(reason: str) -> Response:
    """The response of a call that gave no reply.

    Example:
        >>> failed("HTTP 400").unscored().reason
        'HTTP 400'
    """
    return Response(raw="", reply="", finish_reason=FinishReason.failed, error=reason)


def parse(body: bytes) -> object:
    """The JSON value in `body`; None if it is not (whole) JSON.

    Example:
        >>> parse(b'{"choices": [{"mess') is None
        True
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def read_reply(answer: object, *, policy: ThinkingPolicy, max_tokens: int) -> Response:
    """The response in a server's answer.

    A thought that the server sends apart (`reasoning_content`, or `reasoning`) is taken as it is;
    otherwise `policy` finds it in the content. Token counts are the server's own, and None where
    it does not tell thought and reply apart. Halves of a character that a cut left behind (lone
    surrogates) become U+FFFD, because no file can hold them.

    Args:
        answer: The parsed body of an answer with HTTP status 200.
        policy: How the model marks its thought.
        max_tokens: What was asked for; ends a reply whose server gives no reason for ending.

    Returns:
        The response; `failed` where the answer holds no finished reply.

    Example:
        >>> choice = {"message": {"content": "4"}, "finish_reason": "stop"}
        >>> read_reply({"choices": [choice]}, policy=ThinkingPolicy(), max_tokens=9).reply
        '4'
    """
    if not isinstance(answer, dict):
        return failed("the server's answer is not JSON, or was cut")
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        return failed("the server's answer holds no choice")
    usage = _counts(answer.get("usage"))
    why = choice.get("finish_reason")
    if why not in (*_STOPPED, *_CUT):
        return failed(f"the server ended the reply with finish_reason {str(why)[:40]!r}")
    hit_limit = why in _CUT or (why is None and usage.get("completion_tokens", 0) >= max_tokens)
    content, reasoning = message.get("content"), _reasoning(message)
    if content is None and reasoning:  # the server never saw the thought end
        content, hit_limit = "", True
    if not isinstance(content, str):
        return failed(f"the server's answer holds no text (content is {str(content)[:40]})")
    reply = split_served(
        _storable(content), _storable(reasoning), policy=policy, hit_limit=hit_limit
    )
    return _with_counts(reply, usage, apart=bool(reasoning))


def error_message(answer: object) -> str:
    """What a server says went wrong, in the places servers say it; "" if nowhere.

    Example:
        >>> error_message({"error": {"message": "too long"}})
        'too long'
    """
    if not isinstance(answer, dict):
        return ""
    error = answer.get("error", answer)
    if isinstance(error, str):
        return error
    told = error.get("message") or error.get("detail") if isinstance(error, dict) else None
    return told if isinstance(told, str) else json.dumps(told) if told else ""


def _reasoning(message: Mapping[str, Any]) -> str:
    for key in ("reasoning_content", "reasoning"):
        if isinstance(message.get(key), str) and message[key]:
            return str(message[key])
    return ""


def _storable(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _counts(usage: object) -> dict[str, int]:
    """The token counts of `usage` that are counts."""
    if not isinstance(usage, dict):
        return {}
    details = usage.get("completion_tokens_details")
    told = {
        "completion_tokens": usage.get("completion_tokens"),
        "reasoning_tokens": details.get("reasoning_tokens") if isinstance(details, dict) else None,
    }
    return {k: v for k, v in told.items() if type(v) is int and v >= 0}


def _with_counts(reply: Response, usage: Mapping[str, int], *, apart: bool) -> Response:
    """File the server's counts. It can count a thought only if it took it apart itself."""
    total, thought = usage.get("completion_tokens"), usage.get("reasoning_tokens", 0)
    if total is None:
        return reply
    if reply.finish_reason is FinishReason.unclosed_thinking:
        return replace(reply, n_thinking_tokens=total, n_reply_tokens=0)
    if reply.thinking is None:
        return replace(reply, n_reply_tokens=total)
    if apart and 0 < thought <= total:
        return replace(reply, n_thinking_tokens=thought, n_reply_tokens=total - thought)
    return reply
