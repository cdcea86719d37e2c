"""The checks of `scoring.py`, written the usual way: built again for every call, nothing shared.

Each function takes the reply and the arguments and returns the verdict of the published checker; the
benchmark first asserts that both sides agree on every reply.
"""

import collections
import re

import langdetect
from langdetect import DetectorFactory, LangDetectException
from nltk.tokenize import RegexpTokenizer
from nltk.tokenize.destructive import NLTKWordTokenizer
from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer
from punkt import load_model

DetectorFactory.seed = 0


def _held(count, relation, wanted):
    return count < wanted if relation == "less than" else count >= wanted


def _sentences(text):
    model = load_model("english")
    parameters = PunktParameters()
    parameters.abbrev_types = set(model.abbrev_types)
    parameters.collocations = set(model.collocations)
    parameters.sent_starters = set(model.sent_starters)
    parameters.ortho_context = collections.defaultdict(int, model.ortho_context)
    return PunktSentenceTokenizer(parameters).tokenize(text)


def words(text, num_words, relation):
    return _held(len(RegexpTokenizer(r"\w+").tokenize(text)), relation, num_words)


def sentences(text, num_sentences, relation):
    return _held(len(_sentences(text)), relation, num_sentences)


def language(text, language):
    try:
        return langdetect.detect(text) == language
    except LangDetectException:
        return True


def lowercase(text):
    try:
        return text.islower() and langdetect.detect(text) == "en"
    except LangDetectException:
        return True


def capital(text):
    try:
        return text.isupper() and langdetect.detect(text) == "en"
    except LangDetectException:
        return True


def capital_words(text, capital_frequency, capital_relation):
    tokens = [t for s in _sentences(text) for t in NLTKWordTokenizer().tokenize(s)]
    return _held(sum(t.isupper() for t in tokens), capital_relation, capital_frequency)


def existence(text, keywords):
    return all(re.search(keyword, text, flags=re.IGNORECASE) for keyword in keywords)


def frequency(text, keyword, frequency, relation):
    return _held(len(re.findall(keyword, text, flags=re.IGNORECASE)), relation, frequency)


def forbidden(text, forbidden_words):
    return not any(re.search(rf"\b{w}\b", text, flags=re.IGNORECASE) for w in forbidden_words)


def bullets(text, num_bullets):
    found = re.findall(r"^\s*\*[^\*].*$", text, flags=re.MULTILINE)
    found += re.findall(r"^\s*-.*$", text, flags=re.MULTILINE)
    return len(found) == num_bullets


def no_comma(text):
    return not re.search(r"\,", text)


def quotation(text):
    text = text.strip()
    return len(text) > 1 and text[0] == '"' and text[-1] == '"'


CHECKS = {
    "length_constraints:number_words": words,
    "length_constraints:number_sentences": sentences,
    "language:response_language": language,
    "change_case:english_lowercase": lowercase,
    "change_case:english_capital": capital,
    "change_case:capital_word_frequency": capital_words,
    "keywords:existence": existence,
    "keywords:frequency": frequency,
    "keywords:forbidden_words": forbidden,
    "detectable_format:number_bullet_lists": bullets,
    "punctuation:no_comma": no_comma,
    "startend:quotation": quotation,
}
