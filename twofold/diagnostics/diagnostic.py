"""What is a diagnostic? A question, a slow collection that is saved row by row, a pure analysis.

Each keeps one table, `NAME.jsonl`, in the run directory: `collect` yields its rows, each on disk before
the next is made, and `analyse` makes the finding from the rows alone. `joint` and `profiles` only
analyse: the audit itself writes their rows.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, ClassVar, final

from twofold.storage.jsonl import Row
from twofold.types import Finding, FinishReason, Item, Message, Model, Problem, Response, Sampling

# Stems of the tables that a run has beside those of its diagnostics
TABLES = ("problems", "responses", "verdicts", "joint", "profiles")


@final
@dataclass(frozen=True, kw_only=True)
class ScoredResponse:
    """One reply of the audit."""

    item: Item
    response: Response
    correct: float | None  # in [0, 1]; None = unscored

    def chat(self, problem: Problem) -> list[Message]:
        """The prompt that was answered."""
        return problem.messages(stated=() if self.item.condition == "unconstrained" else None)


@final
@dataclass(frozen=True, kw_only=True)
class Subject:
    """One model under diagnosis, with its replies in the audit."""

    role: str  # `model` or `baseline`
    model: Model
    problems: Sequence[Problem]
    answers: Sequence[ScoredResponse]  # in the order of the run's tables
    sampling: Sampling
    seed: int  # base of all randomness
    scorer: Model | None = None  # a frozen model that reads the chains as well

    def first_answers(self, problems: Mapping[str, Problem]) -> Iterator[ScoredResponse]:
        """The first sample of each of these problems, in every condition."""
        for answer in self.answers:
            if answer.item.sample == 0 and answer.item.problem in problems:
                yield answer

    def ask(
        self, chats: Mapping[str, Sequence[Message]], done: AbstractSet[str]
    ) -> Iterator[tuple[str, Response]]:
        """One reply to each chat whose key is not in `done`, with that key."""
        keys = list(chats)
        finished = {(i, 0) for i, key in enumerate(keys) if key in done}
        prompts = list(chats.values())
        stream = self.model.stream(prompts, self.sampling, seed=self.seed, done=finished)
        return ((keys[i], response) for i, _, response in stream)

    def row(self, key: str, reply: Response, /, **fields: Any) -> Row:
        """A row about a reply; a failed call is marked to be retried."""
        failed = reply.finish_reason is FinishReason.failed
        return {"role": self.role, "key": key, **fields, **({"retry": True} if failed else {})}


def standing(rows: Callable[[], Iterable[Row]]) -> Iterator[Row]:
    """The rows of a diagnostic's table, without those to be tried again that a later one replaces.

    Args:
        rows: Reads the table; it is read twice, so that a large one is never held in memory.
    """
    last = {(row.get("role"), row.get("key")): i for i, row in enumerate(rows())}
    for i, row in enumerate(rows()):
        if "retry" not in row or last[row["role"], row["key"]] == i:
            yield row


class Analysis(ABC):
    """One question, answered from saved rows.

    Subclasses are `@final @dataclass(frozen=True)`; their fields are their configuration.
    """

    name: ClassVar[str]  # the finding carries it; never changes
    question: ClassVar[str]  # one sentence, ends with a question mark

    @property
    def table(self) -> str:
        """The stem of the table `NAME.jsonl`; diagnostics that share a table are collected once."""
        return self.name

    @abstractmethod
    def analyse(
        self, rows: Iterable[Row], problems: Sequence[Problem], *, seed: int = 0
    ) -> Finding:
        """Make the finding from the saved rows of one role or of both. Pure.

        Returns:
            Measures, each with its control; contrasts `model` versus `baseline`, paired by problem. A
            quantity without a scored row is left out and named in a caveat.
        """


class Diagnostic(Analysis):
    """An analysis that needs more replies than the audit has."""

    needs_weights: ClassVar[bool]  # only an `OpenModel` can be asked

    @abstractmethod
    def collect(self, subject: Subject, done: AbstractSet[str]) -> Iterator[Row]:
        """Ask the model what the analysis needs, yielding each row as it is finished.

        Args:
            subject: The model, its role and its replies.
            done: The `key`s of this role's rows that are already on disk; they are not made again.

        Yields:
            JSON rows with `role` and a `key` that is unique in the role. What could not be had is a
            row with the reason, never a missing row; one with `retry` (a call that failed, a judge
            that gave no verdict) is not in `done`, and is replaced by a later row with its key.
        """
