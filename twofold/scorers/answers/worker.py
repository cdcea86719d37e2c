"""How is an answer compared that may take for ever? In a process that can be killed.

A computer algebra system asked about `9^9^9^9` does not come back. So each process that scores keeps
one worker (see `twofold.worker_process`). Its memory is limited, it imports no torch, and it ends with the
process that started it.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import signal
import socket
import sys
from typing import Literal, TypedDict

from twofold.worker_process import Child, WorkerSlot

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


_MAIN = "import sys; from twofold.scorers.answers.worker import serve; serve(int(sys.argv[1]))"


def _worker() -> Child:
    return Child(
        _MAIN,
        environment=os.environ,
        remedy="the worker that compares answers did not start; "
        f"`{sys.executable} -c 'import math_verify'` shows why",
    )


_seat = WorkerSlot(_worker)
atexit.register(_seat.end)
os.register_at_fork(after_in_child=_seat.after_fork)


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
    try:
        answer: Answer = _seat.ask([question, timeout_s], timeout_s)
    except TimeoutError:
        return f"timed out after {timeout_s:g} s"
    except ConnectionError:
        return "the comparison crashed: time, memory or stack ran out"
    return answer


def worker_pid() -> int | None:
    """The process id of this process' worker; None if none runs."""
    return _seat.pid


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

    from twofold.scorers.answers import symbolic

    with socket.socket(fileno=descriptor) as connection, connection.makefile("rwb") as lines:
        lines.write(b"ready\n")
        lines.flush()
        for line in lines:
            question, timeout_s = json.loads(line)
            # Should the parent be gone, this kills the worker, even inside a long computation.
            signal.setitimer(signal.ITIMER_REAL, 2 * timeout_s + 1)
            seed(0)
            if question["kind"] == "official":
                from twofold.scorers.answers import official_answer

                right, found = official_answer.grade(question["text"], question["gold"])
            else:
                right, found = symbolic.equal(question["gold"], question["text"]), question["text"]
            signal.setitimer(signal.ITIMER_REAL, 0)
            lines.write(json.dumps(Answer(right=right, found=found)).encode() + b"\n")
            lines.flush()
