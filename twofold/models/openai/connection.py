"""How is a server asked?

The only file that imports `openai`, and the only one that hands it the key. `openai` draws the
jitter of its pauses from Python's global `random`, where a server asks for no pause of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator
from contextlib import asynccontextmanager, closing
from functools import partial
from typing import Any, TypeVar

from twofold.errors import ModelError
from twofold.models.openai.breaker import CircuitBreaker
from twofold.models.openai.completion import error_message, parse
from twofold.models.openai.endpoint import Endpoint, Limits, api_key, redact
from twofold.models.openai.failure import Failure, FailureKind

try:
    import anyio
    import openai

    from twofold.models.openai.background import yield_from_background
except ImportError as error:
    raise ModelError(
        f"a served model needs more packages ({error}): pip install 'twofold[server]'"
    ) from error

K = TypeVar("K")

Body = dict[str, Any]
"""The arguments of one `chat.completions.create` call."""

CONNECT_S = 10.0
"""How long a connection may take to stand, in seconds."""

_WRONG_SETTING = (FailureKind.unreachable, FailureKind.refused)
_DOWN = (FailureKind.unreachable, FailureKind.lost)
_KEEPS_NO_LIST = (404, 405, 500, 501)
_STABLE = ("id", "root", "parent", "owned_by", "max_model_len")


def chat_completions(
    endpoint: Endpoint, limits: Limits, requests: Iterable[tuple[K, Body]]
) -> Generator[tuple[K, object], None, None]:
    """Ask for each completion, as many at once as `limits` allows.

    Closing the generator drops the requests under way. A server that dies midway is given up after
    a few lost requests: what remains comes back as a failure, at once.

    Args:
        endpoint: The server.
        limits: How it is asked.
        requests: A key of the caller's for each request, and the request.

    Yields:
        The key, and the parsed JSON of the answer (None if it was no whole JSON) or the `Failure`,
        in the order they are finished.

    Raises:
        ModelError: If the server cannot be reached at all, or refuses key, path or model before it
            has answered anything.
    """
    work = partial(_ask_all, endpoint, limits, iter(requests))
    with closing(yield_from_background(work)) as outcomes:
        for key, answer in outcomes:
            if isinstance(answer, ModelError):
                raise answer
            yield key, answer


def listed_models(endpoint: Endpoint, limits: Limits) -> list[dict[str, object]]:
    """The models that a server lists, each with what stays the same from call to call.

    Servers put the time of the call and random ids into their lists; those are left out, because
    what is kept becomes part of a fingerprint.

    Args:
        endpoint: The server.
        limits: How it is asked; it is asked once, without retries.

    Returns:
        One entry a model, with `id` and, where given, `root`, `parent`, `owned_by` and
        `max_model_len`. Empty if the server keeps no list.

    Raises:
        ModelError: If the server cannot be reached, refuses the key, or is not ready yet.
    """

    async def ask(hand_over: Callable[[object], None]) -> None:
        async with _connect(endpoint, limits) as client:
            models = client.with_options(max_retries=0).models.with_raw_response
            hand_over(await _outcome(models.list(extra_headers=_headers()), limits))

    (answer,) = yield_from_background(ask)
    if isinstance(answer, Failure):
        if answer.status in _KEEPS_NO_LIST:
            return []
        raise ModelError(answer.remedy(endpoint))
    data = answer.get("data") if isinstance(answer, dict) else None
    return [
        {key: entry[key] for key in _STABLE if entry.get(key) is not None}
        for entry in (data if isinstance(data, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("id"), str)
    ]


async def _ask_all(
    endpoint: Endpoint,
    limits: Limits,
    todo: Iterator[tuple[K, Body]],
    hand_over: Callable[[tuple[K, object]], None],
) -> None:
    """Ask everything, by workers that draw from one iterator; a wrong setting ends a worker."""
    breaker = CircuitBreaker()

    async def work() -> None:
        for key, body in todo:
            answer = await _ask(client, body, endpoint, limits, breaker)
            hand_over((key, answer))
            if isinstance(answer, ModelError):
                return

    async with _connect(endpoint, limits) as client, anyio.create_task_group() as workers:
        for _ in range(limits.concurrency):
            workers.start_soon(work)


async def _ask(
    client: openai.AsyncOpenAI,
    body: Body,
    endpoint: Endpoint,
    limits: Limits,
    breaker: CircuitBreaker,
) -> object:
    """The parsed answer, the `Failure`, or the `ModelError` of a wrong setting."""
    if breaker.is_open:
        return Failure(FailureKind.lost, "not asked, because the server had stopped answering")
    completions = client.chat.completions.with_raw_response
    answer = await _outcome(completions.create(**body, extra_headers=_headers()), limits)
    if isinstance(answer, Failure):
        if answer.kind in _WRONG_SETTING and not breaker.answered:
            return ModelError(answer.remedy(endpoint))
        if answer.kind in _DOWN:
            breaker.record_loss()
            return answer
    breaker.record_answer()
    return answer


def _headers() -> dict[str, str | openai.Omit]:
    """What takes the key's header out where there is no key; `openai` itself insists on one."""
    return {} if api_key() else {"Authorization": openai.Omit()}


