"""The vocabulary. Read this first: every other module speaks only these words.

A `Problem` is a question with a reference answer and the `Constraint`s that bind the reply. A
`Model` answers with `Response`s. A `Scorer` says of each response a `Verdict`; the same scorer is
a metric in an audit and a reward in training. A diagnostic turns many verdicts into a `Finding`:
`Estimate`s and, for a before/after pair, `Comparison`s.

Two laws shape the types. *Unscored is not zero*: `Verdict.score` is `None` when a reply could not
be judged. *No bare number*: what leaves the statistics is an `Estimate`.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar, Literal, NotRequired, Self, TypedDict, final

from twofold.checklist import Checklist
from twofold.errors import ProblemError

Profile = Literal["official", "fixed"]
"""`official` repeats the published checkers bit for bit; `fixed` does what the words say."""


class Message(TypedDict):
    """One turn of a chat: who speaks and what is said."""

    role: Literal["system", "user", "assistant"]
    content: str
    reasoning_content: NotRequired[str]


@final
@dataclass(frozen=True)
class Verdict:
    """What a checker or scorer says of one response.

    Args:
        score: In [0, 1]; None when the response could not be judged, which is never a zero.
        reason: One line that a person can check against the text.
        parts: The verdicts this one was made of, by name.

    Raises:
        ValueError: If the score lies outside [0, 1] (NaN included).

    Example:
        >>> Verdict(1.0, "no comma in 12 words").is_scored
        True
    """

    score: float | None
    reason: str = ""
    parts: Mapping[str, Verdict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.score is not None and not 0.0 <= self.score <= 1.0:
            raise ValueError(f"a score lies in [0, 1] or is None, not {self.score!r}")

    @property
    def is_scored(self) -> bool:
        """Whether there is a score at all."""
        return self.score is not None

    def to_json(self) -> dict[str, object]:
        """The verdict as JSON values; empty fields are left out."""
        out: dict[str, object] = {"score": self.score}
        if self.reason:
            out["reason"] = self.reason
        if self.parts:
            out["parts"] = {name: part.to_json() for name, part in self.parts.items()}
        return out


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


class Constraint(ABC):
    """One rule about the reply's form that a program can check.

    Subclasses are `@final @dataclass(frozen=True)`; their fields are the arguments of the
    published registry, in its spelling, and `profile` last. They give `_official` (what the
    published checker does, oddities included) and `_fixed` (what the instruction's words say).
    `check` is the one entry: a blank reply breaks every constraint, under both profiles.
    """

    name: ClassVar[str]  # the registry name, e.g. "punctuation:no_comma"; stable for ever
    group: ClassVar[str]  # length | lexical | format | affix | content
    departure: ClassVar[str]  # how `fixed` differs from `official`, in a line; "" = it does not
    profile: Profile

    @abstractmethod
    def instruction(self) -> str:
        """The sentence that states the rule to a model, in our words."""

    @abstractmethod
    def witnesses(self) -> tuple[str, str]:
        """A text that obeys and one that breaks the rule, under either profile."""

    @abstractmethod
    def _official(self, text: str) -> Verdict: ...

    @abstractmethod
    def _fixed(self, text: str) -> Verdict: ...

    @final
    def check(self, text: str) -> Verdict:
        """Judge the visible reply `text` (never a thought).

        Returns:
            Score 1 or 0 with a reason that can be checked; None only where the rule cannot be
            decided for this text.
        """
        if not text.strip():
            return Verdict(0.0, "the reply is blank")
        return self._official(text) if self.profile == "official" else self._fixed(text)

    @final
    def args(self) -> dict[str, object]:
        """The registry's arguments: every field but `profile`."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        del values["profile"]
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


@final
@dataclass(frozen=True, kw_only=True)
class Problem:
    """A question, its reference answer, and the constraints that bind the reply.

    What is stated and what is checked are apart: `messages(stated=())` asks the same question
    without its constraints, and the reply can still be checked against them.

    Args:
        question: The problem's text.
        answer: The reference answer; None where there is none (IFEval).
        constraints: What the reply must obey.
        wordings: How each constraint is stated, parallel to `constraints`; None = each one's own
            `instruction()`.
        ask: The text between question and constraints, verbatim with its own spacing (usually how
            to mark the final answer).
        question_states_constraints: The question already states them (IFEval), so there is no
            asking it without.
        checklist: What else a reply is judged by, item by item. It is no part of the identity: a
            checklist that is written after the replies were made still judges those replies.
        tags: What tables are broken down by: `source`, `difficulty`, `split`, `source_id` ...
            Tags are not part of the identity.
    """

    question: str
    answer: str | None = None
    constraints: tuple[Constraint, ...] = ()
    wordings: tuple[str, ...] | None = None
    ask: str = ""
    question_states_constraints: bool = False
    checklist: Checklist | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise ProblemError("a problem has a blank question; give it a text or remove the row")
        if self.wordings is not None and len(self.wordings) != len(self.constraints):
            raise ProblemError(
                f"{len(self.wordings)} wordings for {len(self.constraints)} constraints; "
                "give one wording a constraint, or none"
            )

    @cached_property
    def id(self) -> str:
        """16 hex digits of the SHA-256 of everything but tags and checklist: same content, same id."""
        content = [
            self.question,
            self.answer,
            [[c.name, c.args()] for c in self.constraints],
            self.wordings,
            self.ask,
            self.question_states_constraints,
        ]
        text = json.dumps(content, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def is_bound(self) -> bool:
        """Whether the prompt says how to answer: it is then asked `stated`, and otherwise `unconstrained`."""
        return bool(self.constraints) or self.question_states_constraints

    @cached_property
    def constraint_keys(self) -> tuple[str, ...]:
        """A unique name for each constraint: its registry name, `#2` added to the second of a kind.

        ResponseScores are filed under these, so two constraints of one kind never overwrite each other.
        """
        seen: dict[str, int] = {}
        keys = []
        for constraint in self.constraints:
            seen[constraint.name] = count = seen.get(constraint.name, 0) + 1
            keys.append(constraint.name if count == 1 else f"{constraint.name}#{count}")
        return tuple(keys)

    def messages(self, *, stated: Sequence[str] | None = None) -> list[Message]:
        """The chat that asks this problem.

        Args:
            stated: The sentences that state constraints; None = all of the problem's own, an
                empty sequence = none.

        Raises:
            ProblemError: If `stated` is given and the question states its constraints itself.
        """
        if self.question_states_constraints:
            if stated is not None:
                raise ProblemError(
                    f"problem {self.id} states its constraints inside the question, so it cannot be "
                    "asked otherwise; leave `stated` out, or drop the problem from this comparison"
                )
            return [Message(role="user", content=self.question + self.ask)]
        if stated is None:
            stated = self.wordings or [c.instruction() for c in self.constraints]
        text = self.question + self.ask + " ".join(stated)
        return [Message(role="user", content=text if stated else text.rstrip())]


@final
@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How tokens are drawn.

    Args:
        max_tokens: Budget for thinking and reply together, in tokens, at least 1.
        temperature: 0 is greedy (which is not the same as deterministic across hardware).
        top_p: Nucleus; 1 keeps everything.
    """

    max_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if self.max_tokens < 1 or self.temperature < 0 or not 0 < self.top_p <= 1:
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

    `probes` works on these two things; what they are is the business of transformers.
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


@final
@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its doubt.

    Args:
        value: The point estimate.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n: Independent units it rests on (problems, not samples).
        n_unscored: Units left out because they could not be judged.
        level: Coverage of the interval.
        method: How the interval was made, e.g. "wilson", "bca bootstrap, 2000 resamples".

    Example:
        >>> str(Estimate(value=.62, low=.55, high=.69, n=200, n_unscored=3, method="wilson"))
        '0.620 [0.550, 0.690] (n=200, 3 unscored)'
    """

    value: float
    low: float
    high: float
    n: int
    n_unscored: int = 0
    level: float = 0.95
    method: str

    def __str__(self) -> str:
        lost = f", {self.n_unscored} unscored" if self.n_unscored else ""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] (n={self.n}{lost})"


@final
@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A paired before/after difference on the same problems.

    Args:
        difference: after − before.
        before: The estimate on the paired problems, before.
        after: The same, after.
        n_improved: Problems that went from failed to passed (discordant upward).
        n_regressed: Problems that went from passed to failed (discordant downward).
        p: Two-sided p-value of no difference.
        p_adjusted: The same after Holm's correction over its family; None outside a family.
        minimum_detectable_effect: The smallest true difference that this comparison would have seen with 80 %
            power; None where it cannot be said.
        test: Which test gave p, e.g. "exact McNemar".
    """

    difference: Estimate
    before: Estimate
    after: Estimate
    n_improved: int
    n_regressed: int
    p: float
    p_adjusted: float | None = None
    minimum_detectable_effect: float | None = None
    test: str


class Outcome(StrEnum):
    """The verdict over capability and compliance, both as paired differences to the base."""

    both_rise = "both_rise"  # both lower bounds above zero
    trade_off = "trade_off"  # one rises, the other falls
    one_rises = "one_rises"  # one rises, the other shows no change
    none_rises = "none_rises"  # no change, and a rise worth having is ruled out
    worse = "worse"  # at least one falls, none rises
    underpowered = (
        "underpowered"  # no change seen, and a change worth having could have been missed
    )
    unfinished = "unfinished"  # it depends on how thoughts that never ended are counted


@final
@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one diagnostic found.

    Args:
        diagnostic: Its name.
        question: The question it answers, in a sentence.
        estimates: By key; keys are paths such as `model/constrained/joint` (see the diagnostic).
        comparisons: Before/after differences by key.
        counts: Plain counts (how replies ended), by key.
        outcome: The verdict, for a before/after pair.
        caveats: What a reader must know before believing a number.
    """

    diagnostic: str
    question: str
    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    outcome: Outcome | None = None
    caveats: tuple[str, ...] = ()
