"""How much may a server send, and for how long? A client that reads no more than that.

The `openai` package retries and obeys `Retry-After` on top of it.
"""

import math
from email.utils import parsedate_to_datetime
from typing import Any

import anyio
import openai

from twofold.models.openai.endpoint import Endpoint
from twofold.models.openai.received import MOST_BYTES, Body, Unreadable

# What remains of an answer's headers: those that `openai` acts on.
_READ = ("x-should-retry", "retry-after", "retry-after-ms")
# The longest body of an error, in bytes; `openai` parses it and writes all of it into a message.
_MOST_ERROR = 2**18
# The time for a whole answer, in time-outs: silence should be noticed first, which is tried again.
_WHOLE = 1.25


class Refused(openai.OpenAIError):
    """A body that is not read to its end; `openai` neither retries nor wraps its own errors."""


class BoundedClient(openai.DefaultAsyncHttpxClient):
    """Reads every body up to the limit of `Body`, decompressed, in little more than `timeout_s` seconds.

    It follows no redirect, since that would send the key to another host.
    """

    def __init__(self, endpoint: Endpoint, *, timeout_s: float) -> None:
        # without TLS there are no certificates to load, which takes 0.1 s
        plain = endpoint.is_loopback and endpoint.url.startswith("http://")
        super().__init__(
            follow_redirects=False, trust_env=not endpoint.is_loopback, verify=not plain
        )
        self._timeout_s = timeout_s

    async def send(self, request: Any, **settings: Any) -> Any:
        """Send a request and read the answer, always at once, whatever `stream` says."""
        request.headers["Accept-Encoding"] = "identity"
        try:
            with anyio.fail_after(_WHOLE * self._timeout_s):
                response = await super().send(request, **(settings | {"stream": True}))
                try:
                    content = await _content(response)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise openai.APITimeoutError(request=request) from error
        headers = {k: v for k in _READ if (v := response.headers.get(k)) and _is_sane(k, v)}
        return type(response)(
            response.status_code, headers=headers, content=content, request=request
        )


async def _content(response: Any) -> bytes:
    """The body; of an error that is too long, nothing, so that its status is still known."""
    try:
        most = MOST_BYTES if response.status_code < 400 else _MOST_ERROR
        body = Body(response.headers.get("content-encoding", ""), most=most)
        async for piece in response.aiter_raw():
            body.add(piece)
    except Unreadable as error:
        if response.status_code >= 400:
            return b""
        raise Refused(str(error)) from error
    return body.content()


def _is_sane(name: str, value: str) -> bool:
    """Whether a header can be acted on; a pause is a finite number of seconds, or a date."""
    if not name.startswith("retry-after"):
        return True
    try:
        return math.isfinite(float(value))
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(value).timestamp() > 0
    except (ValueError, TypeError, OverflowError, OSError):
        return False
