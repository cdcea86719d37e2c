"""When is a server given up?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

GIVE_UP_AFTER = 5  # requests lost in a row, each after all its retries


@final
@dataclass
class CircuitBreaker:
    """Counts lost requests, and opens when the server is down.

    Otherwise each remaining reply would wait for all its retries. A short restart opens nothing,
    since only requests that failed after all retries count.

    Args:
        answered: Whether the server has ever answered.
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
        """The server answered, which resets the count."""
        self.answered = True
        self.lost = 0

    def record_loss(self) -> None:
        """A request failed after all its retries."""
        self.lost += 1
