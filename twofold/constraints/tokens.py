"""How do the published checkers cut a text into words? As `nltk.word_tokenize`, in a fifth of its time.

NLTK runs some thirty patterns over each sentence. Apart from the two ends of the sentence, each pattern
looks at one piece between blanks alone. So plain words, off which NLTK only cuts a mark, are cut here,
and all other pieces of a text go to NLTK in one call. It takes a second to import, so it is imported
when needed.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from itertools import takewhile
from typing import Any

from twofold.constraints.published import punkt_sentences

# Signs that NLTK cuts off wherever they stand.
_SIGNS = r";@#$%&?!*()\[\]{}<>"
# Pieces without quotation marks, ellipses and double dashes, and the white space behind them. NLTK cuts
# the six words in two.
_PLAIN = re.compile(
    r"(?<!\S)((?:(?:(?!(?i:cannot|gimme|gonna|gotta|lemme|wanna))\w++|[\\/+=^|~]"
    rf"|[{_SIGNS}]|-(?!-)|\.(?!\.)|[,:](?![,:]))++(?:[ \n]++|\Z))++)",
    re.ASCII,
)
_PLAIN_TOKEN = re.compile(rf"[{_SIGNS}]|[,:](?!\d)|(?:[^\s{_SIGNS},:]|[,:](?=\d))+")
# The full stop of a sentence, and what closes behind it.
_CLOSERS = "])}>\"'»”’"
_STOP = re.compile(rf"(?<!\.)\.([{re.escape(_CLOSERS)} ]*+)\s*\Z")
# Parts the pieces that go to NLTK together: no pattern knows it, and none looks across it.
_PART = "\0"
# What NLTK must see in its place: two quotation marks at the start, white space that only some of its
# patterns take for such, and the sign that parts pieces here.
_UNUSUAL = re.compile(rf"\A[\"']{{2}}|[^\S \n\t]|{_PART}")
_RUN = re.compile(r"(\s)\1+")
_CAPITAL = re.compile(r"[A-Z](?:n't|[^a-z]|\Z)")


@cache
def _nltk() -> Any:
    from nltk.tokenize.destructive import NLTKWordTokenizer

    return NLTKWordTokenizer()


def _cut(text: str) -> list[str]:
    """The tokens of one sentence, by NLTK; a run of spaces would take it quadratic time."""
    found: list[str] = _nltk().tokenize(_RUN.sub(r"\1", text))
    return found


@lru_cache(maxsize=32)
def tokens(text: str) -> tuple[str, ...]:
    """The tokens of `nltk.word_tokenize(text)`.

    Example:
        >>> tokens("Mr. Lee can't pay $3.50. (Sorry.)")
        ('Mr.', 'Lee', 'ca', "n't", 'pay', '$', '3.50', '.', '(', 'Sorry', '.', ')')
    """
    return tuple(_tokens(punkt_sentences(text)))


@lru_cache(maxsize=32)
def capital_tokens(text: str) -> int:
    """How many tokens of `nltk.word_tokenize(text)` are all capitals (`str.isupper`)."""
    if not _may_have_capitals(text):
        return 0
    return sum(map(str.isupper, _tokens(filter(_may_have_capitals, punkt_sentences(text)))))


def _may_have_capitals(text: str) -> bool:
    """Whether a token in capitals is possible at all: a capital, and no small letter after it.

    NLTK splits a word between letters only in `cannot`, `gimme` and the like, and before `n't`.
    """
    return not text.isascii() or _CAPITAL.search(text) is not None


def _tokens(sentences: Iterable[str]) -> list[str]:
    """The tokens of sentences, with one call of NLTK for all that is not plain."""
    pieces = [piece for sentence in sentences for piece in _pieces(sentence)]
    together = "".join(f"{piece}\t{_PART}" for piece in pieces if isinstance(piece, str))
    cut = iter(_cut(together) if together else ())
    found: list[str] = []
    for piece in pieces:
        found += takewhile(_PART.__ne__, cut) if isinstance(piece, str) else piece
    return found


def _pieces(sentence: str) -> Iterator[list[str] | str]:
    """The tokens of plain words, and what NLTK is to cut, with the white space before and behind it."""
    pieces = _PLAIN.split(sentence)  # plain ones have the odd places
    closes_alone = not sentence.rsplit(None, 1)[-1].strip(_CLOSERS)
    if any(pieces[::2]) and (closes_alone or _UNUSUAL.search(sentence)):
        yield _cut(sentence)
        return
    if not pieces[-1]:
        del pieces[-1]
    pieces[-1] = _STOP.sub("\t.\t\\1", pieces[-1])
    # NLTK opens a `"` at the start and after a space, but not after a tab.
    before = " " if sentence.startswith('"') else "\t"
    for i, piece in enumerate(pieces):
        if i % 2:
            yield _PLAIN_TOKEN.findall(piece)
            before = piece[-1]
        elif piece:
            yield before + piece
