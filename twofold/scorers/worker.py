"""How is an answer compared that may take for ever? In a process that can be killed.

A computer algebra system asked about `9^9^9^9` does not come back, and an alarm inside Python does
not wake it; nor do alarms work in threads, where trainers call their rewards. So each process that
scores keeps one worker: a plain `python -c`, not a fork (so it is safe beside torch and threads,
and a script needs no `__main__` guard), spoken to in JSON lines over a socket. A late worker is
killed and the next question gets a fresh one. Its memory is limited, it imports no torch, and it
ends with the process that started it.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Literal, TypedDict, final

from twofold.errors import ScoringError

START_S = 120.0
"""How long a worker may take to import its libraries on a busy machine, in seconds."""
MEMORY_BYTES = 4 << 30
"""The address space of a worker."""


class Question(TypedDict):
    """What the worker is asked: `same` compares answers, `official` grades a whole reply."""

    kind: Literal["same", "official"]
    gold: str
    text: str


class Answer(TypedDict):
    """What the worker says: whether the text is right, and which answer was read in it."""

    right: bool
    found: str


@final
class Worker:
    """One running worker process; not thread-safe, see `ask`."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        package = str(Path(__file__).parents[2])
        paths = [path for path in sys.path if path] + [package]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _MAIN, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "0"},
                start_new_session=True,  # Ctrl-C is for the program, not for the worker
            )
        self._socket = ours
        try:
            started = self._read(START_S)
        except (TimeoutError, ConnectionError):
            started = b""
        if not started:
            self.close()
            raise ScoringError(
                "the worker that compares answers did not start; "
                f"`{sys.executable} -c 'import math_verify'` shows why"
            )

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def ask(self, question: Question, timeout_s: float) -> Answer:
        """One question, one answer.

        Raises:
            TimeoutError: If there is no answer in time; close the worker, it is still busy.
            ConnectionError: If the worker died over the question.
        """
        request = json.dumps([question, timeout_s]).encode() + b"\n"
        self._socket.settimeout(timeout_s)
        self._socket.sendall(request)
        line = self._read(timeout_s)
        if not line:
            raise ConnectionResetError("the worker died")
        answer: Answer = json.loads(line)
        return answer

    def _read(self, timeout_s: float) -> bytes:
        """One line; empty if the process is gone. There is never more than one to read."""
        self._socket.settimeout(timeout_s)
        line = b""
        while not line.endswith(b"\n"):
            chunk = self._socket.recv(1 << 16)
            if not chunk:
                return b""
            line += chunk
        return line

    def close(self) -> None:
        """Kill the process, and wait for it so that no zombie stays."""
        self._process.kill()
        self._process.wait()
        self._socket.close()

    def disown(self) -> None:
        """Let go of a worker that belongs to the parent of this forked process."""
        self._socket.close()
        self._process.returncode = 0  # not our child: nothing to wait for, nothing to warn about


@final
class _Bench:
    """The one place of this process where its worker sits."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.worker: Worker | None = None

    def ask(self, question: Question, timeout_s: float) -> Answer | str:
        with self.lock:
            if self.worker is None or not self.worker.is_alive():
                self.close()
                self.worker = Worker()
            answer: Answer | None = None
            try:
                answer = self.worker.ask(question, timeout_s)
            except TimeoutError:
                return f"timed out after {timeout_s:g} s"
            except ConnectionError:
                return "the comparison crashed: time, memory or stack ran out"
            finally:  # after Ctrl-C too: the next question must not read this one's answer
                if answer is None:
                    self.close()
            return answer

    def close(self) -> None:
        if self.worker is not None:
            self.worker.close()
            self.worker = None

    def after_fork(self) -> None:
        self.lock = threading.Lock()
        if self.worker is not None:
            self.worker.disown()
            self.worker = None


_bench = _Bench()
atexit.register(_bench.close)
os.register_at_fork(after_in_child=_bench.after_fork)


def ask(question: Question, *, timeout_s: float) -> Answer | str:
    """Ask this process' worker, starting it if need be. Safe from any thread and after a fork.

    Args:
        question: What to compare.
        timeout_s: When the worker is killed, in seconds.

    Returns:
        The answer; or, as text, why there is none (a time-out, a crash).

    Raises:
        ScoringError: If no worker can be started.

    Example:
        >>> ask(Question(kind="same", gold="x^2-1", text="(x-1)(x+1)"), timeout_s=60)
        {'right': True, 'found': '(x-1)(x+1)'}
    """
    return _bench.ask(question, timeout_s)


def worker_pid() -> int | None:
    """The process id of this process' worker; None if none runs."""
    worker = _bench.worker
    return worker.pid if worker is not None and worker.is_alive() else None


_MAIN = "import sys; from twofold.scorers.worker import serve; serve(int(sys.argv[1]))"


def serve(descriptor: int) -> None:
    """The worker's own loop: answer each line of the socket until it is closed.

    Args:
        descriptor: The inherited end of the socket.
    """
    import logging

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    logging.disable()

    from sympy.core.random import seed

    from twofold.scorers import symbolic

    with socket.socket(fileno=descriptor) as connection, connection.makefile("rwb") as lines:
        lines.write(b"ready\n")
        lines.flush()
        for line in lines:
            question, timeout_s = json.loads(line)
            # Should the parent be gone, this kills the worker, even inside a long computation.
            signal.setitimer(signal.ITIMER_REAL, 2 * timeout_s + 1)
            seed(0)
            if question["kind"] == "official":
                from twofold.scorers import official_answer

                right, found = official_answer.grade(question["text"], question["gold"])
            else:
                right, found = symbolic.equal(question["gold"], question["text"]), question["text"]
            signal.setitimer(signal.ITIMER_REAL, 0)
            lines.write(json.dumps(Answer(right=right, found=found)).encode() + b"\n")
            lines.flush()
