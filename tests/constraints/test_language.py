"""Language: every code has a witness, labels are a function of the text, nothing passes unread."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import langdetect
import pytest
from langdetect.detector_factory import PROFILES_DIRECTORY

from twofold.constraints.detect import detected_language
from twofold.constraints.language import LANGUAGES, ResponseLanguage
from twofold.errors import ProblemError

ENGLISH = "The water is cold today and the children are playing."


def test_the_table_has_langdetects_languages() -> None:
    assert set(LANGUAGES) == {path.name for path in Path(PROFILES_DIRECTORY).iterdir()}


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_each_sentence_gets_its_language(code: str) -> None:
    sentence = LANGUAGES[code][1]
    assert detected_language(sentence) == code
    rule = ResponseLanguage(code, "fixed")
    assert rule.check(sentence).score == 1.0
    assert rule.check(f"{sentence} $ax + b = c$ \\boxed{{x}}").score == 1.0


def test_text_without_letters_passes_officially_and_is_unscored_when_fixed() -> None:
    for text in ("5 + 3 = 8", "!!!"):
        assert ResponseLanguage("fr", "official").check(text).score == 1.0
        assert ResponseLanguage("fr", "fixed").check(text).score is None
    only_formulas = r"$$\text{area} = \pi r^2$$ \boxed{12}"
    assert ResponseLanguage("fr", "fixed").check(only_formulas).score is None
    assert ResponseLanguage("fr", "fixed").check("x = 5").score is None


@pytest.mark.parametrize(
    ("code", "text", "score"),
    [
        ("fr", "Oui.", None),
        ("de", "Die Antwort ist 4.", None),  # Afrikaans to langdetect
        ("de", "Die Antwort ist vier, weil zwei und zwei vier ergibt.", 1),
        ("af", "Die Antwort ist vier, weil zwei und zwei zusammen vier ergibt, und das genau.", 0),
        ("fr", "The answer is four.", None),  # 15 letters
        ("fr", "The answer is four because two and two together make four.", 0),
        ("ru", r"Ответ: \boxed{4}", None),
        ("ru", "The answer is 4.", 0),  # another script, however short
        ("en", "Ответ: 4", 0),
        ("ja", "はい", 1),
        ("ko", "네", 1),
        ("en", "네", 0),
    ],
)
def test_few_letters_decide_by_their_script_only(code: str, text: str, score: int | None) -> None:
    assert ResponseLanguage(code, "fixed").check(text).score == score


def test_formulas_and_code_are_not_a_language() -> None:
    french = "Nous trouvons que la réponse est cinq parce que nous additionnons deux et trois."
    code = "```python\nfor item in the_list_of_things:\n    print(item)\n```\n"
    english = r" \[\text{the answer is the sum of the numbers}\]"
    rule = ResponseLanguage("fr", "fixed")
    assert rule.check(code * 5 + french).score == 1.0
    assert rule.check(french + english * 9).score == 1.0


def test_a_script_that_langdetect_does_not_know_is_no_language_asked_for() -> None:
    assert ResponseLanguage("en", "fixed").check("Բարեւ ձեզ, ինչպես եք").score == 0.0


def test_english_in_capitals_is_english() -> None:
    loud = "THE ANSWER IS GIVEN BY THE SUM OF BOTH NUMBERS"
    assert ResponseLanguage("en", "fixed").check(loud).score == 1.0


def test_labels_do_not_depend_on_what_came_before() -> None:
    hard = ["ja, das ist die zahl", "la casa", "total", "x is so 5", "de la", "AREA OF TRIANGLE"]
    alone = []
    for text in hard:
        detected_language.cache_clear()
        alone.append(detected_language(text))
    detected_language.cache_clear()
    assert [detected_language(text) for text in reversed(hard)] == alone[::-1]


def test_the_label_is_that_of_langdetect_with_seed_0() -> None:
    """The published code with `DetectorFactory.seed = 0`, in a process of its own."""
    sentences = [sentence for _, sentence in LANGUAGES.values()]
    texts = [
        *sentences,
        *(sentence.upper() for sentence in sentences),
        *(f"{a[:20]}  {b[-20:]}" for a, b in pairwise(sentences)),  # two languages, cut anywhere
        *("la casa de x", "TOTAL AREA IS 5", "write to me@example.org or https://example.org/de"),
        ENGLISH * 400,  # beyond the first 10,000 characters nothing counts
        "Tie\u0302\u0301ng Vie\u0323\u0302t, e\u0302 a\u0301",  # marks that stand apart
    ]
    script = (
        "import json, sys, langdetect; langdetect.DetectorFactory.seed = 0; "
        "print(json.dumps([langdetect.detect(t) for t in json.loads(sys.argv[1])]))"
    )
    out = subprocess.run(
        [sys.executable, "-c", script, json.dumps(texts)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert [detected_language(text) for text in texts] == json.loads(out.stdout)


def test_langdetects_own_state_is_left_alone() -> None:
    detected_language(ENGLISH)
    assert langdetect.DetectorFactory.seed is None


def test_threads_that_start_at_once_agree() -> None:
    script = (
        "import threading\n"
        "from twofold.constraints.language import LANGUAGES, ResponseLanguage\n"
        "found, gate = [], threading.Barrier(8)\n"
        "def judge():\n"
        "    gate.wait()\n"
        "    rule = ResponseLanguage('fr', 'official')\n"
        "    found.append(rule.check(LANGUAGES['fr'][1]).score)\n"
        "threads = [threading.Thread(target=judge) for _ in range(8)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "assert found == [1.0] * 8, found\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(detected_language, [ENGLISH] * 64)) == {"en"}


@pytest.mark.parametrize("code", ["zh", "english", "", "EN"])
def test_an_unknown_code_is_refused_with_those_that_are_known(code: str) -> None:
    with pytest.raises(ProblemError, match="zh-cn"):
        ResponseLanguage(code, "fixed")
