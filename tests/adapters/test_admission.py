"""Is what the server holds of its clients bounded?"""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from twofold.adapters.server import admission, checkers
from twofold.adapters.server.admission import Admission, Refused
from twofold.adapters.server.settings import ServeSettings

pytest.importorskip("starlette", reason="pip install 'twofold[serve]'")


def request(*chunks: bytes, wait_s: float = 0.0, **headers: str) -> Any:
    async def stream() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk
            await asyncio.sleep(wait_s)

    return SimpleNamespace(headers=headers, stream=stream)


def read(held: Admission, asked: Any) -> object:
    with held.body() as body:
        return asyncio.run(body.read(asked))


def test_all_bodies_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MOST_HELD", 100)
    held = Admission()
    with held.body() as first:
        assert asyncio.run(first.read(request(b"[1,", b"2]"))) == [1, 2]
        assert held.held == 5
        with pytest.raises(Refused, match="later") as told:
            read(held, request(b'"' + b"x" * 60, b"y" * 40 + b'"'))
        assert told.value.status == 503 and held.held == 5  # what was read of it is given back
    assert held.held == 0 and read(held, request(b'"' + b"x" * 60 + b'"')) == "x" * 60


def test_one_body_is_bounded_whatever_it_says_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "LARGEST_BODY", 10)
    held = Admission()
    for asked in (
        request(b"1" * 6, b"1" * 6),
        request(b"1", **{"content-length": "11"}),
        request(b"1" * 11, **{"content-length": "1"}),
    ):
        with pytest.raises(Refused) as told:
            read(held, asked)
        assert told.value.status == 413 and held.held == 0
    for length in ("", "-1", "²", "9" * 5000):
        assert read(held, request(b"12", **{"content-length": length})) == 12


def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "READ_S", 0.05)
    held = Admission()
    with pytest.raises(Refused) as told:
        read(held, request(*[b"1"] * 1000, wait_s=0.01))
    assert told.value.status == 408 and held.held == 0


def test_no_more_checks_wait_than_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkers, "MOST_WAITING", 3)

    async def stays() -> bool:
        return False

    async def ask() -> list[Any]:
        made = checkers.Checkers(ServeSettings(concurrency=1))
        worker = await made._free.get()  # one check is under way
        waiting = [asyncio.create_task(made.check("ping", None, stays)) for _ in range(5)]
        await asyncio.sleep(0.01)
        assert made.waiting == 3
        made.stop()
        made._free.put_nowait(worker)
        return await asyncio.gather(*waiting, return_exceptions=True)

    found = asyncio.run(ask())
    assert [isinstance(each, checkers.Busy) for each in found].count(True) == 2
