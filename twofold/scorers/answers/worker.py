"""How are two answers compared if the comparison may never end? In a process that can be killed.

A computer algebra system does not return from `9^9^9^9`. So each process that scores keeps one
worker (see `twofold.worker_process`) with limited memory and without torch.
"""

import logging
import os
import resource
import signal
import sys
from typing import Literal, TypedDict

from twofold import worker_process
from twofold.worker_process import WorkerProcess, limit_resource

MEMORY_BYTES = 4 << 30  # the worker's address space


class Question(TypedDict):
    """A request to the worker: `same` compares two answers, `official` grades a whole reply."""

    kind: Literal["same", "official"]
    gold: str
    text: str


class GradedAnswer(TypedDict):
    """The worker's reply: whether the text is right, and the answer that was found in it."""

    right: bool
    found: str


# The worker of this process.
WORKER = WorkerProcess(
    "import sys; from twofold.scorers.answers.worker import serve; serve(int(sys.argv[1]))",
    environment=os.environ,
    remedy="the worker that compares answers did not start; "
    f"`{sys.executable} -c 'import math_verify'` shows why",
)


def ask(question: Question, *, timeout_s: float) -> GradedAnswer | str:
    """Ask the worker of this process. Safe from any thread and after a fork.

    Returns:
        The answer; or, as text, why there is none (a time-out, a crash).

    Raises:
        ScoringError: If no worker can be started.
    """
    try:
        answer: GradedAnswer = WORKER.ask([question, timeout_s], timeout_s)
    except TimeoutError:
        return f"timed out after {timeout_s:g} s"
    except ConnectionError:
        return "the comparison crashed: time, memory or stack ran out"
    return answer


def serve(descriptor: int) -> None:
    """The main function of the worker."""
    limit_resource(resource.RLIMIT_AS, MEMORY_BYTES)
    logging.disable()
    from twofold.scorers.answers import official_answer, symbolic  # noqa: F401  # slow

    worker_process.serve(descriptor, _graded)


def _graded(request: tuple[Question, float]) -> GradedAnswer:
    from sympy.core.random import seed

    from twofold.scorers.answers import official_answer, symbolic

    question, timeout_s = request
    # If the parent is gone, this kills the worker even inside a long computation.
    signal.setitimer(signal.ITIMER_REAL, 2 * timeout_s + 1)
    seed(0)
    gold, found = question["gold"], question["text"]
    if question["kind"] == "official":
        right, found = official_answer.grade(found, gold)
    else:
        right = symbolic.equal(gold, found)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return GradedAnswer(right=right, found=found)
