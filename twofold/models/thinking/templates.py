"""Which marks of thoughts does a chat template write, and does its prompt open a thought?"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

from twofold.models.thinking.marks import LISTED, Mark, ThinkingPolicy, marks_in, pair_of, style_of
from twofold.models.thinking.split import detect_in, split

# What a template asks of an assistant's content: `content.split('</a>')`, `'</a>' in content`.
_SPLITS = re.compile(r"""split\(\s*(['"])(?P<text>[^'"\n]{3,80})\1""")
_SEEKS = re.compile(r"""(['"])(?P<text>[^'"\n]{3,80})\1\s+(?:not\s+)?in\s+[\w.\[\]'"]*content""")
_NO_THOUGHTS = {"tool", "tools", "function", "parameter", "call", "response", "answer", "image"}


@final
@dataclass(frozen=True)
class Turn:
    """What a chat template writes around the thought and the reply of an assistant's turn.

    `head` is everything between the question and the reply of a turn without a thought; the others
    belong to a turn with one, and are empty if the template leaves the thought out.
    """

    head: str
    before_thought: str = ""
    before_reply: str = ""


def detect(
    template: str,
    generation_prompt: str,
    *,
    asked: str = "",
    turn: Turn | None = None,
    named: ThinkingPolicy | None = None,
) -> ThinkingPolicy:
    """Learn a model's thinking marks from its template's source and what it renders.

    A thought is prefilled only if the rendered prompt *ends* with the opening mark: the source may hold
    both branches of an `if`, and an empty thought (`<think></think>`) forbids thinking.

    Args:
        template: The source.
        generation_prompt: A rendered question, up to where the reply begins.
        asked: The same without the part that begins the reply; "" = unknown.
        turn: What the template writes around a thought; None = unknown.
        named: Marks that the user named; they come before those of the template.

    Returns:
        The marks; the default if the template shows none.
    """
    suffix = generation_prompt.removeprefix(asked) if asked else ""
    learned = [*_learned(template, suffix, turn)]
    known = [named, *learned] if named else learned
    end = generation_prompt.rstrip()
    for policy in (*known, *LISTED):
        if _ends_with(end, policy):
            return replace(policy, prefilled=True)
    last = _last_mark(end)
    if last is not None and not last.closes:
        begun = turn is not None and bool(suffix) and _begins(last, suffix, turn.head)
        if last.is_thought or begun:
            return replace(pair_of(last), prefilled=True)
    return known[0] if known else ThinkingPolicy()


def _learned(template: str, suffix: str, turn: Turn | None) -> Iterator[ThinkingPolicy]:
    """The marks in a template, those that it writes itself first."""
    if turn is not None and (written := _written(turn, suffix)):
        yield written
    yield from (each for each in LISTED if each.close_tag in template)
    for mark in marks_in(template):
        if mark.is_thought and mark.text != "<|think|>":  # Gemma's, which switches thinking on
            yield pair_of(mark)
            break
    for asked in (_SPLITS, _SEEKS):
        for found in asked.finditer(template):
            last = _last_mark(found["text"].replace("\\n", "").strip())
            if last is not None and last.closes and not {*last.words} & _NO_THOUGHTS:
                yield pair_of(last)


def _written(turn: Turn, suffix: str) -> ThinkingPolicy | None:
    """The marks around a thought in a rendered turn, if it holds one."""
    if not turn.before_reply.strip():
        return None
    opens = turn.before_thought.removeprefix(suffix) if suffix else turn.before_thought
    text = f"{opens}thought{turn.before_reply}reply"
    read = split(text, policy=ThinkingPolicy(), hit_limit=False)
    if (read.thinking, read.reply) == ("thought", "reply"):
        return replace(detect_in(text), prefilled=False)
    last = _last_mark(turn.before_thought.rstrip())
    open_tag = opens.strip() or (last.text if last else "")
    if not open_tag:
        return None
    return ThinkingPolicy(open_tag, turn.before_reply.strip())


def _begins(last: Mark, suffix: str, head: str) -> bool:
    """Whether the prompt has one more mark than the turn has before its reply."""
    head = head.rstrip()
    begun = bool(head) and suffix.startswith(head) and suffix[len(head) :].strip() == last.text
    return begun and not {*last.words} & _NO_THOUGHTS


def _ends_with(end: str, policy: ThinkingPolicy) -> bool:
    """Whether a prompt ends with the opening mark."""
    tail = end[-200:]
    if tail.lower().endswith(policy.open_tag.lower()):
        return True
    return any(found.end() == len(tail) for found in style_of(policy).opens.finditer(tail))


def _last_mark(end: str) -> Mark | None:
    """The mark that ends a text."""
    tail = end[-80:]
    return next((mark for mark in marks_in(tail) if mark.end == len(tail)), None)
