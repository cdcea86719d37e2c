"""How is work done that may never end or cannot be trusted? In a child process that can be killed.

An alarm in Python interrupts neither a computer algebra system nor a hostile program, and works
only in the main thread. The child is started by `python -c`, not forked: safe beside torch and
threads, and a script needs no `__main__` guard. Parent and child exchange JSON lines over a socket.
"""

import atexit
import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, final

from twofold.errors import ScoringError

START_S = 120.0  # how long a child may take to start on a busy machine, in seconds


@final
class WorkerProcess:
    """A child process that answers one request at a time; safe to use from several threads.

    The first request starts it, and so does the first one after it died or was killed. It leads its
    own session: Ctrl-C does not reach it, and killing it kills everything it has started. A forked
    process gets a child of its own.

    Args:
        main: Python code that calls `serve(int(sys.argv[1]), ...)`.
        *arguments: The rest of the child's `sys.argv`.
        environment: Its environment variables; the import paths of this process are added.
        remedy: Message of the error if it does not start.
    """

    _socket: socket.socket

    def __init__(
        self, main: str, *arguments: str, environment: Mapping[str, str], remedy: str
    ) -> None:
        self._main, self._arguments = main, arguments
        self._environment, self._remedy = environment, remedy
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.kill)
        os.register_at_fork(after_in_child=self._after_fork)

    @property
    def pid(self) -> int | None:
        """The child's process id; None if none is running."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def ask(self, request: object, timeout_s: float) -> Any:
        """Send a request (a JSON value) and return the answer (a JSON value).

        Raises:
            TimeoutError: If there is no answer in time; the child is killed.
            ConnectionError: If the child dies while it works on the request.
            ScoringError: If no child can be started.
        """
        with self._lock:
            if self.pid is None:
                self._start()
            try:
                self._socket.settimeout(timeout_s)
                self._socket.sendall(json.dumps(request).encode() + b"\n")
                return json.loads(self._line(timeout_s))
            except BaseException:  # Ctrl-C too: the next request must not get this one's answer
                self.kill()
                raise

    def _start(self) -> None:
        self.kill()
        self._socket, theirs = socket.socketpair()
        paths = [path for path in sys.path if path] + [str(Path(__file__).parents[1])]
        python = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "0"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", self._main, str(theirs.fileno()), *self._arguments],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**self._environment, **python},
                start_new_session=True,
            )
        try:
            self._line(START_S)
        except (TimeoutError, ConnectionError) as error:
            self.kill()
            raise ScoringError(self._remedy) from error

    def _line(self, timeout_s: float) -> bytes:
        """The one line that is there to be read."""
        self._socket.settimeout(timeout_s)
        line = b""
        while not line.endswith(b"\n"):
            chunk = self._socket.recv(1 << 16)
            if not chunk:
                raise ConnectionResetError("the child died")
            line += chunk
        return line

    def close(self) -> None:
        """End the child, if there is one, after the request it is working on."""
        with self._lock:
            self.kill()

    def kill(self) -> None:
        """Kill the child and everything it has started, and wait for it so that no zombie stays."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()
        self._socket.close()

    def _after_fork(self) -> None:
        """Leave the child to the parent process, to which the holder of the lock belongs too."""
        self._lock = threading.Lock()
        process, self._process = self._process, None
        if process is not None:
            self._socket.close()
            process.returncode = 0  # not our child: nothing to wait for


def serve(descriptor: int, answer: Callable[[Any], object]) -> None:
    """The child's loop: answer each line of the socket until it is closed."""
    with socket.socket(fileno=descriptor) as connection, connection.makefile("rwb") as lines:
        lines.write(b"ready\n")
        lines.flush()
        for line in lines:
            lines.write(json.dumps(answer(json.loads(line))).encode() + b"\n")
            lines.flush()


def limit_resource(kind: int, wanted: int) -> None:
    """Lower a resource limit of this process (`resource.RLIMIT_*`) for good."""
    hard = resource.getrlimit(kind)[1]
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (limit, limit))
