"""Does the reply copy the request as it is told to?"""

import re
from dataclasses import dataclass
from typing import final

import numpy as np

from twofold.constraints.counting import exactly, require_counts
from twofold.constraints.draws import number
from twofold.constraints.ifbench.lists import COPY_THIS
from twofold.constraints.ifbench.pieces import bare, has_words
from twofold.constraints.words import fold, unmasked
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict
from twofold.types.seen import seen

_ONLY = "Do not answer it, and write nothing else."


def _alike(text: str, wanted: str) -> bool:
    """Whether two texts are the same but for case and the space around them."""
    return text.strip().lower() == wanted.strip().lower()


def _verbatim(text: str, wanted: str) -> bool:
    """Whether two texts are the same but for white space and for what no reader sees."""
    return seen(text).split() == seen(wanted).split()


class _Copy(Constraint):
    """What all types that copy the request share: its text, and that there is one."""

    group = "affix"
    family = "copying"
    prompt_to_repeat: str

    def __post_init__(self) -> None:
        request = self.prompt_to_repeat
        if not (seen(request) if self.profile == "fixed" else request).strip():
            raise ProblemError(f"{self.name}: prompt_to_repeat is blank; give the request's text")

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"prompt_to_repeat": question}


def _require_span(span: "RepeatSpan | CopySpanIdx") -> None:
    """Reject indices that count from the end, which only the published code reads."""
    if span.profile == "fixed":
        require_counts(n_start=span.n_start, n_end=span.n_end)


@final
@dataclass(frozen=True)
class RepeatChange(_Copy):
    """The reply is the request with another first word.

    Source: IFBench. Departs: `official` wants the texts to differ anywhere and the words from the second on
    to be equal, so a blank more is enough.
    """

    name = "repeat:repeat_change"
    departure = "the first words must differ in more than case and marks"
    prompt_to_repeat: str
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Repeat this request, but change its first word. {_ONLY} Request: {self.prompt_to_repeat}",
            f"Write the following request again with another first word and the rest unchanged. {_ONLY} "
            f"Request: {self.prompt_to_repeat}",
        )

    def witnesses(self) -> tuple[str, str]:
        rest = self.prompt_to_repeat.split()[1:]
        if self.profile == "fixed":
            rest = seen(self.prompt_to_repeat).split()[1:]
        return " ".join(["Qwerty", *rest]), self.prompt_to_repeat

    def _official(self, text: str) -> Verdict:
        same = text.split()[1:] == self.prompt_to_repeat.split()[1:]
        return Verdict(float(same and text != self.prompt_to_repeat), _first_words(text))

    def _fixed(self, text: str) -> Verdict:
        mine, theirs = text.split(), seen(self.prompt_to_repeat).split()
        first, other = (fold(unmasked(bare(each[0]))) for each in (mine, theirs))
        obeys = mine[1:] == theirs[1:] and has_words(first) and first != other
        return Verdict(float(obeys), _first_words(text))


@final
@dataclass(frozen=True)
class RepeatSimple(Constraint):
    """The reply is one given sentence and nothing else. Source: IFBench."""

    name = "repeat:repeat_simple"
    group = "affix"
    family = "copying"
    departure = ""
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (COPY_THIS,)

    def witnesses(self) -> tuple[str, str]:
        return COPY_THIS, "ok"

    def _official(self, text: str) -> Verdict:
        return Verdict(float(_alike(text, COPY_THIS)), _first_words(text))


@final
@dataclass(frozen=True)
class RepeatSpan(_Copy):
    """The reply is words `n_start` to `n_end` of the request, both counted, from 0.

    Source: IFBench. Departs: `official` takes characters, although the request says words.
    """

    name = "repeat:repeat_span"
    departure = "indices count words, as the request says, not characters"
    prompt_to_repeat: str
    n_start: int
    n_end: int
    profile: Profile

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_span(self)

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Copy the words with index {self.n_start} to {self.n_end} (the first word has index 0, both "
            f"ends included) of this request. {_ONLY} Request: {self.prompt_to_repeat}",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"prompt_to_repeat": question} | _span(rng, len(question.split()))

    def witnesses(self) -> tuple[str, str]:
        wanted = self._wanted()
        return wanted, f"{wanted} x"

    def _wanted(self) -> str:
        start, end = self.n_start, self.n_end + 1
        if self.profile == "official":
            return self.prompt_to_repeat[start:end]
        return " ".join(seen(self.prompt_to_repeat).split()[start:end])

    def _official(self, text: str) -> Verdict:
        return Verdict(float(_alike(text, self._wanted())), f"{self._wanted()[:60]!r} wanted")

    def _fixed(self, text: str) -> Verdict:
        return Verdict(float(_verbatim(text, self._wanted())), f"{self._wanted()[:60]!r} wanted")


