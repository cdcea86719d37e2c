"""A server in a process of its own, and what its clients send."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twofold.constraints import from_spec
from twofold.problems import write
from twofold.types import Problem

HERE = Path(__file__).parent
NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
BOTH = Problem(question="7 + 5 = ?", answer="12", constraints=(NO_COMMA,))
FREE = Problem(question="1 + 1 = ?", answer="2")
TWOFOLD = (sys.executable, "-m", "twofold", "serve", "--port", "0")
SECRET = "sk-never-in-the-log"
Told = tuple[int, Any]


class Served:
    """A server in a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        problems = folder / "asked.jsonl"
        write(problems, [BOTH, FREE])
        paths = [str(HERE), *filter(None, sys.path)]
        self.log = folder / "log.txt"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*TWOFOLD, "--problems", str(problems), *options],
                stdout=subprocess.PIPE,
                stderr=log,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
                text=True,
            )
        assert self.process.stdout is not None
        told = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", told)
        assert found, f"{told!r} {self.log.read_text()}"
        self.port = int(found[1])

    def post(self, path: str, body: object, *, timeout: float = 60) -> Told:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            line.request("POST", path, raw, {"Authorization": f"Bearer {SECRET}"})
            answer = line.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            line.close()

    def get(self, path: str) -> Told:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            line.request("GET", path)
            answer = line.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            line.close()

    def children(self) -> list[int]:
        """The processes that check."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(each) for task in tasks for each in task.read_text().split()]

    def megabytes(self) -> float:
        """Memory of the server itself."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1024

    def stop(self, sent: signal.Signals = signal.SIGTERM) -> int:
        """End it as a supervisor does; the exit status."""
        self.process.send_signal(sent)
        return self.process.wait(30)


@contextmanager
def served(folder: Path, *options: str) -> Iterator[Served]:
    server = Served(folder, *options)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait()
        assert server.process.stdout is not None
        server.process.stdout.close()


def item(response: object, problem: Problem = FREE) -> dict[str, Any]:
    return {"problem": problem.id, "response": response}


def message(text: str) -> dict[str, Any]:
    return {"type": "message", "content": [{"type": "output_text", "text": text}]}
