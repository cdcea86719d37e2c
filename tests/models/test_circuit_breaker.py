"""The circuit breaker, and handing things over from the background."""

from __future__ import annotations

import threading
from collections.abc import Callable

import anyio
import anyio.lowlevel
import pytest

from twofold.models.openai.background import yield_from_background
from twofold.models.openai.failure import GIVE_UP_AFTER, CircuitBreaker


def test_breaker_opens_after_losses_in_a_row() -> None:
    breaker = CircuitBreaker()
    for _ in range(GIVE_UP_AFTER - 1):
        breaker.record_loss()
    breaker.record_answer()
    for _ in range(GIVE_UP_AFTER - 1):
        breaker.record_loss()
    assert breaker.answered and not breaker.is_open
    breaker.record_loss()
    assert breaker.is_open


def test_what_the_work_raises_comes_after_what_it_handed_over() -> None:
    async def work(hand_over: Callable[[int], None]) -> None:
        hand_over(1)
        raise KeyError("lost")

    handed = yield_from_background(work)
    assert next(handed) == 1
    with pytest.raises(KeyError, match="lost"):
        next(handed)


def test_closing_waits_until_the_work_has_cleaned_up() -> None:
    ended = threading.Event()

    async def work(hand_over: Callable[[int], None]) -> None:
        hand_over(1)
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.lowlevel.checkpoint()
            ended.set()

    handed = yield_from_background(work)
    assert next(handed) == 1
    handed.close()
    assert ended.is_set()
