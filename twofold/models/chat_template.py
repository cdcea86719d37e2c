"""What does a chat look like to the network, today and tomorrow alike?

Templates may ask for the date, and a prompt that changes overnight breaks every comparison and
every resumed run. So they are told a day that never changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import jinja2

from twofold.errors import ModelError
from twofold.types import Message

TEMPLATE_DAY = date(2026, 1, 1)
"""The day that every template is told it is; part of a model's fingerprint."""

_DATE_CODES = "aAbBdHIjmMpSyY"


def template_of(tokenizer: Any) -> str:
    """The source of a tokenizer's chat template (the default one, if it has several by name)."""
    source: str = tokenizer.get_chat_template()
    return source


def with_fixed_day(source: str) -> str:
    """`source` with the function `strftime_now`, where it is used, bound to `TEMPLATE_DAY`.

    Transformers gives templates that function itself and takes none from outside, so the template
    gets a macro of the same name.

    Example:
        >>> jinja2.Template(with_fixed_day("{{ strftime_now('%d %b %Y') }}")).render()
        '01 Jan 2026'
    """
    if "strftime_now" not in source:
        return source
    steps = "".join(
        f" | replace('%{code}', '{TEMPLATE_DAY.strftime('%' + code)}')" for code in _DATE_CODES
    )
    return "{% macro strftime_now(format) %}{{ format" + steps + " }}{% endmacro %}" + source


def render(tokenizer: Any, chat: Sequence[Message]) -> str:
    """The text that the network reads for `chat`, up to where the reply begins.

    Args:
        tokenizer: A transformers tokenizer with a chat template.
        chat: The turns; the last one is the user's.

    Raises:
        ModelError: If the template refuses the chat, as some do a system turn.
    """
    try:
        text: str = tokenizer.apply_chat_template(
            [dict(message) for message in chat],
            chat_template=with_fixed_day(template_of(tokenizer)),
            tokenize=False,
            add_generation_prompt=True,
        )
    except jinja2.TemplateError as error:
        raise ModelError(
            f"the chat template refuses a chat with the roles {[m['role'] for m in chat]} "
            f"({error}); leave out the role it does not know"
        ) from error
    return text
