"""Where does the thought end and the reply begin, and is there a reply to judge?

Published evaluations differ here, and so do their results: some score an unclosed thought as the
answer, some give it zero. This file has one policy, and responses keep the raw text.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from twofold.models.thinking.marked_text import MarkedText, Place
from twofold.models.thinking.marks import ThinkingPolicy, is_harmony, marks_in
from twofold.types import FinishReason, Response


def detect_in(raw: str, policy: ThinkingPolicy = ThinkingPolicy()) -> ThinkingPolicy:
    """Detect the marks in a text: those of `policy`, or any that are known.

    The pair whose mark opens a thought or whose closing mark comes first decides; a mark that is only
    mentioned in a sentence does not. The result is never prefilled, since a text cannot show that.

    Example:
        >>> detect_in("Sure." + chr(10) + "[THINK]2+2").open_tag
        '[THINK]'
    """
    first = MarkedText(raw).first(replace(policy, prefilled=False))
    return ThinkingPolicy() if first is None else first.policy


def closes_first(raw: str, policy: ThinkingPolicy = ThinkingPolicy()) -> bool:
    """Whether a text closes a thought that it does not open, so that its prompt may have opened it."""
    first = MarkedText(raw).first(replace(policy, prefilled=False))
    return first is not None and not first.is_named


def split(
    raw: str,
    *,
    policy: ThinkingPolicy,
    hit_limit: bool,
    n_tokens: int | None = None,
    tokens_before: Callable[[int], int] | None = None,
) -> Response:
    """Split a model's text into thought and reply, and determine how it ended.

    An opening mark opens a thought at the start of the text or of a line, or right after a closing
    mark (spaces do not matter). Elsewhere it is a mention ("I used the `<think>` tag"), except that the
    first closing mark always ends a thought: from the first opening mark before it, or from the start
    of the text. Marks in quotation marks or in a fenced block are mentions. The text after the last
    thought is the reply, without the marks of a reply; words before or between thoughts belong to
    neither. An unclosed thought leaves no reply, whatever precedes it: a lost reply is unscored, a
    judged thought would be a wrong score.

    Args:
        raw: The model's text without special tokens of the chat format.
        policy: The thinking marks; where they do not occur, all known ones count.
        hit_limit: The token budget ended the text.
        n_tokens: Tokens of `raw`; None if unknown.
        tokens_before: Maps a character position in `raw` to the number of tokens before it.

    Example:
        >>> split("<think>2+2</think>4", policy=ThinkingPolicy(), hit_limit=False).reply
        '4'
        >>> split("<reasoning>2+2", policy=ThinkingPolicy(), hit_limit=True).finish_reason.value
        'unclosed_thinking'
        >>> split("<think>a</think>x<think>b</think>y", policy=ThinkingPolicy(), hit_limit=False).reply
        'x<think>b</think>y'
    """
    text = MarkedText(raw)
    thoughts = _thoughts(text, text.first(policy))
    if not thoughts:
        reply = _unwrapped(raw, policy, thought=False)
        ended = _ended(reply, hit_limit)
        return Response(raw=raw, reply=reply, finish_reason=ended, n_reply_tokens=n_tokens)
    response = _response(raw, thoughts, hit_limit=hit_limit)
    if response.finish_reason is FinishReason.unclosed_thinking:
        n_thinking = n_tokens
    else:
        after = thoughts[-1].after or 0
        n_thinking = tokens_before(after) if tokens_before and n_tokens is not None else None
    return replace(
        response,
        n_thinking_tokens=n_thinking,
        n_reply_tokens=None if n_thinking is None or n_tokens is None else n_tokens - n_thinking,
    )


def split_served(
    content: str, reasoning: str | None, *, policy: ThinkingPolicy, hit_limit: bool | None
) -> Response:
    """`split` for a thought that may come apart from its reply (`reasoning`; None or blank = none).

    A closing mark that was left at the head of `content` is removed. `split` gives the same response
    for the `raw` of this one.

    Args:
        content: What came as the reply.
        reasoning: What came as the thought.
        policy: The thinking marks in `content`.
        hit_limit: The token budget ended the text; None = unknown, and then a thought without any
            reply may have been cut, so that it counts as unclosed.
    """
    if reasoning is None or not reasoning.strip():
        return split(content, policy=policy, hit_limit=bool(hit_limit))
    left = MarkedText(content).closed_at_head(policy)
    marks = policy if left is None else left.policy
    raw = marks.open_tag + _bare(reasoning, marks)
    start, end = len(marks.open_tag), len(raw)
    if not (content.strip() or hit_limit is False):
        return _response(raw, [_Thought(start, end, None, marks)], hit_limit=bool(hit_limit))
    raw += marks.close_tag + content if left is None else content
    after = end + (len(marks.close_tag) if left is None else left.end)
    text = MarkedText(raw)
    sent = _Thought(start, end, after, marks)
    further = _thoughts(text, text.further(after, marks))
    return _response(raw, [sent, *further], hit_limit=bool(hit_limit))


def thought_span(response: Response) -> tuple[int, int, int]:
    """Where the thoughts of a response begin and end in its `raw`, and where its reply begins.

    By the known marks if they split it as it was; else, where a template or a user named the marks, by
    the words of the thought.
    """
    raw, thinking = response.raw, response.thinking or ""
    reply_at = raw.rfind(response.reply)
    text = MarkedText(raw)
    thoughts = _thoughts(text, text.first(ThinkingPolicy()))
    if thoughts and _response(raw, thoughts, hit_limit=False).reply == response.reply:
        start, stop = thoughts[0].start, thoughts[-1].end
    else:
        first, last = thinking.partition("\n\n")[0], thinking.rpartition("\n\n")[2]
        start = raw.find(thinking)
        start = raw.find(first) if start < 0 else start
        stop = max(raw.rfind(last, start, reply_at), start) + len(last)
    inside = raw[start:stop]
    start += len(inside) - len(inside.lstrip())
    return start, start + len(inside.strip()), reply_at


def _bare(reasoning: str, policy: ThinkingPolicy) -> str:
    """A thought that came apart, without marks that were left around it."""
    opened = MarkedText(reasoning).further(0, policy)
    start = opened.end if opened is not None and not reasoning[: opened.start].strip() else 0
    last = [*marks_in(reasoning.rstrip(), max(start, len(reasoning.rstrip()) - 60))][-1:]
    closed = [m for m in last if m.closes and m.is_thought and not reasoning[m.end :].strip()]
    return reasoning[start : closed[0].start if closed else len(reasoning)]


class _Thought(NamedTuple):
    """Characters `start` to `end`, without its marks; the text goes on at `after` (None: unclosed)."""

    start: int
    end: int
    after: int | None
    policy: ThinkingPolicy


def _response(raw: str, thoughts: list[_Thought], *, hit_limit: bool) -> Response:
    """The response without token counts. Only the last thought can be unclosed."""
    thinking = "\n\n".join(filter(None, (raw[each.start : each.end].strip() for each in thoughts)))
    last = thoughts[-1]
    if last.after is None:
        return Response(
            raw=raw, reply="", thinking=thinking, finish_reason=FinishReason.unclosed_thinking
        )
    reply = _unwrapped(raw[last.after :].lstrip(), last.policy, thought=True)
    return Response(raw=raw, reply=reply, thinking=thinking, finish_reason=_ended(reply, hit_limit))


def _thoughts(text: MarkedText, place: Place | None) -> list[_Thought]:
    """The thought that starts at `place` (None = none), and those after it."""
    thoughts: list[_Thought] = []
    while place is not None:
        close = text.closing(place.end, place.policy)
        if close is None:
            return [*thoughts, _Thought(place.end, len(text.raw), None, place.policy)]
        thoughts.append(_Thought(place.end, close.start(), close.end(), place.policy))
        place = text.further(close.end(), place.policy)
    return thoughts


# The marks of a reply: those of Cohere and OpenThinker, which are special tokens ...
_REPLY = r"(?:_of)?_(?:solution|response|answer|text|output)\|>"
_OPENS_REPLY = re.compile(rf"\s*<\|(?:begin|start){_REPLY}\s*", re.IGNORECASE)
_CLOSES_REPLY = re.compile(rf"<\|end{_REPLY}", re.IGNORECASE)
# ... that of Granite and ERNIE, which is one behind a thought only, and those of gpt-oss.
_RESPONSE = re.compile(r"<response>\s*(.*?)\s*(?:</response>\s*)?\Z", re.IGNORECASE | re.DOTALL)
_FINAL = re.compile(r"\s*(?:<\|start\|>assistant)?<\|channel\|>final[^<\n]{0,80}<\|message\|>")
_BARE_FINAL = re.compile(r"final(?=[A-Z\d]|[^\s\w])")
_TURN_ENDS = re.compile(r"(?:\s*<\|(?:end|return|call)\|>)+\s*\Z")


def _unwrapped(reply: str, policy: ThinkingPolicy, *, thought: bool) -> str:
    """A reply without the marks around it."""
    begun = _without_header(reply, policy, thought=thought)
    if begun is not reply or is_harmony(policy):
        return _TURN_ENDS.sub("", begun)
    if opens := _OPENS_REPLY.match(reply):
        reply = reply[opens.end() :]
    if closes := _CLOSES_REPLY.search(reply):
        reply = reply[: closes.start()].rstrip()
    if thought and (inside := _RESPONSE.match(reply)):
        reply = inside[1]
    return reply


def _without_header(reply: str, policy: ThinkingPolicy, *, thought: bool) -> str:
    """A reply without the header that a closing mark ends with, where that mark did not come."""
    if final := _FINAL.match(reply):
        return reply[final.end() :]
    if thought:
        return reply
    if is_harmony(policy) and (bare := _BARE_FINAL.match(reply)):
        return reply[bare.end() :]
    text, tag = reply.lstrip(), policy.close_tag
    headers = (tag[i:] for i in range(1, len(tag)) if "<|" in tag[i:])
    header = next((each for each in headers if text.startswith(each)), "")
    return text[len(header) :] if header else reply


def _ended(reply: str, hit_limit: bool) -> FinishReason:
    if hit_limit:
        return FinishReason.truncated
    return FinishReason.answered if reply.strip() else FinishReason.empty
