"""Where does a program run that a model wrote? In an isolated interpreter.

The interpreter is Monty: Python's language without files, sockets, processes or foreign code, and
with limits. It runs in a worker process from which the kernel has removed all rights. The worker
belongs to this process, the warden, which kills it when it is late and can itself be killed by the
process that judges, whose memory no value of a program ever enters. Every text gets a fresh session
with frozen clock and randomness, so equal questions get equal answers.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import re
import resource
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from twofold import worker_process
from twofold.worker_process import limit_resource

if TYPE_CHECKING:
    from pydantic_monty import Monty, MontyError, OSPolicy, ResourceLimits

DEPTH = 200  # how deep calls may nest
PRINTED_BYTES = 16_384  # how much a program may print; it is thrown away
REASON_CHARS = 160
SESSIONS = 5_000  # texts after which a worker is replaced, in case anything accumulates in it
_WARDEN_MIB = 1024  # the warden's address space; its workers get less
_WORKER_MIB = 256  # what a worker needs before it runs anything: most of it reserved, not used

_POLICY: OSPolicy = {
    "datetime": datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC),
    "sleep": "zero",
    "process_time": "zero",
    "random_start": {"seed": 0},
}

# Only keywords and `is`, which no program can rebind; the value itself never leaves the worker. An
# f-string is text whatever the program has bound `type` to.
_CALL = """\
__said__ = verify(__text__)
True if __said__ is True else False if __said__ is False else f"{type(__said__).__name__!s:.40}"
"""


class Limits(TypedDict):
    """What a program may use; see `Sandbox`."""

    timeout_s: float
    grace_s: float
    memory_mib: int


# What `verify` returned, or None and the reason.
ProgramResult = tuple[bool | None, str]


def serve(descriptor: int, settings: str) -> None:
    """The warden's main function: `settings` are the `Limits`, as JSON."""
    os.set_inheritable(descriptor, False)  # no worker may speak for the warden
    limits: Limits = json.loads(settings)
    from pydantic_monty import Monty

    limit_resource(resource.RLIMIT_AS, _WARDEN_MIB << 20)  # inherited by the workers
    limit_resource(resource.RLIMIT_FSIZE, 0)
    limit_resource(resource.RLIMIT_CORE, 0)
    grace = limits["grace_s"]
    with Monty(
        min_processes=1,
        max_processes=1,
        request_timeout=limits["timeout_s"] + grace,
        feed_duration_limit_grace=grace,
        turn_duration_limit_grace=grace,
        max_checkouts_per_worker=SESSIONS,
    ) as pool:
        said, why = answer(pool, limits, ("verify = lambda text: True", ""))
        if said is not True:
            raise RuntimeError(why)
        worker_process.serve(descriptor, partial(answer, pool, limits))


def answer(pool: Monty, limits: Limits, order: tuple[str, str]) -> ProgramResult:
    """Define a program in a fresh session, then call its `verify` with a text."""
    from pydantic_monty import CollectString, MontyError

    source, text = order
    seconds, memory = limits["timeout_s"], limits["memory_mib"] << 20
    inside: ResourceLimits = {
        "max_feed_duration_secs": seconds,
        "max_turn_duration_secs": seconds,
        "max_memory": memory,
        "max_recursion_depth": DEPTH,
        "max_suspensions": 16,
        "max_total_sleep_secs": 0.0,
    }
    printed = CollectString(max_bytes=PRINTED_BYTES)
    try:
        with pool.checkout(limits=inside, os_policy=_POLICY) as session:
            _confine(session.worker_pid, limits)
            session.feed_run(source, print_callback=printed)
            inputs = {"__text__": text}
            said: object = session.feed_run(_CALL, inputs=inputs, print_callback=printed)
    except MontyError as error:
        return None, _why(error, limits)
    if said is True or said is False:
        return said, ""
    return None, one_line(f"verify returned a value of type {said}, not True or False")


def one_line(text: str, limit: int = REASON_CHARS) -> str:
    r"""Untrusted text as one printable line of at most `limit` characters."""
    head = text[: 8 * limit]
    plain = " ".join("".join(c if c.isprintable() else " " for c in head).split())
    return plain if len(plain) <= limit and len(text) == len(head) else plain[: limit - 1] + "…"


def _why(error: MontyError, limits: Limits) -> str:
    """The error in one line without milliseconds or bytes, so that it is the same each time."""
    from pydantic_monty import MontyCrashedError, MontySyntaxError

    text = str(error)
    if isinstance(error, MontyCrashedError):
        return "it hung and was killed" if error.timed_out else "it crashed its interpreter"
    if text.startswith("TimeoutError: feed time limit exceeded"):
        return f"timed out after {limits['timeout_s']:g} s"
    if re.match("MemoryError: (memory limit exceeded|the worker exceeded its memory limit)", text):
        if re.search(rf"> {PRINTED_BYTES} bytes$", text[:200]):
            return f"printed more than {PRINTED_BYTES} bytes"
        return f"needs more than {limits['memory_mib']} MiB of memory"
    kind = "SyntaxError: " if isinstance(error, MontySyntaxError) else ""
    return one_line(kind + text[: 16 * REASON_CHARS])


def _confine(pid: int | None, limits: Limits) -> None:
    """Remove a worker's rights: it can open no file or socket, and its memory is limited.

    After the processor time of one text the kernel kills it, even if its warden is gone.
    """
    if pid is None:
        raise RuntimeError("the session has no worker")
    if sys.platform != "linux":
        return
    usage = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    used = (int(usage[11]) + int(usage[12])) / os.sysconf("SC_CLK_TCK")
    more = 2 * (limits["timeout_s"] + limits["grace_s"]) + 1
    space = (_WORKER_MIB + 2 * limits["memory_mib"]) << 20
    hard = resource.prlimit(pid, resource.RLIMIT_CPU)[1]
    resource.prlimit(pid, resource.RLIMIT_CPU, (math.ceil(used + more), hard))
    resource.prlimit(pid, resource.RLIMIT_AS, (space, space))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, 0))
