"""What does it mean? Findings in sentences: the verdict, what is absent, and how numbers look.

The words are chosen once, here, so that the page, the text file and the terminal say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from twofold.report.tables import MOST_UNFINISHED, unfinished
from twofold.types import Comparison, Estimate, Finding, Outcome

_OUTCOMES = {
    Outcome.both_rise: ("Both rose", "The gain in capability was not paid for in compliance."),
    Outcome.trade_off: ("A trade-off", "What was won on one side was paid for on the other."),
    Outcome.one_rises: ("One rose", "The other shows no change that these problems can prove."),
    Outcome.none_rises: ("Neither rose", "A rise worth having is ruled out."),
    Outcome.worse: ("Worse", "At least one side fell and none rose."),
    Outcome.underpowered: (
        "Too few problems to tell",
        "No change is proven, and one worth having could have been missed.",
    ),
    Outcome.unfinished: (
        "Cannot be told: too many replies were never finished",
        "The verdict changes when thoughts that never ended are counted as wrong.",
    ),
}


_ABSENT = {
    "accuracy": "No problem has a reference answer, so nobody can say which replies are right: "
    "accuracy, the joint rate and the four cells are absent.",
    "unconstrained": "Nothing was sampled without the constraints in the prompt, so that accuracy is absent "
    "and capability means accuracy with the constraints stated.",
    "types": "No constraint was scored, so compliance and the table of types are absent.",
    "null": "Nothing was sampled without the constraints in the prompt, so how often each is met by "
    "accident (the null rate) and the lift over it are absent.",
    "thinking": "No reply carries a count of thinking tokens, so there is no breakdown by thinking "
    "length.",
    "baseline": "One model was measured alone, so there are no differences; --baseline BASE gives a "
    "before and an after.",
}
"""Why a part of the report is empty, by part."""


@dataclass(frozen=True)
class Statement:
    """A verdict: the headline, one sentence with its numbers, and what follows from it."""

    title: str
    numbers: str
    meaning: str


def spread(estimate: Estimate, *, sign: bool = False) -> str:
    """Value and interval, without n: `0.620 [0.550, 0.690]`, or with signs for a difference.

    Example:
        >>> spread(Estimate(value=0.1, low=-0.02, high=0.2, n=9, method="paired"), sign=True)
        '+0.100 [−0.020, +0.200]'
    """
    value, low, high = (number(x, sign=sign) for x in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"


def number(value: float, *, sign: bool = False) -> str:
    """Three decimals, with a true minus sign and never a negative zero.

    Example:
        >>> number(-0.25), number(-0.0001), number(0.5, sign=True)
        ('−0.250', '0.000', '+0.500')
    """
    text = f"{value:+.3f}" if sign else f"{value:.3f}"
    if text.strip("+-") == "0.000":
        return "0.000"
    return text.replace("-", "−")


def units(estimate: Estimate) -> str:
    """What the number rests on: `n = 200, 3 unscored`. The zero is said too.

    Example:
        >>> units(Estimate(value=1, low=0.2, high=1, n=3, method="wilson"))
        'n = 3, 0 unscored'
    """
    return f"n = {estimate.n}, {estimate.n_unscored} unscored"


def p_value(p: float | None) -> str:
    """A p-value with the digits that it can bear.

    Example:
        >>> p_value(0.0301), p_value(0.00001), p_value(None)
        ('0.030', '< 0.001', '–')
    """
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def verdict(finding: Finding, names: Mapping[str, str]) -> Statement:
    """The finding in one sentence.

    Args:
        finding: The `joint` finding.
        names: What the models are called, by role (`model`, `baseline`).

    Returns:
        For a pair, the outcome in words with both differences; for one model, its headline
        numbers. What could not be measured is not named here: see `absences`.
    """
    if finding.outcome is None:
        return _of_one(finding, names["model"])
    found = statement(finding.outcome, finding.comparisons)
    return Statement(found.title, found.numbers, found.meaning + _at_worst(finding, names))


def statement(outcome: Outcome, comparisons: Mapping[str, Comparison]) -> Statement:
    """An outcome in words, with the differences that it rests on.

    Args:
        outcome: The verdict over capability and compliance.
        comparisons: `capability`, `compliance` and perhaps `joint`; others are passed over.
    """
    title, meaning = _OUTCOMES[outcome]
    moved = {k: comparisons[k] for k in ("capability", "compliance", "joint") if k in comparisons}
    if outcome in (Outcome.one_rises, Outcome.trade_off, Outcome.worse):
        title = _who_moved(moved, outcome)
    if outcome is Outcome.underpowered:
        seen = [
            f"{key} {number(each.minimum_detectable_effect)}"
            for key, each in moved.items()
            if each.minimum_detectable_effect is not None
        ]
        if seen:
            meaning += f" The smallest detectable difference (80 % power): {', '.join(seen)}."
    said = ", ".join(f"{key} {spread(each.difference, sign=True)}" for key, each in moved.items())
    return Statement(title, f"{said}.".capitalize(), meaning)


def never_finished(finding: Finding, names: Mapping[str, str]) -> list[str]:
    """A warning for each role that was cut inside its thought too often to go by the rest.

    Args:
        finding: The `joint` finding.
        names: What the models are called, by role.
    """
    return [
        f"{n} of {of} replies of {names[role]} never finished thinking ({100 * n / of:.1f} %). They are "
        "unscored, and thoughts run long where problems are hard: its numbers describe the problems "
        "that it could finish. A larger --max-tokens lets it finish more."
        for role, (n, of) in unfinished(finding).items()
        if n / of > MOST_UNFINISHED
    ]


def absences(finding: Finding) -> dict[str, str]:
    """Why a part of the report has nothing to show: one sentence for each missing part.

    Returns:
        By part: `accuracy`, `unconstrained`, `types`, `null`, `thinking`, `baseline`. What is there has no
        entry.
    """
    keys = finding.estimates.keys()
    has = {
        "accuracy": any(key.endswith("/accuracy") for key in keys),
        "unconstrained": "model/unconstrained/accuracy" in keys,
        "types": any(key.startswith("model/type/") for key in keys),
        "null": any(key.endswith("/null") for key in keys),
        "thinking": any("/by/thinking_tokens/" in key for key in keys),
        "baseline": finding.outcome is not None or bool(finding.comparisons),
    }
    said = {part: text for part, text in _ABSENT.items() if not has[part]}
    if "accuracy" in said:
        said.pop("unconstrained", None)
    if "types" in said:
        said.pop("null", None)
    return said


def _at_worst(finding: Finding, names: Mapping[str, str]) -> str:
    """Who was cut inside its thought how often, and the differences if all that counts as wrong."""
    worst = {
        side: finding.comparisons[key]
        for side in ("capability", "compliance")
        if (key := f"{side}_unclosed_as_wrong") in finding.comparisons
    }
    if not worst:
        return ""
    cut = ", ".join(
        f"{n} of {of} replies of {names[role]}" for role, (n, of) in unfinished(finding).items()
    )
    said = ", ".join(f"{side} {spread(each.difference, sign=True)}" for side, each in worst.items())
    return f" Never finished thinking: {cut}. With these counted as wrong and disobedient: {said}."


def _of_one(finding: Finding, name: str) -> Statement:
    measured = {
        "right without constraints": "model/unconstrained/accuracy",
        "right with constraints": "model/constrained/accuracy",
        "all constraints met": "model/constrained/hacc",
        "right and all constraints met": "model/constrained/joint",
    }
    said = [
        f"{label} {spread(finding.estimates[key])}"
        for label, key in measured.items()
        if key in finding.estimates
    ]
    text = ", ".join(said) if said else "nothing could be scored"
    return Statement(name, f"{text[0].upper()}{text[1:]}.", "One model, measured alone.")


def _who_moved(moved: Mapping[str, Comparison], outcome: Outcome) -> str:
    sure = {
        key: each.difference
        for key, each in moved.items()
        if key != "joint" and each.p < 1 - each.difference.level
    }
    up = [key for key, difference in sure.items() if difference.low > 0]
    down = [key for key, difference in sure.items() if difference.high < 0]
    if outcome is Outcome.one_rises and len(up) == 1:
        return f"Only {up[0]} rose"
    if outcome is Outcome.trade_off and len(up) == len(down) == 1:
        return f"A trade-off: {up[0]} rose, {down[0]} fell"
    if outcome is Outcome.worse and down:
        return f"Worse: {' and '.join(down)} fell"
    return _OUTCOMES[outcome][0]
