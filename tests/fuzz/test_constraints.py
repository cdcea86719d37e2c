"""Whatever a reply is, each checker judges it: no trace, the same verdict each time, a distance that fits.

A case of a type is drawn from its number: arguments (drawn for a question, or with odd values in their
place) and a reply (`reply_texts`). A sample runs with the other tests;
`TWOFOLD_FUZZ_CASES=1000 python -m pytest tests/fuzz/test_constraints.py` runs more for each type and
profile, and `TWOFOLD_FUZZ_FROM=7 TWOFOLD_FUZZ_CASES=1` a single one.
"""

import hashlib
import os
import subprocess
import sys
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from reply_texts import PLAIN, QUESTIONS, one, reply

from twofold.constraints import CONSTRAINTS, from_spec
from twofold.errors import ProblemError
from twofold.types import Constraint, Verdict

FIRST = int(os.environ.get("TWOFOLD_FUZZ_FROM", "0"))
CASES = int(os.environ.get("TWOFOLD_FUZZ_CASES", "8"))
PROFILES = ("official", "fixed")
NAMES = sorted(CONSTRAINTS)
LONGEST_REASON = 1500

# Words to ask for that no draw gives: with signs, of other scripts, and the witnesses' own.
ODD_WORDS = (
    *(
        "c++",
        "C#",
        "U.S.",
        "数",
        "don't",
        "Zürich",
        "e\u0301",
        "ß",
        "ﬁ",
        "well-known",
        "a b",
        " a ",
    ),
    *("It.", " here ", "No!", "e.g.", "A a", "b a", "a b a", "no no", "br\u0435ad", "Go. Now"),
    "x" * 50,
    *("-", "(", "*", ".", "[", "\\", "\n", "😀", "(a+)+b", "less than", "at least"),
    *(
        "it",
        "It",
        "no",
        "here",
        "go",
        "is",
        "nothing",
        "a",
        "we",
        "on",
        "such",
        "thing",
        "the",
        "The",
    ),
)

# More text behind a reply takes back nothing that it has ...
STAYS_MET = {
    *("keywords:existence", "keywords:word_once", "keywords:palindrome", "words:palindrome"),
    *("count:person_names", "count:pronouns", "count:unique_word_count", "count:conjunctions"),
    *("count:punctuation", "format:parentheses", "format:quotes", "format:list"),
}
# ... nor mends what it must not have.
STAYS_BROKEN = {
    *("punctuation:no_comma", "punctuation:punctuation_dot", "punctuation:punctuation_exclamation"),
    *("keywords:forbidden_words", "keywords:exclude_word_harder", "count:count_unique"),
    *("words:repeats", "count:lowercase_counting", "format:no_whitespace", "words:consonants"),
    *("words:prime_lengths", "words:no_consecutive", "keywords:no_adjacent_consecutive"),
}
MORE = "\n\nThe Rest Of It Follows Now, And Then: More!"

# Other ways to encode or save the same reply.
EDITS: dict[str, Callable[[str], str]] = {
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "Windows line ends": lambda text: text.replace("\r\n", "\n").replace("\n", "\r\n"),
    "byte-order mark": lambda text: "\ufeff" + text,
    "invisible at the ends": lambda text: f"\u2060\u200b{text}\u200e\ufeff",
    "a line break at the end": lambda text: text + "\n",
    "end token": lambda text: f"{text}\n<|im_end|>\n",
}


@dataclass(frozen=True)
class Case:
    """One case of a type under a profile."""

    number: int
    rule: Constraint
    is_drawn: bool  # the arguments, as `draw` gives them
    text: str
    edit: str

    def __str__(self) -> str:
        return f"case {self.number}: {self.rule!a:.300}, {self.text!a:.200}"


def odd(rng: np.random.Generator, value: object) -> object:
    """Another value of the same kind."""
    if isinstance(value, str):
        return one(rng, ODD_WORDS)
    if isinstance(value, int):
        return int(rng.integers(0, 31))
    return [one(rng, ODD_WORDS) for _ in range(int(rng.integers(1, 4)))]


def case(name: str, profile: str, number: int) -> Case | None:
    """The case of this number; None if its arguments are refused."""
    rng = np.random.default_rng([number, zlib.crc32(f"{profile} {name}".encode())])
    args = CONSTRAINTS[name].draw(rng, one(rng, QUESTIONS))
    is_drawn = not args or rng.random() < 0.7
    if not is_drawn:
        args = {k: odd(rng, v) if rng.random() < 0.5 else v for k, v in args.items()}
    try:
        rule = from_spec(name, args, profile=profile)  # type: ignore[arg-type]
        own = [text for text in rule.witnesses() if text]
    except ProblemError:
        return None
    return Case(number, rule, is_drawn, reply(rng, own), one(rng, [*EDITS]))


