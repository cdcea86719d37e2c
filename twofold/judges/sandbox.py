"""What does a program that a model wrote say of a text? A sandbox runs it, and it is never trusted.

`verify` has to return exactly True or exactly False. Whatever else happens (another value, an error, no
answer in time) says something of the program and nothing of the text, so the text stays unscored.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

from twofold.errors import ScoringError
from twofold.judges.warden import Answer, Limits, Order
from twofold.types import Verdict

START_S = 120.0
"""How long a warden may take to start on a busy machine, in seconds."""
SOURCE_CHARS = 20_000
"""The longest program that is run."""
TEXT_CHARS = 1_000_000
"""The longest text that is judged."""

_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "PYTHONHOME", "VIRTUAL_ENV", "MONTY_BIN")
"""All that a warden is told of the environment; a worker is told nothing."""
_MAIN = "import sys; from twofold.judges.warden import serve; serve(int(sys.argv[1]), sys.argv[2])"


@final
@dataclass(frozen=True, kw_only=True)
class Sandbox:
    r"""Runs programs that define `verify(text) -> bool`, each text by itself.

    Picklable, and safe in threads (they take turns), after a fork and without a `__main__` guard. Each
    process that uses it has one warden process (`twofold.judges.warden`), started by the first `run`;
    equal sandboxes share it. `close` ends it, at the latest the process does; the next `run` starts it again.
    A program that hangs costs its time for every text: try programs first (`admitted`).

    Args:
        timeout_s: Time for the program's own lines, and again for one call of `verify`, in seconds,
            in (0, 60]. A judged text costs well under a millisecond; the limit is for those that hang.
        memory_mib: What the program may hold, in MiB, in [8, 256].
        grace_s: How long after its time a worker that does not stop by itself is killed, in (0, 60].

    Raises:
        ScoringError: If a limit is out of its range.

    Source:
        Programs as verifiers: RLCF, https://arxiv.org/abs/2507.18624, section 3. Departs: its code runs
        them in its own process, stops them by an alarm and takes errors and truthy values for a pass.

    Example:
        >>> with Sandbox() as sandbox:
        ...     verdicts = sandbox.run("def verify(text):\n    return text.islower()", ["ab", "Ab"])
        >>> [(verdict.score, verdict.reason) for verdict in verdicts]
        [(1.0, 'the program says True'), (0.0, 'the program says False')]
    """

    timeout_s: float = 1.0
    memory_mib: int = 32
    grace_s: float = 0.5

    def __post_init__(self) -> None:
        if not (0 < self.timeout_s <= 60 and 0 < self.grace_s <= 60):
            raise ScoringError(
                f"timeout_s is {self.timeout_s} and grace_s {self.grace_s}; "
                "give seconds above 0 up to 60"
            )
        if not 8 <= self.memory_mib <= 256:
            raise ScoringError(f"memory_mib is {self.memory_mib}; give 8 to 256")

    def run(self, source: str, texts: Sequence[str]) -> list[Verdict]:
        """Judge each text by a program.

        Args:
            source: Python that defines `verify`; foreign and possibly hostile.
            texts: What is judged. The program gets them as a value.

        Returns:
            One verdict a text, in order: 1 = exactly True, 0 = exactly False, else unscored with the
            reason.

        Raises:
            ScoringError: If the sandbox cannot be started.
        """
        unfit = _unfit("the program", source, SOURCE_CHARS)
        return [self._judged(source, text, unfit) for text in texts]

    def close(self) -> None:
        """End the warden of this process, if there is one, once it has answered for the text it is at."""
        with _lock:
            bench = _benches.get(self)
        if bench is not None:
            with bench.lock:
                bench.close()

    @property
    def warden_pid(self) -> int | None:
        """The process id of this process' warden; None if none runs."""
        bench = _benches.get(self)
        warden = bench.warden if bench is not None else None
        return warden.pid if warden is not None and warden.is_alive() else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _judged(self, source: str, text: str, unfit: str) -> Verdict:
        unfit = unfit or _unfit("the text", text, TEXT_CHARS)
        if unfit:
            return Verdict(None, unfit)
        with _lock:
            bench = _benches.setdefault(self, _Bench(self))
        said, why = bench.ask(Order(source=source, text=text))
        if said is None:
            return Verdict(None, f"no verdict of the program: {why}")
        return Verdict(1.0 if said else 0.0, f"the program says {said}")


def _unfit(what: str, text: str, most: int) -> str:
    """Why a program or text cannot be taken at all; "" if it can."""
    if len(text) > most:
        return f"{what} has {len(text)} characters, more than {most}"
    try:
        text.encode()
    except UnicodeEncodeError:
        return f"{what} is not valid Unicode (half of a surrogate pair)"
    return ""


@final
class _Warden:
    """One running warden process; not thread-safe."""

    def __init__(self, limits: Limits) -> None:
        ours, theirs = socket.socketpair()
        paths = [path for path in sys.path if path] + [str(Path(__file__).parents[2])]
        known = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _MAIN, str(theirs.fileno()), json.dumps(limits)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=known | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "0"},
                start_new_session=True,  # Ctrl-C is not for it, and its group can be killed as one
            )
        self._socket = ours
        self._patience_s = 2 * (limits["timeout_s"] + limits["grace_s"]) + 5
        try:
            started = self._read(START_S)
        except (TimeoutError, ConnectionError):
            started = b""
        if not started:
            self.close()
            raise ScoringError(
                "the sandbox for verifier programs did not start; install it with "
                "`pip install 'twofold[judges]'` (`python -c 'import pydantic_monty'` shows what is "
                "wrong), or leave the programs out"
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, order: Order) -> Answer:
        """One text, one answer.

        Raises:
            TimeoutError: If there is none in time; close the warden, it is still busy.
            ConnectionError: If the warden died over the text.
        """
        self._socket.settimeout(self._patience_s)
        self._socket.sendall(json.dumps(order).encode() + b"\n")
        line = self._read(self._patience_s)
        if not line:
            raise ConnectionResetError("the warden died")
        said, why = json.loads(line)
        return said, why

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
        """Kill the process and its workers, and wait for it so that no zombie stays."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
        self._socket.close()

    def disown(self) -> None:
        """Let go of a warden that belongs to the parent of this forked process."""
        self._socket.close()
        self._process.returncode = 0  # not our child: nothing to wait for, nothing to warn about


@final
class _Bench:
    """The one place of this process where the warden of a sandbox sits."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.lock = threading.Lock()
        self.warden: _Warden | None = None
        self._limits = Limits(
            timeout_s=sandbox.timeout_s, grace_s=sandbox.grace_s, memory_mib=sandbox.memory_mib
        )

    def ask(self, order: Order) -> Answer:
        with self.lock:
            if self.warden is None or not self.warden.is_alive():
                self.close()
                self.warden = _Warden(self._limits)
            answer: Answer | None = None
            try:
                answer = self.warden.ask(order)
            except TimeoutError:
                return None, "its sandbox hung and was killed"
            except ConnectionError:
                return None, "its sandbox died"
            finally:  # after Ctrl-C too: the next text must not get this one's answer
                if answer is None:
                    self.close()
            return answer

    def close(self) -> None:
        if self.warden is not None:
            self.warden.close()
            self.warden = None

    def after_fork(self) -> None:
        self.lock = threading.Lock()
        if self.warden is not None:
            self.warden.disown()
            self.warden = None


_benches: dict[Sandbox, _Bench] = {}
_lock = threading.Lock()


def _close_all() -> None:
    for bench in _benches.values():
        bench.close()


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()
    for bench in _benches.values():
        bench.after_fork()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_after_fork)
