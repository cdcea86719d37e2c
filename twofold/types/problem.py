"""What is asked and how a reply is judged: messages, constraints, problems, verdicts."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import ClassVar, Literal, NotRequired, TypedDict, final

from twofold.errors import ProblemError
from twofold.types.checklist import Checklist

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

    Example:
        >>> Problem(question="What is 3 + 4?", answer="7").messages()
        [{'role': 'user', 'content': 'What is 3 + 4?'}]
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
