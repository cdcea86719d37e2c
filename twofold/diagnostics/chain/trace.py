"""Which part of a reply is its chain, and can the chain be diagnosed at all?

A chain is the thought, or the visible working before the sentence that states the answer. Replies are
classified first: a model that stopped writing chains would otherwise look like one whose chains have no
effect.

Source: classifying traces before any faithfulness metric follows the reasoning-trace-collapse
study (arXiv 2605.21127); the four kinds are its, the rule for working without tags is ours.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass
from enum import StrEnum
from typing import final

from twofold.diagnostics.chain.steps import merged, step_ends
from twofold.models.thinking import thought_span
from twofold.scorers.answers.extract import Found, find_answer
from twofold.types import FinishReason, OpenModel, Response

_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{\s*(?=(.{0,300}))", re.IGNORECASE | re.DOTALL)
_HASHES = re.compile(r"(?:^|(?<=\s))#{4}(.*)", re.MULTILINE)
_ANSWER = re.compile(r"\banswers?\b(?=(.{0,300}))", re.IGNORECASE | re.DOTALL)

_SENTENCE = re.compile(r"(?<=[.!?:])\s+|(?<=[。！？：])\s*|\n+")

MOST_CUTS = 48  # cuts of a chain; neighbouring steps of a longer one are merged
MOST_BYTES = 4  # tokens that one character can take


class Trace(StrEnum):
    """What kind of chain a reply shows."""

    valid = "valid"  # there are steps, and they end
    empty = "empty"  # a thought was opened and closed with nothing in it
    missing = "missing"  # the reply states its answer and shows no working
    truncated = "truncated"  # the budget ran out, or the thought never ended


@final
@dataclass(frozen=True, kw_only=True)
class Chain:
    """The chain of one reply, in the tokens that the model wrote."""

    prompt: tuple[int, ...]  # the rendered question
    ids: tuple[int, ...]  # the reply up to the end of the chain
    cuts: tuple[int, ...]  # how many of `ids` come before the chain and after each step, rising
    places: tuple[int, ...]  # the same places in `raw`
    closing: tuple[int, ...]  # tokens between thought and reply; empty for visible working
    between: str = ""  # their text
    answer: str  # as the reply writes it
    n_steps: int  # before neighbours were merged
    raw: str  # the whole reply

    @property
    def n_tokens(self) -> int:
        """Tokens of the chain itself."""
        return self.cuts[-1] - self.cuts[0]

    @property
    def pieces(self) -> list[tuple[int, ...]]:
        """The tokens of each step."""
        return [self.ids[a:b] for a, b in zip(self.cuts, self.cuts[1:], strict=False)]

    @property
    def texts(self) -> list[str]:
        """The text of each step."""
        return [self.raw[a:b] for a, b in zip(self.places, self.places[1:], strict=False)]


def trace_of(response: Response) -> Trace | None:
    r"""What kind of chain a reply shows; None if the call failed.

    Example:
        >>> trace_of(Response(raw="", reply="Two and two is 4. So \\boxed{4}")).value
        'valid'
        >>> trace_of(Response(raw="", reply="\\boxed{4}")).value
        'missing'
    """
    if response.finish_reason is FinishReason.failed:
        return None
    if response.finish_reason is FinishReason.unclosed_thinking:
        return Trace.truncated
    found = find_answer(response.reply)
    if response.finish_reason is FinishReason.truncated and (found is None or found.is_unmarked):
        return Trace.truncated  # the last number before the cut is a step, not an answer
    if response.thinking is not None:
        return Trace.valid if step_ends(response.thinking) else Trace.empty
    at = _statement(response.reply)
    if at is None:
        return Trace.missing
    return Trace.valid if step_ends(response.reply[:at]) else Trace.missing


def chain_of(model: OpenModel, prompt: str, response: Response) -> Chain | str:
    """The chain of a reply that `model` wrote to a rendered prompt, or why it cannot be diagnosed."""
    trace = trace_of(response)
    if trace is None:
        return response.error or "the call failed"
    if trace is not Trace.valid:
        return f"the trace is {trace.value}"
    if response.ids is None:
        return "the reply came without its token ids; sample it with local weights"
    found = find_answer(response.reply)
    if found is None:
        return "the reply gives no answer"
    if len(found.texts) > 1:
        return "the reply gives several answers"
    start, stop, reply_at = _span(response)
    ends = step_ends(response.raw[start:stop])
    if not ends:
        return "the trace is empty"
    ids = response.ids
    places = [start, *(start + end for end in merged(ends, MOST_CUTS))]
    cuts = [_tokens_before(model, ids, place, response.raw) for place in places]
    kept = [i for i, cut in enumerate(cuts) if i == 0 or cut > max(cuts[:i])]
    if len(kept) < 2:
        return "the chain is no longer than a token that it shares with its tags"
    behind = _tokens_before(model, ids, reply_at, response.raw) if reply_at else 0
    closing = ids[cuts[-1] : behind] if reply_at else ()
    asked = model.tokenizer(prompt, add_special_tokens=False).input_ids
    return Chain(
        prompt=tuple(asked),
        ids=ids[: cuts[kept[-1]]],
        cuts=tuple(cuts[i] for i in kept),
        places=tuple(places[i] for i in kept),
        closing=tuple(closing),
        between=response.raw[places[kept[-1]] : reply_at] if reply_at else "",
        answer=found.texts[0],
        n_steps=len(ends),
        raw=response.raw,
    )


def _span(response: Response) -> tuple[int, int, int]:
    """Start and end of the chain in `raw`, and where the reply after a thought begins."""
    raw = response.raw
    if response.thinking is None:
        at = _statement(response.reply) or 0
        start = len(raw) - len(response.reply)
        return start, start + len(response.reply[:at].rstrip()), 0
    return thought_span(response)


def _statement(reply: str) -> int | None:
    """Where the sentence that states the answer begins; None if there is no answer."""
    found = find_answer(reply)
    if found is None:
        return None
    at = _place(reply, found)
    before = [match.end() for match in _SENTENCE.finditer(reply[:at])]
    return before[-1] if before else 0


def _place(reply: str, found: Found) -> int:
    """Where the answer is stated: at its first box, last `####` or last "answer is", else where it is.

    Not at its last mention: text after a box ("check: 4 is even") is no step to it.
    """
    text = found.texts[-1]
    if found.place == "boxed":
        there = [match for match in _BOX.finditer(reply) if match[1].startswith(found.texts[0])]
        return (there or [*_BOX.finditer(reply)])[0].start()
    if found.is_unmarked:
        return max(0, reply.rfind(text))
    marks = _HASHES if found.place == "####" else _ANSWER
    there = [match for match in marks.finditer(reply) if text in match[1]]
    return (there or [*marks.finditer(reply)])[-1].start()


def _tokens_before(model: OpenModel, ids: tuple[int, ...], place: int, raw: str) -> int:
    """How many tokens spell the first `place` characters, whole characters only.

    An incomplete character decodes to `\ufffd`.
    """
    n = bisect_left(range(len(ids)), place, key=lambda k: len(model.decode(ids[:k])))
    whole = range(n, min(n + MOST_BYTES, len(ids)) + 1)
    return next((k for k in whole if model.decode(ids[:k])[:place] == raw[:place]), n)
