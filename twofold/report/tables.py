"""Which rows do the report's tables have? The records of a finding arranged by row, nothing computed.

The page and the plain text show the same rows; a row without a number is left out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from twofold.constraints import ALIASES, CONSTRAINTS
from twofold.problems.floors import FLOORS
from twofold.report.wording import filed_under
from twofold.types import ALL, Comparison, Estimate, Finding, FinishReason, Slice

# The order of the columns.
ROLES = ("baseline", "model")

# The labels of the four cells of the joint table.
CELLS = {
    "right_obedient": "Right and compliant",
    "right_disobedient": "Right, not compliant",
    "wrong_obedient": "Wrong, but compliant",
    "wrong_disobedient": "Wrong and not compliant",
}

# The tags that replies are broken down by, in the order of the page.
TAGS = {
    "thinking_tokens": "Thinking length in tokens",
    "reply_tokens": "Reply length in tokens",
    "n_constraints": "Number of constraints",
    "difficulty": "Difficulty",
    "source": "Source",
}


@dataclass(frozen=True)
class MeasureRow:
    """One measure by role, its paired difference, and what trivial replies score by floor."""

    label: str
    estimates: Mapping[str, Estimate]
    comparison: Comparison | None
    floors: Mapping[str, Estimate]
    lowest: float = 0.0  # the left end of the axis: -1 for a difference


@dataclass(frozen=True)
class TypeRow:
    """One constraint type or a whole group of them, by role.

    Args:
        group: The group of the type; "other" for a type that is not in the registry.
        rate: Met when stated.
        null: Met when not stated.
        chance_corrected: (rate − null) / (1 − null).
        obedience: rate − null, paired by problem and constraint.
        comparison: The paired difference of the rate, Holm-corrected over all types.
    """

    name: str
    group: str
    rate: Mapping[str, Estimate]
    null: Mapping[str, Estimate]
    chance_corrected: Mapping[str, Estimate]
    obedience: Mapping[str, Estimate]
    comparison: Comparison | None = None


@dataclass(frozen=True)
class Breakdown:
    """The measures by the values of one tag: `{metric: {value: {role: estimate}}}`."""

    label: str
    measures: Mapping[str, Mapping[str, Mapping[str, Estimate]]]

    @property
    def values(self) -> tuple[str, ...]:
        """Every value with at least one number, in the order of the finding."""
        return tuple(dict.fromkeys(v for by_value in self.measures.values() for v in by_value))


@dataclass(frozen=True)
class Ending:
    """The finish reasons of one role in one condition."""

    role: str
    condition: str
    counts: Mapping[FinishReason, int]

    @property
    def total(self) -> int:
        """The number of replies."""
        return sum(self.counts.values())


# The largest share of unclosed thinking that is not warned about.
MOST_UNFINISHED = 0.05

_HEADLINE = (
    ("unconstrained", "accuracy", "Accuracy, constraints not stated"),
    ("constrained", "accuracy", "Accuracy, constraints stated"),
    ("constrained", "hacc", "All constraints met (HAcc)"),
    ("constrained", "hacc_loose", "All constraints met, loose (prompt-level)"),
    ("constrained", "sacc", "Share of constraints met (SAcc)"),
    (
        "constrained",
        "instruction_accuracy",
        "Constraints met, each counted once (instruction-level)",
    ),
    (
        "constrained",
        "instruction_accuracy_loose",
        "Constraints met, each counted once, loose (instruction-level)",
    ),
    ("unconstrained", "instruction_accuracy", "Habit: constraints met, not stated"),
    ("", "obedience", "Obedience: met when stated minus met when not"),
    ("", "interference", "Interference: accuracy change by rules that were met unasked"),
    ("constrained", "joint", "Right and all constraints met"),
)


def headline(finding: Finding) -> list[MeasureRow]:
    """The measures behind the verdict, top to bottom, without those not taken."""
    rows = [_measure_row(finding, *each) for each in _HEADLINE]
    return [row for row in rows if row.estimates]


@dataclass(frozen=True)
class ToldRow:
    """One line of the table of what being told does: untold, told, and the difference with its name."""

    label: str
    untold: Estimate | None
    told: Estimate | None
    effect: str
    difference: Estimate


def told(finding: Finding, role: str) -> list[ToldRow]:
    """What stating the rules does to a role: obedience beside habit, interference beside its control."""
    lines = (
        ("Constraints met", "instruction_accuracy", "obedience"),
        ("Right, where the rules were met unasked", "accuracy_if_met", "interference"),
    )
    return [
        ToldRow(
            label,
            finding.estimate(metric, role=role, condition="unconstrained"),
            finding.estimate(metric, role=role, condition="constrained"),
            effect,
            difference,
        )
        for label, metric, effect in lines
        if (difference := finding.estimate(effect, role=role))
    ]


def other_cells(finding: Finding) -> list[MeasureRow]:
    """The cells that are not a headline row: all but right and obedient, which is the joint rate."""
    rows = [
        MeasureRow(label, by_role(finding, cell, condition="constrained"), None, {})
        for cell, label in CELLS.items()
        if cell != "right_obedient"
    ]
    return [row for row in rows if row.estimates]


def _measure_row(finding: Finding, condition: str, metric: str, label: str) -> MeasureRow:
    return MeasureRow(
        label,
        by_role(finding, metric, condition=condition),
        finding.comparison(metric, condition=condition),
        floors(finding, metric),
        lowest=0.0 if condition else -1.0,
    )


def by_role(
    finding: Finding,
    metric: str,
    roles: Iterable[str] = ROLES,
    *,
    condition: str = "",
    part: Slice = ALL,
) -> dict[str, Estimate]:
    """The estimates of the roles that have one."""
    return {
        role: estimate
        for role in roles
        if (estimate := finding.estimate(metric, role=role, condition=condition, slice=part))
    }


def floors(
    finding: Finding, metric: str, *, condition: str = "", part: Slice = ALL
) -> dict[str, Estimate]:
    """What trivial replies score, by the floor's name in words."""
    if metric == "obedience":
        measured = finding.estimate(metric)
        return ignored(measured) if measured else {}
    found = by_role(finding, metric, FLOORS, condition=condition, part=part)
    return {name.replace("_", " "): estimate for name, estimate in found.items()}


