"""What does a program that a model wrote say about a text? A sandbox runs it.

`verify` must return exactly True or exactly False. Anything else (another value, an error, no
answer in time) is a fault of the program and not of the text, so the text stays unscored.
"""

import json
import os
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self, final

from twofold.errors import ScoringError
from twofold.types import Verdict
from twofold.worker_process import WorkerProcess

SLACK_S = 5.0  # how much longer than its worker the warden may take, in seconds
SOURCE_CHARS = 20_000  # the longest program that is run
TEXT_CHARS = 1_000_000  # the longest text that is judged

# The warden's whole environment; its workers get none.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "PYTHONHOME", "VIRTUAL_ENV", "MONTY_BIN")
_MAIN = (
    "import sys; from twofold.judges.sandbox.sandbox_worker import serve; "
    "serve(int(sys.argv[1]), sys.argv[2])"
)


@final
@dataclass(frozen=True, kw_only=True)
class Sandbox:
    r"""Runs programs that define `verify(text) -> bool`, each text by itself.

    Picklable, safe in threads (they take turns) and after a fork. Each process has one worker
    process (`sandbox_worker`) for all equal sandboxes. The first `run` starts it; `close` or the
    end of the process ends it. A program that hangs costs its full time for every text, so try
    programs first (`admitted`).

    Args:
        timeout_s: Time for the program's own lines, and again for one call of `verify`, in seconds,
            in (0, 60]. A call normally takes well under a millisecond.
        memory_mib: What the program may allocate, in MiB, in [8, 256].
        grace_s: How long after its time a worker is killed that does not stop by itself, in (0,
            60].

    Raises:
        ScoringError: If a limit is out of its range.

    Source:
        Programs as verifiers: RLCF, https://arxiv.org/abs/2507.18624, section 3. Departs: its code
        runs them in its own process, stops them by an alarm and counts errors and truthy values as
        passed.

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

        Returns:
            One verdict per text, in order: 1 = exactly True, 0 = exactly False, else unscored with
            the reason.
        """
        return [self._judged(source, text) for text in texts]

    def close(self) -> None:
        """End the worker process, if there is one, after the text it is working on."""
        if worker := WARDENS.get(self):
            worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _judged(self, source: str, text: str) -> Verdict:
        program = _unfit("the program", source, SOURCE_CHARS)
        if unfit := program or _unfit("the text", text, TEXT_CHARS):
            return Verdict(None, unfit)
        patience_s = 2 * (self.timeout_s + self.grace_s) + SLACK_S
        said: bool | None = None
        try:
            said, why = self._warden().ask([source, text], patience_s)
        except TimeoutError:
            why = "its sandbox hung and was killed"
        except ConnectionError:
            why = "its sandbox died"
        if said is None:
            return Verdict(None, f"no verdict of the program: {why}")
        return Verdict(1.0 if said else 0.0, f"the program says {said}")

    def _warden(self) -> WorkerProcess:
        with _lock:
            if self not in WARDENS:
                WARDENS[self] = WorkerProcess(
                    _MAIN,
                    json.dumps(asdict(self)),
                    environment={k: os.environ[k] for k in _ENVIRONMENT if k in os.environ},
                    remedy="the sandbox for verifier programs did not start; install it with "
                    "`pip install 'twofold[judges]'` (`python -c 'import pydantic_monty'` shows "
                    "what is wrong), or leave the programs out",
                )
            return WARDENS[self]


def _unfit(what: str, text: str, most: int) -> str:
    """Why a program or text cannot be used at all; "" if it can."""
    if len(text) > most:
        return f"{what} has {len(text)} characters, more than {most}"
    try:
        text.encode()
    except UnicodeEncodeError:
        return f"{what} is not valid Unicode (half of a surrogate pair)"
    return ""


# The worker processes of this process.
WARDENS: dict[Sandbox, WorkerProcess] = {}
_lock = threading.Lock()
os.register_at_fork(
    before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
)
