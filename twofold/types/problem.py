"""What is asked, and how is a reply scored? Messages, constraints, problems and verdicts."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from functools import cached_property
from typing import Any, ClassVar, Literal, NotRequired, TypedDict, final, get_args

import numpy as np

from twofold.errors import ProblemError
from twofold.types.checklist import Checklist
from twofold.types.marked import marked_answers
from twofold.types.seen import seen

# `official` reproduces the published checkers bit for bit; `fixed` follows the instruction's
# wording.
Profile = Literal["official", "fixed"]

# What code must know of a verdict beside its score, where `reason` says it to people alone.
Note = Literal["", "not_installed", "last_number"]


class Message(TypedDict):
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str
    reasoning_content: NotRequired[str]


@final
@dataclass(frozen=True)
class Verdict:
    """The score of one response.

    Args:
        score: In [0, 1]; None if the response could not be scored, which is not 0.
        reason: One line that a person can check against the text.
        parts: The verdicts that this one combines, by name.
        distance: How far the text is from meeting the rule, in [0, 1]: 0 = it does; None = not graded.
            Not part of the identity and not saved: it only shapes rewards.
        note: `not_installed`: unscored because something is missing on this machine, whatever the text;
            `last_number`: no answer is stated, and the last number was judged; "" = neither.

    Raises:
        ValueError: If the score or the distance lies outside [0, 1] (NaN included), or the note is
            unknown.

    Example:
        >>> Verdict(1.0, "no comma in 12 words").is_scored
        True
    """

    score: float | None
    reason: str = ""
    parts: Mapping[str, Verdict] = field(default_factory=dict)
    distance: float | None = field(default=None, compare=False)
    note: Note = ""

    def __post_init__(self) -> None:
        if self.score is not None and not 0.0 <= self.score <= 1.0:
            raise ValueError(f"a score lies in [0, 1] or is None, not {self.score!r}")
        if self.distance is not None and not 0.0 <= self.distance <= 1.0:
            raise ValueError(f"a distance lies in [0, 1] or is None, not {self.distance!r}")
        if self.note not in get_args(Note):
            raise ValueError(f"a note is one of {get_args(Note)}, not {self.note!r}")

    @property
    def is_scored(self) -> bool:
        """Whether there is a score."""
        return self.score is not None

    def to_json(self) -> dict[str, object]:
        """The verdict as JSON values, without empty fields."""
        out: dict[str, object] = {"score": self.score}
        if self.reason:
            out["reason"] = self.reason
        if self.parts:
            out["parts"] = {name: part.to_json() for name, part in self.parts.items()}
        if self.note:
            out["note"] = self.note
        return out


# Marks a field that says how the prompt words a constraint; no argument of the registry.
READING = {"reading": True}


def is_argument(each: Field[Any]) -> bool:
    """Whether a field of a constraint is one of the registry's arguments."""
    return each.name != "profile" and each.metadata != READING


