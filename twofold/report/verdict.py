"""What is the result of the `joint` diagnostic? The verdict in words, and what is missing and why."""

from collections.abc import Mapping
from dataclasses import replace

from twofold.diagnostics.joint.analysis import AS_WRONG, axes
from twofold.report.tables import MOST_UNFINISHED, unfinished
from twofold.report.wording import Statement, spread, statement
from twofold.types import Finding

# Why a part of the report is empty, by part.
_ABSENT = {
    "accuracy": "No problem has a reference answer, so accuracy, the joint rate and the four cells are "
    "missing.",
    "unconstrained": "No reply was sampled without the constraints in the prompt, so capability is the "
    "accuracy with the constraints stated.",
    "types": "No constraint was scored, so compliance and the table of constraint types are missing.",
    "null": "No reply was sampled without the constraints in the prompt, so the null rate (met without "
    "being told) and the chance-corrected rate are missing.",
    "thinking": "No reply has a count of thinking tokens, so there is no breakdown by thinking length.",
    "baseline": "Only one model was measured, so there are no differences; --baseline BASE compares it "
    "with its base.",
}


def verdict(finding: Finding, names: Mapping[str, str]) -> Statement:
    """The finding in words: the outcome with both differences, or one model's headline numbers."""
    if finding.outcome is None:
        return _of_one(finding, names["model"])
    found = statement(finding.outcome, axes(finding.contrasts), lineage=finding.lineage)
    return replace(found, meaning=found.meaning + _at_worst(finding, names))


def never_finished(finding: Finding, names: Mapping[str, str]) -> list[str]:
    """A warning for each role with too many replies that never finished thinking."""
    return [
        f"{n} of {of} replies of {names[role]} never finished thinking ({100 * n / of:.1f} %). They are "
        "unscored, and mostly on hard problems, so the numbers describe the easier ones. A larger "
        "--max-tokens lets more of them finish."
        for role, (n, of) in unfinished(finding).items()
        if n / of > MOST_UNFINISHED
    ]


def absences(finding: Finding) -> dict[str, str]:
    """Why a part of the report is empty, a sentence for each missing part."""
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
    """The replies that never finished thinking, and the differences if they count as wrong."""
    found = axes(finding.contrasts, AS_WRONG)
    worst = {side: found[side] for side in ("capability", "compliance") if side in found}
    if not worst:
        return ""
    cut = ", ".join(
        f"{n} of {of} replies of {names[role]}" for role, (n, of) in unfinished(finding).items()
    )
    said = ", ".join(f"{side} {spread(each.difference, sign=True)}" for side, each in worst.items())
    return f" Never finished thinking: {cut}. Counted as wrong and not compliant: {said}."


def _of_one(finding: Finding, name: str) -> Statement:
    measured = (
        ("right without constraints", "unconstrained", "accuracy"),
        ("right with constraints", "constrained", "accuracy"),
        ("all constraints met", "constrained", "hacc"),
        ("obedience", "", "obedience"),
        ("right and all constraints met", "constrained", "joint"),
    )
    said = [
        f"{label} {spread(estimate)}"
        for label, condition, metric in measured
        if (estimate := finding.estimate(metric, condition=condition))
    ]
    text = ", ".join(said) if said else "no reply could be scored"
    return Statement(name, f"{text[0].upper()}{text[1:]}.", "One model, not compared with a base.")
