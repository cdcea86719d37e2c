"""Which language do a text's letter n-grams point to?

langdetect's answer with seed 0, several times as fast: its profiles are one matrix, the draws and
the order of operations stay the same, and trials that cannot change the answer are skipped.
"""

import random  # noqa: TID251  # langdetect's generator, seeded for each text
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, reduce
from operator import add
from pathlib import Path
from typing import final

import numpy as np
import numpy.typing as npt
from langdetect.detector import Detector
from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory
from langdetect.utils.ngram import NGram

# langdetect's constants: trials per text, first alpha and its spread, convergence of a trial.
_TRIALS, _ALPHA, _ALPHA_SPREAD, _CONVERGED, _MOST_DRAWS = 7, 0.5, 0.05, 0.99999, 1000
_BASE_FREQUENCY, _LEAST_PROBABILITY, _MOST_LETTERS = 10_000, 0.1, 10_000

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int32]

_SPACES = re.compile(" +")
_LATIN = re.compile(r"[A-z]")
# Vietnamese letters are among them: langdetect means to except them, but its test never holds.
_NOT_LATIN = re.compile("[\u0300-\U0010ffff]")
_LOADING = threading.Lock()


@final
@dataclass(frozen=True)
class NgramProfiles:
    """langdetect's language profiles.

    Args:
        codes: The languages, sorted, so that the answer is the same on every machine.
        row: The row of each n-gram of one to three characters.
        ascii_row: The row of each ASCII n-gram, indexed by its character codes to base 128; -1 = none.
        frequency: Of each n-gram in each language, shape `(n-grams, languages)`, in [0, 1].
    """

    codes: tuple[str, ...]
    row: dict[str, int]
    ascii_row: Rows
    frequency: Array


class _Normal(dict[int, str]):
    """A table for `str.translate`: langdetect's normal form of each character, cached."""

    def __missing__(self, code: int) -> str:
        self[code] = normal = str(NGram.normalize(chr(code)))
        return normal


_normal = _Normal()


@cache
def _load() -> NgramProfiles:
    factory = DetectorFactory()
    files = sorted(path for path in Path(PROFILES_DIRECTORY).iterdir() if path.is_file())
    factory.load_json_profile([path.read_text("utf-8") for path in files])
    table = factory.word_lang_prob_map
    # A space alone, and an n-gram across one, never count.
    row = {gram: i for i, gram in enumerate(g for g in table if g != " " and g[1:-1] != " ")}
    ascii_row = np.full(128**3, -1, dtype=np.int32)
    for gram, i in row.items():
        if gram.isascii():
            ascii_row[reduce(lambda number, code: number * 128 + code, gram.encode())] = i
    frequency = np.array([table[gram] for gram in row])
    return NgramProfiles(tuple(factory.langlist), row, ascii_row, frequency)


def profiles() -> NgramProfiles:
    """The profiles, loaded once, also with several threads."""
    with _LOADING:
        return _load()


def likeliest(text: str) -> str | None:
    """Langdetect's code of the most likely language of the first 10,000 characters of `text`.

    `"unknown"` if no language reaches a probability of 0.1; None if the text has no n-gram of any
    language (langdetect raises).

    Source: Shuyo 2010, "Language Detection Library for Java", as ported in langdetect 1.0.9.

    Example:
        >>> likeliest("This is how a sentence in English reads."), likeliest("5 + 3 = 8")
        ('en', None)
    """
    codes = profiles().codes
    mean = np.zeros(len(codes))
    for left, probability in zip(reversed(range(_TRIALS)), trials(text), strict=False):
        mean += probability / _TRIALS
        second, first = np.partition(mean, -2)[-2:]
        if first - second > left / _TRIALS + 1e-9:  # the remaining trials cannot change the order
            break
    if not mean.any():
        return None
    best = int(mean.argmax())
    return codes[best] if mean[best] > _LEAST_PROBABILITY else "unknown"


def trials(text: str, *, among: tuple[str, ...] = ()) -> Iterator[Array]:
    """The probability of each language (`NgramProfiles.codes`) in each of langdetect's seven trials, lazily.

    Their mean is what `langdetect.detect_langs` returns, to the last bit; a text without an n-gram of
    any language has no trial. `among` holds the codes to choose from, with a uniform prior; empty = all.
    """
    known = profiles()
    drawn_from = _rows(_cleaned(text), known)
    prior = np.array([1.0 if not among or code in among else 0.0 for code in known.codes])
    prior /= prior.sum()
    rng = random.Random(0)
    for _ in range(_TRIALS if drawn_from else 0):
        weight = (_ALPHA + rng.gauss(0.0, 1.0) * _ALPHA_SPREAD) / _BASE_FREQUENCY
        yield _trial(prior, weight, drawn_from, known.frequency, rng)


def _trial(
    prior: Array, weight: float, rows: list[int], frequency: Array, rng: random.Random
) -> Array:
    """One trial: draw n-grams, five at a time after the first, until one language is near certain."""
    probability: Array = prior
    n_drawn, n = 0, 1
    while True:
        steps = frequency.take([rng.choice(rows) for _ in range(n)], axis=0)
        steps += weight
        steps[0] *= probability
        probability = np.multiply.reduce(steps, axis=0)
        values = probability.tolist()
        total = sum(values)  # one by one, as langdetect adds, not in pairs, as numpy does
        probability /= total
        if max(values) / total > _CONVERGED or n_drawn >= _MOST_DRAWS:
            return probability
        n_drawn, n = n_drawn + 5, 5


def _cleaned(text: str) -> str:
    """The characters that langdetect reads: no addresses, no Latin among other letters, normalised."""
    if "://" in text:
        text = Detector.URL_RE.sub(" ", text)
    if "@" in text:
        text = Detector.MAIL_RE.sub(" ", text)
    if not text.isascii():
        text = NGram.normalize_vi(text)
    text = _SPACES.sub(" ", text[:_MOST_LETTERS])
    if not text.isascii():
        n_latin, n_other = len(_LATIN.findall(text)), len(_NOT_LATIN.findall(text))
        if n_latin * 2 < n_other:
            text = _LATIN.sub("", text)
    return _SPACES.sub(" ", " " + text.translate(_normal))


def _rows(text: str, known: NgramProfiles) -> list[int]:
    """The rows of the n-grams (of one, two, three characters) that end at each character in turn.

    Skipped: those that end in a word's second or later capital in a row.
    """
    rows: Rows = np.full((max(len(text) - 1, 0), 3), -1, dtype=np.int32)
    if text.isascii():
        codes = np.frombuffer(text.encode(), dtype=np.uint8).astype(np.int32)
        pairs = codes[:-1] * 128 + codes[1:]
        rows[:, 0] = known.ascii_row[codes[1:]]
        rows[:, 1] = known.ascii_row[pairs]
        rows[1:, 2] = known.ascii_row[pairs[:-1] * 128 + codes[2:]]
        capital = (codes >= ord("A")) & (codes <= ord("Z"))
    else:
        rows[:, 0] = [known.row.get(gram, -1) for gram in text[1:]]
        rows[:, 1] = [known.row.get(gram, -1) for gram in map(add, text, text[1:])]
        grams = map("".join, zip(text, text[1:], text[2:], strict=False))
        rows[1:, 2] = [known.row.get(gram, -1) for gram in grams]
        capital = np.array([character.isupper() for character in text])
    rows[capital[:-1] & capital[1:]] = -1
    found: list[int] = rows[rows >= 0].tolist()
    return found
