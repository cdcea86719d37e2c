"""How does a model behind an OpenAI-compatible URL answer?

vLLM, SGLang, llama.cpp, `transformers serve` and the commercial services have this interface. Each
failure is retried, or becomes one `failed` response, or, if a setting is wrong, a `ModelError` at once.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import starmap
from typing import TypeVar, final

from twofold.errors import ModelError
from twofold.models.openai.adaptation import Adaptation
from twofold.models.openai.completion import failed, read_reply
from twofold.models.openai.endpoint import Endpoint, Limits
from twofold.models.openai.failure import Failure
from twofold.models.openai.request import check_parameters, request_body, sample_seed
from twofold.models.openai.settings import in_force
from twofold.models.thinking import ThinkingPolicy
from twofold.models.work_share import missing_pairs
from twofold.types import Message, Model, Response, Sampling, Share

K = TypeVar("K")


@final
@dataclass(frozen=True, kw_only=True)
class ServerModel(Model):
    """A model behind an OpenAI-compatible server.

    One request asks for one reply. The key is read from `OPENAI_API_KEY` for each connection and is
    not stored. A seed is sent, but servers may ignore it, and batching on the server changes
    replies: they are not reproducible.

    Args:
        endpoint: The server.
        model: The model's name on the server.
        thinking: The thinking marks in the content, if the server does not send the thought
            separately; the known ones are found in each reply. If the chat template opens the
            thought and the server has no reasoning parser, give `ThinkingPolicy(prefilled=True)`.
        limits: Concurrency, retries and time-outs.
        request: Parameters that are added to every request; None leaves one out.
        adaptation: What the server has been found to refuse of a request.

    Raises:
        ModelError: If a parameter of `request` is given elsewhere.
    """

    endpoint: Endpoint
    model: str
    thinking: ThinkingPolicy = field(default_factory=ThinkingPolicy)
    limits: Limits = field(default_factory=lambda: in_force().limits)
    request: Mapping[str, object] = field(default_factory=lambda: in_force().request)
    adaptation: Adaptation = field(default_factory=Adaptation, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_parameters(self.request)

    @classmethod
    def from_spec(cls, spec: str, *, thinking: ThinkingPolicy = ThinkingPolicy()) -> ServerModel:
        """The model at `http://host:port/v1#model`; without `#model`, the only one that is served.

        Raises:
            ModelError: If the URL is invalid or has credentials, the openai package is missing, or
                no model is named and the server does not serve exactly one.
        """
        url, _, model = spec.partition("#")
        endpoint = Endpoint(url)
        if model:
            return cls(endpoint=endpoint, model=model, thinking=thinking)
        from twofold.models.openai.connection import listed_models

        entries = listed_models(endpoint, in_force().limits)
        if isinstance(entries, Failure):
            raise ModelError(f"{entries.remedy(endpoint)}, or name the model: {endpoint.url}#NAME")
        names = [str(entry["id"]) for entry in entries]
        if len(names) != 1:
            served = ", ".join(sorted(names)) or "no listed model"
            raise ModelError(f"{endpoint.url} serves {served}; name one: {endpoint.url}#NAME")
        return cls(endpoint=endpoint, model=names[0], thinking=thinking)

    @property
    def spec(self) -> str:
        """The URL and the model's name, for `from_spec`."""
        return f"{self.endpoint.url}#{self.model}"

    def fingerprint(self) -> dict[str, object]:
        """URL, model name, thinking tags, and added parameters; no request is sent.

        It cannot show that the weights behind one name were exchanged; `observed` may.
        """
        found: dict[str, object] = {
            "kind": "server",
            "url": self.endpoint.url,
            "model": self.model,
            "thinking": asdict(self.thinking),
        }
        return found | ({"request": dict(self.request)} if self.request else {})

    def observed(self) -> dict[str, object]:
        """The server's own entry for the model, and what it has been found to refuse of a request.

        Raises:
            ModelError: If the server cannot be reached, or rejects the key.
        """
        return ({"listed": self._listed} if self._listed else {}) | self.adaptation.told()

    @cached_property
    def _listed(self) -> dict[str, object] | None:
        """Of a list that cannot be read just now, None: it decides nothing."""
        from twofold.models.openai.connection import WRONG_SETTING, listed_models

        entries = listed_models(self.endpoint, self.limits)
        if isinstance(entries, Failure):
            if entries.kind in WRONG_SETTING:
                raise ModelError(entries.remedy(self.endpoint))
            return None
        return next((entry for entry in entries if entry["id"] == self.model), None)

    def completions(
        self, requests: Iterable[tuple[K, dict[str, object]]]
    ) -> Generator[tuple[K, object], None, None]:
        """Send requests; see `connection.chat_completions`."""
        from twofold.models.openai.connection import chat_completions

        return chat_completions(self.endpoint, self.limits, requests, adaptation=self.adaptation)

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
        """Answer, yielding replies in order of completion; see `Model.stream`.

        When the server goes down, the remaining replies are `failed` at once.

        Raises:
            ModelError: If it cannot be reached, or rejects key, path or model before its first answer.
        """
        pairs = missing_pairs(len(prompts), n, done=done, share=share)
        if not pairs:
            return

        def request(p: int, g: int) -> tuple[tuple[int, int], dict[str, object]]:
            own = sample_seed(seed, prompts[p], g)
            body = request_body(self.model, prompts[p], sampling, seed=own, more=self.request)
            return (p, g), body

        requests = starmap(request, pairs)
        with closing(self.completions(requests)) as completions:
            for (p, g), answer in completions:
                if isinstance(answer, Failure):
                    yield p, g, failed(answer.reason)
                else:
                    most = sampling.max_tokens
                    yield p, g, read_reply(answer, policy=self.thinking, max_tokens=most)
