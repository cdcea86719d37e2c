r"""Which answers does a reply mark, in a box or behind `####`? An edit of the reply must keep them."""

import re

_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{", re.IGNORECASE)
_BRACE = re.compile(r"(?<!\\)(?:\\\\)*([{}])")
_HASHES = re.compile(r"(?:^|(?<=[\s\"'“‘«*_(]))#{4}(?!#)[ \t]*(.*\S)", re.MULTILINE)
_THOUSANDS = re.compile(r"(?<=\d)(?:,|\\,|\{,\})(?=\d{3}(?!\d))")
_CLOSERS = " *_\"'”’»"


def marked_answers(text: str) -> tuple[str, ...]:
    r"""The answers that `text` marks, each once, in the order in which they are last marked.

    Separators of thousands are no part of an answer, so leaving them out keeps it.

    Example:
        >>> marked_answers(r"First \boxed{3}, then \boxed{1,200}. So \boxed{3}.")
        ('1200', '3')
        >>> marked_answers("It is 72.\n#### 72")
        ('72',)
    """
    marked = [*_boxes(text), *(line.strip(_CLOSERS) for line in _HASHES.findall(text))]
    plain = [" ".join(_THOUSANDS.sub("", answer).split()) for answer in marked]
    return tuple(dict.fromkeys(reversed(plain)))[::-1]


def _boxes(text: str) -> list[str]:
    """The contents of all closed boxes, in order."""
    ends: dict[int, int] = {}  # opening brace -> closing brace
    opened: list[int] = []
    for brace in _BRACE.finditer(text):
        if brace[1] == "{":
            opened.append(brace.start(1))
        elif opened:
            ends[opened.pop()] = brace.start(1)
    starts = [box.end() - 1 for box in _BOX.finditer(text)]
    return [text[start + 1 : ends[start]] for start in starts if start in ends]
