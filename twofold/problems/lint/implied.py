"""Which constraints of IFEval does a reply that obeys another type obey too?

`clashes` knows what IFEval's types force and forbid. Here the others say in those terms what they imply,
by name, so that IFBench's types are not imported to check IFEval. What they ask for beyond that is not
said: a clash may be missed, but none is invented.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from twofold.constraints.counting import Relation
from twofold.constraints.keywords import Existence, ForbiddenWords, Frequency, LetterFrequency
from twofold.constraints.length import NumberSentences, NumberWords
from twofold.constraints.opposite import Opposite
from twofold.types import Constraint, Profile

# The argument that is a word of the reply with a place of its own.
_PLACED = {
    "words:words_position": "keyword",
    "words:keywords_specific_position": "keyword",
    "keywords:keyword_specific_position": "keyword",
    "sentence:keyword": "word",
    "first_word:first_word_sent": "first_word",
    "first_word:first_word_answer": "first_word",
    "last_word:last_word_sent": "last_word",
    "last_word:last_word_answer": "last_word",
    "length_constraints:nth_paragraph_first_word": "first_word",
}
# How often the keywords of `count:keywords_multiple` occur.
_TIMES = (1, 2, 3, 5, 7)


def implied(constraint: Constraint) -> list[Constraint]:
    """The constraint, and constraints of IFEval that every reply obeys that obeys it.

    Example:
        >>> from twofold.constraints import from_spec
        >>> rule = from_spec("count:word_count_range", {"min_words": 5, "max_words": 9}, profile="fixed")
        >>> [each.args() for each in implied(rule)[1:]]
        [{'num_words': 5, 'relation': 'at least'}, {'num_words': 10, 'relation': 'less than'}]
    """
    if isinstance(constraint, Opposite):
        return [constraint, *_turned(constraint.of)]
    name, args, profile = constraint.name, constraint.args(), constraint.profile
    if name in _PLACED:
        return [constraint, *_placed(args[_PLACED[name]])]
    return [constraint, *_words(name, args, profile), *_keywords(name, args, profile)]


def _turned(rule: Constraint) -> Iterator[Constraint]:
    """What the opposite of a rule implies: the other side of the same bound."""
    match rule:
        case NumberWords() | NumberSentences() | Frequency() if rule.stated is None:
            other: Relation = "less than" if rule.relation == "at least" else "at least"
            yield replace(rule, relation=other)
        case Existence(keywords=(keyword,)) if re.fullmatch(r"\w+", keyword):
            yield Frequency(keyword, 1, "less than", rule.profile)


def _placed(given: Any) -> Iterator[Constraint]:
    """A list stands for its first word. A word at its place is a separate one, under either profile."""
    word = (given if isinstance(given, str) else given[0]).strip()
    if re.fullmatch(r"\w+", word):
        yield Existence((word,), "fixed")


def _words(name: str, args: dict[str, Any], profile: Profile) -> Iterator[Constraint]:
    """What numbers of words and letters imply."""
    match name:
        case "count:word_count_range":
            yield NumberWords(args["min_words"], "at least", profile)
            yield NumberWords(args["max_words"] + 1, "less than", profile)
        case "count:unique_word_count":  # one of the official ones may be empty
            n = args["N"] - (profile == "official")
            yield NumberWords(max(n, 0), "at least", profile)
        case "letters:letter_counting2":
            relation: Relation = args["let_relation"]
            if relation == "at least" or args["let_frequency"]:
                yield LetterFrequency(args["letter"], args["let_frequency"], relation, profile)


def _keywords(name: str, args: dict[str, Any], profile: Profile) -> Iterator[Constraint]:
    """How often keywords occur at least and at most."""
    for keyword, least, most in _times(name, args, profile):
        # The published checkers read some keywords as a pattern and others as text.
        if profile == "fixed" or re.fullmatch(r"[\w ]+", keyword):
            if least:
                yield Frequency(keyword, least, "at least", profile)
            if most == 0 and profile == "fixed":
                yield ForbiddenWords((keyword,), profile)
            elif most is not None:
                yield Frequency(keyword, most + 1, "less than", profile)


def _times(
    name: str, args: dict[str, Any], profile: Profile
) -> Iterator[tuple[str, int, int | None]]:
    """Keywords, each with the least and the most times that it occurs; None = any number."""
    official = profile == "official"
    match name:
        case "keywords:word_once":
            yield args["keyword"], 1, 1 if official else None
        case "keywords:exclude_word_harder" if not official:
            yield args["keyword"], 0, 0
        case "keywords:word_count_different_numbers":
            n = args["frequency"]
            if not official:
                yield args["keyword"], n, n
            elif args["relation"] == "at least":
                yield args["keyword"], n, None
            elif n:
                yield args["keyword"], 0, n - 1
        case "count:count_increment_word":
            yield args["keyword1"], 1, 1
            yield args["keyword2"], 2, 2
        case "count:keywords_multiple":
            for i, n in enumerate(_TIMES, start=1):
                yield args[f"keyword{i}"], n, n
