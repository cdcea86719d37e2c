"""How much of a request is read, and what is refused of it?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

# Bytes of one body, and of all bodies that are held at a time.
LARGEST_BODY = 8 << 20
MOST_HELD = 128 << 20
READ_S = 60.0  # time to send a body, in seconds
_DEEPEST = 100  # levels of nesting, which later code follows by recursion


@final
class Refused(Exception):
    """A request that is answered with a status of failure and what to do about it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@final
class Gone(Exception):
    """The client has gone; nobody waits for an answer."""


@final
@dataclass
class Admission:
    """Bounds the memory of all bodies together."""

    held: int = 0

    @contextmanager
    def body(self) -> Iterator[Body]:
        """A body that is about to be read; what it holds is given back at the end."""
        body = Body(self)
        try:
            yield body
        finally:
            self.held -= body.size


@final
@dataclass
class Body:
    """One body: `size` counts its bytes as they come."""

    admission: Admission
    size: int = 0

    async def read(self, request: Request) -> Any:
        """The JSON value of the body.

        Raises:
            Refused: If it is too large (413), comes too slowly (408), is no JSON (400), or the server
                holds too many (503).
            Gone: If the client went away while sending.
        """
        from starlette.requests import ClientDisconnect

        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and len(announced) < 20:
            self._fits(int(announced))
        try:
            async with asyncio.timeout(READ_S):
                raw = b"".join([self._taken(chunk) async for chunk in request.stream()])
        except TimeoutError as error:
            raise Refused(408, f"the body did not come in {READ_S:g} s; send it at once") from error
        except ClientDisconnect as error:
            raise Gone from error
        return parsed(raw)

    def _fits(self, size: int) -> None:
        if size > LARGEST_BODY:
            raise Refused(
                413, f"a body may hold {LARGEST_BODY >> 20} MiB; send fewer replies in one request"
            )

    def _taken(self, chunk: bytes) -> bytes:
        self._fits(self.size + len(chunk))
        if self.admission.held + len(chunk) > MOST_HELD:
            raise Refused(503, "the server holds too many requests; send this one again later")
        self.admission.held += len(chunk)
        self.size += len(chunk)
        return chunk


def parsed(raw: bytes) -> Any:
    """The JSON value in a body. Raises `Refused` (400) if it is none, or too deep."""
    try:
        value = json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the body is no JSON ({error!s:.80}); send an object") from error
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return value
    raise Refused(400, f"the body is nested deeper than {_DEEPEST} levels; send it flat")


def _inside(value: object) -> Any:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON; leave it out, or send null")