def cases(name: str, profile: str) -> Iterator[Case]:
    for number in range(FIRST, FIRST + CASES):
        if made := case(name, profile, number):
            yield made


def wrong_form(rule: Constraint, text: str, verdict: Verdict) -> str:
    """What is wrong with the form of a verdict; "" if nothing."""
    score, graded, distance = verdict.score, verdict.distance, rule.distance(text)
    if score not in (0.0, 1.0, None):
        return f"score {score}"
    if not verdict.reason.isprintable() or not 0 < len(verdict.reason) < LONGEST_REASON:
        return f"reason {verdict.reason!a:.100}"
    if (distance is None) != (score is None) or (graded is not None and score is None):
        return f"distance {distance} of an unscored reply, or none of a scored one"
    for each in (graded, distance):
        if each is not None and not (0.0 <= each <= 1.0 and (each == 0.0) == (score == 1.0)):
            return f"distance {each} with score {score}"
    return ""


def judged(made: Case) -> str:
    """What is wrong with how the case is judged; "" if nothing."""
    rule, text = made.rule, made.text
    verdict = rule.check(text)
    if why := wrong_form(rule, text, verdict):
        return why
    rule.check(PLAIN[0])
    again = from_spec(rule.name, rule.args(), profile=rule.profile).check(text)
    if again != verdict or again.distance != verdict.distance:
        return f"{verdict} and then {again}"
    if rule.profile == "fixed":
        other = rule.check(EDITS[made.edit](text))
        if other.score != verdict.score:
            return f"{verdict}, but with {made.edit} {other}"
    stays = {
        *({1.0} if rule.name in STAYS_MET else ()),
        *({0.0} if rule.name in STAYS_BROKEN else ()),
    }
    if (rule.name, rule.profile) == ("keywords:word_once", "official"):  # it wants one and no more
        stays = set()
    if verdict.score in stays and "blank" not in verdict.reason:
        longer = rule.check(text + MORE)
        if longer.score != verdict.score:
            return f"{verdict}, but with more text {longer}"
    return ""


def by_construction(made: Case) -> str:
    """What is wrong with the verdicts on the two witnesses; "" if nothing.

    Under `official`, odd arguments may be such that the published checker accepts no reply.
    """
    if not made.is_drawn and made.rule.profile == "official":
        return ""
    for text, wanted in zip(made.rule.witnesses(), (1.0, 0.0), strict=True):
        verdict = made.rule.check(text)
        if text.strip() and verdict.score not in (wanted, None):
            return f"witness {text!a:.100} should have {wanted}: {verdict}"
    return ""


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", NAMES)
def test_every_reply_is_judged(name: str, profile: str) -> None:
    found = [f"{why} - {made}" for made in cases(name, profile) if (why := judged(made))]
    assert not found, f"{len(found)} of {CASES}:\n" + "\n".join(found[:5])


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", NAMES)
def test_what_obeys_by_construction_passes_and_what_breaks_fails(name: str, profile: str) -> None:
    found = [f"{why} - {made}" for made in cases(name, profile) if (why := by_construction(made))]
    assert not found, f"{len(found)} of {CASES}:\n" + "\n".join(found[:5])


def digest() -> str:
    """Of the first verdicts of each type."""
    rows = [
        (name, profile, made.rule.check(made.text))
        for name in NAMES
        for profile in PROFILES
        for number in (FIRST, FIRST + 1)
        if (made := case(name, profile, number))
    ]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def test_verdicts_do_not_depend_on_the_process() -> None:
    """Python orders sets of text anew in each process, unless told how."""
    command = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
    command += "import test_constraints; print(test_constraints.digest())"
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-W", "error", "-c", command],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
        )
        assert run.stdout.strip() == digest(), run.stderr[-2000:]


def test_the_cases_are_of_every_kind() -> None:
    made = [each for name in NAMES for each in cases(name, "fixed")]
    scores = [each.rule.check(each.text).score for each in made]
    assert min(scores.count(0.0), scores.count(1.0)) > len(made) / 20
    assert {True, False} == {each.is_drawn for each in made}
