"""How is a server called?

This file alone imports `openai` and passes it the key. The jitter between retries is `openai`'s own
and uses Python's global `random`.
"""

from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import closing
from typing import Any, TypeVar

from twofold.errors import ModelError
from twofold.models.openai.completion import error_message, parse
from twofold.models.openai.endpoint import Endpoint, Limits, api_key, redact
from twofold.models.openai.failure import CircuitBreaker, Failure

try:
    import anyio
    import openai

    from twofold.models.openai.background import yield_from_background
except ImportError as error:
    raise ModelError(
        f"a served model needs more packages ({error}): pip install 'twofold[server]'"
    ) from error

K = TypeVar("K")

Body = dict[str, Any]  # arguments of one `chat.completions.create` call
CONNECT_S = 10.0  # time-out for opening a connection, in seconds

_WRONG_SETTING = ("unreachable", "refused")
_DOWN = ("unreachable", "lost")
_HAS_NO_LIST = (404, 405, 500, 501)
_STABLE = ("id", "root", "parent", "owned_by", "max_model_len")


def chat_completions(
    endpoint: Endpoint, limits: Limits, requests: Iterable[tuple[K, Body]]
) -> Generator[tuple[K, object], None, None]:
    """Request completions concurrently, yielding `(key, answer)` in order of completion.

    An answer is the parsed JSON (None if incomplete) or a `Failure`. Closing the generator cancels
    open requests. When a server goes down, the remaining requests fail at once.

    Raises:
        ModelError: If it cannot be reached, or rejects key, path or model before its first answer.
    """
    todo, breaker = iter(requests), CircuitBreaker()

    async def ask_all(hand_over: Callable[[tuple[K, object]], None]) -> None:
        async def work() -> None:
            for key, body in todo:
                answer = await _ask(client, body, endpoint, limits, breaker)
                hand_over((key, answer))
                if isinstance(answer, ModelError):
                    return

        async with _client(endpoint, limits) as client, anyio.create_task_group() as workers:
            for _ in range(limits.concurrency):
                workers.start_soon(work)

    with closing(yield_from_background(ask_all)) as outcomes:
        for key, answer in outcomes:
            if isinstance(answer, ModelError):
                raise answer
            yield key, answer


def listed_models(endpoint: Endpoint, limits: Limits) -> list[dict[str, object]]:
    """The models that a server lists, with the fields of `_STABLE`; empty if it has no list.

    Time stamps and random ids are left out, since the result is part of a fingerprint.

    Raises:
        ModelError: If the server cannot be reached, rejects the key, or is not ready.
    """

    async def ask(hand_over: Callable[[object], None]) -> None:
        async with _client(endpoint, limits) as client:
            models = client.with_options(max_retries=0).models.with_raw_response
            hand_over(await _outcome(models.list(extra_headers=_headers()), limits))

    (answer,) = yield_from_background(ask)
    if isinstance(answer, Failure):
        if answer.status in _HAS_NO_LIST:
            return []
        raise ModelError(answer.remedy(endpoint))
    data = answer.get("data") if isinstance(answer, dict) else None
    return [
        {key: entry[key] for key in _STABLE if entry.get(key) is not None}
        for entry in (data if isinstance(data, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("id"), str)
    ]


async def _ask(
    client: openai.AsyncOpenAI,
    body: Body,
    endpoint: Endpoint,
    limits: Limits,
    breaker: CircuitBreaker,
) -> object:
    """The parsed answer, the `Failure`, or the `ModelError` of a wrong setting."""
    if breaker.is_open:
        return Failure("lost", "not sent, because the server had stopped answering")
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
    """Removes the key's header if there is no key; `openai` itself requires one."""
    return {} if api_key() else {"Authorization": openai.Omit()}


def _client(endpoint: Endpoint, limits: Limits) -> openai.AsyncOpenAI:
    """A client with the key from the environment. Redirects would send the key to another host."""
    http = openai.DefaultAsyncHttpxClient(
        follow_redirects=False, trust_env=not endpoint.is_loopback
    )
    return openai.AsyncOpenAI(
        base_url=endpoint.url,
        api_key=api_key().get_secret_value() or "none",
        max_retries=limits.max_retries,
        timeout=openai.Timeout(limits.timeout_s, connect=CONNECT_S, pool=None),
        http_client=http,
    )


async def _outcome(request: Awaitable[Any], limits: Limits) -> object:
    """The parsed JSON of a raw response, or the failure (which some servers send with status 200)."""
    try:
        with anyio.fail_after(limits.deadline_s):
            content: bytes = (await request).content
    except TimeoutError:
        return Failure("lost", f"no complete answer within {limits.deadline_s:g} s")
    except openai.APIStatusError as error:
        return _refusal(error)
    except openai.APIConnectionError as error:
        return _no_answer(error)
    answer = parse(content)
    if isinstance(answer, dict) and answer.get("error"):
        return Failure("rejected", _line("HTTP 200", error_message(answer)), 200)
    return answer


def _refusal(error: openai.APIStatusError) -> Failure:
    """The failure for an HTTP error status."""
    status = error.status_code
    reason = _line(f"HTTP {status}", error_message(parse(error.response.content)))
    if status in (408, 409, 429) or status >= 500:
        return Failure("lost", reason + _tries(error), status)
    misdirected = status < 400 or status in (401, 403, 404, 405) or error.code == "model_not_found"
    return Failure("refused" if misdirected else "rejected", reason, status)


def _no_answer(error: openai.APIConnectionError) -> Failure:
    """The failure of a request without an HTTP answer, by the cause of `openai`'s error."""
    name = type(error.__cause__).__name__
    if name in ("ConnectError", "ConnectTimeout", "ProxyError"):
        return Failure("unreachable", _line("no connection", str(error.__cause__)))
    what = f"the server did not answer in time ({name})"
    if not isinstance(error, openai.APITimeoutError):
        what = _line(f"connection lost ({name})", str(error.__cause__))
    return Failure("lost", what + _tries(error))


def _tries(error: openai.APIError) -> str:
    """How often the request was sent, from the header in which `openai` counts retries."""
    retries = int(error.request.headers["x-stainless-retry-count"])
    return f" (tried {1 + retries} times)" if retries else ""


def _line(what: str, message: str) -> str:
    """One short line. The key is removed before cutting, so that no part of it remains."""
    printable = (c if c.isprintable() else " " for c in redact(message))
    text = " ".join("".join(printable).split())
    return f"{what}: {text[:300]}" if text else what
