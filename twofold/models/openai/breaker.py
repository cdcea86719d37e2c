"""When is a server given up, so that a run does not wait hours for nothing?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

GIVE_UP_AFTER = 5
"""Requests lost in a row, each after all its retries, before a server is given up."""


@final
@dataclass
class CircuitBreaker:
    """Counts the requests that a server lost, and opens when it is down.

    Without it, a server that dies midway would cost every remaining reply all its retries. Only
    requests that failed after all their retries count, so a short restart of the server opens
    nothing.

    Args:
        answered: The server has answered at least once as a server of this model does.
        lost: Requests lost since its last answer.

    Example:
        >>> breaker = CircuitBreaker(lost=GIVE_UP_AFTER - 1)
        >>> breaker.record_loss()
        >>> breaker.is_open
        True
    """

    answered: bool = False
    lost: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the server is given up."""
        return self.lost >= GIVE_UP_AFTER

    def record_answer(self) -> None:
        """The server answered: whatever was lost before is forgotten."""
        self.answered = True
        self.lost = 0

    def record_loss(self) -> None:
        """A request was lost after all its retries."""
        self.lost += 1
