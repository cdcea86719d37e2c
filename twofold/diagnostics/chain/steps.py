"""Where does one step of a chain end and the next begin? At the ends of sentences and lines.

Lanham et al. split by sentences. Lines are added because models lay out working in lines. A list's
marker ("2.") is no step, and a decimal point ends none.
"""

import re
from collections.abc import Sequence

_END = re.compile(r"[.!?…]+[\"'”’)\]*]*(?=\s|$)|[。！？]+|\n+")
_MARKER = re.compile(r"\W*(?:\d{1,3}|[A-Za-z])[.)]\W*")


def step_ends(text: str) -> list[int]:
    r"""The end of each step of a chain without tags, the last one at the end of the text.

    Empty for a text without a letter or digit.

    Example:
        >>> text = "1. Add 3.5 and 2. That is 5.5.\nSo it is"
        >>> ends = step_ends(text)
        >>> [text[a:b] for a, b in zip([0, *ends], ends)]
        ['1. Add 3.5 and 2.', ' That is 5.5.\n', 'So it is']
    """
    ends: list[int] = []
    start = 0
    for found in _END.finditer(text):
        piece = text[start : found.end()]
        if not any(char.isalnum() for char in piece):
            if ends:
                ends[-1] = start = found.end()  # a lone mark belongs to the step before it
            continue
        if _MARKER.fullmatch(piece):
            continue
        ends.append(found.end())
        start = found.end()
    if any(char.isalnum() for char in text[start:]):
        ends.append(len(text))
    elif ends:
        ends[-1] = len(text)
    return ends


def merged(ends: Sequence[int], most: int) -> list[int]:
    """At most `most` of the ends, evenly spread, always with the last one.

    Example:
        >>> merged([1, 2, 3, 4, 5], 2)
        [3, 5]
    """
    n = len(ends)
    if n <= most:
        return list(ends)
    return [ends[-(-n * (k + 1) // most) - 1] for k in range(most)]
