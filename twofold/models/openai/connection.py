"""How is a server called?

This file alone imports `openai` and passes it the key. The jitter between retries is `openai`'s own
and uses Python's global `random`.
"""

from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

from twofold.errors import ModelError
from twofold.models.openai.adaptation import BUDGET, NEEDED, OPTIONAL, Adaptation, Changes, refused
from twofold.models.openai.endpoint import Endpoint, Limits
from twofold.models.openai.failure import CircuitBreaker, Failure
from twofold.models.openai.received import MOST, error_message, line, received
from twofold.models.openai.redaction import api_key

try:
    import anyio
    import openai

    from twofold.models.openai.background import yield_from_background
    from twofold.models.openai.bounded import BoundedClient, Refused
except ImportError as error:
    raise ModelError(
        f"a served model needs more packages ({error}): pip install 'twofold[server]'"
    ) from error

K = TypeVar("K")

Body = dict[str, Any]  # of one request
CONNECT_S = 10.0  # time-out for opening a connection, in seconds

WRONG_SETTING = ("unreachable", "refused")
_DOWN = ("unreachable", "lost")
_HAS_NO_LIST = (404, 405, 500, 501)
_STABLE = ("id", "root", "parent", "owned_by", "max_model_len")
_LONGEST_NAME = 500  # of a model, a path or an owner, in characters


def chat_completions(
    endpoint: Endpoint,
    limits: Limits,
    requests: Iterable[tuple[K, Body]],
    *,
    adaptation: Adaptation,
) -> Generator[tuple[K, object], None, None]:
    """Request completions concurrently, yielding `(key, answer)` in order of completion.

    An answer is the parsed JSON (None if incomplete) or a `Failure`. Closing the generator cancels
    open requests. When a server goes down, the remaining requests fail at once. A parameter that the
    server refuses is left out or renamed, which `adaptation` remembers.

    Raises:
        ModelError: If it cannot be reached, or rejects key, path, model or a parameter that the request
            needs before its first answer.
    """
    todo = iter(requests)

    async def ask_all(hand_over: Callable[[tuple[K, object]], None]) -> None:
        async def work(session: _Session) -> None:
            for key, body in todo:
                answer = await session.ask(body)
                hand_over((key, answer))
                if isinstance(answer, ModelError):
                    return

        async with _client(endpoint, limits) as client, anyio.create_task_group() as workers:
            session = _Session(client, endpoint, limits, CircuitBreaker(), adaptation)
            for _ in range(limits.concurrency):
                workers.start_soon(work, session)

    with closing(yield_from_background(ask_all)) as outcomes:
        for key, answer in outcomes:
            if isinstance(answer, ModelError):
                raise answer
            yield key, answer


def listed_models(endpoint: Endpoint, limits: Limits) -> list[dict[str, object]] | Failure:
    """The models that a server lists, with the fields of `_STABLE`; empty if it has no list.

    Time stamps, random ids and what is not of the expected kind are left out.
    """

    async def ask(hand_over: Callable[[object], None]) -> None:
        async with _client(endpoint, limits) as client:
            models = client.with_options(max_retries=min(1, limits.max_retries))
            listing = models.models.with_raw_response.list(extra_headers=_headers())
            hand_over(await _outcome(listing, limits))

    (answer,) = yield_from_background(ask)
    if isinstance(answer, Failure):
        return [] if answer.status in _HAS_NO_LIST else answer
    data = answer.get("data") if isinstance(answer, dict) else None
    return [
        {key: value for key in _STABLE if _is_stable(key, value := entry.get(key))}
        for entry in (data if isinstance(data, list) else [])
        if isinstance(entry, dict)
        and isinstance(entry.get("id"), str)
        and entry["id"].isprintable()
    ]


def _is_stable(key: str, value: object) -> bool:
    """Whether a field of a listed model is what it should be: a short text, or a length."""
    if key == "max_model_len":
        return type(value) is int and 0 < value <= MOST
    return isinstance(value, str) and len(value) <= _LONGEST_NAME and value.isprintable()


