"""Do the tests pass for whoever starts them? They are started here as a background job starts them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PROBE = """
import os, signal, threading, time
import pytest

def test_what_the_caller_had_is_gone():
    assert os.environ["COLUMNS"] == "80" and "http_proxy" not in os.environ
    assert "RANK" not in os.environ
    time.tzset()
    assert time.tzname[0] == "UTC"
    made = os.open("made", os.O_CREAT | os.O_WRONLY, 0o666)
    assert os.fstat(made).st_mode & 0o777 == 0o644
    os.close(made)

def test_an_interrupt_arrives():
    timer = threading.Timer(0.1, signal.raise_signal, (signal.SIGINT,))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        time.sleep(20)
    timer.join()
"""


@pytest.mark.skipif(os.name != "posix", reason="a shell that ignores signals is POSIX's")
def test_a_background_job_in_another_environment(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_probe.py").write_text(PROBE)
    command = f"trap '' INT HUP; umask 077; exec {sys.executable} -m pytest -q -p no:cacheprovider"
    hostile = {"COLUMNS": "20", "http_proxy": "http://127.0.0.1:9", "RANK": "3", "TZ": "Asia/Tokyo"}
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=tmp_path,
        env=os.environ | hostile,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


DRAWN = """
from hypothesis import given, settings
from hypothesis import strategies as st

if IMPORTED:
    import literals

texts = []

@settings(max_examples=300, database=None)
@given(st.lists(st.text() | st.integers()))
def test_draws(drawn):
    texts.append(drawn)

def test_keeps():
    open("drawn.txt", "w").write(repr(texts))
"""


def test_the_same_examples_are_drawn_whatever_was_imported(tmp_path: Path) -> None:
    """Processes that share the tests import other modules, and each change of the code changes one."""
    found = []
    for imported in ("0", "1"):
        place = tmp_path / imported
        place.mkdir()
        (place / "literals.py").write_text(f"TEXTS = {[chr(9000 + n) * 3 for n in range(200)]}\n")
        (place / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
        (place / "test_drawn.py").write_text(DRAWN.replace("IMPORTED", imported))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        kept = {name: value for name, value in os.environ.items() if name != "TWOFOLD_FUZZ"}
        done = subprocess.run(command, cwd=place, env=kept, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
        found.append((place / "drawn.txt").read_text())
    assert len(found[0]) > 1000
    assert found[0] == found[1]
