"""What does a model return, and who scores it? Responses, models and scorers."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from math import inf
from typing import Any, Self, final

from twofold.errors import RunError
from twofold.types.problem import Message, Problem, Verdict


class FinishReason(StrEnum):
    """How a reply ended. Decides whether it is scored; reported next to every score."""

    answered = "answered"  # the model stopped by itself after a reply
    truncated = "truncated"  # the token budget cut the reply; what is there is scored
    unclosed_thinking = "unclosed_thinking"  # ended while thinking: no reply, unscored
    empty = "empty"  # the model stopped with a blank reply: scored as wrong
    failed = "failed"  # the call failed: no reply, unscored


@final
@dataclass(frozen=True, kw_only=True)
class Response:
    """One answer of a model: the raw text, and the thinking and the reply parsed from it.

    Args:
        raw: The model's output, unchanged.
        reply: The text that is scored; empty when there is no reply.
        thinking: The thought without its tags; None when there was none.
        n_thinking_tokens: Tokens of the thought; None if unknown.
        n_reply_tokens: Tokens after the thought; None if unknown.
        n_spent_tokens: Tokens generated to get it, thrown-away ones included, where a model that is made
            of others spent another number than this reply has; None = its own tokens.
        error: For `failed`: the cause, without secrets.
        ids: The sampled token ids, end token included; None if unknown. Measures inside a chain use
            these, because tokenising the text again may give other tokens.

    Example:
        >>> cut = Response(raw="<think>Seven", reply="", finish_reason=FinishReason.unclosed_thinking)
        >>> cut.has_reply
        False
    """

    raw: str
    reply: str
    thinking: str | None = None
    finish_reason: FinishReason = FinishReason.answered
    n_thinking_tokens: int | None = None
    n_reply_tokens: int | None = None
    n_spent_tokens: int | None = None
    error: str = ""
    ids: tuple[int, ...] | None = None

    @property
    def has_reply(self) -> bool:
        """Whether there is a reply to score; a blank one counts, and is wrong."""
        return self.finish_reason not in (FinishReason.unclosed_thinking, FinishReason.failed)

    def unscored(self) -> Verdict | None:
        """The unscored verdict of a response without a reply; None if there is a reply."""
        if self.has_reply:
            return None
        return Verdict(None, self.error or self.finish_reason.value.replace("_", " "))

    def to_json(self) -> dict[str, object]:
        """The response as JSON values, without fields that are None, or empty if that says nothing.

        An empty thought is not the same as none.
        """
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        said = {k: v for k, v in values.items() if v is not None and (v != "" or k == "thinking")}
        return said | {"raw": self.raw}

    @classmethod
    def from_json(cls, row: Mapping[str, object]) -> Response:
        """The inverse of `to_json`; other keys of `row` are ignored."""
        known = {f.name: row[f.name] for f in fields(cls) if f.name in row}
        known["finish_reason"] = FinishReason(str(known.get("finish_reason", "answered")))
        known.setdefault("reply", "")
        if isinstance(known.get("ids"), Sequence):
            known["ids"] = tuple(known["ids"])  # type: ignore[arg-type]
        return cls(**known)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Item:
    """The key of a response: who answered, in which condition, which problem, which sample."""

    role: str
    condition: str
    problem: str
    sample: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Item:
        """The item of a saved row."""
        return cls(row["role"], row["condition"], row["problem"], row["sample"])

    def to_json(self) -> dict[str, Any]:
        """The four keys that every saved row begins with."""
        return asdict(self)


@final
@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How tokens are drawn.

    Args:
        max_tokens: Budget for thinking and reply together, in tokens, at least 1.
        temperature: 0 is greedy (still not deterministic across hardware).
        top_p: Nucleus sampling; 1 keeps everything.

    Example:
        >>> Sampling(max_tokens=96)
        Sampling(max_tokens=96, temperature=0.0, top_p=1.0)
    """

    max_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if self.max_tokens < 1 or not 0 <= self.temperature < inf or not 0 < self.top_p <= 1:
            raise ValueError(
                f"{self}: max_tokens is at least 1, temperature at least 0, top_p in (0, 1]"
            )


@final
@dataclass(frozen=True)
class Share:
    """The part of the work of this process: `rank` of `world` processes."""

    rank: int = 0
    world: int = 1

    @classmethod
    def here(cls) -> Self:
        """The part that a launcher gave this process in `RANK` and `WORLD_SIZE`; all of it without one.

        Raises:
            RunError: If they are no numbers, or do not fit each other.

        Example:
            >>> Share.here()
            Share(rank=0, world=1)
        """
        found = []
        for name, default in (("RANK", "0"), ("WORLD_SIZE", "1")):
            text = os.environ.get(name) or default
            if not (text.isascii() and text.isdecimal() and len(text) < 10):
                raise RunError(
                    f"the environment variable {name} is {text!r:.40}, which is no number of a process; "
                    f"unset it, or let a launcher (accelerate, torchrun) set it"
                )
            found.append(int(text))
        rank, world = found
        if rank >= max(world, 1):
            raise RunError(
                f"RANK is {rank} and WORLD_SIZE is {world}; unset both, or let a launcher set them"
            )
        return cls(rank, max(world, 1))


