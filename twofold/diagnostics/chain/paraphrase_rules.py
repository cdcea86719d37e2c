"""Paraphrases by rule: function words and connectives change; numbers, names and order do not."""

import re

_RULES: tuple[tuple[str, str], ...] = (
    (r"\bgives\b", "makes"),
    (r"\bgive\b", "make"),
    (r"\bequals\b", "comes to"),
    (r"\bis equal to\b", "comes to"),
    (r"(?<=[\w)\]]) = (?=[\w($-])", " equals "),
    (r"(?<=\d) \+ (?=\d)", " plus "),
    (r"(?<=\d) - (?=\d)", " minus "),
    (r"(?<=\d) [*x×] (?=\d)", " times "),
    (r"\bSo,?(?= )", "Therefore"),
    (r"\bso\b", "therefore"),
    (r"\bTherefore,?(?= )", "So"),
    (r"\bThus,?(?= )", "Hence"),
    (r"\bThen,?(?= )", "After that"),
    (r"\bFirst,?(?= )", "To begin"),
    (r"\bNext,?(?= )", "After this"),
    (r"\bFinally,?(?= )", "In the end"),
    (r"\bWe need to\b", "We have to"),
    (r"\bwe need to\b", "we have to"),
    (r"\bhow many\b", "what number of"),
    (r"\bin total\b", "altogether"),
    (r"\baltogether\b", "in all"),
    (r"\bThe total number of\b", "The whole count of"),
    (r"\bthe total number of\b", "the whole count of"),
    (r"\bbecause\b", "since"),
    (r"\bsince\b", "as"),
    (r"\bBut\b", "However,"),
    (r"\bLet's\b", "Let us"),
    (r"\bcan't\b", "cannot"),
    (r"\bdon't\b", "do not"),
    (r"\bdoesn't\b", "does not"),
    (r"\bit's\b", "it is"),
    (r"\bIt's\b", "It is"),
    (r"\bWe know that\b", "It is known that"),
    (r"\bwe get\b", "we obtain"),
    (r"\bwe have\b", "there is"),
    (r"\bcalculate\b", "work out"),
    (r"\bfind\b", "work out"),
    (r"\bfrom (\S+) makes\b", r"at \1 makes"),
)
_PATTERNS = [(re.compile(pattern), words) for pattern, words in _RULES]


def paraphrased(text: str) -> str:
    """`text` with each rule applied once; what one rule has written, no other changes.

    Example:
        >>> paraphrased("So 3 + 4 = 7, and we get 7.")
        'Therefore 3 plus 4 equals 7, and we obtain 7.'
    """
    pieces: list[tuple[str, bool]] = [(text, False)]
    for pattern, words in _PATTERNS:
        pieces = [
            part
            for piece, is_new in pieces
            for part in ([(piece, True)] if is_new else _applied(pattern, words, piece))
        ]
    return "".join(piece for piece, _ in pieces)


def _applied(pattern: re.Pattern[str], words: str, text: str) -> list[tuple[str, bool]]:
    out: list[tuple[str, bool]] = []
    at = 0
    for match in pattern.finditer(text):
        out += [(text[at : match.start()], False), (match.expand(words), True)]
        at = match.end()
    return [*out, (text[at:], False)]
