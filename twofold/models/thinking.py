"""Where does the thought end and the reply begin, and is there a reply to judge?

Published evaluations differ here, and so do their results: some score an unclosed thought as the
answer, some give it zero. This file has one policy, and responses keep the raw text.
`official_split` reproduces MathIF's rule.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, final

from twofold.types import FinishReason, Response


@final
@dataclass(frozen=True)
class ThinkingPolicy:
    """A model's thinking tags, matched without regard to case.

    `prefilled`: the chat template ends the prompt with `open_tag`, so the text begins in the thought.
    """

    open_tag: str = "<think>"
    close_tag: str = "</think>"
    prefilled: bool = False


_KNOWN_TAGS = (("<think>", "</think>"), ("[THINK]", "[/THINK]"), ("<thinking>", "</thinking>"))


def detect(template: str, generation_prompt: str) -> ThinkingPolicy:
    """Detect a model's thinking tags from its template's source and a rendered prompt.

    A thought is prefilled only if the rendered prompt *ends* with the open tag: the source may hold
    both branches of an `if`, and an empty thought (`<think></think>`) forbids thinking. The default
    is `<think>`.
    """
    end = generation_prompt.rstrip()
    for open_tag, close_tag in _KNOWN_TAGS:
        if end.endswith(open_tag):
            return ThinkingPolicy(open_tag, close_tag, prefilled=True)
    for open_tag, close_tag in _KNOWN_TAGS:
        if open_tag in template or close_tag in template:
            return ThinkingPolicy(open_tag, close_tag)
    return ThinkingPolicy()


def detect_in(raw: str) -> ThinkingPolicy:
    """Detect the tags in a text without a known template: a transcript, a server's reply.

    The pair whose tag opens a thought or whose close tag comes first decides; a tag that is only
    mentioned in a sentence does not. The result is never prefilled, since a text cannot show that.

    Example:
        >>> detect_in("Sure." + chr(10) + "[THINK]2+2").open_tag
        '[THINK]'
    """
    found: list[tuple[int, ThinkingPolicy]] = []
    for tags in _KNOWN_TAGS:
        policy = ThinkingPolicy(*tags)
        places = (_opened(raw, policy, 0), _find(policy.close_tag, raw, 0))
        found += [(place, policy) for place in places if place is not None]
    return min(found, key=lambda each: each[0], default=(0, ThinkingPolicy()))[1]


def split(
    raw: str,
    *,
    policy: ThinkingPolicy,
    hit_limit: bool,
    n_tokens: int | None = None,
    tokens_before: Callable[[int], int] | None = None,
) -> Response:
    """Split a model's text into thought and reply, and determine how it ended.

    An open tag opens a thought at the start of the text or of a line, or right after a close tag
    (spaces do not matter). Elsewhere it is a mention ("I used the `<think>` tag"), except that the
    first close tag always ends a thought: from the first open tag before it, or from the start of
    the text. The text after the last thought is the reply; words before or between thoughts belong
    to neither. An unclosed thought leaves no reply, whatever precedes it: a lost reply is unscored,
    a judged thought would be a wrong score.

    Args:
        raw: The model's text without special tokens of the chat format.
        policy: The thinking tags.
        hit_limit: The token budget ended the text.
        n_tokens: Tokens of `raw`; None if unknown.
        tokens_before: Maps a character position in `raw` to the number of tokens before it.

    Example:
        >>> split("<think>2+2</think>4", policy=ThinkingPolicy(), hit_limit=False).reply
        '4'
        >>> split("<think>2+2", policy=ThinkingPolicy(), hit_limit=True).finish_reason.value
        'unclosed_thinking'
        >>> split("<think>a</think>x<think>b</think>y", policy=ThinkingPolicy(), hit_limit=False).reply
        'x<think>b</think>y'
    """
    thoughts = _thoughts(raw, policy, _first(raw, policy))
    if not thoughts:
        return Response(
            raw=raw, reply=raw, finish_reason=_ended(raw, hit_limit), n_reply_tokens=n_tokens
        )
    response = _response(raw, thoughts, policy, hit_limit=hit_limit)
    if response.finish_reason is FinishReason.unclosed_thinking:
        n_thinking = n_tokens
    else:
        after = thoughts[-1].end + len(policy.close_tag)
        n_thinking = tokens_before(after) if tokens_before and n_tokens is not None else None
    return replace(
        response,
        n_thinking_tokens=n_thinking,
        n_reply_tokens=None if n_thinking is None or n_tokens is None else n_tokens - n_thinking,
    )


def split_served(
    content: str, reasoning: str | None, *, policy: ThinkingPolicy, hit_limit: bool
) -> Response:
    """`split` for a server that may send the thought separately (`reasoning`, "" = none).

    The default `policy` means unknown: the tags are then detected from `content`. `split` gives the
    same response for its `raw`.
    """
    if policy == ThinkingPolicy():
        policy = detect_in(content)
    if not reasoning:
        return split(content, policy=policy, hit_limit=hit_limit)
    raw = policy.open_tag + reasoning
    sent = _Thought(len(policy.open_tag), len(raw), closed=bool(content) or not hit_limit)
    if not sent.closed:
        return _response(raw, [sent], policy, hit_limit=hit_limit)
    raw += policy.close_tag + content
    further = _thoughts(raw, policy, _opened(raw, policy, sent.end))
    return _response(raw, [sent, *further], policy, hit_limit=hit_limit)


def official_split(raw: str) -> str:
    """The part of a text that MathIF's published evaluation scores, not stripped.

    Its peculiarities are kept: an unclosed thought is scored as the answer, a second tag of either
    kind drops the rest, and only the text inside `<answer>` counts.

    Source:
        Fu et al. 2025, "Scaling Reasoning, Losing Control" (MathIF), https://arxiv.org/abs/2505.14810,
        the response split of its published evaluation.

    Example:
        >>> official_split("<think>a</think>b</think>c"), official_split("<think>a")
        ('b', 'a')
    """
    text = raw
    for tag, kept in (("<think>", 1), ("</think>", 1), ("<answer>", 1), ("</answer>", 0)):
        if tag in text:
            text = text.split(tag)[kept]
    return text


class _Thought(NamedTuple):
    """A thought: characters `start` to `end` of the text, without its tags."""

    start: int
    end: int
    closed: bool


def _response(
    raw: str, thoughts: list[_Thought], policy: ThinkingPolicy, *, hit_limit: bool
) -> Response:
    """The response without token counts. Only the last thought can be unclosed."""
    thinking = "\n\n".join(filter(None, (raw[each.start : each.end].strip() for each in thoughts)))
    last = thoughts[-1]
    if not last.closed:
        return Response(
            raw=raw, reply="", thinking=thinking, finish_reason=FinishReason.unclosed_thinking
        )
    reply = raw[last.end + len(policy.close_tag) :].lstrip()
    return Response(raw=raw, reply=reply, thinking=thinking, finish_reason=_ended(reply, hit_limit))


def _thoughts(raw: str, policy: ThinkingPolicy, start: int | None) -> list[_Thought]:
    """The thought that starts at `start` (None = none), and those after it."""
    thoughts: list[_Thought] = []
    while start is not None:
        close = _find(policy.close_tag, raw, start)
        if close is None:
            return [*thoughts, _Thought(start, len(raw), closed=False)]
        thoughts.append(_Thought(start, close, closed=True))
        start = _opened(raw, policy, close)
    return thoughts


def _first(raw: str, policy: ThinkingPolicy) -> int | None:
    """Where the first thought starts, after its tag; None = no thought."""
    opened = _opened(raw, policy, 0)
    if policy.prefilled:
        again = opened is not None and not raw[: opened - len(policy.open_tag)].strip()
        return opened if again else 0
    close = _find(policy.close_tag, raw, 0)
    if close is None or (opened is not None and opened <= close):
        return opened
    named = _find(policy.open_tag, raw, 0)
    return named + len(policy.open_tag) if named is not None and named < close else 0


def _opened(raw: str, policy: ThinkingPolicy, at: int) -> int | None:
    """Where the next thought from `at` on starts, after an open tag in an opening position."""
    place = rf"(?:^|{re.escape(policy.close_tag)})[^\S\n]*{re.escape(policy.open_tag)}"
    found = re.compile(place, re.IGNORECASE | re.MULTILINE).search(raw, at)
    return found.end() if found else None


def _find(tag: str, raw: str, at: int) -> int | None:
    """The first position of `tag` from `at` on, ignoring case."""
    found = re.compile(re.escape(tag), re.IGNORECASE).search(raw, at)
    return found.start() if found else None


def _ended(reply: str, hit_limit: bool) -> FinishReason:
    if hit_limit:
        return FinishReason.truncated
    return FinishReason.answered if reply.strip() else FinishReason.empty
