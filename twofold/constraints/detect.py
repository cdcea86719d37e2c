"""Which language is a text written in, answered the same way every time?

langdetect draws samples of a text from an unseeded generator, so that two runs of the published
checkers disagree; and its first use from two threads at once fails. Here the profiles are loaded
once under a lock into a factory of our own with seed 0, and every detector starts from that seed:
the label is a function of the text alone.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections import Counter
from functools import cache, lru_cache

from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory
from langdetect.lang_detect_exception import LangDetectException

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

_LOADING = threading.Lock()
# Lone Latin and Greek letters are variables, not words.
_LETTERS = re.compile(r"[A-Za-z]{2,}|[\u0370-\u03ff]{2,}|[^\W\d_A-Za-z\u0370-\u03ff]")


@cache
def _loaded() -> DetectorFactory:
    factory = DetectorFactory()
    factory.load_profile(PROFILES_DIRECTORY)
    factory.set_seed(0)
    return factory


def _factory() -> DetectorFactory:
    with _LOADING:
        return _loaded()


@cache
def _latin() -> tuple[str, ...]:
    others = {code for codes in SCRIPTS.values() for code in codes}
    return tuple(sorted(set(_factory().get_lang_list()) - others))


def _detect(text: str, among: tuple[str, ...] = ()) -> str | None:
    detector = _factory().create()
    if among:
        detector.set_prior_map(dict.fromkeys(among, 1.0))
    detector.append(text)
    try:
        return str(detector.detect())
    except LangDetectException:
        return None


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
    return _detect(text)


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
    return _detect(text, candidates)


def _script(letters: str) -> str:
    """The script most of the letters belong to; any kana among Chinese characters is Japanese."""
    counts: Counter[str] = Counter()
    for letter, n in Counter(letters).items():
        script = unicodedata.name(letter, "?").split()[0].removesuffix("-HIRAGANA")
        counts["KANA" if script in ("HIRAGANA", "KATAKANA") else script] += n
    if counts["KANA"] * 20 >= counts["CJK"]:
        counts["KANA"] += counts.pop("CJK", 0)
    return max(counts, key=lambda script: (counts[script], script))
