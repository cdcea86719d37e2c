"""How is a server's answer to one request read?

OpenAI-compatible servers agree on little beyond `chat/completions`: one request asks for one reply,
since many ignore `n`, and an incomplete or malformed answer becomes a `failed` response.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from twofold.models.thinking import ThinkingPolicy, read_message
from twofold.types import FinishReason, Response

# What finish reasons say, of which each server has its own: `STOP`, `max_output_tokens`, `MaxTokens`,
# `stopped_limit`, `FINISH_REASON_MAX_TOKENS`. The first that is found decides.
_ENUMERATION = re.compile(r"finish_?reason[._]?", re.IGNORECASE)
_FAULTY = re.compile(
    "filter|safety|recitation|block|prohibit|spii|refus|language|tool|function|malform|error|fail|"
    "abort|cancel|time_?out|pause|pending|interrupt|insufficient|resource|unspecified|other|unknown"
)
_CUT = re.compile("length|limit|max|budget|truncat|incomplete|unfinished|window|exceed")
_STOPPED = re.compile("stop|eos|eot|end|complete|finish|done|normal")


def failed(reason: str) -> Response:
    """The response of a call without a reply."""
    return Response(raw="", reply="", finish_reason=FinishReason.failed, error=reason)


def read_reply(answer: object, *, policy: ThinkingPolicy, max_tokens: int) -> Response:
    """The response in a server's answer (the parsed body); `failed` without a complete reply.

    A separate thought is used as it is; otherwise `policy` splits the content, which may come in typed
    parts. Token counts are the server's, and None if it does not separate thought and reply.
    `max_tokens` decides whether a reply without a finish reason was truncated. A finish reason that
    says neither that the reply is whole nor that it was cut fails it: the text may be anything. Lone
    surrogates become U+FFFD.
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
    hit_limit = _hit_limit(why)
    if hit_limit is None:
        return failed(f"the server ended the reply with finish_reason {str(why)[:40]!r}")
    if not why:
        hit_limit = usage.get("completion_tokens", 0) >= max_tokens
    reply = read_message(message, policy=policy, hit_limit=hit_limit)
    return _with_counts(reply, usage, apart=message.get("content") != reply.raw)


def _hit_limit(why: object) -> bool | None:
    """Whether a finish reason says that the budget ended the reply; None if it says neither.

    Example:
        >>> [_hit_limit(why) for why in ("STOP", "eos_token", "MAX_TOKENS", "content_filter", "?")]
        [False, False, True, None, None]
    """
    said = _ENUMERATION.sub("", str(why or "stop")).lower()
    if _FAULTY.search(said):
        return None
    return True if _CUT.search(said) else False if _STOPPED.search(said) else None


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
    if total is None or reply.finish_reason is FinishReason.failed:
        return reply
    if reply.finish_reason is FinishReason.unclosed_thinking:
        return replace(reply, n_thinking_tokens=total, n_reply_tokens=0)
    if reply.thinking is None:
        return replace(reply, n_reply_tokens=total)
    if apart and 0 < thought <= total:
        return replace(reply, n_thinking_tokens=thought, n_reply_tokens=total - thought)
    return reply
