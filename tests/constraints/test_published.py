"""Short cuts to sentences and tokens in capitals change none of NLTK's results."""

from collections.abc import Callable

import punkt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.tokenize.destructive import NLTKWordTokenizer
from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

from twofold.constraints.published import capital_tokens, punkt_sentences

MODEL = punkt.load_model("english")
COLLOCATIONS = sorted(MODEL.collocations)
WORDS = (
    *("the", "Then", "Answer", "ANSWER", "A", "I", "x", "B2", "3", "3.14", "-5", "$5", "1990s"),
    *("CANNOT", "cannot", "Gimme", "WANNA", "GONNA", "GOTTA", "LEMME", "CANNOTS", "'TIS", "D'YE"),
    *(
        "DON'T",
        "An't",
        "so. . .",
        "don't",
        "I'M",
        "A's",
        "A'S",
        "'A'",
        '"A"',
        "``A''",
        "U.S.",
        "e.g.",
        "E.G.",
        "J.",
    ),
    *("(A)", "{B}", "[C]", "<D>", "A,B", "A,3B", "A:B", "A.B", "A--B", "A-B", "A/B", "A?B", "_A_"),
    *("$X$", r"\FRAC{A}{B}", r"\boxed{5}", "*A*", "##", "...", ". . .", "--", "É", "ÉTÉ", "“A”"),
    *("end.)", 'end."', "END.*", "END.(A", "x-Mr.", "(Mr.", "a$b.", "so$.", "so}.", "so].", "3)."),
)
SEPARATORS = (*(" ",) * 6, "  ", "\n", "\n\n", "\t", "", "\x1c", "\x0b", "\u00a0")
MARKS = (*("",) * 4, ".", ".", ",", "?", "!", ";", ":", "..")


@pytest.fixture(scope="module")
def published() -> Callable[[str], tuple[list[str], int]]:
    """NLTK as it comes, on the same model: the sentences, and the tokens in capitals."""
    parameters = PunktParameters()
    parameters.abbrev_types = set(MODEL.abbrev_types)
    parameters.collocations = set(MODEL.collocations)
    parameters.sent_starters = set(MODEL.sent_starters)
    parameters.ortho_context.update({k: int(v) for k, v in MODEL.ortho_context.items()})
    cut, words = PunktSentenceTokenizer(parameters), NLTKWordTokenizer()

    def judge(text: str) -> tuple[list[str], int]:
        sentences = cut.tokenize(text)
        return sentences, sum(w.isupper() for s in sentences for w in words.tokenize(s))

    return judge


def cased(words: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(words, words.map(str.upper), words.map(str.capitalize))


WORD = st.one_of(
    st.sampled_from(WORDS),
    cased(st.sampled_from(sorted(MODEL.abbrev_types)).map("{}.".format)),
    cased(st.sampled_from(COLLOCATIONS).map("{0[0]}. {0[1]}".format)),
    cased(st.sampled_from(sorted(MODEL.sent_starters))),
    st.text(alphabet="AAaBbt1.,;:!?'\"()-$*` \n", max_size=8),
)
PIECE = st.tuples(WORD, st.sampled_from(MARKS), st.sampled_from(SEPARATORS)).map("".join)


@settings(max_examples=400, deadline=None)
@given(text=st.lists(PIECE, min_size=1, max_size=10).map("".join))
def test_any_text_is_cut_and_counted_as_nltk_does(
    published: Callable[[str], tuple[list[str], int]], text: str
) -> None:
    assert (list(punkt_sentences(text)), capital_tokens(text)) == published(text)


def test_every_abbreviation_and_collocation_of_the_model(
    published: Callable[[str], tuple[list[str], int]],
) -> None:
    """One text each would be slow; a stop's context is the two words around it, so one text does."""
    text = " ".join(f"So {word}. Then {word.upper()}. it" for word in sorted(MODEL.abbrev_types))
    text += " ".join(f" a {a}. {b} c. {a.upper()}. {b.title()} and" for a, b in COLLOCATIONS)
    assert (list(punkt_sentences(text)), capital_tokens(text)) == published(text)


def test_counts_by_hand() -> None:
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
