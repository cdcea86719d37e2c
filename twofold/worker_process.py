"""How is work done that may never end, or may not be trusted? In a process that can be killed.

An alarm inside Python wakes neither a computer algebra system nor a hostile program, and works in no
thread but the first. So such work is done by a child: a plain `python -c`, not a fork (safe beside torch
and threads, and a script needs no `__main__` guard), spoken to in JSON lines over a socket, one question
at a time. A late child is killed, and the next question gets a fresh one.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, final

from twofold.errors import ScoringError

START_S = 120.0
"""How long a child may take to start on a busy machine, in seconds."""


@final
class Child:
    """One running child; not thread-safe, see `WorkerSlot`.

    Its first line says that it is ready; then each line is the answer to one request. It leads a session
    of its own: Ctrl-C is for the program, and the child is killed with all that it has started.

    Args:
        main: What it runs: Python that finds the number of its end of the socket in `sys.argv[1]`.
        arguments: What else stands in `sys.argv`.
        environment: All that it is told of the environment; the paths of this Python are added.
        remedy: What is told if it does not start.

    Raises:
        ScoringError: If it does not start.
    """

    def __init__(
        self, main: str, *arguments: str, environment: Mapping[str, str], remedy: str
    ) -> None:
        ours, theirs = socket.socketpair()
        paths = [path for path in sys.path if path] + [str(Path(__file__).parents[1])]
        known = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "0"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", main, str(theirs.fileno()), *arguments],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**environment, **known},
                start_new_session=True,
            )
        self._socket = ours
        try:
            started = self._read(START_S)
        except (TimeoutError, ConnectionError):
            started = b""
        if not started:
            self.close()
            raise ScoringError(remedy)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def ask(self, request: object, timeout_s: float) -> Any:
        """One request, one answer, both JSON values.

        Raises:
            TimeoutError: If there is no answer in time; close the child, it is still busy.
            ConnectionError: If the child died over the request.
        """
        self._socket.settimeout(timeout_s)
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        line = self._read(timeout_s)
        if not line:
            raise ConnectionResetError("the child died")
        return json.loads(line)

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
        """Kill the process and what it has started, and wait for it so that no zombie stays."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
        self._socket.close()

    def disown(self) -> None:
        """Let go of a child that belongs to the parent of this forked process."""
        self._socket.close()
        self._process.returncode = 0  # not our child: nothing to wait for, nothing to warn about


@final
class WorkerSlot:
    """The one place of this process where a child sits. Safe from any thread, which take turns.

    Args:
        start: Starts a child; called by the first request, and after each child that had to go.
    """

    def __init__(self, start: Callable[[], Child]) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id; None if none runs."""
        child = self._child
        return child.pid if child is not None and child.is_alive() else None

    def ask(self, request: object, timeout_s: float) -> Any:
        """One request to the child, which is started if need be.

        Raises:
            TimeoutError: If there was no answer in time; the child is gone.
            ConnectionError: If it died over the request.
            ScoringError: If none can be started.
        """
        with self._lock:
            if self._child is None or not self._child.is_alive():
                self.end()
                self._child = self._start()
            answered = False
            try:
                answer = self._child.ask(request, timeout_s)
                answered = True
                return answer
            finally:  # after Ctrl-C too: the next request must not get this one's answer
                if not answered:
                    self.end()

    def close(self) -> None:
        """End the child, if there is one, once it has answered what it was asked."""
        with self._lock:
            self.end()

    def end(self) -> None:
        """End the child at once, whoever is asking it: when this process ends, or by who holds the lock."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def after_fork(self) -> None:
        """In a forked process: the child is the parent's, and so is whoever held the lock."""
        self._lock = threading.Lock()
        if self._child is not None:
            self._child.disown()
            self._child = None
