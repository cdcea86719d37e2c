"""How far is long work? A bar on a terminal; in a log file a line a minute.

The line comes by the clock, not with the work: a batch of a large model takes minutes, and silence looks
like a hang.
"""

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar, final

from tqdm import tqdm

T = TypeVar("T")

SECONDS = 60.0  # between two lines


@final
class Progress:
    """Says what is done of how much, tokens a second and the time left, until it is closed.

    Args:
        what: The work, for example "model replies".
        total: How many items it has; None = unknown.
        done: How many are done already, by an earlier call.
        is_shown: Whether anything is said at all; only one process of several should.
        bar: Whether there is a bar on a terminal; some work shows its own.

    Example:
        >>> with Progress("replies", total=3, is_shown=False) as progress:
        ...     progress.advance(tokens=12)
        >>> progress.line(seconds=6.0)
        'replies: 1 of 3 (33 %) in 0 min, 2.0 tokens a second, about 0 min left'
    """

    def __init__(
        self,
        what: str,
        total: int | None = None,
        *,
        done: int = 0,
        is_shown: bool = True,
        bar: bool = True,
    ) -> None:
        self.what, self.total = what, total
        self.before, self._n, self._tokens = done, 0, 0
        on_terminal = sys.stderr.isatty()
        self._bar: Any = None
        if is_shown and on_terminal and bar:
            self._bar = tqdm(total=total, initial=done, desc=what)
        self._stop = threading.Event()
        speaks = is_shown and not on_terminal
        self._thread = threading.Thread(target=self._speak, daemon=True) if speaks else None

    def advance(self, n: int = 1, *, tokens: int = 0) -> None:
        """Note that `n` more items are done, which took so many tokens."""
        self._n += n
        self._tokens += tokens
        if self._bar is not None:
            self._bar.update(n)

    def line(self, *, seconds: float) -> str:
        """What is said after so many seconds."""
        done = self.before + self._n
        told = f"{self.what}: {done:,}"
        if self.total:
            told += f" of {self.total:,} ({done / self.total:.0%})".replace("%", " %")
        told += f" in {seconds / 60:.0f} min"
        if self._tokens:
            told += f", {self._tokens / seconds:.1f} tokens a second"
        if self.total and self._n:
            told += f", about {(self.total - done) * seconds / self._n / 60:.0f} min left"
        return told

    def _speak(self) -> None:
        start = time.monotonic()
        while not self._stop.wait(SECONDS):
            print(self.line(seconds=time.monotonic() - start), file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._bar is not None:
            self._bar.close()


def told(rows: Iterable[T], what: str) -> Iterator[T]:
    """The same items, with their progress."""
    with Progress(what) as progress:
        for row in rows:
            yield row
            progress.advance()
