"""When is a failed request tried again, after how long, and when is a server given up?"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import final

import numpy as np


class Fault(StrEnum):
    """What kind of failure a try met; it decides what happens next."""

    unreachable = "unreachable"  # no connection: tried again; nothing else will work either
    busy = "busy"  # 408, 429, 5xx, time-out, connection lost: tried again
    refused = "refused"  # wrong key, path or model: a setting is wrong; not tried again
    rejected = "rejected"  # this request is wrong (too long ...): not tried again


@final
@dataclass(frozen=True)
class Answer:
    """What came back from a try that went well: the parsed JSON, None if it was not whole JSON."""

    json: object


@final
@dataclass(frozen=True)
class Failure:
    """A try that gave no answer.

    Args:
        fault: What kind of failure it was.
        reason: One line, without secrets.
        status: The HTTP status; None if there was no HTTP answer.
        retry_after_s: The pause the server asked for, in seconds; None if it asked for none.

    Example:
        >>> Failure(Fault.busy, "HTTP 503", status=503).may_pass
        True
    """

    fault: Fault
    reason: str
    status: int | None = None
    retry_after_s: float | None = None

    @property
    def may_pass(self) -> bool:
        """Whether the same request may go well later."""
        return self.fault in (Fault.unreachable, Fault.busy)


@final
@dataclass(frozen=True, kw_only=True)
class Backoff:
    """How often and after which pauses a request is tried again.

    Pauses grow twofold and are drawn evenly between zero and their ceiling, so that clients that
    failed together do not come back together.

    Args:
        attempts: Tries a request in all, at least 1.
        base_s: Ceiling of the first pause, in seconds.
        cap_s: No pause is longer, whatever the server asks, in seconds.

    Raises:
        ValueError: If a number is out of range.

    Source:
        Brooker 2015, "Exponential Backoff And Jitter" ("full jitter"),
        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
        Departs: where the server asks for a pause, that pause is kept and the jitter (of at most
        the first ceiling) comes on top.
    """

    attempts: int = 5
    base_s: float = 0.5
    cap_s: float = 60.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or not 0 <= self.base_s <= self.cap_s:
            raise ValueError(f"{self}: attempts is at least 1, and base_s from 0 up to cap_s")

    def pause_s(self, failures: int, rng: np.random.Generator, *, asked_s: float | None) -> float:
        """Seconds to wait before the next try.

        Args:
            failures: Tries that failed so far, at least 1.
            rng: Draws the jitter.
            asked_s: The pause the server asked for; None where it asked for none.

        Returns:
            Seconds in [0, cap_s].

        Example:
            >>> Backoff(base_s=0).pause_s(1, np.random.default_rng(0), asked_s=2.0)
            2.0
        """
        if asked_s is not None:
            return min(self.cap_s, asked_s + rng.uniform(0.0, self.base_s))
        return rng.uniform(0.0, min(self.cap_s, self.base_s * 2.0 ** min(failures - 1, 60)))


def retry_after_s(value: str, *, now: datetime) -> float | None:
    """The seconds that a `Retry-After` header asks for.

    Args:
        value: The header: seconds, or an HTTP date.
        now: The present, with a time zone.

    Returns:
        Seconds, at least 0; None if the header cannot be read.

    Source:
        RFC 9110, section 10.2.3. Departs: a fraction of a second is understood.

    Example:
        >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
        >>> retry_after_s("1.5", now=noon), retry_after_s("Thu, 01 Jan 2026 12:00:07 GMT", now=noon)
        (1.5, 7.0)
    """
    if re.fullmatch(r"\s*[0-9]+(\.[0-9]+)?\s*", value):
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - now).total_seconds())


GIVE_UP_AFTER = 5
"""Requests in a row, each lost after all its tries, before a server is given up."""


@final
@dataclass
class Breaker:
    """Knows whether a server is alive, and stops asking it when it is not.

    Without it, a server that dies midway would cost every remaining reply its full row of tries:
    hours of waiting for nothing. Only requests that failed after all their tries count, so a short
    restart of the server opens nothing.

    Args:
        reached: The server has taken a connection at least once.
        answered: It has answered at least once as a server of this model does.
    """

    reached: bool = False
    answered: bool = False
    _lost: int = 0
    _open: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_open(self) -> bool:
        """Whether the server is given up."""
        return self._open.is_set()

    def count_answer(self) -> None:
        """The server answered: whatever was lost before is forgotten."""
        self.reached = self.answered = True
        self._lost = 0

    def count_loss(self) -> None:
        """A request was lost after all its tries."""
        self._lost += 1
        if self._lost >= GIVE_UP_AFTER:
            self._open.set()

    async def pause(self, seconds: float) -> None:
        """Wait, but no longer than until the server is given up."""
        try:
            async with asyncio.timeout(seconds):
                await self._open.wait()
        except TimeoutError:
            return
