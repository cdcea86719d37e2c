"""Long work without a terminal says how far it is, by the clock, and stops saying so when it ends."""

import threading
import time

import pytest

from twofold import progress
from twofold.progress import Progress, told


def test_a_line_is_said_by_the_clock_while_nothing_is_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "SECONDS", 0.02)
    with Progress("model replies", total=800):
        time.sleep(0.15)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 2
    assert set(lines) == {"model replies: 0 of 800 (0 %) in 0 min"}
    time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_the_line_by_hand() -> None:
    """Of 800, 300 were done before and 100 in ten minutes: the 400 left take forty."""
    with Progress("model replies", total=800, done=300, is_shown=False) as said:
        said.advance(100, tokens=30_000)
    assert said.line(seconds=600) == (
        "model replies: 400 of 800 (50 %) in 10 min, 50.0 tokens a second, about 40 min left"
    )
    with Progress("judging", is_shown=False) as said:
        said.advance(5120)
    assert said.line(seconds=60) == "judging: 5,120 in 1 min"


def test_nothing_is_said_by_the_other_processes_nor_after_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "SECONDS", 0.02)
    before = threading.active_count()
    with Progress("replies", total=3, is_shown=False):
        time.sleep(0.1)
    with pytest.raises(KeyboardInterrupt), Progress("replies", total=3):
        raise KeyboardInterrupt
    assert threading.active_count() == before
    assert capsys.readouterr().err == ""


def test_rows_pass_through_unchanged() -> None:
    assert list(told(iter([3, 1, 2]), "judging")) == [3, 1, 2]
