"""N-grams: every trial is langdetect's own to the last bit, and the trials left out change nothing."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory
from langdetect.lang_detect_exception import LangDetectException

from twofold.constraints.language import LANGUAGES
from twofold.constraints.ngrams import likeliest, profiles, trials

SENTENCES = [sentence for _, sentence in LANGUAGES.values()]
LATIN = ("de", "en", "fr", "nl")
ODD = (
    "",
    " ",
    "5 + 3 = 8",
    "a",
    "A",
    "AB",
    "x y",
    "I  am   here",
    "TOTAL AREA IS 5",
    "McDonald and NASA's iPhone",
    r"\[\frac{a}{b} = \sqrt{x}\] so \boxed{12}",
    "write to me@example.org or see https://example.org/de?q=1, http://x",
    "ends in a capitaL",
    "Tie\u0302\u0301ng Vie\u0323\u0302t, e\u0302 a\u0301",
    "\u0219i \u021bar\u0103, \u1ea1\u1ed9\u1ef9",
    "\u06cc\u06a9 \u30ab\u30bf\u30ab\u30ca \u3072\u3089 \u3105\u3106 \uac01\ub098 \u4e9c\u5516",
    "two\u2014words\u00a0here\u2003\u00e9t\u00e9 \u00d7 \u00aa\tand\nmore",
    "\U0001f600 smile \U00020000",
    "The water is cold. " * 600,  # beyond the first 10,000 characters nothing counts
    "вода water вода water water",
    "Hôm nay nước lạnh và bọn tΤο νερό είναι κρύο σήμερα και τα",
)


@pytest.fixture(scope="module")
def factory() -> DetectorFactory:
    """Langdetect itself, its languages in alphabetical order and seeded."""
    factory = DetectorFactory()
    factory.load_json_profile(
        [path.read_text("utf-8") for path in sorted(Path(PROFILES_DIRECTORY).iterdir())]
    )
    factory.set_seed(0)
    return factory


def published(
    factory: DetectorFactory, text: str, among: tuple[str, ...]
) -> tuple[str | None, list[float]]:
    """Langdetect's label and its probability of each language; None and [] where it raises."""
    detector = factory.create()
    if among:
        detector.set_prior_map(dict.fromkeys(among, 1.0))
    detector.append(text)
    try:
        return detector.detect(), detector.langprob
    except LangDetectException:
        return None, []


def assert_same(factory: DetectorFactory, text: str, among: tuple[str, ...] = ()) -> None:
    label, probabilities = published(factory, text, among)
    mean = [0.0] * len(profiles().codes) if probabilities else []
    for trial in trials(text, among=among):
        mean = [total + p / 7 for total, p in zip(mean, trial.tolist(), strict=True)]
    assert mean == probabilities  # equal, not close
    if not among:
        assert likeliest(text) == label


def test_the_languages_stand_in_the_same_order(factory: DetectorFactory) -> None:
    assert profiles().codes == tuple(factory.langlist) == tuple(sorted(LANGUAGES))


@pytest.mark.parametrize("among", [(), LATIN], ids=["all", "four"])
@pytest.mark.parametrize("text", ODD)
def test_odd_texts(factory: DetectorFactory, text: str, among: tuple[str, ...]) -> None:
    assert_same(factory, text, among)


def test_every_language_in_any_case_alone_and_mixed(factory: DetectorFactory) -> None:
    rng = np.random.default_rng(0)
    for sentence, other in zip(SENTENCES, rng.permutation(SENTENCES).tolist(), strict=True):
        m, n = rng.integers(1, 40, size=2)
        assert_same(factory, sentence)
        assert_same(factory, sentence.upper())
        assert_same(factory, sentence[:m] + other[:n], LATIN)


PIECES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(SENTENCES).map(lambda sentence: sentence[:25]),
    st.text(alphabet="aAbBéÉß .,'@/:\n\\{}$5\u0301\u0323вВ水あ", max_size=30),
)


@settings(max_examples=120, deadline=None)
@given(text=st.lists(PIECES, max_size=4).map("".join), few=st.booleans())
def test_any_text(factory: DetectorFactory, text: str, few: bool) -> None:
    assert_same(factory, text, LATIN if few else ())


def test_a_tie_of_short_texts_goes_as_langdetect_has_it(factory: DetectorFactory) -> None:
    """Short texts are where the trials disagree most, so where leaving some out could show."""
    words = " ".join(SENTENCES).split()
    for pair in np.random.default_rng(1).choice(words, size=(150, 2)).tolist():
        assert_same(factory, " ".join(pair))
