"""However long a reply is and whatever it repeats, to judge and to edit it takes time that grows with it.

Each kind of text is judged by each type under both profiles, at a length and at a tenth of it. What takes
time that grows with the square of the length shows as a factor of 100. A sample runs with the other tests;
`TWOFOLD_LONG_REPLY=50000 TWOFOLD_LONG_TEXTS=300 python -m pytest tests/fuzz/test_long_replies.py` judges
texts of that length, edits them by all types, and composes that many more.
"""

import os
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from hostile_texts import HOSTILE, composed
from reply_texts import PLAIN, QUESTIONS, one

from twofold.constraints import CONSTRAINTS
from twofold.constraints.opposite import opposite
from twofold.types import Constraint

LENGTH = int(os.environ.get("TWOFOLD_LONG_REPLY", "10000"))
IS_SAMPLE = "TWOFOLD_LONG_REPLY" not in os.environ
N_COMPOSED = int(os.environ.get("TWOFOLD_LONG_TEXTS", "15"))
NAMES = sorted(CONSTRAINTS)
# Of how many rules one judges or edits a text in the sample.
JUDGES_ONE_IN, EDITS_ONE_IN = 8, 40

# The factor that ten times the text may take, and a time too short to tell one.
MOST_GROWTH, SHORT_S = 25.0, 0.008
# What one reply of 10,000 characters may take in all.
JUDGE_S, EDIT_S = 0.5, 5.0
# A time that is too long is taken again: another process may have emptied the processor's caches.
TRIES = 3

TEXTS: dict[str, Callable[[int], str]] = HOSTILE | {
    f"composed {n}": composed(np.random.default_rng(n)) for n in range(N_COMPOSED)
}


def rules(text_name: str) -> Iterator[Constraint]:
    """One rule of each type and profile, with arguments by the name of the text."""
    for name in NAMES:
        for profile in ("official", "fixed"):
            rng = np.random.default_rng(zlib.crc32(f"{text_name} {name} {profile}".encode()))
            cls = CONSTRAINTS[name]
            yield cls(**cls.draw(rng, one(rng, QUESTIONS)), profile=profile)  # type: ignore[call-arg]


def sample(text_name: str, one_in: int) -> list[Constraint]:
    """All rules, or in the sample some by the name of the text."""
    chosen = (r for r in rules(text_name) if not zlib.crc32(f"{text_name} {r}".encode()) % one_in)
    return [*(chosen if IS_SAMPLE else rules(text_name))]


def forget() -> None:
    """Empty what the package remembers of texts."""
    modules = [m for name, m in sys.modules.items() if name.startswith("twofold.")]
    for each in (value for module in modules for value in vars(module).values()):
        if hasattr(each, "cache_parameters") and each.cache_parameters()["maxsize"] is not None:
            each.cache_clear()


def seconds(use: Callable[[str], object], text: str) -> float:
    """The processor's time, not the clock's."""
    start = time.process_time()
    use(text)
    return time.process_time() - start


def too_slow(use: Callable[[str], object], made: Callable[[int], str], cap: float) -> str:
    """Why `use` takes too long on long texts; "" if it does not."""
    why = ""
    for again in range(TRIES):
        if again:
            forget()
        short, long = seconds(use, made(LENGTH // 10)), seconds(use, made(LENGTH))
        most = min(cap * LENGTH / 10_000, MOST_GROWTH * max(short, SHORT_S))
        why = f"{short:.3f} s and {long:.3f} s" if long > most else ""
        if not why:
            break
    return why


def judge(rule: Constraint) -> Callable[[str], object]:
    contrary = opposite(rule)
    return lambda text: (rule.distance(text), contrary and contrary.check(text))


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """What loads with its first use takes no time here."""
    for rule in rules(""):
        judge(rule)(PLAIN[3])
        rule.apply(PLAIN[3])


@pytest.mark.parametrize("name", TEXTS)
def test_a_long_reply_is_judged_in_time(name: str) -> None:
    those = sample(name, JUDGES_ONE_IN)
    tried = ((rule, too_slow(judge(rule), TEXTS[name], JUDGE_S)) for rule in those)
    found = [f"{why}: {rule!r:.200}" for rule, why in tried if why]
    assert not found, "\n".join(found[:5])


@pytest.mark.parametrize("name", TEXTS)
def test_a_long_reply_is_edited_in_time(name: str) -> None:
    those = sample(name, EDITS_ONE_IN)
    tried = ((rule, too_slow(rule.apply, TEXTS[name], EDIT_S)) for rule in those)
    found = [f"{why}: {rule!r:.200}" for rule, why in tried if why]
    assert not found, "\n".join(found[:5])


def test_quadratic_time_is_seen() -> None:
    """The bound can be broken: by a look at the rest of the text, in steps, from each of its letters."""

    def rest_of_each(text: str) -> int:
        return sum(1 for start in range(len(text)) for _ in range(start, len(text), 3))

    assert too_slow(rest_of_each, TEXTS["one word"], JUDGE_S)
    assert not too_slow(str.upper, TEXTS["one word"], JUDGE_S)