@asynccontextmanager
async def _connect(endpoint: Endpoint, limits: Limits) -> AsyncIterator[openai.AsyncOpenAI]:
    """A client with the key from the environment, closed afterwards.

    Redirects are not followed: the key goes to the host that was named, and to no other.
    """
    async with openai.AsyncOpenAI(
        base_url=endpoint.url,
        api_key=api_key().get_secret_value() or "none",
        max_retries=limits.max_retries,
        timeout=openai.Timeout(limits.timeout_s, connect=CONNECT_S, pool=None),
        http_client=openai.DefaultAsyncHttpxClient(
            follow_redirects=False, trust_env=not endpoint.is_loopback
        ),
    ) as client:
        yield client


async def _outcome(request: Awaitable[Any], limits: Limits) -> object:
    """The parsed JSON of a raw response, or the failure (some servers send it with status 200)."""
    try:
        with anyio.fail_after(limits.deadline_s):
            content: bytes = (await request).content
    except TimeoutError:
        return Failure(FailureKind.lost, f"no whole answer within {limits.deadline_s:g} s")
    except openai.APIStatusError as error:
        return _refusal(error)
    except openai.APIConnectionError as error:
        return _no_answer(error)
    answer = parse(content)
    if isinstance(answer, dict) and answer.get("error"):
        return Failure(FailureKind.rejected, _line("HTTP 200", error_message(answer)), 200)
    return answer


def _refusal(error: openai.APIStatusError) -> Failure:
    """The failure that an HTTP status tells."""
    status = error.status_code
    reason = _line(f"HTTP {status}", error_message(parse(error.response.content)))
    if status in (408, 409, 429) or status >= 500:
        return Failure(FailureKind.lost, reason + _tries(error), status)
    misdirected = status < 400 or status in (401, 403, 404, 405) or error.code == "model_not_found"
    return Failure(FailureKind.refused if misdirected else FailureKind.rejected, reason, status)


def _no_answer(error: openai.APIConnectionError) -> Failure:
    """The failure of a request without an HTTP answer; what lies below `openai` tells which."""
    name = type(error.__cause__).__name__
    if name in ("ConnectError", "ConnectTimeout", "ProxyError"):
        return Failure(FailureKind.unreachable, _line("no connection", str(error.__cause__)))
    if isinstance(error, openai.APITimeoutError):
        what = f"the server did not answer in time ({name})"
    else:
        what = _line(f"connection lost ({name})", str(error.__cause__))
    return Failure(FailureKind.lost, what + _tries(error))


def _tries(error: openai.APIError) -> str:
    """How often the request was sent; `openai` counts the retries in a header."""
    retries = int(error.request.headers["x-stainless-retry-count"])
    return f" (tried {1 + retries} times)" if retries else ""


def _line(what: str, told: str) -> str:
    """One short line. The key goes before the cut, so that no piece of it is left over."""
    printable = (c if c.isprintable() else " " for c in redact(told))
    text = " ".join("".join(printable).split())
    return f"{what}: {text[:300]}" if text else what
