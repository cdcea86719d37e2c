"""What does a program that a model wrote say of a text? A sandbox runs it, and it is never trusted.

`verify` has to return exactly True or exactly False. Whatever else happens (another value, an error, no
answer in time) says something of the program and nothing of the text, so the text stays unscored.
"""

from __future__ import annotations

import atexit
import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self, final

from twofold.errors import ScoringError
from twofold.judges.sandbox.sandbox_worker import Limits, Order
from twofold.types import Verdict
from twofold.worker_process import Child, WorkerSlot

SLACK_S = 5.0
"""How long the warden may take beyond what it gives its worker, in seconds."""
SOURCE_CHARS = 20_000
"""The longest program that is run."""
TEXT_CHARS = 1_000_000
"""The longest text that is judged."""

_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "PYTHONHOME", "VIRTUAL_ENV", "MONTY_BIN")
"""All that a warden is told of the environment; a worker is told nothing."""
_MAIN = (
    "import sys; from twofold.judges.sandbox.sandbox_worker import serve; "
    "serve(int(sys.argv[1]), sys.argv[2])"
)


@final
@dataclass(frozen=True, kw_only=True)
class Sandbox:
    r"""Runs programs that define `verify(text) -> bool`, each text by itself.

    Picklable, and safe in threads (they take turns), after a fork and without a `__main__` guard. Each
    process that uses it has one worker process (`sandbox_worker`), started by the first `run`; equal
    sandboxes share it. `close` ends it, at the latest the process does; the next `run` starts it again.
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
            seat = _seats.get(self)
        if seat is not None:
            seat.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _judged(self, source: str, text: str, unfit: str) -> Verdict:
        unfit = unfit or _unfit("the text", text, TEXT_CHARS)
        if unfit:
            return Verdict(None, unfit)
        with _lock:
            seat = _seats.setdefault(self, WorkerSlot(partial(_warden, self)))
        patience_s = 2 * (self.timeout_s + self.grace_s) + SLACK_S
        said: bool | None
        try:
            said, why = seat.ask(Order(source=source, text=text), patience_s)
        except TimeoutError:
            said, why = None, "its sandbox hung and was killed"
        except ConnectionError:
            said, why = None, "its sandbox died"
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


def _warden(sandbox: Sandbox) -> Child:
    limits = Limits(
        timeout_s=sandbox.timeout_s, grace_s=sandbox.grace_s, memory_mib=sandbox.memory_mib
    )
    return Child(
        _MAIN,
        json.dumps(limits),
        environment={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        remedy="the sandbox for verifier programs did not start; install it with "
        "`pip install 'twofold[judges]'` (`python -c 'import pydantic_monty'` shows what is "
        "wrong), or leave the programs out",
    )


_seats: dict[Sandbox, WorkerSlot] = {}
_lock = threading.Lock()


def _close_all() -> None:
    for seat in _seats.values():
        seat.end()


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()
    for seat in _seats.values():
        seat.after_fork()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_after_fork)
