"""How is a chat rendered as a prompt?

Templates may insert the current date, which would change prompts from day to day. Here they always
get the same fixed date.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import jinja2

from twofold.errors import ModelError
from twofold.models.thinking import ThinkingPolicy, detect
from twofold.types import Message

# The date in every template; part of a model's fingerprint.
TEMPLATE_DAY = date(2026, 1, 1)

_DATE_CODES = "aAbBdHIjmMpSyY"
_HELLO: list[Message] = [{"role": "user", "content": "Hello"}]


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
        ModelError: If the template rejects the chat, for example a system turn.
    """
    try:
        text = tokenizer.apply_chat_template(
            [dict(message) for message in chat],
            chat_template=with_fixed_day(template_of(tokenizer)),
            tokenize=False,
            add_generation_prompt=True,
        )
    except jinja2.TemplateError as error:
        raise ModelError(
            f"the chat template rejects a chat with the roles {[m['role'] for m in chat]} "
            f"({error}); leave out the role that it does not support"
        ) from error
    return str(text)


def sample_prompt(tokenizer: Any) -> str:
    """A rendered chat, from which the thinking tags and the template's format can be read."""
    return render(tokenizer, _HELLO)


def thinking_of(tokenizer: Any) -> ThinkingPolicy:
    """The thinking tags of a tokenizer's chat template."""
    return detect(template_of(tokenizer), sample_prompt(tokenizer))
