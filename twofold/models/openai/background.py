"""How does a synchronous generator yield the results of asynchronous work?

The event loop runs in its own thread (`anyio`), so it also works inside another event loop (a
notebook). Requests can be cancelled, which a synchronous client could not do.
"""

from collections.abc import Awaitable, Callable, Generator
from queue import SimpleQueue
from typing import TypeVar

from anyio.from_thread import start_blocking_portal

T = TypeVar("T")


def yield_from_background(
    work: Callable[[Callable[[T], None]], Awaitable[None]],
) -> Generator[T, None, None]:
    """Run `work(hand_over)` in the background and yield what it hands over, in that order.

    Closing the generator cancels the work and waits for its cleanup. An exception of the work is
    raised here, after everything it handed over.
    """
    handed: SimpleQueue[tuple[T] | None] = SimpleQueue()  # None: the end
    with start_blocking_portal(name="twofold-background") as portal:
        running = portal.start_task_soon(work, lambda thing: handed.put((thing,)))
        running.add_done_callback(lambda _: handed.put(None))
        try:
            while (thing := handed.get()) is not None:
                yield thing[0]
            running.result()
        finally:
            running.cancel()
