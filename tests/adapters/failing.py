"""Scorers whose check fails, for every adapter; named as `package.module:Name` in a subprocess."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from twofold.errors import ScoringError
from twofold.types import Problem, Response, Scorer, Verdict


@final
@dataclass(frozen=True)
class Down(Scorer):
    """A judge that does not answer."""

    @property
    def name(self) -> str:
        return "down"

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        raise ScoringError("the judge does not answer; start it")


@final
@dataclass(frozen=True)
class Silent(Scorer):
    """A judge that cannot say."""

    @property
    def name(self) -> str:
        return "silent"

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        return [Verdict(None, "the judge could not say") for _ in responses]


@final
@dataclass(frozen=True)
class Echo(Scorer):
    """Scores what the reply says, and hangs for as many seconds as it says behind `hang`."""

    @property
    def name(self) -> str:
        return "echo"

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        return [r.unscored() or self._said(r.reply) for r in responses]

    @staticmethod
    def _said(reply: str) -> Verdict:
        word, _, number = reply.partition(" ")
        if word == "hang":
            time.sleep(float(number))
            return Verdict(1.0, "late")
        return Verdict(float(reply) / 1000, "as said")
