"""Which letters do the words have, and how do they begin?"""

import re
import string
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import final

from twofold.constraints.counting import every, hold, within
from twofold.constraints.editing import mention, slipped_in
from twofold.constraints.fillers import chosen, in_turn
from twofold.constraints.ifbench.lists import PALINDROMES
from twofold.constraints.ifbench.pieces import bare, spoken, words
from twofold.constraints.words import unmasked
from twofold.types import Constraint, Profile, Verdict

# Words to add where one palindrome is asked for.
_SHORT_PALINDROMES = ("level", "civic", "noon")
# More parts than a hyphenated word has.
_MANY_PARTS = 20
_CLUSTER = re.compile(r"[b-df-hj-np-tv-z]{2}")
_PRIMES = frozenset(n for n in range(2, 100) if all(n % d for d in range(2, n)))


def _next_letter(letter: str) -> str:
    """The letter after `letter`, a after z; "" if it is none of a to z."""
    place = string.ascii_lowercase.find(letter) if letter else -1
    return string.ascii_lowercase[(place + 1) % 26] if place >= 0 else ""


@final
@dataclass(frozen=True)
class Alphabet(Constraint):
    """Each word starts with the letter after the one before, a after z. Source: IFBench."""

    name = "words:alphabet"
    group = "lexical"
    family = "letters"
    departure = "a dash between words is no word, nor is a row of letters"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Start each word with the next letter of the alphabet, and begin again at A after Z.",
            "The first letters of your words must run through the alphabet in order, from any letter on.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "A big cat dozes", "A cat dozes"

    def _official(self, text: str) -> Verdict:
        return self._hold(bare(text).split())

    def _fixed(self, text: str) -> Verdict:
        return self._hold(spoken(words(text)))

    def _hold(self, found: Sequence[str]) -> Verdict:
        firsts = [word[0].lower() for word in found]
        if not firsts or not _next_letter(firsts[0]):
            return Verdict(0.0, "the first word does not start with a letter", distance=1.0)
        return every([b == _next_letter(a) for a, b in pairwise(firsts)], "words follow on")


@final
@dataclass(frozen=True)
class Vowel(Constraint):
    """One paragraph that uses at most three different vowels.

    Source: IFBench. Departs: the request asks for a paragraph and three types of vowels; `official` wants
    no line break and at most three of a, e, i, o, u. `fixed` also counts vowels with accents.
    """

    name = "words:vowel"
    group = "lexical"
    family = "letters"
    departure = "a vowel with an accent or in another shape is that vowel"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Write one paragraph that uses only three of the vowels a, e, i, o, u.",
            "At most three different vowels may occur in your answer, and it must be a single paragraph.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "A bee is in a tree", "education"

    def _official(self, text: str) -> Verdict:
        return self._hold(text)

    def _fixed(self, text: str) -> Verdict:
        if not any(map(str.isalpha, text)):
            return Verdict(0.0, "no word at all", distance=1.0)
        return self._hold(unicodedata.normalize("NFKD", unmasked(text)))

    def _hold(self, text: str) -> Verdict:
        if "\n" in text.strip():
            return Verdict(0.0, "more than one line")
        used = sorted(set("aeiou") & set(text.lower()))
        return within(len(used), None, 3, f"vowels used: {' '.join(used)}; at most 3 wanted")


@final
@dataclass(frozen=True)
class Consonants(Constraint):
    """Each word has two consonants side by side (y is one). Source: IFBench."""

    name = "words:consonants"
    group = "lexical"
    family = "letters"
    departure = "marks and numbers are not words"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Use only words with at least two consonants next to each other.",
            "Every word of your answer must contain a consonant cluster (two or more consonants in a row).",
        )

    def witnesses(self) -> tuple[str, str]:
        return "Most things bring strength", "Most things are strong"

    def _official(self, text: str) -> Verdict:
        return self._hold(text.lower().split())

    def _fixed(self, text: str) -> Verdict:
        return self._hold([w for w in words(text.lower()) if not w.isdigit()])

    def _hold(self, found: Sequence[str]) -> Verdict:
        good = [_CLUSTER.search(word) is not None for word in found]
        return every(good, "words have a consonant cluster", least=1)


@final
@dataclass(frozen=True)
class Palindromes(Constraint):
    """At least ten palindromes of five letters or more.

    Source: IFBench. Departs: `official` counts the same one again; `fixed` wants ten different ones.
    """

    name = "words:palindrome"
    group = "lexical"
    family = "letters"
    departure = "ten different ones, of letters, and not of one letter alone"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Include at least ten different palindromes of five or more letters each, such as level.",
            "Ten or more words of your answer must read the same backwards and have at least 5 letters.",
        )

    def witnesses(self) -> tuple[str, str]:
        return " ".join(PALINDROMES[:10]), " ".join(PALINDROMES[:9])

    def _edited(self, text: str) -> str | None:
        return slipped_in(text, mention(in_turn(PALINDROMES, text, 10)))

    def _official(self, text: str) -> Verdict:
        return self._hold(bare(text.lower()).split())

    def _fixed(self, text: str) -> Verdict:
        found = {w.casefold() for w in words(text)}
        return self._hold(sorted(w for w in found if w.isalpha() and len(set(w)) > 1))

    def _hold(self, found: Sequence[str]) -> Verdict:
        count = sum(len(w) >= 5 and w == w[::-1] for w in found)
        return hold(count, "at least", 10, "palindromes of five letters or more")


