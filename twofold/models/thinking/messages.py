"""How is a reply read that a trainer, a server or a file has parsed already?

The thought may have a field of its own, or parts with types; a conversation may hold calls of tools.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from twofold.models.thinking.marks import ThinkingPolicy
from twofold.models.thinking.split import split, split_served
from twofold.types import FinishReason, Response

Message = Mapping[str, Any]

# Fields of a message that hold its thought, and of a part that hold its text.
_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "thought", "reasoning_details")
_TEXTS = ("text", "content", "thinking", "reasoning", "refusal", "summary", "output_text", "value")
_TOOLS = {"tool", "function", "ipython", "observation"}


def read_said(said: object, *, policy: ThinkingPolicy, hit_limit: bool | None = None) -> Response:
    """A reply in any of its forms: a text, a message, its typed parts, or a conversation.

    Args:
        said: What was said. Of a conversation, the last assistant turn is the reply.
        policy: The thinking marks in texts.
        hit_limit: The token budget ended the reply; None if unknown.

    Returns:
        The response; `failed` where there is no reply: after a call of a tool, or without any text.

    Example:
        >>> parts = [{"type": "thinking", "thinking": "2+2"}, {"type": "text", "text": "4"}]
        >>> read_said(parts, policy=ThinkingPolicy()).reply
        '4'
    """
    if isinstance(said, str):
        return split(storable(said), policy=policy, hit_limit=bool(hit_limit))
    if isinstance(said, Mapping):
        is_part = "type" in said and "role" not in said and "content" not in said
        message = {"content": [said]} if is_part else said
        return read_message(message, policy=policy, hit_limit=hit_limit)
    if isinstance(said, Sequence) and (
        not said or any(isinstance(m, Mapping) and "role" in m for m in said)
    ):
        turns = [turn for turn in said if isinstance(turn, Mapping)]
        return read_messages(turns, policy=policy, hit_limit=hit_limit)
    return read_message({"content": said}, policy=policy, hit_limit=hit_limit)


def read_messages(
    messages: Sequence[Message], *, policy: ThinkingPolicy, hit_limit: bool | None = None
) -> Response:
    """The reply at the end of a conversation: its last assistant turn.

    The result of a tool is never the reply, so a conversation that ends in one has none.
    """
    if not messages:
        return _failed("the conversation holds no message")
    roles = [str(each.get("role", "assistant")).lower() for each in messages]
    if roles[-1] in _TOOLS:
        return _failed("the conversation ends in the result of a tool, so there is no reply")
    own = [i for i, role in enumerate(roles) if role in ("assistant", "model")]
    if not own:
        return _failed("the conversation holds no turn of the assistant")
    return read_message(messages[own[-1]], policy=policy, hit_limit=hit_limit)


def read_message(
    message: Message, *, policy: ThinkingPolicy, hit_limit: bool | None = None
) -> Response:
    """The reply in one message; `failed` if it calls a tool or holds no text.

    Without content, a thought did not end, whatever `hit_limit` says.
    """
    content = message.get("content")
    parts = [*_parts(content)]
    kinds = [kind for kind, _ in parts]
    if "tool" in kinds or message.get("tool_calls") or message.get("function_call"):
        return _failed("the reply ends in the call of a tool, so there is no text to score")
    if "other" in kinds:
        return _failed(f"the reply holds no text (content is {str(content)[:40]})")
    thoughts = [next(filter(str.strip, (_flat(message.get(key)) for key in _THOUGHTS)), "")]
    thoughts += [text for kind, text in parts if kind == "thought"]
    thought = "\n\n".join(filter(str.strip, thoughts))
    behind = len(kinds) - kinds[::-1].index("thought") if "thought" in kinds else 0
    texts = [text for _, text in parts[behind:]]
    if not texts and thought:
        return split_served("", thought, policy=policy, hit_limit=True)
    if content is None and (refusal := _flat(message.get("refusal"))):
        texts = [refusal]
    elif content is None:
        return _failed("the reply holds no text (content is None)")
    return split_served("".join(texts), thought, policy=policy, hit_limit=hit_limit)


def storable(text: str) -> str:
    """`text` with lone surrogates as U+FFFD, since no file or request can hold them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _parts(content: object) -> Iterator[tuple[str, str]]:
    """The parts of a content as `(kind, text)`; a kind is text, thought, tool or other."""
    if isinstance(content, str):
        yield "text", storable(content)
    elif isinstance(content, Mapping):
        kind = str(content.get("type", "text")).lower()
        text = _flat(content)
        if "tool" in kind or "function" in kind:
            yield "tool", ""
        elif content.get("thought") is True or "think" in kind or "reason" in kind:
            yield "thought", text
        else:
            yield ("text" if _holds_text(content) else "other"), text
    elif isinstance(content, Sequence):
        for part in content:
            yield from _parts(part) if isinstance(part, Mapping | str) else [("other", "")]
    elif content is not None:
        yield "other", ""


def _holds_text(part: Mapping[str, Any]) -> bool:
    return any(isinstance(part.get(key), (str, Sequence, Mapping)) for key in _TEXTS)


def _flat(value: object) -> str:
    """The text in a value: a string, a part, or several."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return next(filter(None, (_flat(value.get(key)) for key in _TEXTS)), "")
    if isinstance(value, Sequence):
        return "".join(_flat(each) for each in value)
    return ""


def _failed(error: str) -> Response:
    return Response(raw="", reply="", finish_reason=FinishReason.failed, error=error)
