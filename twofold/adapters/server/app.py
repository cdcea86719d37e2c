"""Which paths does the server have, and what does it answer?"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from twofold.adapters import openrlhf
from twofold.adapters.reward import Earned
from twofold.adapters.server.admission import Admission, Gone, Refused
from twofold.adapters.server.bodies import RemoteBody, items, read
from twofold.adapters.server.checkers import Answer, Busy, Checkers
from twofold.adapters.server.settings import ServeSettings

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

LOG = logging.getLogger("twofold.serve")

# A body as JSON and its request in, an answer as JSON out.
Handler = Callable[[Any, "Request"], Awaitable[object]]


def app_of(settings: ServeSettings, checkers: Checkers, n_problems: int) -> FastAPI:
    """The application, over processes that were started; it stops them when it ends."""
    from fastapi import FastAPI

    @asynccontextmanager
    async def alive(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(checkers.stop)

    app = FastAPI(lifespan=alive, docs_url=None, redoc_url=None, openapi_url=None)
    paths = Paths(checkers)
    admission = Admission()
    for path, handler in (
        ("/reward", paths.reward),
        ("/verify", paths.verify),
        ("/openrlhf", paths.openrlhf),
        ("/seed_session", paths.session),
        ("/close_session", paths.session),
    ):
        endpoint = _endpoint(path, handler, admission, checkers, log_texts=settings.log_texts)
        app.add_route(path, endpoint, methods=["POST"])

    @app.get("/health")
    def health() -> dict[str, object]:
        told = {"status": "ok", "reward": settings.function().name, "problems": n_problems}
        counts = {name: getattr(checkers, name) for name in ("waiting", "checked", "failed")}
        return told | {"concurrency": settings.concurrency} | counts

    @app.get("/reverify_mode")
    def reverify_mode() -> str:
        return "stateless"

    return app


def _endpoint(
    path: str, handler: Handler, admission: Admission, checkers: Checkers, *, log_texts: bool
) -> Callable[[Request], Awaitable[Response]]:
    """A path: reads the body within bounds, answers in JSON, and logs neither keys nor texts."""
    from starlette.responses import Response

    async def endpoint(request: Request) -> Response:
        start, status, value = time.perf_counter(), 200, None
        try:
            with admission.body() as body:
                value = await body.read(request)
                answer = await handler(value, request)
        except Refused as error:
            status, answer = error.status, {"error": error.message}
        except Busy:
            status, answer = 503, {"error": "the server is busy; send this again later"}
        except Gone:
            status, answer = 499, {"error": "the client has gone"}
        except asyncio.CancelledError:  # the time to end is over: the answer is the last act
            status, answer = 503, {"error": "the server has stopped; start it and send this again"}
        took = 1000 * (time.perf_counter() - start)
        n = len(value) if isinstance(value, list) else 1
        told = "POST %s %d, %d in the request, %.0f ms; so far %d of %d checks failed"
        LOG.info(told, path, status, n, took, checkers.failed, checkers.checked)
        if log_texts:
            LOG.info("%.2000s -> %.2000s", json.dumps(value), json.dumps(answer))
        headers = {"retry-after": "1"} if status == 503 else None
        return Response(json.dumps(answer), status, headers, "application/json")

    return endpoint


class Paths:
    """What each path answers."""

    def __init__(self, checkers: Checkers) -> None:
        self._checkers = checkers

    async def reward(self, value: Any, request: Request) -> object:
        """The scores of one reply or several; null where a reply is unscored, with the reason."""
        asked = [each.model_dump() for each in items(value)]
        found = [
            {"score": None, "reason": each["unscored"], "parts": {}, "unfinished": False}
            if "unscored" in each
            else each["found"]
            for each in await self._all("reward", asked, request)
        ]
        return found if isinstance(value, list) else found[0]

    async def verify(self, value: Any, request: Request) -> object:
        """NeMo-Gym's body with its reward."""
        if not isinstance(value, Mapping):
            raise Refused(422, "send an object with response and verifier_metadata")
        (found,) = await self._all("verify", [value], request, knows_none=False)
        return {**value, **found["found"]}

    async def openrlhf(self, value: Any, request: Request) -> object:
        """OpenRLHF's rewards, scores and logs."""
        rows = read(RemoteBody, value).rows()
        found = await self._all("openrlhf", rows, request, knows_none=False)
        return openrlhf.answer([Earned(*each["found"]) for each in found], list)

    async def session(self, value: Any, request: Request) -> object:
        """NeMo-Gym begins or ends a rollout; nothing is kept of it here."""
        key = "resources_session_id"
        return {key: value[key]} if isinstance(value, Mapping) and key in value else {}

    async def _all(
        self, kind: str, asked: list[Any], request: Request, *, knows_none: bool = True
    ) -> list[Answer]:
        """The checks of a request; the request fails if one is refused, or unscored and must not be."""
        gone = request.is_disconnected
        checks = [self._checkers.check(kind, each, gone) for each in asked]
        found = await asyncio.gather(*checks, return_exceptions=True)
        for i, each in enumerate(found):
            if isinstance(each, BaseException):
                raise each
            where = f"item {i}: " if len(asked) > 1 else ""
            if "refused" in each:
                raise Refused(422, where + each["refused"])
            if "unscored" in each and not knows_none:
                raise Refused(503, where + each["unscored"])
        return [each for each in found if not isinstance(each, BaseException)]
