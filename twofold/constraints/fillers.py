"""What is written where a rule asks for more than a reply says? Plain sentences, none about the question.

They have no comma, no digit, no word in capitals, and none of the words that the generated suites forbid
(`draws.COMMON`), so that a reply that they lengthen can meet its other rules too.
"""

from collections.abc import Sequence
from itertools import cycle, islice

from twofold.randomness import rng_for

SENTENCES = (
    "We read what is asked once again.",
    "Nothing in it was left out.",
    "All parts fit well together.",
    "It helps to go slow here.",
    "A second look finds no mistake.",
    "What was given is used in full.",
    "No step depends on a guess.",
    "Someone else can follow this line by line.",
    "Doing it backwards leads to where we began.",
    "Even a rough estimate lands close by.",
    "Such tasks reward patience and care.",
    "Writing things down makes them easier to trust.",
    "Anyone may repeat this with pen and paper.",
    "Units were kept in mind throughout.",
    "A small sketch could show it as well.",
    "Other routes lead to an equal outcome.",
    "Large steps were broken into simple ones.",
    "That is how such questions are solved.",
    "Reading aloud often reveals hidden slips.",
    "Still it is wise to stay careful.",
    "Good habits prevent careless errors.",
    "Nobody needs special tools for this.",
    "Whoever doubts it can try anew.",
    "Clear notes save effort later.",
)
# A sentence of one word, of two words, and so on.
BRIEF = (
    *("Done.", "It fits.", "We are done.", "Nothing is missing here.", "It all fits as expected."),
)
QUESTIONS = (
    "What is asked?",
    "What do we know?",
    "Where do we begin?",
    "What comes next?",
    "What is left to do?",
    "Does it all fit?",
)
EXCLAMATIONS = ("It works!", "We are nearly there!", "That was not hard!", "It all fits!")
WITH_PRONOUNS = (
    "This is all that we need.",
    "They show us what it is.",
    "You may try it yourself.",
    "Anyone who doubts it can do it.",
)
WITH_CONJUNCTIONS = (
    "It is short and sound.",
    "It is plain but enough.",
    "This will do for now.",
    "It was neither long nor hard.",
    "Sooner or later it fits.",
    "It is not long and so it ends soon.",
    "It is brief yet whole.",
)
TITLES = ("Worked Out", "Step by Step", "A Short Solution", "How It Works", "In Plain Words")
POSTSCRIPTS = ("Do try it yourself.", "Tell me if it helps.", "It is worth a second look.")
BLANKS = ("name", "date", "town", "class", "teacher", "topic", "page", "subject", "school", "room")


def chosen(among: Sequence[str], text: str) -> str:
    """One of several texts, by the reply that it is written for."""
    return next(iter(in_turn(among, text)))


def in_turn(among: Sequence[str], text: str, n: int | None = None) -> list[str]:
    """The texts one after the other, `n` in all (by default each once), from a place that `text` decides."""
    first = int(rng_for("filler", text).integers(len(among)))
    return list(islice(cycle([*among[first:], *among[:first]]), len(among) if n is None else n))
