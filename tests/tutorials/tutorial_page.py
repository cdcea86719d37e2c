"""A tutorial is a Markdown page, and its fenced blocks are what a reader does with it.

- A block with a file's name as its title (`title="rules.py"`) is written to that file.
- `bash` is run by a shell, `python` by one interpreter that lives as long as the page.
- `text` is what the block before it prints: each of its lines in this order, other lines between them.
  A line that ends in `…` is the beginning of one. Titled `Printed, shortened` its numbers may differ a
  little; titled `Printed exactly` they may not.
- A block titled `Not run here` is for the reader alone.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^ *```", re.MULTILINE)
_NUMBER = re.compile(r"[-−+]?\d+(?:\.\d+)?")
EXACT, SHORTENED, UNTRIED = "Printed exactly", "Printed, shortened", "Not run here"

# Runs each block that it is sent, in one namespace, and says what it printed.
_INTERPRETER = """
import contextlib, io, json, sys, traceback
sys.path.insert(0, "")
names = {"__name__": "__main__"}
for line in sys.stdin:
    printed = io.StringIO()
    failed = False
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(json.loads(line), "<tutorial>", "exec"), names)
        except BaseException:
            failed = True
            traceback.print_exc(file=printed)
    print(json.dumps([failed, printed.getvalue()]), flush=True)
"""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    title: str
    text: str
    line: int


def blocks(page: str) -> list[Block]:
    """The blocks of a page; a fence that is not read as one is an error."""
    found = [
        Block(match[1], match[2] or "", match[3], page.count("\n", 0, match.start()) + 1)
        for match in _BLOCK.finditer(page)
    ]
    assert 2 * len(found) == len(_FENCE.findall(page)), "a fence is not of the form ```language"
    return found


class Reader:
    """Follows a page in a folder of its own. Close it afterwards."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        root = Path(__file__).parents[2]
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        packages = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH", "")]))
        self.environment = os.environ | {
            "PATH": path,
            "PYTHONPATH": packages,
            "TWOFOLD_CACHE": str(folder / "cache"),
            "HF_HUB_OFFLINE": "1",
        }
        self._python: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        if self._python is not None:
            self._python.communicate(timeout=60)

    def follow(self, page: str) -> Iterator[tuple[Block, str]]:
        """Do what the page says; each output that it states, and what was printed instead of it."""
        printed = ""
        for block in blocks(page):
            if block.title == UNTRIED:
                continue
            if block.language == "text":
                yield block, printed
            elif block.title:
                (self.folder / block.title).write_text(block.text, encoding="utf-8")
            elif block.language == "bash":
                printed = self._shell(block)
            elif block.language == "python":
                printed = self._run(block)
            else:
                raise AssertionError(f"line {block.line}: give the {block.language} block a title")

    def _shell(self, block: Block) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.text],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"line {block.line}: {done.stdout}{done.stderr}"
        return done.stdout

    def _run(self, block: Block) -> str:
        if self._python is None:
            self._python = subprocess.Popen(
                [sys.executable, "-c", _INTERPRETER],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._python.stdin is not None and self._python.stdout is not None
        self._python.stdin.write(json.dumps(block.text) + "\n")
        self._python.stdin.flush()
        answer: list[Any] = json.loads(self._python.stdout.readline())
        assert not answer[0], f"line {block.line}: {answer[1]}"
        return str(answer[1])


def missing(stated: Block, printed: str) -> str | None:
    """The first line of the stated output that was not printed, or None.

    Example:
        >>> missing(Block("text", SHORTENED, "met  0.883 (n=60)", 1), "met 0.900 (n=60)") is None
        True
        >>> missing(Block("text", EXACT, "met  0.883 (n=60)", 1), "met 0.900 (n=60)")
        'met 0.883 (n=60)'
    """
    assert stated.title in {EXACT, SHORTENED}, f"line {stated.line}: what kind of output is this?"
    lines = iter(_lines(printed))
    for expected in _lines(stated.text):
        if not any(_same(expected, line, stated.title) for line in lines):
            return expected
    return None


def _lines(text: str) -> list[str]:
    """The lines with anything on them; spaces and rules of tables in one length."""
    made = (" ".join(re.sub(r"-{3,}", "---", line).split()) for line in text.splitlines())
    return [line for line in made if line]


def _same(expected: str, line: str, kind: str) -> bool:
    if expected.endswith("…"):
        expected = expected.removesuffix("…").rstrip()
        if kind == EXACT:
            return line.startswith(expected)
        words = _NUMBER.sub("0", expected)
        if not _NUMBER.sub("0", line).startswith(words):
            return False
    elif kind == EXACT or _NUMBER.sub("0", line) != _NUMBER.sub("0", expected):
        return expected == line
    told, seen = (
        [float(n.replace("−", "-")) for n in _NUMBER.findall(text)] for text in (expected, line)
    )
    return all(_near(a, b) for a, b in zip(told, seen, strict=False))


def _near(told: float, seen: float) -> bool:
    """Another processor may write another reply here and there, but not another table."""
    return abs(told - seen) <= max(0.15, 0.25 * abs(told))
