"""Pauses, `Retry-After`, and handing things over from the background."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from twofold.models.background import finished
from twofold.models.retry import GIVE_UP_AFTER, Backoff, Breaker, retry_after_s

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_ceilings_double_up_to_the_cap_and_pauses_fill_them() -> None:
    backoff = Backoff(base_s=1.0, cap_s=5.0)
    rng = np.random.default_rng(0)
    for failures, ceiling in [(1, 1.0), (2, 2.0), (3, 4.0), (4, 5.0), (2000, 5.0)]:
        pauses = [backoff.pause_s(failures, rng, asked_s=None) for _ in range(400)]
        assert 0.0 <= min(pauses) < 0.1 * ceiling
        assert 0.9 * ceiling < max(pauses) <= ceiling


def test_what_the_server_asks_is_kept_up_to_the_cap() -> None:
    backoff = Backoff(base_s=1.0, cap_s=5.0)
    rng = np.random.default_rng(0)
    assert all(3.0 <= backoff.pause_s(1, rng, asked_s=3.0) <= 4.0 for _ in range(50))
    assert backoff.pause_s(1, rng, asked_s=1e308) == 5.0


@pytest.mark.parametrize(("attempts", "base_s", "cap_s"), [(0, 1, 2), (1, -1, 2), (1, 3, 2)])
def test_numbers_out_of_range_are_refused(attempts: int, base_s: float, cap_s: float) -> None:
    with pytest.raises(ValueError, match="attempts is at least 1"):
        Backoff(attempts=attempts, base_s=base_s, cap_s=cap_s)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 2 ", 2.0),
        ("Thu, 01 Jan 2026 12:01:00 GMT", 60.0),
        ("Thu, 01 Jan 2026 12:01:00 -0000", 60.0),
        ("Thu, 01 Jan 2026 13:01:00 +0100", 60.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("9" * 400, float("inf")),
        ("-1", None),
        ("nan", None),
        ("", None),
        ("soon", None),
        ("Thu, 99 Jan 2026 12:01:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    assert retry_after_s(header, now=NOON) == seconds


def test_breaker_opens_after_losses_in_a_row_and_wakes_who_waits() -> None:
    async def story() -> None:
        breaker = Breaker()
        for _ in range(GIVE_UP_AFTER - 1):
            breaker.count_loss()
        breaker.count_answer()
        for _ in range(GIVE_UP_AFTER - 1):
            breaker.count_loss()
        assert not breaker.is_open
        waiting = asyncio.create_task(breaker.pause(60))
        await breaker.pause(0.01)
        breaker.count_loss()
        assert breaker.is_open
        await asyncio.wait_for(waiting, 5)

    asyncio.run(story())


def test_what_the_work_raises_comes_after_what_it_handed_over() -> None:
    async def work(hand_over: Callable[[int], None]) -> None:
        hand_over(1)
        raise KeyError("lost")

    handed = finished(work)
    assert next(handed) == 1
    with pytest.raises(KeyError, match="lost"):
        next(handed)


def test_closing_waits_until_the_work_has_cleaned_up() -> None:
    ended = threading.Event()

    async def work(hand_over: Callable[[int], None]) -> None:
        hand_over(1)
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            ended.set()

    handed = finished(work)
    assert next(handed) == 1
    handed.close()
    assert ended.is_set()
