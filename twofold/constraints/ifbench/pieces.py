"""How are sentences, words and tokens cut, as the published checkers of IFBench do and as people do?"""

import re
import string
from functools import lru_cache

import regex

from twofold.constraints.words import plain
from twofold.errors import ProblemError

_DELETE = str.maketrans("", "", string.punctuation)
_TITLES = "Mr|Mrs|Ms|Dr|Prof|Capt|Cpt|Lt"
_OPENERS = r"(?:He|She|It|They|Their|Our|We|But|However|That|This)\s"
_STARTER = rf"({_TITLES}|{_OPENERS}|Wherever)"
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+(?:['.\-&/][\p{L}\p{M}\p{N}]+)*")
_ASCII_WORD = re.compile(r"[A-Za-z0-9]++(?:['.\-&/][A-Za-z0-9]++)*+")  # the same, and faster
# A dot that ends nothing, and the end of a sentence, until all rules have run.
_DOT, _END = "<prd>", "<stop>"
# IFEval's rules, in their order; what each protects or ends stands beside it.
_RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(Mr|St|Mrs|Ms|Dr)[.]", rf"\1{_DOT}"),  # titles
        (r"[.](com|net|org|io|gov|edu|me)", rf"{_DOT}\1"),  # addresses
        (r"([0-9])[.]([0-9])", rf"\1{_DOT}\2"),  # decimals
        (r"\.{2,}", lambda m: _DOT * len(m[0]) + _END),  # dots in a row end a sentence
        (r"Ph\.D\.", f"Ph{_DOT}D{_DOT}"),
        (r"\s([A-Za-z])[.] ", rf" \1{_DOT} "),  # initials
        (rf"([A-Z][.][A-Z][.](?:[A-Z][.])?) {_STARTER}", rf"\1{_END} \2"),  # U.S. He
        (r"([A-Za-z])[.]([A-Za-z])[.]([A-Za-z])[.]", rf"\1{_DOT}\2{_DOT}\3{_DOT}"),
        (r"([A-Za-z])[.]([A-Za-z])[.]", rf"\1{_DOT}\2{_DOT}"),
        (rf" (Inc|Ltd|Jr|Sr|Co)[.] {_STARTER}", rf" \1{_END} \2"),
        (r" (Inc|Ltd|Jr|Sr|Co)[.]", rf" \1{_DOT}"),
        (r" ([A-Za-z])[.]", rf" \1{_DOT}"),
        (r"\.”", "”."),  # the mark moves behind the closing quote
        (r'([.!?])"', r'"\1'),
        (r"([.?!])", rf"\1{_END}"),
    )
)


@lru_cache(maxsize=32)
def rule_sentences(text: str) -> tuple[str, ...]:
    """The sentences by IFEval's regular expressions, which the training types of IFBench use.

    Example:
        >>> rule_sentences("Dr. Lee paid 3.50 at x.com. Yes?! No")
        ('Dr. Lee paid 3.50 at x.com.', 'Yes?', '!', 'No')
    """
    text = f" {text}  ".replace("\n", " ")
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    parts = [part.strip() for part in text.replace(_DOT, ".").split(_END)]
    return tuple(parts if parts[-1] else parts[:-1])


def bare(text: str) -> str:
    """`text` without ASCII punctuation."""
    return text.translate(_DELETE)


def stripped(piece: str) -> str:
    """`piece` without ASCII punctuation at its ends."""
    return piece.strip(string.punctuation)


@lru_cache(maxsize=32)
def words(text: str) -> tuple[str, ...]:
    """The words of a text as written, without the marks around them: `don't` and `3.14` are one each."""
    text = plain(text)
    return tuple((_ASCII_WORD if text.isascii() else _WORD).findall(text))


def end_mark(sentence: str) -> str:
    """The mark that ends a sentence, behind closing quotes, brackets and emphasis; "" if none."""
    mark = sentence.rstrip(" \t\n\"'”’»)]*_")[-1:]
    return mark if mark in ".?!" else ""


def first_of(given: str | tuple[str, ...]) -> str:
    """The word of an argument that may be a list: its first entry counts."""
    return (given if isinstance(given, str) else next(iter(given), "")).strip()


def one_word(name: str, given: str | tuple[str, ...]) -> str:
    """The word of an argument of the type `name`, as `words` cuts it.

    Raises:
        ProblemError: If it is not one word, which no reply could have at one place.

    Example:
        >>> one_word("last_word:last_word_answer", " U.S. ")
        'U.S'
    """
    wanted = first_of(given)
    found = words(wanted)
    if len(found) != 1 or not all(ch.isalnum() or ch in "'’.,;:!?-" for ch in plain(wanted)):
        raise ProblemError(f"{name}: {wanted!r} is not one word; give one, without other signs")
    return found[0]


def same(a: str, b: str) -> bool:
    """Whether two words are the same in any case."""
    return a.casefold() == b.casefold()
