"""Where does a program run that a model wrote? In an interpreter with no way out, under guard.

Three walls. The interpreter is Monty: Python's language without its machine, so there are no files,
sockets, processes or foreign code to reach; it counts its own time, memory and depth. It runs in a
worker process whose rights the kernel has taken: no new descriptors, no files, a limit on memory and on
processor time. The worker belongs to this process, the warden, which kills it when it is late and
which the process that judges can kill in turn. The warden is a plain `python -c`, not a fork: what a
program returns, raises or prints never enters the memory of the process that judges, and a fork of that
process is safe, which a pool of Monty's own is not.

Every text gets a fresh session: no program can remember the text before. Clock, chance and sleep are
frozen, so equal questions get equal answers.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import re
import resource
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from pydantic_monty import Monty, MontyError, OSPolicy, ResourceLimits

DEPTH = 200
"""How deep calls may nest."""
PRINTED_BYTES = 16_384
"""How much a program may print; it is thrown away."""
REASON_CHARS = 160
"""How long a reason may be."""
SESSIONS = 5_000
"""After how many texts a worker is replaced, should anything pile up in it."""

_WARDEN_MIB = 1024
"""The address space of the warden; its workers get less."""
_WORKER_MIB = 256
"""What a worker needs before it runs anything: most of it reserved, not used."""

_POLICY: OSPolicy = {
    "datetime": datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC),
    "sleep": "zero",
    "process_time": "zero",
    "random_start": {"seed": 0},
}

_NO_MEMORY = (
    "MemoryError: memory limit exceeded",
    "MemoryError: the worker exceeded its memory limit",
)

# Keywords and `is` only, which no program can rebind; its answer itself never leaves the worker. An
# f-string is text whatever `type` has become.
_CALL = """\
__said__ = verify(__text__)
True if __said__ is True else False if __said__ is False else f"{type(__said__).__name__!s:.40}"
"""


class Limits(TypedDict):
    """What a program may use; see `twofold.judges.sandbox.sandbox.Sandbox`."""

    timeout_s: float
    grace_s: float
    memory_mib: int


class Order(TypedDict):
    """One program, one text."""

    source: str
    text: str


Answer = tuple[bool | None, str]
"""What `verify` said, or None and why it said nothing."""


def serve(descriptor: int, settings: str) -> None:
    """The warden's own loop: answer each line of the socket until it is closed.

    Args:
        descriptor: The inherited end of the socket.
        settings: The `Limits`, as JSON.
    """
    os.set_inheritable(descriptor, False)  # no worker may speak for the warden
    limits: Limits = json.loads(settings)
    from pydantic_monty import Monty

    _give_up_rights()
    grace = limits["grace_s"]
    with (
        socket.socket(fileno=descriptor) as connection,
        connection.makefile("rwb") as lines,
        Monty(
            min_processes=1,
            max_processes=1,
            request_timeout=limits["timeout_s"] + grace,
            feed_duration_limit_grace=grace,
            turn_duration_limit_grace=grace,
            max_checkouts_per_worker=SESSIONS,
        ) as pool,
    ):
        said, why = answer(pool, limits, {"source": "verify = lambda text: True", "text": ""})
        if said is not True:
            raise RuntimeError(why)
        lines.write(b"ready\n")
        lines.flush()
        for line in lines:
            lines.write(json.dumps(answer(pool, limits, json.loads(line))).encode() + b"\n")
            lines.flush()


def answer(pool: Monty, limits: Limits, order: Order) -> Answer:
    """Define the program in a fresh session, then call its `verify` with the text.

    Args:
        pool: Whose worker is used.
        limits: What it may use.
        order: The program and the text.

    Returns:
        What it said; None with a reason for whatever is not exactly True or False.
    """
    from pydantic_monty import CollectString, MontyError

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
            session.feed_run(order["source"], print_callback=printed)
            said: object = session.feed_run(
                _CALL, inputs={"__text__": order["text"]}, print_callback=printed
            )
    except MontyError as error:
        return None, _why(error, limits)
    if said is True or said is False:
        return said, ""
    return None, one_line(f"verify returned a value of type {said}, not True or False")


def one_line(text: str, limit: int = REASON_CHARS) -> str:
    r"""Foreign text made fit for a reason: one printable line, cut to `limit`.

    Args:
        text: Whatever it was.
        limit: The most characters, at least 1.

    Example:
        >>> one_line("ValueError: a\n\tb\x00\ud800", limit=15), one_line("abcdef", limit=4)
        ('ValueError: a b', 'abc…')
    """
    head = text[: 8 * limit]
    plain = " ".join("".join(c if c.isprintable() else " " for c in head).split())
    return plain if len(plain) <= limit and len(text) == len(head) else plain[: limit - 1] + "…"


def _why(error: MontyError, limits: Limits) -> str:
    """The error in a line that is the same whenever it happens: no milliseconds, no bytes."""
    from pydantic_monty import MontyCrashedError, MontySyntaxError

    text = str(error)
    if isinstance(error, MontyCrashedError):
        return "it hung and was killed" if error.timed_out else "it crashed its interpreter"
    if text.startswith("TimeoutError: feed time limit exceeded"):
        return f"timed out after {limits['timeout_s']:g} s"
    if text.startswith(_NO_MEMORY):
        if re.search(rf"> {PRINTED_BYTES} bytes$", text[:200]):
            return f"printed more than {PRINTED_BYTES} bytes"
        return f"needs more than {limits['memory_mib']} MiB of memory"
    kind = "SyntaxError: " if isinstance(error, MontySyntaxError) else ""
    return one_line(kind + text[: 16 * REASON_CHARS])


def _give_up_rights() -> None:
    """Limits that the worker inherits: memory, no files written, no core dumps."""
    for what, wanted in (
        (resource.RLIMIT_AS, _WARDEN_MIB << 20),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(what, (limit, limit))


def _confine(pid: int | None, limits: Limits) -> None:
    """Take a worker's rights: no descriptor (file, socket) can be opened, memory is short.

    Its processor time is that of one text: then the kernel kills it, even if nobody else is left to.
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
