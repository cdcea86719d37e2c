"""Short cuts to sentences and tokens change none of NLTK's results."""

from collections.abc import Callable

import punkt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.tokenize.destructive import NLTKWordTokenizer
from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

from twofold.constraints.published import punkt_sentences
from twofold.constraints.tokens import capital_tokens, tokens

MODEL = punkt.load_model("english")
COLLOCATIONS = sorted(MODEL.collocations)
WORDS = (
    *("the", "Then", "Answer", "ANSWER", "A", "I", "x", "B2", "3", "3.14", "-5", "$5", "1990s"),
    *("CANNOT", "cannot", "Gimme", "WANNA", "GONNA", "GOTTA", "LEMME", "CANNOTS", "'TIS", "D'YE"),
    *("DON'T", "An't", "so. . .", "don't", "I'M", "A's", "A'S", "'A'", '"A"', "``A''", "U.S."),
    *("e.g.", "E.G.", "J.", "more'n", "(cannot)", "can-not", "_gonna", "gonna_", "''", '""', "'\""),
    *("(A)", "{B}", "[C]", "<D>", "A,B", "A,3B", "A:B", "A.B", "A--B", "A-B", "A/B", "A?B", "_A_"),
    *("$X$", r"\FRAC{A}{B}", r"\boxed{5}", "*A*", "##", "...", ". . .", "--", "É", "ÉTÉ", "“A”"),
    *("end.)", 'end."', "END.*", "END.(A", "x-Mr.", "(Mr.", "a$b.", "so$.", "so}.", "so].", "3)."),
    *("12.", "1,000.", "2:30", ",5", "a,,b", ":,", ",:x", ".)", ".”", ")", '"', "'", "!)", "?!"),
    *(
        "gonna",
        "lemme",
        "a\0b",
        "a \0 b",
        "a\x1cb",
        "a\r\n“b”",
        "a\tb",
        "“the U.S.” )",
        "U.S. )",
        "a..)",
        "x,y",
    ),
    *(
        "“so.” )",
        "(It ends.\" ')",
        "It ends.'\"",
        "12. It",
        "12. it",
        "J. It",
        'It!\n"--',
        "So).--",
    ),
    *(
        "That is it. ) So",
        'He. " So',
        "(It is.)\n\nSo",
        "so !",
        "so .\tIt",
        "Mr.\tX",
        "$3. X",
        "x\n. It",
    ),
)
SEPARATORS = (*(" ",) * 6, "  ", "\n", "\n\n", "\t", "", "\x1c", "\x0b", "\u00a0", "\r\n", "\0")
MARKS = (*("",) * 4, ".", ".", ",", "?", "!", ";", ":", "..")

Judged = tuple[tuple[str, ...], tuple[str, ...], int]


@pytest.fixture(scope="module")
def published() -> Callable[[str], Judged]:
    """NLTK as it comes, on the same model: sentences, tokens, and how many of them are in capitals."""
    parameters = PunktParameters()
    parameters.abbrev_types = set(MODEL.abbrev_types)
    parameters.collocations = set(MODEL.collocations)
    parameters.sent_starters = set(MODEL.sent_starters)
    parameters.ortho_context.update({k: int(v) for k, v in MODEL.ortho_context.items()})
    cut, words = PunktSentenceTokenizer(parameters), NLTKWordTokenizer()

    def judge(text: str) -> Judged:
        sentences = tuple(cut.tokenize(text))
        found = tuple(w for s in sentences for w in words.tokenize(s))
        return sentences, found, sum(map(str.isupper, found))

    return judge


def ours(text: str) -> Judged:
    return punkt_sentences(text), tokens(text), capital_tokens(text)


def cased(words: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(words, words.map(str.upper), words.map(str.capitalize))


WORD = st.one_of(
    st.sampled_from(WORDS),
    cased(st.sampled_from(sorted(MODEL.abbrev_types)).map("{}.".format)),
    cased(st.sampled_from(COLLOCATIONS).map("{0[0]}. {0[1]}".format)),
    cased(st.sampled_from(sorted(MODEL.sent_starters))),
    st.text(alphabet="AAaBbt1.,;:!?'\"()-$*` \n", max_size=8),
    st.text(alphabet="a1.,:'\")]» ", max_size=8),
)
PIECE = st.tuples(WORD, st.sampled_from(MARKS), st.sampled_from(SEPARATORS)).map("".join)


@settings(max_examples=400, deadline=None)
@given(text=st.lists(PIECE, min_size=1, max_size=10).map("".join))
def test_any_text_is_cut_and_counted_as_nltk_does(
    published: Callable[[str], Judged], text: str
) -> None:
    assert ours(text) == published(text)


def test_every_abbreviation_and_collocation_of_the_model(
    published: Callable[[str], Judged],
) -> None:
    """One text each would be slow; a stop's context is the two words around it, so one text does."""
    text = " ".join(f"So {word}. Then {word.upper()}. it" for word in sorted(MODEL.abbrev_types))
    text += " ".join(f" a {a}. {b} c. {a.upper()}. {b.title()} and" for a, b in COLLOCATIONS)
    assert ours(text) == published(text)


@pytest.mark.parametrize(
    "place", ["so {} it", "{} it.", "{}", "so {}.", "so {}", "It is {}! Is it?"]
)
def test_every_word_at_each_place(published: Callable[[str], Judged], place: str) -> None:
    """Also at the ends of a sentence, where NLTK's patterns look further than one piece."""
    for word in WORDS:
        text = place.format(word)
        assert ours(text) == published(text), text


@pytest.mark.parametrize("blank", [chr(n) for n in range(0x3001) if chr(n).isspace()], ids=ascii)
def test_every_kind_of_white_space(published: Callable[[str], Judged], blank: str) -> None:
    """NLTK's patterns and loops do not all take the same signs for white space."""
    for text in (
        f"Go.{blank}Now.{blank}So it",
        f"It is Mr.{blank}X! So{blank}it (3.){blank} Then",
        f"{blank}“so”{blank}it.{blank})",
        f'We go"{blank} .{blank}-- "{blank}So{blank}DON\'T.{blank}',
    ):
        assert ours(text) == published(text), text


def test_counts_by_hand() -> None:
    assert punkt_sentences("Go.\tNow.\tSo it") == ("Go.", "Now.", "So it")
    assert tokens("a \0 b") == ("a", "\0", "b")
    assert capital_tokens("no capital at all. none") == 0
    assert capital_tokens("THE END. We CANNOT go, I said: GO!") == 6  # CAN and NOT are two
    assert capital_tokens("so An't it") == 1  # A and n't
    assert capital_tokens("Each Word Begins. Only So") == 0
    assert punkt_sentences("So $x = 5$. Then Dr. Who left. (See Fig. 2.) Done") == (
        "So $x = 5$.",
        "Then Dr. Who left.",
        "(See Fig.",
        "2.)",
        "Done",
    )
