"""Who answers, when the model runs behind an OpenAI-compatible URL?

vLLM, SGLang, llama.cpp, `transformers serve` and the paid services speak this dialect. A server is
a thing that fails: each failure is waited out, or becomes one `failed` response with its reason,
or, where a setting is wrong, one `ModelError` before any time is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, final

import numpy as np

from twofold.errors import ModelError
from twofold.models.background import finished
from twofold.models.completion import failed, read_reply, request_body, sample_seed
from twofold.models.endpoint import Endpoint, Limits
from twofold.models.listing import listed_models, remedy
from twofold.models.retry import Answer, Backoff, Breaker, Failure, Fault
from twofold.models.thinking import ThinkingPolicy
from twofold.models.work_share import missing_pairs
from twofold.types import Message, Model, Response, Sampling, Share

if TYPE_CHECKING:
    from twofold.models.connection import Connection

Answered = tuple[int, int, Response]
"""Prompt index, sample index, and the reply."""

Task = tuple[int, int, Sequence[Message], int]
"""Prompt index, sample index, prompt, and the seed of the reply."""


@final
@dataclass(frozen=True, kw_only=True)
class ServerModel(Model):
    """A model behind an OpenAI-compatible server.

    One request asks for one reply. The key is read from `OPENAI_API_KEY` when a connection is
    opened and is no part of this object. A seed is sent with every request, but servers may ignore
    it, and batching on the server changes replies: do not count on the same reply twice.

    Args:
        endpoint: The server.
        model: The model's name on the server.
        thinking: How the content marks its thought, where the server does not send it apart; the
            default reads the tags off each reply. If the chat template opens the thought itself
            and the server has no reasoning parser, give `ThinkingPolicy(prefilled=True)`: nothing
            on the wire tells.
        concurrency: Requests under way at once, at least 1.
        backoff: How failed requests are tried again.
        limits: How long a request may take.

    Raises:
        ValueError: If `concurrency` is below 1.
    """

    endpoint: Endpoint
    model: str
    thinking: ThinkingPolicy = field(default_factory=ThinkingPolicy)
    concurrency: int = 8
    backoff: Backoff = field(default_factory=Backoff)
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if self.concurrency < 1:
            raise ValueError(f"concurrency is at least 1, not {self.concurrency}")

    @classmethod
    def from_spec(cls, spec: str) -> ServerModel:
        """The model that `http://host:port/v1#model` names.

        Without `#model` the server is asked what it serves, and the only model is taken.

        Args:
            spec: The URL, and after `#` the model's name on the server.

        Raises:
            ModelError: If the URL is none or holds credentials, httpx is not installed, or no
                model is named and the server does not serve exactly one.

        Example:
            >>> ServerModel.from_spec("http://127.0.0.1:8000/v1#my/model").model
            'my/model'
        """
        url, _, model = spec.partition("#")
        endpoint = Endpoint(url)
        if model:
            return cls(endpoint=endpoint, model=model)
        names = [str(entry["id"]) for entry in listed_models(endpoint, Limits())]
        if len(names) != 1:
            served = ", ".join(sorted(names)) or "nothing that it lists"
            raise ModelError(
                f"{endpoint.url} serves {served}; say which model is meant: {endpoint.url}#NAME"
            )
        return cls(endpoint=endpoint, model=names[0])

    @property
    def spec(self) -> str:
        """The URL and the model's name; `from_spec` gives the model again."""
        return f"{self.endpoint.url}#{self.model}"

    def fingerprint(self) -> dict[str, object]:
        """URL, model name, thinking policy, and what the server lists of the model.

        What decides the replies lies on the server and cannot be seen from here: weights that are
        exchanged under one name and URL leave the fingerprint as it was.

        Raises:
            ModelError: If the server cannot be reached, or refuses the key.
        """
        return {
            "kind": "server",
            "url": self.endpoint.url,
            "model": self.model,
            "listed": self._listed,
            "thinking": self.thinking.to_json(),
        }

    @cached_property
    def _listed(self) -> dict[str, object] | None:
        entries = listed_models(self.endpoint, self.limits)
        return next((entry for entry in entries if entry["id"] == self.model), None)

    def stream(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        n: int = 1,
        seed: int = 0,
        done: AbstractSet[tuple[int, int]] = frozenset(),
        share: Share = Share(),
    ) -> Generator[Answered, None, None]:
        """Answer, yielding each reply when the server has finished it; see `Model.stream`.

        Replies come in the order they are finished. Closing the generator drops the requests under
        way. A server that dies midway is given up after a few lost requests: what remains comes
        back as `failed`, at once.

        Raises:
            ModelError: If the server cannot be reached at all, or refuses key, path or model
                before it has answered anything.
        """
        pairs = missing_pairs(len(prompts), n, done=done, share=share)
        if pairs:
            asking = _Asking(self, sampling, Breaker())
            todo = ((p, g, prompts[p], sample_seed(seed, prompts[p], g)) for p, g in pairs)
            yield from finished(partial(asking.answer_all, todo))


