"""Who answers, when the model runs behind an OpenAI-compatible URL?

vLLM, SGLang, llama.cpp, `transformers serve` and the paid services speak this dialect. A server is
a thing that fails: each failure is waited out, or becomes one `failed` response with its reason,
or, where a setting is wrong, one `ModelError` before any time is lost.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from itertools import starmap
from typing import final

from twofold.errors import ModelError
from twofold.models.openai.completion import failed, read_reply, request_body, sample_seed
from twofold.models.openai.endpoint import Endpoint, Limits
from twofold.models.openai.failure import Failure
from twofold.models.thinking import ThinkingPolicy
from twofold.models.work_share import missing_pairs
from twofold.types import Message, Model, Response, Sampling, Share


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
        limits: How many requests the server gets, and how long each may take.
    """

    endpoint: Endpoint
    model: str
    thinking: ThinkingPolicy = field(default_factory=ThinkingPolicy)
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def from_spec(cls, spec: str) -> ServerModel:
        """The model that `http://host:port/v1#model` names.

        Without `#model` the server is asked what it serves, and the only model is taken.

        Args:
            spec: The URL, and after `#` the model's name on the server.

        Raises:
            ModelError: If the URL is none or holds credentials, the openai package is missing,
                or no model is named and the server does not serve exactly one.

        Example:
            >>> ServerModel.from_spec("http://127.0.0.1:8000/v1#my/model").model
            'my/model'
        """
        url, _, model = spec.partition("#")
        endpoint = Endpoint(url)
        if model:
            return cls(endpoint=endpoint, model=model)
        from twofold.models.openai.connection import listed_models

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
        from twofold.models.openai.connection import listed_models

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
    ) -> Generator[tuple[int, int, Response], None, None]:
        """Answer, yielding each reply when the server has finished it; see `Model.stream`.

        Replies come in the order they are finished. Closing the generator drops the requests under
        way. A server that dies midway is given up after a few lost requests: what remains comes
        back as `failed`, at once.

        Raises:
            ModelError: If the server cannot be reached at all, or refuses key, path or model
                before it has answered anything.
        """
        pairs = missing_pairs(len(prompts), n, done=done, share=share)
        if not pairs:
            return
        from twofold.models.openai.connection import chat_completions

        def request(p: int, g: int) -> tuple[tuple[int, int], dict[str, object]]:
            own = sample_seed(seed, prompts[p], g)
            return (p, g), request_body(self.model, prompts[p], sampling, seed=own)

        requests = starmap(request, pairs)
        with closing(chat_completions(self.endpoint, self.limits, requests)) as completions:
            for (p, g), answer in completions:
                yield p, g, self._response(answer, sampling)

    def _response(self, answer: object, sampling: Sampling) -> Response:
        """The response in an answer; `failed` where there is none."""
        if isinstance(answer, Failure):
            return failed(answer.reason)
        return read_reply(answer, policy=self.thinking, max_tokens=sampling.max_tokens)
