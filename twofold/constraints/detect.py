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

import numpy as np

from twofold.constraints.ngrams import likeliest, profiles, trials
from twofold.constraints.prose import prose
from twofold.types import Verdict

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
"""With fewer letters than this, nothing is said of languages that share a script."""

SURE_LETTERS = 40
"""With fewer letters than this, no reply fails for another language of the same script.

langdetect is certain of itself and wrong on short texts (`Die Antwort ist 4.` is Afrikaans to it).
Over pieces of the sentences in `LANGUAGES` it gave the true language less than `UNLIKELY` for 22 of
235 with 10 to 17 letters, 4 of 188 up to 24, 1 of 157 up to 31, and none of 218 from 32 on.
"""

LIKELY, UNLIKELY = 0.5, 0.1
"""Mean probability from which a reply is in a language, and below which it is not."""

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
def judge_language(text: str, wanted: str) -> Verdict:
    r"""Is the prose of a reply written in the language `wanted`?

    Formulas and code are left out. The script that most letters belong to decides first, however
    few they are. Between the languages that share it, the mean of langdetect's seven trials does,
    on the text in lower case, since langdetect passes over words in capitals: likely passes,
    unlikely fails if there is text enough to be sure, and all else is unscored.

    Args:
        text: The whole reply.
        wanted: One of langdetect's codes.

    Returns:
        1, 0, or None where there is too little to tell by.

    Example:
        >>> judge_language("THE ANSWER TO THE QUESTION IS $x = 5$", "en").score
        1.0
        >>> judge_language("Die Antwort ist 4.", "de").score is None
        True
        >>> judge_language("Ответ: 4", "de").reason
        "written in cyrillic letters, 'de' wanted"
    """
    text = prose(text).lower()
    letters = "".join(_LETTERS.findall(text))
    if not letters:
        return Verdict(None, "no words to tell a language by")
    script = _script(letters)
    candidates = _latin() if script == "LATIN" else SCRIPTS.get(script, ())
    if wanted not in candidates:
        return Verdict(0.0, f"written in {script.lower()} letters, {wanted!r} wanted")
    if len(candidates) == 1:
        return Verdict(1.0, f"written in the letters of {wanted!r}")
    if script != "CJK" and len(letters) < LEAST_LETTERS:
        return Verdict(None, f"{len(letters)} letters, too few to tell a language by")
    return _judged(_probabilities(text, candidates), wanted, len(letters))


def _judged(probability: dict[str, float], wanted: str, n_letters: int) -> Verdict:
    """The verdict on languages that share a script."""
    label = max(probability, key=lambda code: probability[code], default="unknown")
    reason = f"most like {label!r} by {n_letters} letters, {wanted!r} wanted"
    if probability.get(wanted, 0.0) >= LIKELY:
        return Verdict(1.0, reason)
    if probability.get(wanted, 1.0) < UNLIKELY and n_letters >= SURE_LETTERS:
        return Verdict(0.0, reason)
    return Verdict(None, f"{reason}: not sure enough to fail it")


def _probabilities(text: str, candidates: tuple[str, ...]) -> dict[str, float]:
    """The mean of the seven trials; empty where the text has no n-gram of any language."""
    found = list(trials(text, among=candidates))
    return (
        dict(zip(profiles().codes, np.mean(found, axis=0).tolist(), strict=True)) if found else {}
    )


def _script(letters: str) -> str:
    """The script most of the letters belong to; any kana among Chinese characters is Japanese."""
    counts: Counter[str] = Counter()
    for letter, n in Counter(letters).items():
        script = unicodedata.name(letter, "?").split()[0].removesuffix("-HIRAGANA")
        counts["KANA" if script in ("HIRAGANA", "KATAKANA") else script] += n
    if counts["KANA"] * 20 >= counts["CJK"]:
        counts["KANA"] += counts.pop("CJK", 0)
    return max(counts, key=lambda script: (counts[script], script))
