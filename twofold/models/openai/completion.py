"""How is a server's answer to one request read?

OpenAI-compatible servers agree on little beyond `chat/completions`: one request asks for one reply,
since many ignore `n`, and an incomplete or malformed answer becomes a `failed` response.
"""

from collections.abc import Mapping
from dataclasses import replace

from twofold.models.thinking import ThinkingPolicy, split_served
from twofold.types import FinishReason, Response

_STOPPED = (None, "stop", "eos", "eos_token", "end_turn", "stop_sequence")
_CUT = ("length", "max_tokens")


def failed(reason: str) -> Response:
    """The response of a call without a reply."""
    return Response(raw="", reply="", finish_reason=FinishReason.failed, error=reason)


def read_reply(answer: object, *, policy: ThinkingPolicy, max_tokens: int) -> Response:
    """The response in a server's answer (the parsed body); `failed` without a complete reply.

    A separate thought (`reasoning_content` or `reasoning`) is used as it is; otherwise `policy` splits
    the content. Token counts are the server's, and None if it does not separate thought and reply.
    `max_tokens` decides whether a reply without a finish reason was truncated. Lone surrogates become
    U+FFFD.
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
    sent = (message.get(key) for key in ("reasoning_content", "reasoning"))
    content, reasoning = message.get("content"), next((t for t in sent if t and type(t) is str), "")
    if content is None and reasoning:  # the thought did not end
        content, hit_limit = "", True
    if not isinstance(content, str):
        return failed(f"the server's answer holds no text (content is {str(content)[:40]})")
    reply = split_served(
        _storable(content), _storable(reasoning), policy=policy, hit_limit=hit_limit
    )
    return _with_counts(reply, usage, apart=bool(reasoning))


def _storable(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _counts(usage: object) -> dict[str, int]:
    """The valid token counts in `usage`."""
    if not isinstance(usage, dict):
        return {}
    details = usage.get("completion_tokens_details")
    counts = {
        "completion_tokens": usage.get("completion_tokens"),
        "reasoning_tokens": details.get("reasoning_tokens") if isinstance(details, dict) else None,
    }
    return {k: v for k, v in counts.items() if type(v) is int and v >= 0}


def _with_counts(reply: Response, usage: Mapping[str, int], *, apart: bool) -> Response:
    """Add the server's counts. It knows those of a thought only if it sent it separately (`apart`)."""
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
