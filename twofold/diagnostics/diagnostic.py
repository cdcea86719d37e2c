"""What is a diagnostic? A question, a slow collection that is saved row by row, a pure analysis.

Each keeps one table, `NAME.jsonl`, in the run directory. `collect` yields its rows one at a time and
each is on disk before the next is begun; `analyse` makes the finding from the rows alone, so that a
page can be made again without a model. `joint` and `profiles` only analyse: the audit itself writes
their rows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.storage.jsonl import Row
from twofold.types import Finding, Item, Model, Problem, Response, Sampling

TABLES = ("problems", "responses", "verdicts", "joint", "profiles")
"""Stems of the tables that a run has beside those of its diagnostics."""


@final
@dataclass(frozen=True, kw_only=True)
class ScoredResponse:
    """One reply of the audit, as a diagnostic meets it.

    Args:
        item: Who answered, in which condition, which problem, which sample.
        response: The reply.
        correct: Whether it is right, in [0, 1]; None where that could not be judged.
    """

    item: Item
    response: Response
    correct: float | None


@final
@dataclass(frozen=True, kw_only=True)
class Subject:
    """One model under diagnosis, and what the audit already knows of it.

    Args:
        role: `model` or `baseline`.
        model: Who is asked.
        problems: What the audit asked.
        answers: This role's replies in the audit, in the order of the run's tables.
        sampling: How tokens are drawn.
        seed: Base of all randomness.
        scorer: A frozen model that reads the chains besides their writer; None = none.
    """

    role: str
    model: Model
    problems: Sequence[Problem]
    answers: Sequence[ScoredResponse]
    sampling: Sampling
    seed: int
    scorer: Model | None = None


class Analysis(ABC):
    """One question, answered from saved rows.

    Subclasses are `@final @dataclass(frozen=True)`; their fields are their configuration.
    """

    name: ClassVar[str]  # the finding carries it; stable for ever
    question: ClassVar[str]  # one sentence, ends with a question mark

    @property
    def table(self) -> str:
        """The stem of the table `NAME.jsonl`; two diagnostics of one table are collected once."""
        return self.name

    @abstractmethod
    def analyse(
        self, rows: Iterable[Row], problems: Sequence[Problem], *, seed: int = 0
    ) -> Finding:
        """Make the finding of all saved rows, of one role or of both. Pure.

        Args:
            rows: The rows of the table.
            problems: What the audit asked.
            seed: Seed of the resampling.

        Returns:
            Measures, each with its control beside it; contrasts `model` versus `baseline`, paired by
            problem. A quantity without a single scored row is left out and named in a caveat.
        """


class Diagnostic(Analysis):
    """A question for which a model is asked more than the audit asks."""

    needs_weights: ClassVar[bool]  # only an `OpenModel` can be asked

    @abstractmethod
    def collect(self, subject: Subject, done: AbstractSet[str]) -> Iterator[Row]:
        """Ask the model what the analysis needs, yielding each row as it is finished.

        Args:
            subject: The model, its role and its replies.
            done: The `key`s of this role's rows that are on disk already: not made again.

        Yields:
            JSON rows with `role` and a `key` that is unique in the role and says what the row is
            about. What could not be had is a row with the reason, never a missing row; one with
            `retry` (a call that failed) is made again when the same command is given again.
        """
