"""Who answers, and who judges the answers: responses, models, scorers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from math import inf
from typing import Any, Self, final

from twofold.types.problem import Message, Problem, Verdict


class FinishReason(StrEnum):
    """How a reply ended. Decides what may be judged, and is reported beside every score."""

    answered = "answered"  # the model stopped by itself after a reply
    truncated = "truncated"  # the token budget cut the reply; what there is of it is judged
    unclosed_thinking = "unclosed_thinking"  # ended inside the thought: no reply, unscored
    empty = "empty"  # the model stopped with a blank reply: an answer, and a wrong one
    failed = "failed"  # the call failed: no reply, unscored


@final
@dataclass(frozen=True, kw_only=True)
class Response:
    """One answer of a model: the raw text, and the thinking and the reply taken apart.

    Args:
        raw: Everything the model said, as it came. Never altered.
        reply: What is judged; empty when there is no reply.
        thinking: The thought without its tags; None when there was none.
        finish_reason: How the text ended.
        n_thinking_tokens: Tokens of the thought; None where the source cannot tell.
        n_reply_tokens: Tokens after the thought; None where the source cannot tell.
        error: For `failed`: what went wrong, without secrets.
        ids: The tokens as the network wrote them, its end included; None where the source has none.
            What is measured inside a chain is measured on these, never on a text read anew.

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
    error: str = ""
    ids: tuple[int, ...] | None = None

    @property
    def has_reply(self) -> bool:
        """Whether there is anything to judge (a blank reply is: it is an answer, a wrong one)."""
        return self.finish_reason not in (FinishReason.unclosed_thinking, FinishReason.failed)

    def unscored(self) -> Verdict | None:
        """The verdict of a response that has no reply to judge; None if it can be judged."""
        if self.has_reply:
            return None
        return Verdict(None, self.error or self.finish_reason.value.replace("_", " "))

    def to_json(self) -> dict[str, object]:
        """The response as JSON values; fields that are None or empty are left out."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: v for k, v in values.items() if v is not None and v != ""} | {"raw": self.raw}

    @classmethod
    def from_json(cls, row: Mapping[str, object]) -> Response:
        """The inverse of `to_json`; other keys in `row` are left alone."""
        known = {f.name: row[f.name] for f in fields(cls) if f.name in row}
        known["finish_reason"] = FinishReason(
            str(known.get("finish_reason", FinishReason.answered))
        )
        known.setdefault("reply", "")
        if isinstance(known.get("ids"), Sequence):
            known["ids"] = tuple(known["ids"])  # type: ignore[arg-type]
        return cls(**known)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Item:
    """Which response: who answered, in which condition, which problem, which sample."""

    role: str
    condition: str
    problem: str
    sample: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Item:
        """The item that a saved row is about."""
        return cls(row["role"], row["condition"], row["problem"], row["sample"])

    def to_json(self) -> dict[str, Any]:
        """The four keys that lead every saved row."""
        return {
            "role": self.role,
            "condition": self.condition,
            "problem": self.problem,
            "sample": self.sample,
        }


@final
@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How tokens are drawn.

    Args:
        max_tokens: Budget for thinking and reply together, in tokens, at least 1.
        temperature: 0 is greedy (which is not the same as deterministic across hardware).
        top_p: Nucleus; 1 keeps everything.

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
    """Which part of the work this process does: `rank` of `world` processes (0 of 1 = all)."""

    rank: int = 0
    world: int = 1


class Model(ABC):
    """Whoever answers. A diagnostic says what it needs by the type it takes."""

    @property
    @abstractmethod
    def spec(self) -> str:
        """What the model was asked for by, e.g. `smollm2` or a path: `resolve(spec)` gives it again."""

    @abstractmethod
    def fingerprint(self) -> dict[str, object]:
        """What decides the replies besides prompt and sampling, as JSON values without secrets.

        Hashes of weights and template, dtype, engine, thinking policy. Two models with equal
        fingerprints are the same model; a run directory is bound to it.
        """

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
        """Answer, yielding `(prompt index, sample index, response)` as each one is finished.

        The randomness of a sample depends only on `seed`, its prompt and its sample index, so that
        a resumed or a shared-out run gives the same replies as an uninterrupted one.

        Args:
            prompts: One chat for each problem.
            sampling: How tokens are drawn.
            n: Samples a prompt.
            seed: Base of all randomness.
            done: Pairs that are already on disk. They are skipped, but still planned for, so that
                a resumed run forms the same batches.
            share: This process' part of the work.

        Raises:
            ModelError: If the model cannot work at all. A single failed reply is a `Response` that
                ended `failed`.
        """

    @final
    def sample(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        n: int = 1,
        seed: int = 0,
    ) -> list[list[Response]]:
        """All answers at once, `responses_P_G[prompt][sample]`."""
        found = {(p, g): r for p, g, r in self.stream(prompts, sampling, n=n, seed=seed)}
        return [[found[p, g] for g in range(n)] for p in range(len(prompts))]


class OpenModel(Model):
    """A model whose weights are here: it can be asked how likely a text is, and where it looks.

    `prefix_scoring` works on these two; what they are is the business of transformers.
    """

    @property
    @abstractmethod
    def network(self) -> Any:
        """The network: called with `input_ids`, it gives `logits`."""

    @property
    @abstractmethod
    def tokenizer(self) -> Any:
        """The tokenizer of the network."""

    @abstractmethod
    def render(self, chat: Sequence[Message]) -> str:
        """The text that the network reads for `chat`, up to where the reply begins."""

    @abstractmethod
    def decode(self, ids: Sequence[int]) -> str:
        """The text that token ids say, tokens of the chat format left out: what `Response.raw` is."""

    @abstractmethod
    def continued(
        self,
        chats: Sequence[Sequence[Message]],
        started: Sequence[Sequence[int]],
        sampling: Sampling,
        *,
        seed: int = 0,
    ) -> Iterator[tuple[int, Response]]:
        """Go on with replies that somebody else has begun: the beginning is forced, the rest drawn.

        Args:
            chats: What each reply answers.
            started: The tokens each one begins with, after the template's own beginning.
            sampling: How the rest is drawn; `max_tokens` counts the rest alone.
            seed: Base of all randomness; the beginning plays a part in each draw.

        Yields:
            `(position, response)` as each batch is finished; a response holds its beginning too.
        """


class Scorer(ABC):
    """A measure of replies; the same object is a metric in an audit and a reward in training.

    Subclasses are frozen dataclasses: picklable, and their fields are their configuration.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """A short stable name, used as a key in tables and logs."""

    def applies(self, problem: Problem) -> bool:
        """Whether `problem` has what this measures; where not, its verdicts are unscored.

        A measure made of others applies where all of them do.
        """
        return all(each.applies(problem) for of in self._members().values() for each in of)

    def at(self, step: int) -> Self:
        """This measure as it is at a step of training: itself, unless it says otherwise.

        A measure made of others passes the step on to them.

        Args:
            step: Steps done, from 0.
        """
        changed: dict[str, object] = {}
        for name, members in self._members().items():
            now = tuple(each.at(step) for each in members)
            if now != members:
                changed[name] = now if isinstance(getattr(self, name), tuple) else now[0]
        return replace(self, **changed) if changed else self  # type: ignore[type-var]

    @final
    def _members(self) -> dict[str, tuple[Scorer, ...]]:
        """The measures that this one is made of, by field."""
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
        """Judge `responses[i]` as an answer to `problems[i]`.

        Returns:
            One verdict a response, in order. What cannot be judged is unscored with the reason.

        Raises:
            ScoringError: If the scorer cannot work at all.
        """