class Model(ABC):
    """Anything that answers prompts: local weights, a server, a script."""

    @property
    @abstractmethod
    def spec(self) -> str:
        """The MODEL argument it was loaded with, e.g. `smollm2`: `resolve(spec)` loads it again."""

    @abstractmethod
    def fingerprint(self) -> dict[str, object]:
        """What determines the replies besides prompt and sampling, as JSON values without secrets.

        Hashes of weights and template, dtype, engine, thinking policy. Equal fingerprints mean the same
        model; a run directory stores them and refuses others.
        """

    @property
    def closed(self) -> str:
        """Why its weights cannot be read, and what to name instead, where an `OpenModel` is needed."""
        return (
            f"the weights of {self.spec} are behind a server or not on this machine; give the checkpoint "
            "itself"
        )

    def observed(self) -> dict[str, object]:
        """What a manifest should record of the model beside its fingerprint, as JSON values.

        A server's own entry for the model may be missing at times, and what it refuses of a request is
        known after asking; so neither is part of the identity.

        Raises:
            ModelError: If the model cannot be used at all.
        """
        return {}

    @abstractmethod
    def stream(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        n: int = 1,
        seed: int = 0,
        done: AbstractSet[tuple[int, int]] = frozenset(),
        share: Share = Share(),
    ) -> Iterator[tuple[int, int, Response]]:
        """Sample, yielding `(prompt index, sample index, response)` as each one finishes.

        The randomness of a sample depends only on `seed`, its prompt and its sample index, so a resumed
        or distributed run gives the same replies as an uninterrupted one.

        Args:
            prompts: One chat for each problem.
            sampling: How tokens are drawn.
            n: Samples per prompt.
            seed: Base of all randomness.
            done: Pairs already on disk: skipped, but kept in the batch plan, so that a resumed run forms
                the same batches.
            share: The part of the work of this process.

        Raises:
            ModelError: If the model cannot be used at all. A single failed call is a `Response` that
                ended `failed`.
        """

    @final
    def sample(
        self, prompts: Sequence[Sequence[Message]], sampling: Sampling, *, n: int = 1, seed: int = 0
    ) -> list[list[Response]]:
        """All responses at once, as `responses_P_G[prompt][sample]`."""
        found = {(p, g): r for p, g, r in self.stream(prompts, sampling, n=n, seed=seed)}
        return [[found[p, g] for g in range(n)] for p in range(len(prompts))]


class OpenModel(Model):
    """A model with local weights, so that log-probabilities and attention can be read."""

    @property
    @abstractmethod
    def network(self) -> Any:
        """The network: called with `input_ids`, it returns `logits`."""

    @property
    @abstractmethod
    def tokenizer(self) -> Any:
        """The tokenizer of the network."""

    @abstractmethod
    def render(self, chat: Sequence[Message]) -> str:
        """The prompt text for `chat`, up to where the reply begins."""

    @abstractmethod
    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids without special chat tokens, as in `Response.raw`."""

    @abstractmethod
    def continued(
        self,
        chats: Sequence[Sequence[Message]],
        started: Sequence[Sequence[int]],
        sampling: Sampling,
        *,
        seed: int = 0,
    ) -> Iterator[tuple[int, Response]]:
        """Continue replies that are already begun: the beginning is forced, the rest sampled.

        Args:
            chats: The prompt of each reply.
            started: The forced first tokens of each reply, after those of the template.
            sampling: How the rest is sampled; `max_tokens` counts the rest only.
            seed: Base of all randomness; each draw also depends on the beginning.

        Yields:
            `(position, response)` as each batch finishes; a response contains its beginning.
        """


class Scorer(ABC):
    """A score for replies; the same object is a metric in an audit and a reward in training.

    Subclasses are frozen dataclasses whose fields are their configuration.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """A short stable name, the key in tables and logs."""

    def applies(self, problem: Problem) -> bool:
        """Whether this can score `problem`; if not, its verdicts are unscored.

        A scorer made of others applies where all of them do.
        """
        return all(each.applies(problem) for of in self._members().values() for each in of)

    def at(self, step: int) -> Self:
        """The scorer to use at a training step (from 0): itself, unless it or a member overrides this."""
        changed: dict[str, object] = {}
        for name, members in self._members().items():
            now = tuple(each.at(step) for each in members)
            if now != members:
                changed[name] = now if isinstance(getattr(self, name), tuple) else now[0]
        return replace(self, **changed) if changed else self  # type: ignore[type-var]

    @final
    def _members(self) -> dict[str, tuple[Scorer, ...]]:
        """The scorers that this one is made of, by field."""
        found: dict[str, tuple[Scorer, ...]] = {}
        for each in fields(self):  # type: ignore[arg-type]
            value = getattr(self, each.name)
            if isinstance(value, Scorer):
                found[each.name] = (value,)
            elif isinstance(value, tuple) and value and all(isinstance(v, Scorer) for v in value):
                found[each.name] = value
        return found

    @abstractmethod
    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        """Score `responses[i]` as an answer to `problems[i]`.

        Returns:
            One verdict per response, in order. What cannot be scored is unscored, with the reason.

        Raises:
            ScoringError: If the scorer cannot be used at all.
        """
