"""Are two answers as written equal? At once where spelling and exact arithmetic tell."""

import re
from functools import lru_cache

from twofold.scorers.answers.arithmetic import Exact, rational
from twofold.scorers.answers.equality import Comparison, some
from twofold.scorers.answers.spelling import key, plain, ungrouped, with_decimal_points
from twofold.scorers.answers.structure import readings
from twofold.scorers.answers.terms import Term

_EXACT = Comparison(Exact())
_NO_ITEM = re.compile(r",\s*0\d")  # 1,000 is no list of 1 and 000
_ZEROS = re.compile(r"\d,0{2,}(?!\d)")


def spellings(gold: str, answer: str) -> list[tuple[str, str]]:
    """The pairs of texts of which one must be equal: commas can group, list or point.

    Example:
        >>> spellings("2.5", "2,5")
        [('2.5', '2,5'), ('2.5', '2.5')]
    """
    pairs = [(gold, answer)]
    if "," in gold and "," in answer:
        lists = ["," in plain(text) for text in (gold, answer)]
        if lists[0] != lists[1] and not _NO_ITEM.search(gold + "|" + answer):
            pairs.append((ungrouped(gold), ungrouped(answer)))
    elif "," in answer and (_ZEROS.search(answer) or not _is_whole(gold)):
        pairs.append((gold, with_decimal_points(plain(answer))))
    return list(dict.fromkeys(pairs))


def _is_whole(gold: str) -> bool:
    """Whether a reference answer is a whole number, or nothing that has decimals."""
    found = readings(plain(gold))
    values = [rational(term.bare) for term in found]
    if any(value is not None and value.denominator == 1 for value in values):
        return True
    return not found or all(term.head in ("words", "list", "tuple", "option") for term in found)


@lru_cache(maxsize=4096)
def settled(gold: str, answer: str) -> bool | None:
    r"""Whether two answers are equal; None where that needs computer algebra.

    Equal spellings are equal. Else an answer that was not read to its last character is unequal. Three
    letters and more, with no sign between them, are a text on both sides: `cat` is no product, and not `act`.

    Example:
        >>> settled(r"\frac{1}{2}", "0.5"), settled("4", "4 sqrt(2)"), settled("4", "4 bananas or so")
        (True, None, False)
    """
    first, second = key(gold), key(answer)
    is_word = first.isalpha() and len(first) > 1
    if first == second or (is_word and first.casefold() == second.casefold()):
        return True
    if not second:
        return False
    words = [_letters(text) for text in (first, second)]
    if None not in words:
        return words[0] == words[1]
    return some(_compared(*pair) for pair in spellings(gold, answer))


def _letters(text: str) -> str | None:
    """The letters of a text that is nothing else, and would be read as their product; None of any other."""
    bare = text.replace(" ", "")
    is_product = bare.isalpha() and len(bare) > 2 and any(term.head == "mul" for term in read(text))
    return bare.casefold() if is_product else None


def _compared(gold: str, answer: str) -> bool | None:
    return some(
        _EXACT.same(first, second)
        for first in readings(plain(gold))
        for second in readings(plain(answer))
    )


def read(text: str) -> tuple[Term, ...]:
    """What an answer as written can mean; nothing if it was not read whole."""
    return readings(plain(text))


def is_number(text: str) -> bool:
    """Whether a text is a rational number, with or without a unit."""
    return any(rational(term.bare) is not None for term in read(text))
