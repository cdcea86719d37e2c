"""Which language is a text written in? The label is a function of the text alone.

langdetect draws from an unseeded generator and cannot be first used from two threads at once. Here
(`ngrams`) every text starts from seed 0 and the profiles are loaded under a lock.
"""

import re
import unicodedata
from collections import Counter
from functools import lru_cache

import numpy as np

from twofold.constraints.ngrams import likeliest, profiles, trials
from twofold.constraints.prose import prose
from twofold.types import Verdict

# langdetect's languages by script (Unicode name); all others are written in Latin letters.
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

# With fewer letters, a reply in a script that several languages share is unscored.
LEAST_LETTERS = 10

# With fewer letters, no reply fails for another language of the same script. langdetect is
# confident and wrong on short texts (it labels `Die Antwort ist 4.` as Afrikaans). Over pieces of
# the sentences in `LANGUAGES` it gave the true language less than `UNLIKELY` for 22 of 235 with 10
# to 17 letters, 4 of 188 up to 24, 1 of 157 up to 31, and none of 218 from 32 on.
SURE_LETTERS = 40

# From this mean probability on a reply passes, and below the second it fails.
LIKELY, UNLIKELY = 0.5, 0.1

# Lone Latin and Greek letters are variables, not words.
_LETTERS = re.compile(r"[A-Za-z]{2,}|[\u0370-\u03ff]{2,}|[^\W\d_A-Za-z\u0370-\u03ff]")


_NOT_LATIN = {code for codes in SCRIPTS.values() for code in codes}


@lru_cache(maxsize=32)
def detected_language(text: str) -> str | None:
    """Langdetect's label of the raw text with seed 0, see `ngrams.likeliest`."""
    return likeliest(text)


def published_language(text: str, wanted: str) -> Verdict:
    """Whether langdetect labels the raw text as `wanted`; without a label it passes, as published."""
    label = detected_language(text)
    if label is None:
        return Verdict(1.0, "langdetect finds no language, which passes")
    return Verdict(float(label == wanted), f"langdetect says {label!r}, {wanted!r} wanted")


@lru_cache(maxsize=32)
def judge_language(text: str, wanted: str) -> Verdict:
    """Is the prose of a reply written in the language `wanted` (langdetect's code)?

    Formulas and code are left out. The script of most letters decides first. Between languages that
    share it, the mean of langdetect's seven trials on the text in lower case decides (langdetect
    ignores words in capitals): likely passes, unlikely fails if the text is long enough, and everything
    else is unscored.

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
    latin = (code for code in profiles().codes if code not in _NOT_LATIN)
    candidates = tuple(latin) if script == "LATIN" else SCRIPTS.get(script, ())
    if wanted not in candidates:
        return Verdict(0.0, f"written in {script.lower()} letters, {wanted!r} wanted")
    if len(candidates) == 1:
        return Verdict(1.0, f"written in the letters of {wanted!r}")
    if script != "CJK" and len(letters) < LEAST_LETTERS:
        return Verdict(None, f"{len(letters)} letters, too few to tell a language by")
    found = list(trials(text, among=candidates))
    means = np.mean(found, axis=0).tolist() if found else []
    return _judged(dict(zip(profiles().codes, means, strict=False)), wanted, len(letters))


def _judged(probability: dict[str, float], wanted: str, n_letters: int) -> Verdict:
    """The verdict between languages that share a script."""
    label = max(probability, key=lambda code: probability[code], default="unknown")
    reason = f"most like {label!r} by {n_letters} letters, {wanted!r} wanted"
    if probability.get(wanted, 0.0) >= LIKELY:
        return Verdict(1.0, reason)
    if probability.get(wanted, 1.0) < UNLIKELY and n_letters >= SURE_LETTERS:
        return Verdict(0.0, reason)
    return Verdict(None, f"{reason}: not sure enough to fail it")


def _script(letters: str) -> str:
    """The script of most letters; any kana among Chinese characters is Japanese."""
    counts: Counter[str] = Counter()
    for letter, n in Counter(letters).items():
        script = unicodedata.name(letter, "?").split()[0].removesuffix("-HIRAGANA")
        counts["KANA" if script in ("HIRAGANA", "KATAKANA") else script] += n
    if counts["KANA"] * 20 >= counts["CJK"]:
        counts["KANA"] += counts.pop("CJK", 0)
    return max(counts, key=lambda script: (counts[script], script))
