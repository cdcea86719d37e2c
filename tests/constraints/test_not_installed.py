"""A constraint that needs a package or data which is not here says so: as words, and as data."""

import sys

import nltk
import pytest

from twofold.constraints import from_spec
from twofold.constraints.ifbench import layout, letters, sentence_shape
from twofold.runs.losses import LossCount
from twofold.runs.score_responses import ResponseScores
from twofold.types import Item, Problem, Profile, Response, Verdict


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with neither of the packages nor NLTK's data."""
    for name in ("emoji", "syllapy"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(nltk.data, "path", [])
    for cached in (layout._emoji, letters._syllables, sentence_shape._tagger):
        monkeypatch.setattr(sys.modules[cached.__module__], cached.__name__, cached.__wrapped__)


@pytest.mark.parametrize("profile", ["official", "fixed"])
@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("format:emoji", "pip install"),
        ("words:odd_even_syllables", "pip install"),
        ("words:start_verb", "python -m nltk.downloader"),
    ],
)
def test_the_verdict_says_that_something_is_missing(
    name: str, remedy: str, profile: Profile
) -> None:
    verdict = from_spec(name, None, profile=profile).check("Write it down.")
    assert (verdict.score, verdict.note) == (None, "not_installed") and remedy in verdict.reason


def test_a_reply_with_it_is_lost() -> None:
    rule = from_spec("format:emoji", None, profile="fixed")
    problem = Problem(question="?", constraints=(rule,))
    reply = Response(raw="Hi.", reply="Hi.")
    rows = ResponseScores({problem.id: problem}).rows(
        [(Item("model", "constrained", problem.id, 0), reply)]
    )
    lost = LossCount()
    (row,) = lost.counted(rows)
    part = row["compliant"]["parts"]["format:emoji"]
    assert part["note"] == "not_installed" and lost.reasons == {part["reason"]: 1}


def test_an_unknown_note_is_refused() -> None:
    with pytest.raises(ValueError, match="a note is one of"):
        Verdict(None, note="not installed")  # type: ignore[arg-type]
