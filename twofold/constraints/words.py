"""What is a word, and when are two words the same? One notion for every rule of `fixed`.

Words end where Unicode's text segmentation (UAX 29, from the library `regex`) ends them. Departs from
it where readers of a language do: an apostrophe or a point does not hide a word (`John` in `John's`,
`eau` in `l'eau`), a Korean word may carry particles, and Korean ends where another script begins.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import final

import regex

# Letters that differ on paper, not for a reader: each group is written like its first sign.
_SAME = ("'’‘ʼ＇‛´`", "-‐‑‒–−﹣－", '"“”„‟〝〞＂', "iİ")

# Compatibility forms (Unicode's tags) that are the same word in another shape: full-width letters,
# ligatures. Superscripts and circled digits stay: `energy²` is `energy` with a note.
_SHAPES = (
    *("<wide>", "<narrow>", "<font>", "<compat>", "<noBreak>", "<small>", "<square>"),
    *("<vertical>", "<initial>", "<medial>", "<final>", "<isolated>"),
)
_UNSEEN = regex.compile(r"\p{Default_Ignorable_Code_Point}")


class _Forms(dict[int, str]):
    """A table for `str.translate`: each sign's plain form, cached."""

    def __missing__(self, code: int) -> str:
        self[code] = plain = _plain_sign(chr(code))
        return plain


def _plain_sign(sign: str) -> str:
    if _UNSEEN.match(sign):
        return ""
    if unicodedata.decomposition(sign).startswith(_SHAPES):
        shaped = unicodedata.normalize("NFKC", sign)
        return sign if shaped.startswith(" ") and sign != shaped else shaped
    return sign


_FORMS = _Forms({ord(sign): group[0] for group in _SAME for sign in group})


@lru_cache(maxsize=64)
def plain(text: str) -> str:
    r"""`text` in plain signs: one form of each letter, apostrophe, hyphen and quotation mark.

    Example:
        >>> plain("ﬁnd “the cafe\u0301” – it’s\u00a0ｏｐｅｎ")
        'find "the café" - it\'s open'
    """
    if text.isascii():
        return text.replace("`", "'")
    text = unicodedata.normalize("NFC", text).translate(_FORMS)
    return unicodedata.normalize("NFC", regex.sub(r"[\p{Zs}]", " ", text))


@lru_cache(maxsize=64)
def fold(text: str) -> str:
    """`plain(text)` without case, by Unicode's case folding.

    Example:
        >>> fold("STRASSE") == fold("Straße"), fold("DON’T")
        (True, "don't")
    """
    return unicodedata.normalize("NFC", plain(text).casefold())


_LETTER = r"[\p{L}\p{M}\p{Nd}\p{Nl}]"
_HANGUL = r"\p{Script=Hangul}"
# A place where one word ends or begins; `\b` under the flag WORD is UAX 29's.
_EDGE = (
    rf"(?:(?<!{_LETTER})|(?!{_LETTER})|\b|(?<={_HANGUL})(?!{_HANGUL})|(?<!{_HANGUL})(?={_HANGUL}))"
)

# Korean particles, by the syllable before them: any, with a final consonant, without one.
_ANY = (
    "의|에서부터|에게서|에게|에서|에|께서|께|한테서|한테|도|만|까지|부터|처럼|보다|마다|조차|마저"
    "|밖에|뿐|대로|같이|하고|들|쯤|입니다|입니까|이다|이고|이며|이지만|인|였다|이었다"
)
_AFTER_CONSONANT = "이라고|이라는|이라도|이라|이란|이나|이랑|이에요|이|은|을|과|으로|아"
_AFTER_VOWEL = "라고|라는|라도|라|란|나|랑|예요|가|는|를|와|로|야|여"
_CHAIN = rf"(?:{_ANY}|{_AFTER_CONSONANT}|{_AFTER_VOWEL}|서)"


@final
@dataclass(frozen=True)
class Phrase:
    """A word or phrase to look for in a text; make it with `as_word`."""

    pattern: "regex.Pattern[str]"
    at_end: "regex.Pattern[str]"

    def count(self, text: str) -> int:
        """How often it occurs, without overlap."""
        return sum(1 for _ in self.pattern.finditer(fold(text)))

    def occurs(self, text: str) -> bool:
        """Whether it occurs."""
        return self.pattern.search(fold(text)) is not None

    def starts(self, text: str) -> bool:
        """Whether `text` starts with it."""
        return self.pattern.match(fold(text)) is not None

    def ends(self, text: str) -> bool:
        """Whether `text` ends with it."""
        return self.at_end.search(fold(text)) is not None