@dataclass
class _Session:
    """The requests to one server: the client, what the server accepts, and whether it answers."""

    client: openai.AsyncOpenAI
    endpoint: Endpoint
    limits: Limits
    breaker: CircuitBreaker
    adaptation: Adaptation

    async def ask(self, body: Body) -> object:
        """The parsed answer, the `Failure`, or the `ModelError` of a wrong setting."""
        if self.breaker.is_open:
            return Failure("lost", "not sent, because the server had stopped answering")
        changes: Changes | None = self.adaptation.changes
        while changes is not None:  # each change is made at most once, so this ends
            tried, answer = changes, await self._send(changes.applied(body))
            failed = isinstance(answer, Failure)
            changes = changes.after(answer, body) if isinstance(answer, Failure) else None
        if not failed:
            self.adaptation.keep(tried, self.endpoint.url)
        return self._judged(answer, tried.applied(body))

    async def _send(self, body: Body) -> object:
        """The outcome of one request; servers' own parameters are unknown to `openai`."""
        more = {k: v for k, v in body.items() if k not in ("model", "messages")}
        completions = self.client.chat.completions.with_raw_response
        request = completions.create(
            model=body["model"],
            messages=body["messages"],
            extra_body=more,
            extra_headers=_headers(),
        )
        return await _outcome(request, self.limits)

    def _judged(self, answer: object, sent: Body) -> object:
        """The answer, or the `ModelError` of a setting that would fail every request."""
        if isinstance(answer, Failure):
            wrong = _wrong_setting(answer, sent, self.endpoint)
            if wrong and not self.breaker.answered:
                return ModelError(wrong)
            if answer.kind in _DOWN:
                self.breaker.record_loss()
                return answer
        self.breaker.record_answer()
        return answer


def _wrong_setting(failure: Failure, sent: Body, endpoint: Endpoint) -> str:
    """What is wrong with a setting, and the remedy; "" if only this request failed."""
    name = refused(failure, sent)
    if name in NEEDED:
        return (
            f"{endpoint.url}: {failure.reason}; this judge needs log-probabilities. Take another "
            "server, or write sampled: before the judge's URL"
        )
    if name and name not in (*BUDGET, *OPTIONAL):
        return f"{endpoint.url}: {failure.reason}; take {name} out of --request"
    return failure.remedy(endpoint) if failure.kind in WRONG_SETTING else ""


def _headers() -> dict[str, str | openai.Omit]:
    """Removes the key's header if there is no key; `openai` itself requires one."""
    return {} if api_key() else {"Authorization": openai.Omit()}


def _client(endpoint: Endpoint, limits: Limits) -> openai.AsyncOpenAI:
    """A client with the key from the environment."""
    http = BoundedClient(endpoint, timeout_s=limits.timeout_s)
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
    except Refused as error:
        return Failure("rejected", str(error))
    answer = received(content)
    if isinstance(answer, dict) and answer.get("error"):
        return Failure("rejected", line("HTTP 200", error_message(answer)), 200, answer)
    return answer


def _refusal(error: openai.APIStatusError) -> Failure:
    """The failure for an HTTP error status."""
    status = error.status_code
    answer = received(error.response.content)
    reason = line(f"HTTP {status}", error_message(answer))
    if status in (408, 409, 429) or status >= 500:
        return Failure("lost", reason + _tries(error), status, answer)
    misdirected = status < 400 or status in (401, 403, 404, 405) or error.code == "model_not_found"
    return Failure("refused" if misdirected else "rejected", reason, status, answer)


def _no_answer(error: openai.APIConnectionError) -> Failure:
    """The failure of a request without an HTTP answer, by the cause of `openai`'s error."""
    name = type(error.__cause__).__name__
    if name in ("ConnectError", "ConnectTimeout", "ProxyError"):
        return Failure("unreachable", line("no connection", str(error.__cause__)))
    what = f"the server did not answer in time ({name})"
    if not isinstance(error, openai.APITimeoutError):
        what = line(f"connection lost ({name})", str(error.__cause__))
    return Failure("lost", what + _tries(error))


def _tries(error: openai.APIError) -> str:
    """How often the request was sent, from the header in which `openai` counts retries."""
    retries = int(error.request.headers["x-stainless-retry-count"])
    return f" (tried {1 + retries} times)" if retries else ""
