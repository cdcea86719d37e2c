"""A constraint: a rule about the reply that a program checks."""

from dataclasses import dataclass
from typing import ClassVar, final

from twofold.types import Constraint, Profile, Verdict


@final
@dataclass(frozen=True)
class EndsWith(Constraint):
    """The reply ends with a certain sign."""

    name: ClassVar[str] = "example:ends_with"
    group: ClassVar[str] = "format"
    family: ClassVar[str] = "test"
    departure: ClassVar[str] = ""
    sign: str
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (f"End your reply with {self.sign}",)

    def witnesses(self) -> tuple[str, str]:
        return f"So it is{self.sign}", "So it is - or not"

    def _official(self, text: str) -> Verdict:
        return self._fixed(text)

    def _fixed(self, text: str) -> Verdict:
        return Verdict(
            float(text.rstrip().endswith(self.sign)), f"the end is {text.rstrip()[-1]!r}"
        )
