"""Where does the thought end and the reply begin, and may the reply be judged?

Published harnesses differ here, and the headline number with them: some score an unclosed thought
as if it were the answer, some give it zero. This file states one policy and keeps the raw text, so
that another policy can be applied later. `official_split` is the rule MathIF's scores were made
with; use it only to repeat those scores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import final

from twofold.types import Ended, Response


@final
@dataclass(frozen=True)
class ThinkingPolicy:
    """How a model marks its thought.

    Args:
        open_tag: What starts a thought.
        close_tag: What ends it.
        prefilled: The chat template has already written `open_tag` at the end of the prompt, so
            the text begins inside the thought.

    Example:
        >>> ThinkingPolicy(prefilled=True).to_json()
        {'open_tag': '<think>', 'close_tag': '</think>', 'prefilled': True}
    """

    open_tag: str = "<think>"
    close_tag: str = "</think>"
    prefilled: bool = False

    def to_json(self) -> dict[str, object]:
        """The policy as JSON values, for a model's fingerprint."""
        return asdict(self)


_KNOWN_TAGS = (("<think>", "</think>"), ("[THINK]", "[/THINK]"), ("<thinking>", "</thinking>"))


def detect(template: str, generation_prompt: str) -> ThinkingPolicy:
    """Read a model's policy off its chat template.

    The rendered prompt tells more than the template's source, which may hold both branches of an
    `if`: only when the prompt *ends* with the open tag does the text begin inside a thought. A
    template that writes an empty thought (`<think></think>`) to forbid thinking is not prefilled.

    Args:
        template: The chat template's source, searched for the kind of tag.
        generation_prompt: Any chat rendered with the generation prompt added.

    Returns:
        The policy; `<think>` tags where the template names none.

    Example:
        >>> detect("{{ '<think>' }}", "<|user|>Hello<|assistant|><think>" + chr(10)).prefilled
        True
    """
    end = generation_prompt.rstrip()
    for open_tag, close_tag in _KNOWN_TAGS:
        if end.endswith(open_tag):
            return ThinkingPolicy(open_tag, close_tag, prefilled=True)
    for open_tag, close_tag in _KNOWN_TAGS:
        if open_tag in template or close_tag in template:
            return ThinkingPolicy(open_tag, close_tag)
    return ThinkingPolicy()


def split(
    raw: str,
    *,
    policy: ThinkingPolicy,
    hit_limit: bool,
    n_tokens: int | None = None,
    tokens_before: Callable[[int], int] | None = None,
) -> Response:
    """Take a model's text apart into thought and reply, and say how it ended.

    The thought runs from the first open tag (or the start, if the tag was prefilled or left out)
    to the *first* close tag after it; tags named again inside the thought or inside the reply are
    plain text. Words before the open tag are not part of the reply. A thought that begins the text
    and is never closed leaves no reply, whether the budget ran out or the model stopped by itself.

    Args:
        raw: The text as it came, special tokens of the chat format removed.
        policy: How the model marks its thought.
        hit_limit: The token budget, not the model, ended the text.
        n_tokens: Tokens of `raw`; None where the source cannot tell.
        tokens_before: Gives, for a character position in `raw`, how many tokens spell what comes
            before it; None where the source cannot tell.

    Returns:
        The response. The blank lines between thought and reply belong to neither.

    Example:
        >>> split("<think>2+2</think>4", policy=ThinkingPolicy(), hit_limit=False).reply
        '4'
        >>> split("<think>2+2", policy=ThinkingPolicy(), hit_limit=True).ended.value
        'unclosed_thinking'
    """
    start, close = _thought(raw, policy)
    if start is None:
        return Response(raw=raw, reply=raw, ended=_ended(raw, hit_limit), n_reply_tokens=n_tokens)
    if close is None:
        return Response(
            raw=raw,
            reply="",
            thinking=raw[start:].strip(),
            ended=Ended.unclosed_thinking,
            n_thinking_tokens=n_tokens,
            n_reply_tokens=None if n_tokens is None else 0,
        )
    after = close + len(policy.close_tag)
    reply = raw[after:].lstrip()
    n_thinking = tokens_before(after) if tokens_before and n_tokens is not None else None
    return Response(
        raw=raw,
        reply=reply,
        thinking=raw[start:close].strip(),
        ended=_ended(reply, hit_limit),
        n_thinking_tokens=n_thinking,
        n_reply_tokens=None if n_thinking is None or n_tokens is None else n_tokens - n_thinking,
    )


def split_served(
    content: str, reasoning: str | None, *, policy: ThinkingPolicy, hit_limit: bool
) -> Response:
    """The same for a server that sends the thought apart (`reasoning_content`).

    Args:
        content: What the server calls the content; "" where it sent null.
        reasoning: The thought it sent apart; None or "" = it sent none, so `content` is split.
        policy: The tags that `content` may hold, and that `raw` is put together with.
        hit_limit: The server's finish reason was `length`.

    Returns:
        The response; its `raw` is the one text that `split` takes apart in the same way.

    Example:
        >>> answer = split_served("4", "2+2", policy=ThinkingPolicy(), hit_limit=False)
        >>> answer.raw, answer.reply
        ('<think>2+2</think>4', '4')
    """
    if not reasoning:
        return split(content, policy=policy, hit_limit=hit_limit)
    raw = policy.open_tag + reasoning
    if content or not hit_limit:
        raw += policy.close_tag + content
        return Response(
            raw=raw,
            reply=content,
            thinking=reasoning.strip(),
            ended=_ended(content, hit_limit),
        )
    return Response(raw=raw, reply="", thinking=reasoning.strip(), ended=Ended.unclosed_thinking)


def official_split(raw: str) -> str:
    """The text MathIF's published evaluation scores, bit for bit.

    Its oddities are kept: an unclosed thought is scored as the answer, a second tag of either kind
    drops what follows it, and only what stands inside `<answer>` counts.

    Args:
        raw: The model's whole text.

    Returns:
        The part that is scored, not stripped.

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


def _thought(raw: str, policy: ThinkingPolicy) -> tuple[int | None, int | None]:
    """Where the thought starts and where its close tag stands; None = there is none."""
    first = raw.find(policy.open_tag)
    leads = first >= 0 and not raw[:first].strip()
    start = first + len(policy.open_tag) if leads else 0
    close = raw.find(policy.close_tag, start)
    if leads or policy.prefilled:
        return start, close if close >= 0 else None
    if close < 0:
        return None, None
    return (first + len(policy.open_tag) if 0 <= first < close else 0), close


def _ended(reply: str, hit_limit: bool) -> Ended:
    if hit_limit:
        return Ended.truncated
    return Ended.answered if reply.strip() else Ended.empty
