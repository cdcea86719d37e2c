"""What does the `joint` finding say? The verdict in a sentence, what is absent, and why."""

from __future__ import annotations

from collections.abc import Mapping

from twofold.diagnostics.joint.analysis import AS_WRONG, axes
from twofold.report.tables import MOST_UNFINISHED, unfinished
from twofold.report.wording import Statement, spread, statement
from twofold.types import Finding

_ABSENT = {
    "accuracy": "No problem has a reference answer, so nobody can say which replies are right: "
    "accuracy, the joint rate and the four cells are absent.",
    "unconstrained": "Nothing was sampled without the constraints in the prompt, so that accuracy is absent "
    "and capability means accuracy with the constraints stated.",
    "types": "No constraint was scored, so compliance and the table of types are absent.",
    "null": "Nothing was sampled without the constraints in the prompt, so how often each is met by "
    "accident (the null rate) and the chance-corrected rate are absent.",
    "thinking": "No reply carries a count of thinking tokens, so there is no breakdown by thinking "
    "length.",
    "baseline": "One model was measured alone, so there are no differences; --baseline BASE gives a "
    "before and an after.",
}
"""Why a part of the report is empty, by part."""


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
    found = statement(finding.outcome, axes(finding.contrasts))
    return Statement(found.title, found.numbers, found.meaning + _at_worst(finding, names))


def never_finished(finding: Finding, names: Mapping[str, str]) -> list[str]:
    """A warning for each role whose replies too often ended inside the thought.

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
        By part: `accuracy`, `unconstrained`, `types`, `null`, `thinking`, `baseline`. What is there has
        no entry.
    """
    measures = finding.measures
    of_types = [m for m in measures if m.slice.by == "type"]
    has = {
        "accuracy": any(m.metric == "accuracy" for m in measures),
        "unconstrained": finding.estimate("accuracy", condition="unconstrained") is not None,
        "types": any(m.role == "model" for m in of_types),
        "null": any(m.condition == "unconstrained" for m in of_types),
        "thinking": any(m.slice.by == "thinking_tokens" for m in measures),
        "baseline": finding.outcome is not None or bool(finding.contrasts),
    }
    said = {part: text for part, text in _ABSENT.items() if not has[part]}
    if "accuracy" in said:
        said.pop("unconstrained", None)
    if "types" in said:
        said.pop("null", None)
    return said


def _at_worst(finding: Finding, names: Mapping[str, str]) -> str:
    """Who was cut inside its thought how often, and the differences if all that counts as wrong."""
    found = axes(finding.contrasts, AS_WRONG)
    worst = {side: found[side] for side in ("capability", "compliance") if side in found}
    if not worst:
        return ""
    cut = ", ".join(
        f"{n} of {of} replies of {names[role]}" for role, (n, of) in unfinished(finding).items()
    )
    said = ", ".join(f"{side} {spread(each.difference, sign=True)}" for side, each in worst.items())
    return f" Never finished thinking: {cut}. With these counted as wrong and disobedient: {said}."


def _of_one(finding: Finding, name: str) -> Statement:
    measured = (
        ("right without constraints", "unconstrained", "accuracy"),
        ("right with constraints", "constrained", "accuracy"),
        ("all constraints met", "constrained", "hacc"),
        ("right and all constraints met", "constrained", "joint"),
    )
    said = [
        f"{label} {spread(estimate)}"
        for label, condition, metric in measured
        if (estimate := finding.estimate(metric, condition=condition))
    ]
    text = ", ".join(said) if said else "nothing could be scored"
    return Statement(name, f"{text[0].upper()}{text[1:]}.", "One model, measured alone.")
