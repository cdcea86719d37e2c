"""Which step of a chain names the answer first, and does the question name it already?

Most of a chain's information gain is where the answer is written down, so this place has to be
right: not where `5` is a part of `15`, and also where a script sets no spaces between words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST = 15
"""Digits of a number up to which its spelling with commas is looked for."""

_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uac00-\ud7af"
_BARE = re.compile(f"[{_UNSPACED}]")
_LETTER = rf"[^\W{_UNSPACED}]"
"""A letter or digit of a script that sets spaces."""


def names(text: str, answer: str) -> bool:
    """Whether a text names an answer: not as a part of a longer word or number.

    `1000` is named by `1,000` too. Upper and lower case differ, as `A` is a choice and `a` is not.

    Args:
        text: A step, or the question.
        answer: At least one character.

    Example:
        >>> [names(text, "5") for text in ("So 5.", "15", "5.2", "x=5,", "\u4e8e5\u3002")]
        [True, False, False, True, True]
    """
    digits = answer.replace(",", "")
    is_long = digits.isdecimal() and 4 <= len(digits) <= LONGEST
    spelt = ",?".join(digits) if is_long else re.escape(answer)
    before = "" if _BARE.match(answer[0]) else rf"(?<!{_LETTER})(?<!\.)"
    after = "" if _BARE.match(answer[-1]) else rf"(?!{_LETTER}|\.\d|,\d{{3}}(?!\d))"
    return re.search(before + spelt + after, text) is not None


def first(texts: Sequence[str], answer: str) -> int | None:
    """The first of the steps that names the answer, from 0; None = none does.

    Example:
        >>> first(["Add 2.", "That is 5.", "So 5."], "5"), first(["Add 2."], "5")
        (1, None)
    """
    return next((i for i, text in enumerate(texts) if names(text, answer)), None)
