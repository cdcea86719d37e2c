"""How is a chat rendered as a prompt?

Templates may insert the current date, which would change prompts from day to day. Here they always
get the same fixed date.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import jinja2

from twofold.errors import ModelError
from twofold.models.thinking import ThinkingPolicy, Turn, detect
from twofold.models.thinking.marks import Mark, mark_at
from twofold.models.thinking.unknown import is_strange
from twofold.types import Message

# The date in every template; part of a model's fingerprint.
TEMPLATE_DAY = date(2026, 1, 1)

_DATE_CODES = "aAbBdHIjmMpSyY"
_HELLO: list[Message] = [{"role": "user", "content": "Hello"}]
# Words that no template writes, and the fields from which templates take a thought.
_THOUGHT, _REPLY = "Thoughtwzq", "Replywzq"
_FIELDS = ("reasoning_content", "thinking", "reasoning")


def template_of(tokenizer: Any) -> str:
    """The source of a tokenizer's (default) chat template."""
    return str(tokenizer.get_chat_template())


def with_fixed_day(source: str) -> str:
    """`source` with a macro that makes `strftime_now` return `TEMPLATE_DAY`.

    Transformers defines that function itself and cannot be given another one.
    """
    if "strftime_now" not in source:
        return source
    steps = "".join(
        f" | replace('%{code}', '{TEMPLATE_DAY.strftime('%' + code)}')" for code in _DATE_CODES
    )
    return "{% macro strftime_now(format) %}{{ format" + steps + " }}{% endmacro %}" + source


def render(tokenizer: Any, chat: Sequence[Message]) -> str:
    """The prompt for `chat`, up to where the reply begins.

    Raises:
        ModelError: If the template rejects the chat, for example a system turn, or leaves out a turn.
    """
    prompt = _prompt(tokenizer, chat)
    if any(message["content"].strip() not in prompt for message in chat):  # left out, or changed
        require_shown(tokenizer, chat)
    return prompt


def require_shown(tokenizer: Any, chat: Sequence[Message] = _HELLO) -> None:
    """Refuse a template that leaves out what a turn of such a chat says: the model would never see it.

    The turns are tried with words that no template writes, and that stay as they are if they are trimmed.
    """
    tried: list[Message] = [
        {"role": message["role"], "content": f"turn{n}wzq"} for n, message in enumerate(chat)
    ]
    prompt = _prompt(tokenizer, tried).lower()
    for message in tried:
        if message["content"] not in prompt:
            raise ModelError(
                f"the chat template of {tokenizer.name_or_path} leaves out what the {message['role']} "
                "says, so the model would never see it; put the base's chat_template.jinja there, one for "
                "plain texts (into a GGUF file: `gguf-new-metadata --chat-template-file`)"
            )


def sample_prompt(tokenizer: Any) -> str:
    """A rendered chat, from which the thinking marks and the template's format can be read."""
    return render(tokenizer, _HELLO)


def thinking_of(tokenizer: Any, named: ThinkingPolicy | None = None) -> ThinkingPolicy:
    """The thinking marks of a tokenizer's chat template; `named`: those that the user named."""
    return detect(
        template_of(tokenizer),
        sample_prompt(tokenizer),
        asked=_try(tokenizer, {}) or "",
        turn=_turn(tokenizer),
        named=named,
    )


def end_of_turn(tokenizer: Any, ends: Collection[int]) -> int | None:
    """The token with which the template ends an assistant's turn, unless it is one of `ends`.

    A model that was trained with this template ends its replies with that token, even if neither the
    tokenizer nor the generation defaults name it; a reply that does not stop there goes on with a turn
    of the user. None also if the template ends a turn with no token, so that only `ends` can.
    """
    told = _try(tokenizer, {"content": _REPLY})
    if told is None or _REPLY not in told:
        return None
    tail = told.rpartition(_REPLY)[2].lstrip()
    ids = list(tokenizer(tail, add_special_tokens=False).input_ids)
    if not ids or ids[0] in ends:
        return None
    added = {*tokenizer.added_tokens_decoder, *tokenizer.all_special_ids}
    return ids[0] if ids[0] in added or _is_mark(tokenizer.decode(ids[:1])) else None


def silent_ids(tokenizer: Any, thinking: ThinkingPolicy, ends: Collection[int]) -> frozenset[int]:
    """Special and end tokens, which are no text of a reply, without those that mark thoughts.

    Those that are not known as tokens of a chat's format stay too: they may mark a thought.
    """
    tags = (thinking.open_tag, thinking.close_tag)
    spelled = {i for tag in tags for i in tokenizer(tag, add_special_tokens=False).input_ids}
    texts = {i: tokenizer.decode([i]) for i in tokenizer.all_special_ids}
    marks = {i: Mark(0, text) for i, text in texts.items() if _is_mark(text)}
    named = {i for i, mark in marks.items() if mark.is_thought or is_strange(mark)}
    return frozenset({*tokenizer.all_special_ids} - spelled - named | {*ends})


def _is_mark(token: str) -> bool:
    """Whether a token is a word in brackets."""
    mark = mark_at(token)
    return mark is not None and mark.text == token


def _prompt(tokenizer: Any, chat: Sequence[Message]) -> str:
    try:
        return _rendered(tokenizer, [dict(message) for message in chat], prompt=True)
    except (jinja2.TemplateError, TypeError, ValueError) as error:
        raise ModelError(
            f"the chat template rejects a chat with the roles {[m['role'] for m in chat]} ({error}); leave "
            "out the role that it does not support, or take the base's chat_template.jinja"
        ) from error


def _rendered(tokenizer: Any, chat: list[dict[str, Any]], *, prompt: bool) -> str:
    return str(
        tokenizer.apply_chat_template(
            chat,
            chat_template=with_fixed_day(template_of(tokenizer)),
            tokenize=False,
            add_generation_prompt=prompt,
        )
    )


def _try(tokenizer: Any, reply: Mapping[str, str]) -> str | None:
    """The question with `reply` as the assistant's turn (empty: without one); None if rejected."""
    chat: list[dict[str, Any]] = [dict(message) for message in _HELLO]
    if reply:
        chat.append({"role": "assistant", **reply})
    try:
        return _rendered(tokenizer, chat, prompt=False)
    except (jinja2.TemplateError, TypeError):  # a template may add to a field that it lacks
        return None


def _turn(tokenizer: Any) -> Turn | None:
    """What the template writes around thought and reply; None if it takes no such turn."""
    asked, told = _try(tokenizer, {}), _try(tokenizer, {"content": _REPLY})
    if asked is None or told is None or not told.startswith(asked) or _REPLY not in told:
        return None
    head = told[len(asked) : told.index(_REPLY)]
    for field in _FIELDS:
        text = (_try(tokenizer, {"content": _REPLY, field: _THOUGHT}) or "").removeprefix(asked)
        before, _, rest = text.partition(_THOUGHT)
        if _REPLY in rest:
            return Turn(head, before, rest.partition(_REPLY)[0])
    return Turn(head)
