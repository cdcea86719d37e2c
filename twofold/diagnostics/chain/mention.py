"""Which step of a chain names the answer first, and does the question already name it?

Most of a chain's information gain is where the answer is written, so `5` in `15` must not count, and
scripts without spaces between words must.
"""

import re
from collections.abc import Sequence

LONGEST = 15  # digits of a number that may be written with commas

_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uac00-\ud7af"
_BARE = re.compile(f"[{_UNSPACED}]")
_LETTER = rf"[^\W{_UNSPACED}]"  # a letter or digit of a script with spaces


def names(text: str, answer: str) -> bool:
    """Whether a text names an answer, not as a part of a longer word or number.

    `1000` is also named by `1,000`. Case matters: `A` is a choice and `a` is not.

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
    """The index of the first step that names the answer; None if none does.

    Example:
        >>> first(["Add 2.", "That is 5.", "So 5."], "5"), first(["Add 2."], "5")
        (1, None)
    """
    return next((i for i, text in enumerate(texts) if names(text, answer)), None)