def ignored(like: Estimate) -> dict[str, Estimate]:
    """The floor of obedience: a reply that ignores the prompt is the same told and untold."""
    zero = replace(like, value=0.0, low=0.0, high=0.0, method="by definition")
    return {"reply that ignores the rules": zero}


def types(finding: Finding) -> dict[str, list[TypeRow]]:
    """Constraint types by group, the row of the group first."""
    groups: dict[str, list[TypeRow]] = {}
    for part in _slices(finding, "type"):
        row = _type_row(finding, part)
        groups.setdefault(row.group, []).append(row)
    for part in _slices(finding, "group"):
        groups.setdefault(part.value, []).insert(0, _type_row(finding, part))
    return groups


def breakdowns(finding: Finding) -> list[Breakdown]:
    """The estimates by tag: the tags of `TAGS` first, then any other."""
    found: dict[str, dict[str, dict[str, dict[str, Estimate]]]] = {}
    for each in finding.measures:
        if each.slice.by not in ("", "type", "group"):
            by_value = found.setdefault(each.slice.by, {}).setdefault(each.metric, {})
            by_value.setdefault(each.slice.value, {})[each.role] = each.estimate
    order = [tag for tag in TAGS if tag in found] + [tag for tag in found if tag not in TAGS]
    return [Breakdown(TAGS.get(tag, tag.replace("_", " ")), found[tag]) for tag in order]


def endings(finding: Finding) -> list[Ending]:
    """The finish reasons of each role and condition."""
    found: dict[tuple[str, str], dict[FinishReason, int]] = {}
    for each in finding.counts:
        if each.metric in {*FinishReason}:
            found.setdefault((each.role, each.condition), {})[FinishReason(each.metric)] = each.n
    return [
        Ending(role, condition, found[role, condition])
        for role in ROLES
        for condition in ("unconstrained", "constrained")
        if (role, condition) in found
    ]


def unfinished(finding: Finding) -> dict[str, tuple[int, int]]:
    """Replies that never finished thinking, `{role: (n, of)}`, for each role that has any."""
    found: dict[str, tuple[int, int]] = {}
    for each in endings(finding):
        n, of = found.get(each.role, (0, 0))
        cut = each.counts.get(FinishReason.unclosed_thinking, 0)
        found[each.role] = (n + cut, of + each.total)
    return {role: (n, of) for role, (n, of) in found.items() if n}


def methods(findings: Iterable[Finding]) -> dict[str, list[str]]:
    """How each interval and p-value was computed: `{method: numbers}`, in order of first use."""
    found: dict[str, list[str]] = {}
    for finding in findings:
        for measure in finding.measures:
            how = measure.estimate
            text = f"{how.method}, {how.level:.0%} interval"
            found.setdefault(text, []).append(filed_under(measure))
        for contrast in finding.contrasts:
            how = contrast.comparison.difference
            text = f"{how.method}, {how.level:.0%} interval; p by {contrast.comparison.test}"
            found.setdefault(text, []).append(f"difference: {filed_under(contrast)}")
    return found


def _slices(finding: Finding, by: str) -> list[Slice]:
    """The distinct slices by `by`, in the order of the finding."""
    return list(dict.fromkeys(m.slice for m in finding.measures if m.slice.by == by))


def _type_row(finding: Finding, part: Slice) -> TypeRow:
    cls = CONSTRAINTS.get(ALIASES.get(part.value, part.value))
    group = cls.group if cls else "other"
    return TypeRow(
        name=part.value,
        group=part.value if part.by == "group" else group,
        rate=by_role(finding, "met", condition="constrained", part=part),
        null=by_role(finding, "met", condition="unconstrained", part=part),
        chance_corrected=by_role(finding, "chance_corrected", condition="constrained", part=part),
        obedience=by_role(finding, "obedience", part=part),
        comparison=finding.comparison("met", condition="constrained", slice=part),
    )
