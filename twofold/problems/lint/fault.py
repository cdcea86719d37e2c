"""What is wrong with a problem, and how is a list of faults shown?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

from twofold.types import Problem

# `error`: no reply can be right and obey. `warning`: one can, but the numbers may mislead.
Severity = Literal["error", "warning"]

N_SHOWN = 4


@final
@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with one problem: the rule that found it, the place, one line of detail."""

    rule: str
    problem_id: str
    source_id: str
    detail: str
    severity: Severity

    @classmethod
    def of(cls, problem: Problem, rule: str, detail: str, severity: Severity) -> Fault:
        """The fault of `problem`."""
        return cls(rule, problem.id, problem.tags.get("source_id", ""), detail, severity)


def summary(faults: Sequence[Fault]) -> str:
    """A table for the terminal: one rule a line, errors first, with places and an example.

    Text from the data is shown without control characters.

    Example:
        >>> print(summary([Fault("blank_gold", "a1", "mine#3", "the answer is blank", "error")]))
        error        1  blank_gold              mine#3
                        the answer is blank
    """
    if not faults:
        return "no faults"
    found: dict[tuple[Severity, str], list[Fault]] = {}
    for fault in faults:
        found.setdefault((fault.severity, fault.rule), []).append(fault)
    lines = []
    for (severity, rule), of_rule in sorted(found.items()):
        places = ", ".join(fault.source_id or fault.problem_id for fault in of_rule[:N_SHOWN])
        more = f" and {len(of_rule) - N_SHOWN} more" if len(of_rule) > N_SHOWN else ""
        lines.append(f"{severity:8}{len(of_rule):6}  {rule:22}  {_printable(places)}{more}")
        lines.append(" " * 16 + _printable(of_rule[0].detail))
    return "\n".join(lines)


def _printable(text: str) -> str:
    return "".join(ch if ch.isprintable() else "\N{REPLACEMENT CHARACTER}" for ch in text)
