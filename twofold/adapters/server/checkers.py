"""Who checks the replies of all requests? A fixed number of processes, each killed if it hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, final

from twofold.adapters.server.admission import Gone
from twofold.adapters.server.checking import checker
from twofold.adapters.server.settings import ServeSettings
from twofold.errors import ScoringError
from twofold.worker_process import WorkerProcess

# What a check answers: one of `found`, `refused`, `unscored`.
Answer = dict[str, Any]
# Checks that may wait for a process; a server with more to do says that it is busy.
MOST_WAITING = 4096
_START_S = 600.0  # for loading problems and a judge


@final
class Busy(Exception):
    """Too much waits already."""


@final
class Checkers:
    """Processes that check replies. A check has one to itself; the others wait their turn.

    `waiting`, `checked` and `failed` count checks; a thought that did not end is no failed check.

    Args:
        settings: What is served.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings
        self._workers = [checker(settings) for _ in range(settings.concurrency)]
        self._threads = ThreadPoolExecutor(settings.concurrency)
        self._free: asyncio.Queue[WorkerProcess] = asyncio.Queue()
        for worker in self._workers:
            self._free.put_nowait(worker)
        self.waiting = self.checked = self.failed = 0
        self._is_stopped = False

    def start(self) -> None:
        """Start all processes, so that no request waits for one.

        Raises:
            ScoringError: If one does not start.
        """
        ping = {"kind": "ping", "given": None}
        asked = [self._threads.submit(each.ask, ping, _START_S) for each in self._workers]
        for each in asked:
            each.result()

    async def check(
        self, kind: str, given: object, is_gone: Callable[[], Awaitable[bool]]
    ) -> Answer:
        """One check. A hanging one is killed after its time, and the reply is unscored.

        Raises:
            Busy: If too much waits already.
            Gone: If the client has gone before its turn came.
        """
        if self.waiting >= MOST_WAITING:
            raise Busy
        self.waiting += 1
        try:
            worker = await self._free.get()
        finally:
            self.waiting -= 1
        question = {"kind": kind, "given": given}
        try:
            if await is_gone():
                raise Gone
            loop = asyncio.get_running_loop()
            answer = await loop.run_in_executor(self._threads, self._asked, worker, question)
            self.checked += 1
            self.failed += _is_failed(answer)
            return answer
        finally:
            self._free.put_nowait(worker)

    def _asked(self, worker: WorkerProcess, question: object) -> Answer:
        why = "the server has stopped"
        for _ in range(2):  # a process that was killed from outside says nothing about the reply
            if self._is_stopped:
                break
            try:
                answer: Answer = worker.ask(question, self._settings.timeout_s)
                return answer
            except TimeoutError:
                return {"unscored": f"the check took longer than {self._settings.timeout_s:g} s"}
            except OSError:
                why = "the process of the check ended twice (out of memory?)"
            except ScoringError as error:
                why = str(error)
        return {"unscored": why}

    def stop(self) -> None:
        """Kill all processes, and wait for the threads that ask them."""
        self._is_stopped = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.kill()
        self._threads.shutdown(wait=True)


def _is_failed(answer: Answer) -> bool:
    """Whether a check failed; a thought that did not end is no failure of the check."""
    found = answer.get("found")
    if not isinstance(found, dict):
        return "unscored" in answer
    return "score" in found and found["score"] is None and not found["unfinished"]
