"""Who says whether a reply meets a criterion? A judge: a rule, a program or a model."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from twofold.types import Problem, Response, Verdict
from twofold.types.checklist import Criterion


@final
@dataclass(frozen=True, kw_only=True)
class Asked:
    """One question to a judge: does the response (only its `reply`) meet the criterion?"""

    problem: Problem
    response: Response
    criterion: Criterion


class Judge(ABC):
    """Judges replies one criterion at a time.

    Subclasses are frozen dataclasses: picklable, and their fields are their configuration. Equal
    questions get equal verdicts, in any order and in any batch.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """A short stable name, used as a key in tables and logs."""

    @abstractmethod
    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        """Judge each reply by its criterion.

        Returns:
            One verdict per question, in order, in [0, 1]: 1 = the reply did well, which for a
            pitfall means that it does not do what the criterion says. A judge that abstains, fails
            or cannot be parsed leaves the verdict unscored with the reason, whatever the polarity;
            so does a response without a reply (`Response.unscored`). What is unscored is asked again
            when a command is repeated, and no cache keeps it. A judge that writes keeps its words as
            the reasons of the verdict's parts, so that a person can check them.

        Raises:
            ScoringError: If the judge cannot work at all.
        """