@final
@dataclass(frozen=True)
class PrimeLengths(Constraint):
    """The length of each word is a prime number. Source: IFBench."""

    name = "words:prime_lengths"
    group = "lexical"
    family = "letters"
    departure = "letters and digits count; a hyphen parts two words, a dash is no word"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Use only words whose number of letters is a prime (2, 3, 5, 7, 11 ...).",
            "Every word of your answer must have a prime number of letters.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "go see the sea", "go home"

    def _official(self, text: str) -> Verdict:
        return self._hold(bare(text).split())

    def _fixed(self, text: str) -> Verdict:
        parts = [part for w in words(text) for part in w.split("-")]
        if not parts:
            return Verdict(0.0, "no word at all", distance=1.0)
        return self._hold(["".join(filter(str.isalnum, part)) for part in parts])

    def _hold(self, found: Sequence[str]) -> Verdict:
        return every([len(word) in _PRIMES for word in found], "words have a prime length")


@final
@dataclass(frozen=True)
class OddEvenSyllables(Constraint):
    """Words with an odd and an even number of syllables alternate.

    Syllables are looked up in `syllapy`'s list; without the package the reply is unscored.

    Source: IFBench.
    """

    name = "words:odd_even_syllables"
    group = "lexical"
    family = "letters"
    departure = "marks and dashes are not words"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Alternate between words with an odd and words with an even number of syllables.",
            "If a word of your answer has an odd number of syllables, the next must have an even number, "
            "and the other way round.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "cat water dog paper", "cat dog"

    def _official(self, text: str) -> Verdict:
        return self._hold(bare(text.lower()).split())

    def _fixed(self, text: str) -> Verdict:
        found = [w for w in words(text.lower()) if not w.isdigit()]
        return self._hold(found) if found else Verdict(0.0, "no word at all", distance=1.0)

    def _hold(self, found: Sequence[str]) -> Verdict:
        try:
            n_syllables = _syllables()
        except ModuleNotFoundError:
            why = "syllables cannot be counted: pip install 'twofold[ifbench]'"
            return Verdict(None, why, note="not_installed")
        odd = [n_syllables(word) % 2 for word in found]
        return every([a != b for a, b in pairwise(odd)], "words differ from the one before")


@final
@dataclass(frozen=True)
class NoConsecutive(Constraint):
    """No two words in a row start with the same letter. Source: IFBench."""

    name = "words:no_consecutive"
    group = "lexical"
    family = "letters"
    departure = "dashes and numbers are no words; é is e"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "No two words in a row may start with the same letter.",
            "Each word must start with another letter than the word before it.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "big cat runs", "big bat runs"

    def _official(self, text: str) -> Verdict:
        return self._hold(bare(text.lower()).split())

    def _fixed(self, text: str) -> Verdict:
        found = words(unicodedata.normalize("NFD", text).casefold())
        return self._hold([w for w in found if not w.isdigit()])

    def _hold(self, found: Sequence[str]) -> Verdict:
        good = [a[0] != b[0] for a, b in pairwise(found)]
        return every(good, "words start with another letter than the word before")


@final
@dataclass(frozen=True)
class NoAdjacentConsecutive(Constraint):
    """No word starts with the letter that follows the first letter of the word before.

    Source: IFBench's training types. Departs: `official` looks at marks and digits too.
    """

    name = "keywords:no_adjacent_consecutive"
    group = "lexical"
    family = "letters"
    departure = "letters alone; numbers, and marks before a word, are skipped"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "No word may start with the letter that comes right after the first letter of the word "
            "before (so never a word with a and then one with b).",
            "The first letters of two neighbouring words must not follow each other in the alphabet.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "bear apple", "apple bear"

    def _official(self, text: str) -> Verdict:
        firsts = [w[0].lower() for w in text.split()]
        good = [len(a) == len(b) == 1 and ord(b) != ord(a) + 1 for a, b in pairwise(firsts)]
        return every(good, "words do not follow on in the alphabet")

    def _fixed(self, text: str) -> Verdict:
        firsts = [w[0].lower() for w in words(text) if not w.isdigit()]
        good = [_next_letter(a) != b or a == "z" for a, b in pairwise(firsts)]
        return every(good, "words do not follow on in the alphabet")


@final
@dataclass(frozen=True)
class Palindrome(Constraint):
    """The reply has a palindrome.

    Source: IFBench's training types. Departs: `official` takes any piece, `a` and `-` too, in its case.
    """

    name = "keywords:palindrome"
    group = "lexical"
    family = "letters"
    departure = "three letters or more, two different, in any case, without the marks around it"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Include a palindrome.",
            "At least one word of your answer must read the same forwards and backwards.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "The noon sun", "The Sun rises."

    def _edited(self, text: str) -> str | None:
        return slipped_in(text, f"It is on a {chosen(_SHORT_PALINDROMES, text)} here.")

    def _official(self, text: str) -> Verdict:
        return self._found([w for w in text.split() if w == w[::-1]])

    def _fixed(self, text: str) -> Verdict:
        low = [w.casefold() for w in words(text)]
        return self._found([w for w in low if len(set(w)) > 1 and w.isalpha() and w == w[::-1]])

    def _found(self, found: list[str]) -> Verdict:
        return Verdict(float(bool(found)), f"palindromes: {' '.join(found[:3])[:60]!r}")


@cache
def _syllables() -> Callable[[str], int]:
    """How many syllables a word has.

    Raises:
        ModuleNotFoundError: If the package that counts them is not installed.
    """
    import syllapy

    def count(word: str) -> int:
        """By the parts of a long hyphenated word, in which the package would call itself too deep."""
        parts = word.split("-")
        if len(parts) <= _MANY_PARTS:
            return int(syllapy.count(word))
        counts = [*map(syllapy.count, parts)]
        return sum(counts) if all(counts) else 0

    return lru_cache(maxsize=4096)(count)
