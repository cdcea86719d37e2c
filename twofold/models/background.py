"""How does a plain generator hand over what asynchronous work finishes?

twofold's public functions are synchronous; only talk with a server is not. The work runs in a
thread of its own, so it also goes on where the caller has an event loop already (a notebook), and
while the caller is busy with a reply.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


def finished(
    work: Callable[[Callable[[T], None]], Coroutine[None, None, None]],
) -> Generator[T, None, None]:
    """Run `work(hand_over)` in the background and yield what it hands over.

    Closing the generator cancels the work and waits until it has cleaned up after itself. What the
    work raises is raised here, after everything handed over before was yielded.

    Args:
        work: An asynchronous function; it calls its argument with each finished thing.

    Yields:
        The things, in the order they were finished.

    Example:
        >>> async def count(hand_over: Callable[[int], None]) -> None:
        ...     for number in range(3):
        ...         hand_over(number)
        >>> list(finished(count))
        [0, 1, 2]
    """
    handed: SimpleQueue[tuple[T] | None] = SimpleQueue()  # None: nothing more will come
    begun: Future[Callable[[], object]] = Future()  # holds what cancels the work

    async def run() -> None:
        task = asyncio.create_task(work(lambda thing: handed.put((thing,))))
        begun.set_result(partial(asyncio.get_running_loop().call_soon_threadsafe, task.cancel))
        await task

    def end(_: Future[None]) -> None:
        begun.cancel()
        handed.put(None)

    with ThreadPoolExecutor(1, thread_name_prefix="twofold-background") as executor:
        running = executor.submit(lambda: asyncio.run(run()))
        running.add_done_callback(end)
        try:
            while (thing := handed.get()) is not None:
                yield thing[0]
            running.result()
        finally:
            # Without effect on work that has ended: its loop is closed, or never was.
            with contextlib.suppress(RuntimeError, CancelledError):
                begun.result()()