@lru_cache(maxsize=512)
def as_word(phrase: str) -> Phrase:
    r"""What finds `phrase` as a separate word or words, in any case and any Unicode form.

    No letter, mark or digit of the same word may touch it; in scripts without spaces any whole
    character may. The name of a LaTeX command is not the word (`\bar` is not `bar`), `14` is not in
    `3.14`, and any white space may separate the words of a phrase.

    Example:
        >>> as_word("bar").count(r"A Bar, a _bar_, a barn and $\bar{x}$")
        2
        >>> as_word("不好").occurs("这个方法不好用。"), as_word("कि").occurs("किताब पढ़ो")
        (True, False)
        >>> as_word("서울").occurs("서울은 크다."), as_word("art").occurs("start")
        (True, False)
    """
    parts = fold(phrase).split()
    body = r"[\s\x1c-\x1f]+".join(regex.escape(part) for part in parts)
    first, last = (parts[0][0], parts[-1][-1]) if parts else ("", "")
    before = rf"(?<!\\){_EDGE}" if regex.match(_LETTER, first) else ""
    before += r"(?<!\d[.,])" if first.isdecimal() else ""
    after = _EDGE if regex.match(_LETTER, last) else ""
    if regex.match("[가-힣]", last):
        ends_open = (ord(last) - ord("가")) % 28 == 0
        own = _AFTER_VOWEL if ends_open else _AFTER_CONSONANT
        own += "|로" if (ord(last) - ord("가")) % 28 == 8 else ""  # after ㄹ
        after = rf"(?:{after}|(?=(?:{_ANY}|{own}){_CHAIN}{{0,2}}(?!{_HANGUL})))"
    elif last.isdecimal():
        after += r"(?![.,]\d)"
    elif last == "n" and parts[-1] != "can":  # don't has no word "don"
        after += rf"(?!'t(?!{_LETTER}))"
    whole = before + body + after
    return Phrase(*(regex.compile(each, regex.WORD) for each in (whole, whole + r"\Z")))


# Letters of other alphabets that look like one of ours, and that one.
_LOOKALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧοϲ", "ABESIJKMHOPCTYXaesijopcyxhdqwABEZHIKMNOPTYXoc"
)
_LETTERS = regex.compile(r"\p{L}+")
_LATIN = regex.compile(r"\p{Latin}")
_OTHER_ALPHABET = regex.compile(r"[\p{Cyrillic}\p{Greek}]")


@lru_cache(maxsize=64)
def unmasked(text: str) -> str:
    r"""`text` with each word that mixes alphabets in the letters that it looks like.

    Nobody writes such a word but to hide it: `bread` with a Cyrillic `е` is read as bread.

    Example:
        >>> unmasked("br\u0435ad"), unmasked("\u0435\u0441\u043b\u0438") == "bread"
        ('bread', False)
    """
    if text.isascii() or not _OTHER_ALPHABET.search(text):
        return text
    return _LETTERS.sub(_in_one_alphabet, text)


def _in_one_alphabet(word: "regex.Match[str]") -> str:
    is_mixed = _LATIN.search(word[0]) and _OTHER_ALPHABET.search(word[0])
    return word[0].translate(_LOOKALIKES) if is_mixed else word[0]


def apart(word: str) -> list[str]:
    """The words of a run without spaces; one, unless it joins more than a word can have.

    `well-known`, `mother-in-law`, `and/or`, `e.g.` and `3.14` are one; three words joined by points or
    slashes and five joined by hyphens are a way to write no spaces. An address is one.

    Example:
        >>> apart("state-of-the-art"), apart("two.and.two")
        (['state-of-the-art'], ['two', 'and', 'two'])
    """
    if word.isalnum() or "://" in word or "@" in word or word.startswith("www."):
        return [word]
    for joints, most in (("./&_|,;:", 2), ("-", 4)):
        parts = regex.split(f"[{joints}]", word)
        if sum(len(part) > 1 and part.isalpha() for part in parts) > most:
            return [each for part in parts if part for each in apart(part)]
    return [word]


def without_marks_before(text: str) -> str:
    """`text` from its first letter or digit on: markdown and quotation marks are no word."""
    return regex.sub(r"\A[^\p{L}\p{M}\p{N}]+", "", text)


def characters(text: str) -> Iterator[str]:
    r"""The characters that a reader counts (UAX 29's grapheme clusters) of `text`, without case.

    Example:
        >>> list(characters("Cafe\u0301"))
        ['c', 'a', 'f', 'é']
    """
    # Case is folded one by one: `ß` is one letter, though it folds to two.
    return (unicodedata.normalize("NFC", one.casefold()) for one in clusters(plain(text)))


# For each half of a flag `\X` counts all halves before it, so the pairs come first.
_CLUSTER = regex.compile(
    r"[\U0001f1e6-\U0001f1ff]{2}[\p{GCB=Extend}\p{GCB=SpacingMark}\p{GCB=ZWJ}]*+|\X"
)


def clusters(text: str) -> "list[str]":
    """The characters that a reader counts, as they are."""
    return list(text) if text.isascii() else _CLUSTER.findall(text)
