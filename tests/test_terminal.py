"""What a reply says does not command a terminal, and no terminal ends a command."""

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.cli.exits import run
from twofold.cli.terminal import printable, say
from twofold.errors import RunError


@given(st.text(), st.sampled_from(["utf-8", "latin-1", "ascii", "cp1252"]))
def test_every_text_can_be_shown_and_gives_no_commands(text, encoding):
    shown = printable(text, encoding)
    shown.encode(encoding)
    assert not any((ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 for c in shown)
    assert not set(shown) & set("\u202a\u202e\u2066\u2069\u2028")


@given(st.text())
def test_json_means_the_same_when_it_was_shown(text):
    assert json.loads(printable(json.dumps(text, ensure_ascii=False), "ascii")) == text


def test_what_a_terminal_can_show_stays():
    assert printable("naïve ☃\tend\n") == "naïve ☃\tend\n"
    assert printable("\x1b]0;owned\x07") == "\\u001b]0;owned\\u0007"


def test_a_latin_terminal_gets_escapes(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", stream)
    say("é ☃ \U0001f600")
    stream.flush()
    assert stream.buffer.getvalue() == b"\xe9 \\u2603 \\ud83d\\ude00\n"


def failing(error):
    def app():
        raise error

    return app


def test_what_a_user_can_mend_is_a_message_and_a_bug_is_a_trace(capsys):
    for error, says in (
        (RunError("a \x1b[31m remedy"), "error: a \\u001b[31m remedy"),
        (PermissionError(13, "Permission denied", "a.txt"), "error: cannot use a.txt: Permission"),
    ):
        with pytest.raises(SystemExit) as end:
            run(failing(error))
        assert end.value.code == 2 and says in capsys.readouterr().err
    for bug in (KeyError("x"), OSError("without a file"), ValueError("y")):
        with pytest.raises(type(bug)):
            run(failing(bug))