@final
@dataclass(frozen=True)
class CopySpanIdx(_Copy):
    """The reply is characters `n_start` to `n_end` of the request, from 0.

    Source: IFBench's training types. Departs: `official` leaves out the end, which the request includes.
    """

    name = "new:copy_span_idx"
    departure = "the end index is included, as the request says; case counts, white space does not"
    prompt_to_repeat: str
    n_start: int
    n_end: int
    profile: Profile

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_span(self)

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Copy the characters with index {self.n_start} to {self.n_end} (the first has index 0, both "
            f"ends included) of this request. {_ONLY} Request: {self.prompt_to_repeat}",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"prompt_to_repeat": question} | _span(rng, len(question))

    def witnesses(self) -> tuple[str, str]:
        wanted = self._wanted()
        return wanted if seen(wanted) else "", f"{wanted} x"

    def _wanted(self) -> str:
        end = self.n_end if self.profile == "official" else self.n_end + 1
        return self.prompt_to_repeat[self.n_start : end]

    def _official(self, text: str) -> Verdict:
        return Verdict(float(_alike(text, self._wanted())), f"{self._wanted()[:60]!r} wanted")

    def _fixed(self, text: str) -> Verdict:
        return Verdict(float(_verbatim(text, self._wanted())), f"{self._wanted()[:60]!r} wanted")


@final
@dataclass(frozen=True)
class Copy(_Copy):
    """The reply is the request, verbatim.

    Source: IFBench's training types. Departs: `official` ignores the case; `fixed` does not.
    """

    name = "copy:copy"
    departure = "verbatim, so case counts and white space does not"
    prompt_to_repeat: str
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Copy this request word for word. {_ONLY} Request: {self.prompt_to_repeat}",
            f"Repeat the following request verbatim. {_ONLY} Request: {self.prompt_to_repeat}",
        )

    def witnesses(self) -> tuple[str, str]:
        return self.prompt_to_repeat, f"{self.prompt_to_repeat} Done."

    def _official(self, text: str) -> Verdict:
        return Verdict(float(_alike(text, self.prompt_to_repeat)), _first_words(text))

    def _fixed(self, text: str) -> Verdict:
        return Verdict(float(_verbatim(text, self.prompt_to_repeat)), _first_words(text))


@final
@dataclass(frozen=True)
class CopyingSimple(_Copy):
    """The reply is the request, and nothing before or after; as `Copy`."""

    name = "copy:copying_simple"
    departure = Copy.departure
    prompt_to_repeat: str
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Repeat the request below, with nothing before or after it, and do not answer it. Request: "
            f"{self.prompt_to_repeat}",
        )

    def witnesses(self) -> tuple[str, str]:
        return self.prompt_to_repeat, f"Sure: {self.prompt_to_repeat}"

    def _official(self, text: str) -> Verdict:
        return Verdict(float(_alike(text, self.prompt_to_repeat)), _first_words(text))

    def _fixed(self, text: str) -> Verdict:
        return Verdict(float(_verbatim(text, self.prompt_to_repeat)), _first_words(text))


@final
@dataclass(frozen=True)
class CopyingMultiple(_Copy):
    """The reply is the request `N` times, with six asterisks between.

    Source: IFBench's training types. Departs: `official` ignores the case; `fixed` does not.
    """

    name = "copy:copying_multiple"
    departure = Copy.departure
    prompt_to_repeat: str
    N: int
    profile: Profile

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.N < 1:
            raise ProblemError(f"{self.name}: N is {self.N}; give 1 or more")
        if self.profile == "fixed" and "******" in self.prompt_to_repeat:
            raise ProblemError(f"{self.name}: the request itself has six asterisks; use another")

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Write the request below {self.N} times, with a line of six asterisks ****** between, and "
            f"do not answer it. Request: {self.prompt_to_repeat}",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"prompt_to_repeat": question, "N": number(rng, 2, 4)}

    def witnesses(self) -> tuple[str, str]:
        obeys = "\n******\n".join([self.prompt_to_repeat] * self.N)
        return obeys, f"{obeys}\n******\nx"

    def _official(self, text: str) -> Verdict:
        return self._hold([_alike(part, self.prompt_to_repeat) for part in text.split("******")])

    def _fixed(self, text: str) -> Verdict:
        parts = re.split(r"(?<!\*)\*{6}(?!\*)", text)
        return self._hold([_verbatim(part, self.prompt_to_repeat) for part in parts])

    def _hold(self, alike: list[bool]) -> Verdict:
        if not all(alike):
            return Verdict(0.0, f"{sum(alike)} of {len(alike)} parts are the request")
        return exactly(len(alike), self.N, "copies")


def _first_words(text: str) -> str:
    """A reason that shows how the reply begins."""
    return f"the reply begins {text.strip()[:60]!r}"


def _span(rng: np.random.Generator, length: int) -> dict[str, object]:
    """Two indices within a text of so many parts."""
    start = number(rng, 0, max(length - 1, 1) - 1)
    return {"n_start": start, "n_end": number(rng, min(start + 1, length), length)}
