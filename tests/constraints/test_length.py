"""Length: both profiles on texts whose counts can be checked by eye."""

import pytest

from twofold.constraints.counting import MOST
from twofold.constraints.length import (
    NthParagraphFirstWord,
    NumberParagraphs,
    NumberSentences,
    NumberWords,
)
from twofold.constraints.prose import n_words
from twofold.constraints.sentences import n_sentences
from twofold.errors import ProblemError

# text, words as \w+, words as a person counts them
WORDS = [
    ("one two three", 3, 3),
    ("don't", 2, 1),
    ("well-known", 2, 1),
    ("3.14 and 1,000", 5, 3),
    ("x_1 ab", 2, 2),
    (r"\frac{1}{2} = x", 4, 2),  # frac 1 2 x; {1}{2} x
    (r"\alpha + \beta", 2, 0),
    (r"\text{if } x", 3, 2),
    ("f(x)=2", 3, 1),
    ("first—second", 2, 2),
    ("- a\n- b", 2, 2),
    ("---", 0, 0),
    ("…", 0, 0),
    ("___", 1, 0),
    ("今天很冷", 1, 4),
    ("naïve café", 2, 2),
]


@pytest.mark.parametrize(("text", "official", "fixed"), WORDS)
def test_words(text: str, official: int, fixed: int) -> None:
    assert n_words(text) == fixed
    for profile, n in (("official", official), ("fixed", fixed)):
        at_least = NumberWords(n, "at least", profile)  # type: ignore[arg-type]
        more = NumberWords(n + 1, "at least", profile)  # type: ignore[arg-type]
        below = NumberWords(n + 1, "less than", profile)  # type: ignore[arg-type]
        assert (at_least.check(text).score, more.check(text).score) == (1.0, 0.0)
        assert below.check(text).score == 1.0
        if n:
            assert NumberWords(n, "less than", profile).check(text).score == 0.0  # type: ignore[arg-type]


def test_a_word_count_says_what_it_counted() -> None:
    assert NumberWords(3, "at least", "official").check("don't").reason == (
        "2 words, at least 3 wanted"
    )


# text, sentences by NLTK's Punkt, sentences as a person counts them
SENTENCES = [
    ("One. Two.", 2, 2),
    ("Dr. Smith went home. He was tired.", 2, 2),
    ("It costs 3.50 now. Fine.", 2, 2),
    ("the end. the next", 2, 2),  # all small letters still end
    ("no stop at all", 1, 1),
    ("Yes! No? Maybe.", 3, 3),
    ("We saw it, e.g. Monday it rained.", 2, 1),
    ("So $x = 1$. Then\n\nAnd more", 2, 3),  # a paragraph ends what stands in it
    ("1. Add two\n2. Halve it", 3, 2),  # '1.' | 'Add two 2.' | 'Halve it'
    ("# Title\nOne sentence.", 1, 2),
    ("今天很冷。孩子们在玩。", 1, 2),
    ("आज ठंड है। कल बारिश थी।", 1, 2),
    ("So $$x = 5.$$ Then it ends.", 1, 2),
    ("Look:\n```python\nprint('a. B. c.')\n```\nDone.", 2, 2),
    ("...", 1, 0),
    (r"The answer is \boxed{5}. Good.", 2, 2),
]


@pytest.mark.parametrize(("text", "official", "fixed"), SENTENCES)
def test_sentences(text: str, official: int, fixed: int) -> None:
    reason = NumberSentences(99, "at least", "official").check(text).reason
    assert reason == f"{official} sentences, at least 99 wanted"
    assert n_sentences(text) == fixed
    assert NumberSentences(fixed + 1, "at least", "fixed").check(text).score == 0.0
    assert NumberSentences(fixed + 2, "less than", "fixed").check(text).score == 1.0


# text, paragraphs wanted, official, fixed
PARAGRAPHS = [
    ("a\n***\nb", 2, 1, 1),
    ("a *** b", 2, 1, 0),  # three stars in a line divide nothing
    ("a\n***\n\n***\nb", 2, 0, 1),  # published: nothing between two dividers fails
    ("***\na\n***\nb\n***", 2, 1, 1),  # dividers at the ends
    ("a ***bold*** b", 1, 0, 1),
    ("a ***bold*** b", 3, 1, 0),
    ("a\n******\nb", 2, 0, 0),  # six stars: two dividers in a row, or none
    ("a\r\n***\r\nb", 2, 1, 1),
    ("a\n\nb", 2, 0, 0),
    ("***", 0, 1, 1),
]


