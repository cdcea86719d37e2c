"""Which language is a text written in, answered the same way every time?

langdetect draws from an unseeded generator, so that two runs of the published checkers disagree, and
its first use from two threads at once fails. Here (`ngrams`) every text starts from seed 0 and the
profiles are loaded under a lock: the label is a function of the text alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache, lru_cache

from twofold.constraints.ngrams import likeliest, profiles
from twofold.constraints.prose import prose

SCRIPTS: dict[str, tuple[str, ...]] = {
    "ARABIC": ("ar", "fa", "ur"),
    "BENGALI": ("bn",),
    "CJK": ("zh-cn", "zh-tw"),
    "CYRILLIC": ("bg", "mk", "ru", "uk"),
    "DEVANAGARI": ("hi", "mr", "ne"),
    "GREEK": ("el",),
    "GUJARATI": ("gu",),
    "GURMUKHI": ("pa",),
    "HANGUL": ("ko",),
    "HEBREW": ("he",),
    "KANA": ("ja",),
    "KANNADA": ("kn",),
    "MALAYALAM": ("ml",),
    "TAMIL": ("ta",),
    "TELUGU": ("te",),
    "THAI": ("th",),
}
"""The languages that langdetect knows, by the script (Unicode's name) that each is written in.

All its other languages are written in Latin letters.
"""

LEAST_LETTERS = 10
"""With fewer letters than this, languages that share a script cannot be told apart."""

# Lone Latin and Greek letters are variables, not words.
_LETTERS = re.compile(r"[A-Za-z]{2,}|[\u0370-\u03ff]{2,}|[^\W\d_A-Za-z\u0370-\u03ff]")


@cache
def _latin() -> tuple[str, ...]:
    others = {code for codes in SCRIPTS.values() for code in codes}
    return tuple(code for code in profiles().codes if code not in others)


@lru_cache(maxsize=32)
def detected_language(text: str) -> str | None:
    """Langdetect's label of the text as it stands, with seed 0.

    Returns:
        A code such as `"en"`, `"unknown"`, or None where langdetect finds nothing to go by and
        raises.

    Example:
        >>> detected_language("This is how a sentence in English reads.")
        'en'
        >>> detected_language("5 + 3 = 8") is None
        True
    """
    return likeliest(text)


@lru_cache(maxsize=32)
def written_language(text: str) -> str | None:
    r"""The language that the prose of a reply is written in.

    Formulas and code are left out. The script that most letters belong to decides first; langdetect
    chooses between the languages that share it, from the text in lower case, since it passes over
    words in capitals.

    Returns:
        langdetect's code; the script's name if langdetect knows no language of it; None if there
        is too little to tell by.

    Example:
        >>> written_language("THE ANSWER TO THE QUESTION IS $x = 5$")
        'en'
        >>> written_language(r"$x = 5$, so \boxed{5}") is None
        True
    """
    text = prose(text).lower()
    letters = "".join(_LETTERS.findall(text))
    if not letters:
        return None
    script = _script(letters)
    candidates = _latin() if script == "LATIN" else SCRIPTS.get(script, ())
    if not candidates:
        return script.lower()
    if len(candidates) == 1:
        return candidates[0]
    if script != "CJK" and len(letters) < LEAST_LETTERS:
        return None
    return likeliest(text, among=candidates)


def _script(letters: str) -> str:
    """The script most of the letters belong to; any kana among Chinese characters is Japanese."""
    counts: Counter[str] = Counter()
    for letter, n in Counter(letters).items():
        script = unicodedata.name(letter, "?").split()[0].removesuffix("-HIRAGANA")
        counts["KANA" if script in ("HIRAGANA", "KATAKANA") else script] += n
    if counts["KANA"] * 20 >= counts["CJK"]:
        counts["KANA"] += counts.pop("CJK", 0)
    return max(counts, key=lambda script: (counts[script], script))
