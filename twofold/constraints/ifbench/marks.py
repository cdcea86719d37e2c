"""Which punctuation marks does the reply use, or not?"""

import re
import unicodedata
from dataclasses import dataclass
from typing import final

from twofold.constraints.counting import within
from twofold.types import Constraint, Profile, Verdict

_MARKS = ".,!?;:"
# Marks behind a word, its quotation marks and brackets.
_USED = re.compile(r"(?<=[\w\"'”’»)\]}*])(?:[.,!?;:‽]+| [!?;:‽]+)")


@final
@dataclass(frozen=True)
class Punctuation(Constraint):
    """The reply uses every standard punctuation mark, an interrobang among them.

    Source: IFBench. Departs: `official` counts marks anywhere; `fixed` those behind a word, as writing uses
    them (a blank may stand before `!`, `?`, `;` and `:`, as in French).
    """

    name = "count:punctuation"
    group = "format"
    family = "counting"
    departure = "a mark follows a word: a row of marks uses none"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Use each of these marks at least once: . , ! ? ; : and the interrobang ?!",
            "Your answer must contain a full stop, a comma, an exclamation mark, a question mark, a "
            "semicolon, a colon and also ?!",
        )

    def witnesses(self) -> tuple[str, str]:
        return "What?! Yes, no; so: go! Why? End.", "What?! Yes, no; so: go. Why?"

    def _official(self, text: str) -> Verdict:
        bang = next((mark for mark in ("?!", "!?", "‽") if mark in text), "")
        rest = text.replace(bang, "", 1) if bang != "‽" else text
        missing = [mark for mark in _MARKS if mark not in rest] + ["?!"] * (not bang)
        good = len(_MARKS) + 1 - len(missing)
        return within(good, len(_MARKS) + 1, None, f"missing: {' '.join(missing) or 'nothing'}")

    def _fixed(self, text: str) -> Verdict:
        return self._official(" ".join(_USED.findall(text)))


class _NoMark(Constraint):
    """What the two types without a mark share."""

    group = "format"
    family = "punctuation"
    marks: str

    def _without(self, text: str, marks: str) -> Verdict:
        count = sum(text.count(mark) for mark in marks)
        return Verdict(float(count == 0), f"{count} of {marks}", distance=min(count / 10, 1.0))


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

    def _official(self, text: str) -> Verdict:
        return self._without(text, "!")

    def _fixed(self, text: str) -> Verdict:
        return self._without(unicodedata.normalize("NFKC", text), "!¡❗❕ǃ")