@final
@dataclass(frozen=True)
class _Asking:
    """One call of `stream`: who is asked what, and how the server fared so far."""

    model: ServerModel
    sampling: Sampling
    breaker: Breaker

    async def answer_all(self, todo: Iterator[Task], hand_over: Callable[[Answered], None]) -> None:
        """Answer every task, `concurrency` at a time, by workers that draw from one iterator."""
        from twofold.models.connection import connect

        at_once = self.model.concurrency
        try:
            async with (
                connect(self.model.endpoint, self.model.limits, at_once=at_once) as connection,
                asyncio.TaskGroup() as workers,
            ):
                for _ in range(at_once):
                    workers.create_task(self._work(connection, todo, hand_over))
        except ExceptionGroup as group:
            errors, bugs = group.split(ModelError)
            if errors is None or bugs is not None:
                raise
            raise ModelError(str(errors.exceptions[0])) from None

    async def _work(
        self,
        connection: Connection,
        todo: Iterator[Task],
        hand_over: Callable[[Answered], None],
    ) -> None:
        for p, g, prompt, seed in todo:
            hand_over((p, g, await self._reply(connection, prompt, seed)))

    async def _reply(
        self, connection: Connection, prompt: Sequence[Message], seed: int
    ) -> Response:
        body = request_body(self.model.model, prompt, self.sampling, seed=seed)
        answer = await self._ask(connection, body, np.random.default_rng(seed))
        if isinstance(answer, Failure):
            return failed(answer.reason)
        return read_reply(
            answer.json, policy=self.model.thinking, max_tokens=self.sampling.max_tokens
        )

    async def _ask(
        self, connection: Connection, body: Mapping[str, object], jitter: np.random.Generator
    ) -> Answer | Failure:
        """Ask as often as the failure and the state of the server allow."""
        backoff, breaker = self.model.backoff, self.breaker
        failure = Failure(Fault.busy, "not asked, because the server had stopped answering")
        for tried in range(1, backoff.attempts + 1):
            if breaker.is_open:
                return failure
            answer = await connection.send("POST", "/chat/completions", body)
            if isinstance(answer, Answer) or not answer.may_pass:
                return self._settled(answer)
            failure = answer
            breaker.reached |= failure.fault is not Fault.unreachable
            if tried < backoff.attempts:
                asked_s = failure.retry_after_s
                await breaker.pause(backoff.pause_s(tried, jitter, asked_s=asked_s))
        if not breaker.reached:
            raise ModelError(remedy(self.model.endpoint, failure))
        breaker.count_loss()
        return replace(failure, reason=f"{failure.reason} (tried {backoff.attempts} times)")

    def _settled(self, answer: Answer | Failure) -> Answer | Failure:
        """Note that the server lives; a refusal before it ever answered is a wrong setting."""
        is_new = not self.breaker.answered
        if isinstance(answer, Failure) and answer.fault is Fault.refused and is_new:
            raise ModelError(remedy(self.model.endpoint, answer))
        self.breaker.count_answer()
        return answer
