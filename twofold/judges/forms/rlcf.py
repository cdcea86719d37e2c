"""How does RLCF store checklists? As lines of text, each a question with its weight in brackets."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.errors import ProblemError
from twofold.judges.forms.form import Form, as_number, number_of, text_of
from twofold.types.checklist import Criterion

# The prefix of a pitfall, for which the form has no field.
NOT = "Is the answer to the following no? "

_NUMBERED = re.compile(r"^(?:\d{1,3}[.)]|[-*•])\s+")
_WEIGHED = re.compile(
    r"^(.*?)\s*\((?:(?:weight|importance)\s*:\s*)?([+-]?\d+(?:\.\d+)?)(?:\s*/\s*100)?\)\s*$",
    re.DOTALL | re.IGNORECASE,
)


@final
@dataclass(frozen=True)
class Rlcf(Form):
    r"""Rows of `viswavi/wildchecklists`: an instruction and lines `1) question? (100)`.

    Also read: `(weight: 100)`, `(importance: 100/100)`, a list of such lines, a list of pairs
    `[question, weight]`. A line that ends in a colon opens a point of several lines.

    Lost in writing: category, title, rule, program, tags and white space other than single spaces.
    A pitfall becomes a question whose yes is good (`NOT`), and is read back as a pitfall.

    Source:
        RLCF, arXiv 2507.18624, and its released data. Departs: there a row with a zero weight is
        dropped as a whole; here only that criterion, and it is counted.
    """

    name: ClassVar[str] = "rlcf"
    question_keys: ClassVar[tuple[str, ...]] = ("instruction", "prompt")
    list_keys: ClassVar[tuple[str, ...]] = ("requirements",)

    def items(self, value: object, where: str) -> Sequence[object]:
        """The points of the text or the list."""
        if isinstance(value, list):
            return value
        if not isinstance(value, str):
            raise ProblemError(f"{where} is {value!r:.40}; write lines, each `question? (weight)`")
        points: list[str] = []
        for line in filter(None, map(str.strip, value.splitlines())):
            opened = points and _NUMBERED.sub("", points[-1]).split("\n")[0].endswith(":")
            if opened and not _WEIGHED.match(points[-1]):
                points[-1] += f"\n{line}"
            else:
                points.append(line)
        return points

    def listed(self, items: Sequence[object]) -> str:
        """Numbered lines."""
        return "\n".join(f"{i}) {item}" for i, item in enumerate(items, 1))

    def to_criterion(self, item: object, where: str) -> Criterion | str:
        """The criterion of a line or of a pair."""
        if isinstance(item, (list, tuple)) and len(item) == 2:
            text = text_of(item[0], f"{where}, the question").strip()
            weight = number_of(item[1], f"{where}, the weight")
        elif found := _WEIGHED.match(_NUMBERED.sub("", text_of(item, where).strip())):
            text, weight = found[1].strip(), float(found[2])
        else:
            return "no weight in brackets at its end"
        if not 0 < weight <= 100:
            return f"the weight {weight:g} is not above 0 up to 100"
        pitfall = text.startswith(NOT)
        text = text.removeprefix(NOT).strip()
        return Criterion(text=text, weight=weight, pitfall=pitfall) if text else "no question"

    def to_item(self, criterion: Criterion) -> str:
        """The line of a criterion, without its number."""
        text = " ".join(criterion.text.split())
        return f"{NOT if criterion.pitfall else ''}{text} ({as_number(criterion.weight)})"
