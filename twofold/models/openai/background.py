"""How does a plain generator yield what asynchronous work finishes?

twofold's public functions are synchronous; only talk with a server is not. A synchronous client
could not drop a request under way, so closing a generator would wait for a server that hangs. The
event loop runs in a thread of its own (`anyio`), so it also works where the caller has an event
loop already (a notebook), and goes on while the caller is busy with a reply.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from queue import SimpleQueue
from typing import TypeVar

from anyio.from_thread import start_blocking_portal

T = TypeVar("T")


def yield_from_background(
    work: Callable[[Callable[[T], None]], Awaitable[None]],
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
        >>> list(yield_from_background(count))
        [0, 1, 2]
    """
    handed: SimpleQueue[tuple[T] | None] = SimpleQueue()  # None: nothing more will come
    with start_blocking_portal(name="twofold-background") as portal:
        running = portal.start_task_soon(work, lambda thing: handed.put((thing,)))
        running.add_done_callback(lambda _: handed.put(None))
        try:
            while (thing := handed.get()) is not None:
                yield thing[0]
            running.result()
        finally:
            running.cancel()
