"""How is one HTTP request made, and what does its failure mean for the next?

The only file that speaks HTTP, so the only one that needs httpx and that touches the key.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import final

from twofold.errors import ModelError
from twofold.models.completion import error_message, parse
from twofold.models.endpoint import ApiKey, Endpoint, Limits
from twofold.models.retry import Answer, Failure, Fault, retry_after_s

try:
    import httpx
except ImportError:
    raise ModelError(
        "a model behind a URL needs httpx; install it with: pip install 'twofold[server]'"
    ) from None


@final
@dataclass(frozen=True)
class Connection:
    """An open client of one server."""

    endpoint: Endpoint
    limits: Limits
    _client: httpx.AsyncClient
    _key: ApiKey

    async def send(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> Answer | Failure:
        """Make one request, once.

        Returns:
            The body of a 2xx answer, or the failure (which some servers send with status 200).
        """
        sent = None if body is None else json.dumps(body)
        try:
            async with asyncio.timeout(self.limits.total_s):
                answer = await self._client.request(method, self.endpoint.url + path, content=sent)
        except TimeoutError:
            return Failure(Fault.busy, f"no whole answer within {self.limits.total_s:g} s")
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            return Failure(Fault.unreachable, self._line("no connection", str(error)))
        except httpx.TimeoutException as error:
            return Failure(Fault.busy, f"the server did not answer in time ({_name(error)})")
        except httpx.RequestError as error:
            return Failure(Fault.busy, self._line(f"connection lost ({_name(error)})", str(error)))
        told = parse(answer.content)
        if answer.is_success and not (isinstance(told, dict) and told.get("error")):
            return Answer(told)
        return self._failure(answer, error_message(told))

    def _failure(self, answer: httpx.Response, told: str) -> Failure:
        status = answer.status_code
        reason = self._line(f"HTTP {status}", told)
        if status in (408, 429) or status >= 500:
            asked = answer.headers.get("Retry-After")
            pause = None if asked is None else retry_after_s(asked, now=datetime.now(UTC))
            return Failure(Fault.busy, reason, status, pause)
        unknown_model = b"model_not_found" in answer.content
        misdirected = status in (401, 403, 404, 405) or answer.is_redirect
        return Failure(
            Fault.refused if misdirected or unknown_model else Fault.rejected, reason, status
        )

    def _line(self, what: str, told: str) -> str:
        """One short line. The key goes before the cut, so that no piece of it is left over."""
        printable = (c if c.isprintable() else " " for c in self._key.redact(told))
        text = " ".join("".join(printable).split())
        return f"{what}: {text[:300]}" if text else what


@asynccontextmanager
async def connect(
    endpoint: Endpoint, limits: Limits, *, at_once: int = 1
) -> AsyncIterator[Connection]:
    """Open a client with the key from the environment, and close it afterwards.

    Redirects are not followed: the key goes to the host that was named, and to no other.

    Args:
        endpoint: The server.
        limits: How long a request may take.
        at_once: Connections held open.

    Yields:
        The connection.
    """
    key = ApiKey.from_environment()
    async with httpx.AsyncClient(
        headers={"Content-Type": "application/json"} | key.headers(),
        timeout=httpx.Timeout(limits.read_s, connect=limits.connect_s, pool=None),
        limits=httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once),
        trust_env=not endpoint.is_loopback,
    ) as client:
        yield Connection(endpoint, limits, client, key)


def _name(error: Exception) -> str:
    return type(error).__name__