class Constraint(ABC):
    """A verifiable constraint on the reply: a rule that a program checks.

    Subclasses are `@final @dataclass(frozen=True)`; their fields are the arguments of the published
    registry, in its spelling, then `profile`, then readings of the prompt's words (`READING`). They
    implement `_official` (the published checker, bugs included) and `_fixed` (the wording of the
    instruction), which gets the reply as a reader sees it (`twofold.types.seen`). A blank reply breaks
    every constraint. Where a given reply can be made to obey, they implement `_edited` too.
    """

    name: ClassVar[str]  # the registry name, e.g. "punctuation:no_comma"; stable
    group: ClassVar[str]  # length | lexical | format | affix | content
    family: ClassVar[
        str
    ]  # what is checked: counting, keywords, letters, layout, position, copying ...
    departure: ClassVar[str]  # how `fixed` differs from `official`, in a line; "" if it does not
    profile: Profile

    @abstractmethod
    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the constraint to a model, in our words; the first is the usual one."""

    @final
    def instruction(self) -> str:
        """The sentence that states the constraint to a model."""
        return self.wordings()[0]

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        """Arguments that a reply to `question` can meet, in ranges wider than the published tests'."""
        return {}

    @abstractmethod
    def witnesses(self) -> tuple[str, str]:
        """A text that meets and a text that breaks the constraint, under both profiles."""

    @abstractmethod
    def _official(self, text: str) -> Verdict: ...

    def _fixed(self, text: str) -> Verdict:
        """The published checker, where it already does what the words say."""
        return self._official(text)

    @final
    def check(self, text: str) -> Verdict:
        """Check the reply `text`, without the thought.

        Returns:
            Score 1 or 0 with a checkable reason; None only where this text cannot be decided, or not
            in time.
        """
        text = seen(text) if self.profile == "fixed" else text
        if not text.strip():
            return Verdict(0.0, "the reply is blank", distance=1.0)
        try:
            return self._official(text) if self.profile == "official" else self._fixed(text)
        except TimeoutError:
            return Verdict(None, f"a pattern took too long on {len(text)} characters")

    def _edited(self, text: str) -> str | None:
        """`text`, which breaks the rule, changed as little as the rule asks for; see `apply`."""
        return None

    @final
    def apply(self, text: str) -> str | None:
        """The reply `text` edited by rule so that it obeys; it says the same, and its answer stays.

        A function of the text and the arguments alone. A reply that obeys is returned unchanged.

        Returns:
            None where no edit is known that makes the reply obey and keeps the answers it marks.
        """
        if self.check(text).score == 1.0:
            return text
        edited = self._edited(text) if text.strip() else None
        if edited is None or self.check(edited).score != 1.0:
            return None
        return edited if marked_answers(edited) == marked_answers(text) else None

    def worded(self, prompt: str) -> Constraint:
        """The same constraint as the words of `prompt` state it; `fixed` follows them.

        Where they do not state it unambiguously, or the constraint reads none, it is unchanged, and
        the registry's sentence decides. A `Problem` does this with its constraints.
        """
        return self

    @final
    def distance(self, text: str) -> float | None:
        """How far `text` is from meeting the rule, in [0, 1]: 0 if it does; None if undecided.

        Where nearness means something (counts, shares of words or lines) it is graded; else it is 0 or 1.
        An `Opposite` is the exception: its distance can be above 0 although it is met.
        """
        verdict = self.check(text)
        if verdict.score is None:
            return None
        return 1.0 - verdict.score if verdict.distance is None else verdict.distance

    @final
    def args(self) -> dict[str, object]:
        """The registry's arguments: every field but `profile` and readings."""
        mine = fields(self)  # type: ignore[arg-type]
        values = {f.name: getattr(self, f.name) for f in mine if is_argument(f)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


@final
@dataclass(frozen=True, kw_only=True)
class Problem:
    """A question, its reference answer, and the constraints on the reply.

    Stating and checking constraints are separate: `messages(stated=())` asks the same question without
    them, and the reply can still be checked.

    Args:
        answer: The reference answer; None where there is none (IFEval).
        constraints: The constraints that the reply must meet; each is read as the prompt words it
            (`Constraint.worded`).
        wordings: How each constraint is stated, parallel to `constraints`; None = each one's own
            `instruction()`.
        ask: The text between question and constraints, verbatim, spacing included (usually how to mark
            the final answer).
        question_states_constraints: The question already states them (IFEval), so it cannot be asked
            without them.
        checklist: Criteria the reply is judged by. Not part of the identity, so a checklist may be
            written after the replies were sampled.
        solution: A worked reply that is right and ignores the constraints, where the source has one;
            demonstrations are made of it. Not part of the identity.
        options: The replies to choose from if the question is multiple choice, each as a model would
            write it whole; empty = not multiple choice. A field, not a tag, because code compares their
            likelihoods. Not part of the identity: what the model reads of them is in the question.
        tags: Names by which tables are broken down: `source`, `difficulty`, `split` ... Not part of the
            identity.

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
    solution: str | None = None
    options: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise ProblemError("a problem has a blank question; add its text or remove the row")
        if self.wordings is not None and len(self.wordings) != len(self.constraints):
            raise ProblemError(
                f"{len(self.wordings)} wordings for {len(self.constraints)} constraints; "
                "give one wording per constraint, or none"
            )
        if len(set(self.options)) != len(self.options) or len(self.options) == 1:
            raise ProblemError(
                f"the {len(self.options)} options of a problem leave no choice or repeat each other; "
                "give two or more that differ, or none"
            )
        object.__setattr__(self, "constraints", tuple(self._worded()))

    def _worded(self) -> Iterator[Constraint]:
        """The constraints as the prompt states them."""
        for i, constraint in enumerate(self.constraints):
            if self.question_states_constraints:
                yield constraint.worded(self.question)
            else:
                yield constraint.worded(self.wordings[i] if self.wordings else "")

    @cached_property
    def id(self) -> str:
        """16 hex digits of the SHA-256 of everything but tags, checklist, solution and options."""
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
        """Whether the prompt states constraints: the problem is then also asked `constrained`."""
        return bool(self.constraints) or self.question_states_constraints

    @cached_property
    def constraint_keys(self) -> tuple[str, ...]:
        """A unique key for each constraint: its registry name, with `#2` for the second of a kind."""
        seen: dict[str, int] = {}
        keys = []
        for constraint in self.constraints:
            seen[constraint.name] = count = seen.get(constraint.name, 0) + 1
            keys.append(constraint.name if count == 1 else f"{constraint.name}#{count}")
        return tuple(keys)

    def messages(self, *, stated: Sequence[str] | None = None) -> list[Message]:
        """The chat that asks this problem.

        Args:
            stated: The sentences that state constraints; None = the problem's own, empty = none.

        Raises:
            ProblemError: If `stated` is given and the question states its constraints itself.
        """
        if self.question_states_constraints:
            if stated is not None:
                raise ProblemError(
                    f"problem {self.id} states its constraints inside the question, so they cannot be "
                    "changed; omit `stated`, or drop the problem from this comparison"
                )
            return [Message(role="user", content=self.question + self.ask)]
        if stated is None:
            stated = self.wordings or [c.instruction() for c in self.constraints]
        text = self.question + self.ask + " ".join(stated)
        return [Message(role="user", content=text if stated else text.rstrip())]
