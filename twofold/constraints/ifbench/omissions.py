"""Does the reply leave out what it must: white space, full stops, exclamation marks?"""

import re
import unicodedata
from dataclasses import dataclass
from typing import final

from twofold.constraints.counting import absent, within
from twofold.constraints.editing import has_spaced_formulas
from twofold.types import Constraint, Profile, Verdict


@final
@dataclass(frozen=True)
class NoWhitespace(Constraint):
    """The reply has no white space. Source: IFBench."""

    name = "format:no_whitespace"
    group = "format"
    family = "layout"
    departure = "a line break at an end is free"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Write without any spaces or line breaks.",
            "Your answer must not contain any white space.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "OneTwoThree.", "One Two"

    def _edited(self, text: str) -> str | None:
        return None if has_spaced_formulas(text) else "".join(text.split())

    def _official(self, text: str) -> Verdict:
        count = sum(ch.isspace() for ch in text)
        return within(count, None, 0, f"{count} spaces or line breaks")

    def _fixed(self, text: str) -> Verdict:
        return self._official(text.strip())


class _NoMark(Constraint):
    """What the two types without a mark share."""

    group = "format"
    family = "punctuation"
    marks: str

    def _without(self, text: str, marks: str) -> Verdict:
        count = sum(text.count(mark) for mark in marks)
        return absent(count, f"{count} of {marks}")


@final
@dataclass(frozen=True)
class NoDot(_NoMark):
    """The reply has no full stop. Source: IFBench's training types."""

    name = "punctuation:punctuation_dot"
    departure = "full stops of every script and shape count, and an ellipsis"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Use no full stops at all.",
            "Your answer must not contain the character . anywhere.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "No dot here", "Pi is 3.14"

    def _edited(self, text: str) -> str | None:
        text = re.sub(r"^([ \t]*\d{1,3})\.(?=\s)", r"\1)", text.rstrip(), flags=re.MULTILINE)
        text = re.sub(r"(?<=[^\W\d])\.(?=[^\W\d])|\.{2,}|…|\.(?=[\"'”’)\]*_]*(?:\n|\Z))", "", text)
        return re.sub(r"\.(?=\s)", ";", text)

    def _official(self, text: str) -> Verdict:
        return self._without(text, ".")

    def _fixed(self, text: str) -> Verdict:
        return self._without(unicodedata.normalize("NFKC", text), ".。।۔")


@final
@dataclass(frozen=True)
class NoExclamation(_NoMark):
    """The reply has no exclamation mark. Source: IFBench's training types."""

    name = "punctuation:punctuation_exclamation"
    departure = "exclamation marks of every script and shape count"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Use no exclamation marks.",
            "Your answer must not contain the character ! anywhere.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "Fine.", "Fine!"

    def _edited(self, text: str) -> str | None:
        if re.search(r"[\d)\]}]!|\$[^$\n!]*![^$\n]*\$", text):  # a factorial
            return None
        return re.sub(r"\?!+|!+\?", "?", text).replace("!", ".")

    def _official(self, text: str) -> Verdict:
        return self._without(text, "!")

    def _fixed(self, text: str) -> Verdict:
        return self._without(unicodedata.normalize("NFKC", text), "!¡❗❕ǃ")