@pytest.mark.parametrize(("text", "wanted", "official", "fixed"), PARAGRAPHS)
def test_paragraphs(text: str, wanted: int, official: int, fixed: int) -> None:
    assert NumberParagraphs(wanted, "official").check(text).score == official
    assert NumberParagraphs(wanted, "fixed").check(text).score == fixed


# text, paragraphs, nth, word, official, fixed
FIRST_WORDS = [
    ("One.\n\nWeekend is here.", 2, 2, "weekend", 1, 1),
    ("One.\n\nweekend's end", 2, 2, "weekend", 1, 1),  # the apostrophe ends the word
    ("One.\n\n'Weekend'", 2, 2, "weekend", 1, 1),
    ("One.\n\n**Weekend** is here.", 2, 2, "weekend", 0, 1),
    ("One.\n\n“Weekend” is here.", 2, 2, "weekend", 0, 1),
    ("One.\n\n\n\nWeekend", 2, 2, "weekend", 0, 1),  # published: looks up the blank one
    ("One.\n \nWeekend", 2, 2, "weekend", 0, 1),  # published: no \n\n, so one paragraph
    ("One.\n\nWeekends", 2, 2, "weekend", 0, 0),
    ("One.\n\nWeekend: go", 2, 2, "weekend", 0, 1),  # published: a colon is part of the word
    ("One.\n\nWeekend\n\nThree", 2, 2, "weekend", 0, 0),
    ("Weekend", 2, 2, "weekend", 0, 0),
]


@pytest.mark.parametrize(("text", "n", "nth", "word", "official", "fixed"), FIRST_WORDS)
def test_first_word(text: str, n: int, nth: int, word: str, official: int, fixed: int) -> None:
    assert NthParagraphFirstWord(n, nth, word, "official").check(text).score == official
    assert NthParagraphFirstWord(n, nth, word, "fixed").check(text).score == fixed


def test_unusable_values_are_refused_with_a_remedy() -> None:
    for make, remedy in (
        (lambda: NumberWords(0, "less than", "fixed"), "give at least 1"),
        (lambda: NumberWords(-1, "at least", "fixed"), f"0 to {MOST}"),
        (lambda: NumberWords(5, "more than", "fixed"), "'less than' or 'at least'"),  # type: ignore[arg-type]
        (lambda: NumberSentences(1, "less than", "fixed"), "give at least 2"),
        (lambda: NumberParagraphs(MOST + 1, "fixed"), f"0 to {MOST}"),
        (lambda: NthParagraphFirstWord(3, 4, "so", "fixed"), "give 1 to 3"),
        (lambda: NthParagraphFirstWord(3, 0, "so", "fixed"), "give 1 to 3"),
        (lambda: NthParagraphFirstWord(0, 1, "so", "fixed"), "give 1 to"),
        (lambda: NthParagraphFirstWord(1, 1, "so what", "fixed"), "one word"),
        (lambda: NthParagraphFirstWord(1, 1, "", "fixed"), "one word"),
        (lambda: NthParagraphFirstWord(1, 1, "don't", "official"), "'fixed'"),
    ):
        with pytest.raises(ProblemError, match=remedy):
            make()


def test_zero_is_a_threshold() -> None:
    assert NumberWords(0, "at least", "fixed").check("!").score == 1.0
    assert NumberWords(1, "less than", "official").check("!").score == 1.0


@pytest.mark.parametrize("opening", ["\\[ x ", "$", "$$", "\\(", "\\a{", "`", "```", "# ", "1. "])
def test_a_reply_that_loops_is_judged_at_once(opening: str) -> None:
    """A hundred thousand characters of one opening: linear, far below the test's time limit."""
    text = opening * (100_000 // len(opening))
    assert n_sentences(text) >= 0 and n_words(text) >= 0
