"""How are sentences, words and tokens cut, as the published checkers of IFBench do and as people do?"""

import re
import string
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import groupby, takewhile

import regex

from twofold.constraints.published import punkt_sentences
from twofold.constraints.words import apart, fold, plain
from twofold.errors import ProblemError

_DELETE = str.maketrans("", "", string.punctuation)
_TITLES = "Mr|Mrs|Ms|Dr|Prof|Capt|Cpt|Lt"
_OPENERS = r"(?:He|She|It|They|Their|Our|We|But|However|That|This)\s"
_STARTER = rf"({_TITLES}|{_OPENERS}|Wherever)"
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+(?:['.\-&/][\p{L}\p{M}\p{N}]+)*")
_ASCII_WORD = re.compile(r"[A-Za-z0-9]++(?:['.\-&/][A-Za-z0-9]++)*+")  # the same, and faster
_LATEX = re.compile(r"\\(?:begin|end)\{[^{}\n]*\}|\\[A-Za-z]+\*?")
_HEADING = re.compile(r"[ \t]*#{1,6}[ \t]")
_LIST_MARK = re.compile(r"\A[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+(?=\S)")
_ENDS = ".!?…。！？।؟।"
# Abbreviations that end no sentence, and what stands for their dots while sentences are cut.
_NEVER_LAST = re.compile(r"\b(?:e\.g|i\.e|cf|viz|vs)\.", re.IGNORECASE)
_HIDDEN_DOT = "\ue000"
# A paragraph of fewer words, without an end mark, is no sentence.
_FEWEST = 3
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
    r"""The words of a text as written, without the marks around them: `don't` and `3.14` are one each.

    The name of a LaTeX command is no word, and many words joined without spaces are many.

    Example:
        >>> words(r"It's \boxed{4}, two.and.two")
        ("It's", '4', 'two', 'and', 'two')
    """
    text = _LATEX.sub(" ", plain(text))
    found = (_ASCII_WORD if text.isascii() else _WORD).findall(text)
    return tuple(each for word in found for each in (apart(word) if len(word) > 7 else (word,)))


@lru_cache(maxsize=32)
def sentences(text: str) -> tuple[str, ...]:
    r"""The sentences of a text as a reader cuts it: a paragraph, a list item, a heading ends what it holds.

    Marks alone are no sentence. A heading, and a paragraph of one or two words without an end mark (a
    label, an answer by itself), are none either, unless there is nothing else.

    Example:
        >>> sentences("# Sum\n\nWe add two ! ? So we\n\n- get four\n- Done.")
        ('We add two !', 'So we', 'Done.')
    """
    protected = _NEVER_LAST.sub(lambda found: found[0].replace(".", _HIDDEN_DOT), text)
    parts = (part for block in told(protected) for part in punkt_sentences(block))
    return tuple(part.replace(_HIDDEN_DOT, ".") for part in parts if has_words(part))


def told(text: str) -> list[str]:
    """The paragraphs and list items of a text; all of it where there are only headings and labels."""
    every = blocks(text)
    return [block for block in every if not _is_label(block)] or every


def _is_label(block: str) -> bool:
    """Whether it is a heading, or one or two words without an end mark."""
    return block.startswith("#") or (not _has_end(block) and len(words(block)) < _FEWEST)


def _has_end(block: str) -> bool:
    """Whether an end mark stands behind its last word; looks at the end alone."""
    behind = takewhile(lambda ch: not ch.isalnum() and ch != "_", reversed(block))
    return any(ch in _ENDS for ch in behind)


def blocks(text: str) -> list[str]:
    """The paragraphs, list items (without their marks) and headings of a text."""
    found: list[list[str]] = []
    begins = True
    for line in text.split("\n"):
        is_heading = _HEADING.match(line) is not None
        bare_line = _LIST_MARK.sub("", line, count=1).strip()
        if begins or is_heading or bare_line != line.strip():
            found += [[bare_line]] if bare_line else []
        elif bare_line:
            found[-1].append(bare_line)
        begins = is_heading or not bare_line
    return ["\n".join(lines) for lines in found]


def spoken(found: Sequence[str]) -> list[str]:
    """Words without rows of three or more numbers and single letters, which are signs and no words.

    Example:
        >>> spoken(("I", "add", "7", "to", "x", "1", "2", "3"))
        ['I', 'add', '7', 'to']
    """
    kept: list[str] = []
    for is_sign, row in groupby(found, _is_sign):
        signs = [*row]
        kept += [] if is_sign and len(signs) > 2 else signs
    return kept


def _is_sign(word: str) -> bool:
    """Whether it is a number or a letter of ours by itself."""
    return (len(word) == 1 and word.isascii()) or not any(map(str.isalpha, word))


def trimmed(text: str, kept: Callable[[str], bool] = str.isalnum) -> str:
    """`text` from its first to its last sign of a kind; a pattern would try each sign before the last.

    Example:
        >>> trimmed("__(a) b!..."), trimmed("1. (a)", str.isalpha), trimmed("...")
        ('a) b', 'a', '')
    """
    places = range(len(text))
    start = next((i for i in places if kept(text[i])), len(text))
    end = next((i for i in reversed(places) if kept(text[i])), -1)
    return text[start : end + 1]


def has_words(part: str) -> bool:
    """Whether it has a letter or a digit; marks alone are nothing."""
    return any(map(str.isalnum, part))


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


def other_than(given: str | tuple[str, ...], among: Sequence[str]) -> str:
    """The first of some words that no profile takes for the argument's.

    Example:
        >>> other_than(" a ", ("A", "The")), other_than("It.", ("It", "They"))
        ('The', 'They')
    """
    wanted = first_of(given)
    taken = {fold(wanted), *map(fold, words(wanted))}
    return next(word for word in among if fold(word) not in taken)


def same(a: str, b: str) -> bool:
    """Whether two words are the same in any case."""
    return a.casefold() == b.casefold()
