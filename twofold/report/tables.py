"""What stands in which row? The records of the `joint` finding, arranged as tables.

Nothing is computed here: every number of a row is an `Estimate` or a `Comparison` of the finding,
and a row that has none is not made. The page and the plain text are both drawn from these rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from twofold.constraints import ALIASES, CONSTRAINTS
from twofold.problems.floors import FLOORS
from twofold.report.wording import filed_under
from twofold.types import ALL, Comparison, Estimate, Finding, FinishReason, Slice

ROLES = ("baseline", "model")
"""Before, then after: the order in which columns stand."""

CELLS = {
    "right_obedient": "Right and obedient",
    "right_disobedient": "Right, not obedient",
    "wrong_obedient": "Wrong, but obedient",
    "wrong_disobedient": "Wrong and not obedient",
}
"""The four cells of the joint table, and how they are called."""

TAGS = {
    "thinking_tokens": "Thinking length in tokens",
    "reply_tokens": "Reply length in tokens",
    "n_constraints": "Number of constraints",
    "difficulty": "Difficulty",
    "source": "Source",
}
"""What replies are broken down by, in the order of the page."""


@dataclass(frozen=True)
class MeasureRow:
    """One measure, for the model and (if there is one) for the baseline.

    Args:
        metric: The metric.
        label: What it is called.
        estimates: By role.
        comparison: The paired difference; None where none was made.
        floors: What a trivial reply gets on this measure, by its name.
    """

    metric: str
    label: str
    estimates: Mapping[str, Estimate]
    comparison: Comparison | None = None
    floors: Mapping[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True)
class TypeRow:
    """One constraint type (or a group of them): how often it was met, and met by accident.

    Args:
        name: The registry name, or the group's.
        group: The group the type belongs to; "other" for a name the registry does not know.
        rate: By role: met when it was stated.
        null: By role: met when it was not stated.
        chance_corrected: By role: (rate − null) / (1 − null).
        comparison: The paired difference, corrected over all types.
    """

    name: str
    group: str
    rate: Mapping[str, Estimate]
    null: Mapping[str, Estimate]
    chance_corrected: Mapping[str, Estimate]
    comparison: Comparison | None = None


@dataclass(frozen=True)
class Breakdown:
    """One tag: its values in their order, and for each value its measures by role.

    Args:
        tag: The tag, e.g. `thinking_tokens`.
        label: What it is called.
        measures: `{measure: {value: {role: estimate}}}` for accuracy, hacc and joint.
    """

    tag: str
    label: str
    measures: Mapping[str, Mapping[str, Mapping[str, Estimate]]]

    @property
    def values(self) -> tuple[str, ...]:
        """Every value that has at least one number, in the finding's order."""
        return tuple(dict.fromkeys(v for by_value in self.measures.values() for v in by_value))


@dataclass(frozen=True)
class Ending:
    """How the replies of one role in one condition ended: a count for each way."""

    role: str
    condition: str
    counts: Mapping[FinishReason, int]

    @property
    def total(self) -> int:
        """All replies of this role and condition."""
        return sum(self.counts.values())


MOST_UNFINISHED = 0.05
"""The largest share of thoughts cut by the budget that goes without a warning, as with lost calls."""


_HEADLINE = (
    ("unconstrained", "accuracy", "Accuracy, constraints not stated"),
    ("constrained", "accuracy", "Accuracy, constraints stated"),
    ("constrained", "hacc", "All constraints met (HAcc)"),
    ("constrained", "sacc", "Share of constraints met (SAcc)"),
    ("constrained", "joint", "Right and all constraints met"),
)


def headline(finding: Finding) -> list[MeasureRow]:
    """The measures that the verdict rests on, top to bottom; those not taken are left out.

    Example:
        >>> from twofold.types import Measure
        >>> half = Estimate(value=0.5, low=0.2, high=0.8, n=6, method="wilson")
        >>> hacc = Measure(role="model", condition="constrained", metric="hacc", estimate=half)
        >>> found = Finding(diagnostic="joint", question="?", measures=(hacc,))
        >>> [row.label for row in headline(found)]
        ['All constraints met (HAcc)']
    """
    rows = []
    for condition, metric, label in _HEADLINE:
        if estimates := _by_role(finding, metric, condition):
            comparison = finding.comparison(metric, condition=condition)
            floors = {
                name.replace("_", " "): floor
                for name in FLOORS
                if (floor := finding.estimate(metric, role=name))
            }
            rows.append(MeasureRow(metric, label, estimates, comparison, floors))
    return rows


def other_cells(finding: Finding) -> list[MeasureRow]:
    """The cells that no headline row shows: all but right and obedient, which is the joint rate."""
    rows = (MeasureRow(c, said, _by_role(finding, c, "constrained")) for c, said in CELLS.items())
    return [row for row in rows if row.estimates and row.metric != "right_obedient"]


def types(finding: Finding) -> dict[str, list[TypeRow]]:
    """Constraint types by group; the group's own row leads its types.

    Returns:
        `{group: rows}` in the order in which the finding names the types.
    """
    groups: dict[str, list[TypeRow]] = {}
    for part in _slices(finding, "type"):
        row = _type_row(finding, part)
        groups.setdefault(row.group, []).append(row)
    for part in _slices(finding, "group"):
        groups.setdefault(part.value, []).insert(0, _type_row(finding, part))
    return groups


def breakdowns(finding: Finding) -> list[Breakdown]:
    """The estimates by tag: the known tags first, then any other that the finding has."""
    found: dict[str, dict[str, dict[str, dict[str, Estimate]]]] = {}
    for each in finding.measures:
        if each.slice.by not in ("", "type", "group"):
            by_value = found.setdefault(each.slice.by, {}).setdefault(each.metric, {})
            by_value.setdefault(each.slice.value, {})[each.role] = each.estimate
    order = [tag for tag in TAGS if tag in found] + [tag for tag in found if tag not in TAGS]
    return [Breakdown(tag, TAGS.get(tag, tag.replace("_", " ")), found[tag]) for tag in order]


def endings(finding: Finding) -> list[Ending]:
    """How replies ended, one entry for each role and condition that was sampled."""
    found: dict[tuple[str, str], dict[FinishReason, int]] = {}
    for each in finding.counts:
        found.setdefault((each.role, each.condition), {})[FinishReason(each.metric)] = each.n
    return [
        Ending(role, condition, found[role, condition])
        for role in ROLES
        for condition in ("unconstrained", "constrained")
        if (role, condition) in found
    ]


def unfinished(finding: Finding) -> dict[str, tuple[int, int]]:
    """Replies that never finished thinking: `{role: (how many, of how many)}`, none left out.

    Only roles that have any; both conditions together.

    Example:
        >>> from twofold.types import Count
        >>> cut = Count(role="model", condition="constrained", metric="unclosed_thinking", n=2)
        >>> rest = Count(role="model", condition="unconstrained", metric="answered", n=7)
        >>> unfinished(Finding(diagnostic="joint", question="?", counts=(cut, rest)))
        {'model': (2, 9)}
    """
    found: dict[str, tuple[int, int]] = {}
    for each in endings(finding):
        n, of = found.get(each.role, (0, 0))
        cut = each.counts.get(FinishReason.unclosed_thinking, 0)
        found[each.role] = (n + cut, of + each.total)
    return {role: (n, of) for role, (n, of) in found.items() if n}


def methods(findings: Iterable[Finding]) -> dict[str, list[str]]:
    """How each interval and p-value was made: `{method: numbers}`, in order of first use."""
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


def _by_role(
    finding: Finding, metric: str, condition: str, slice: Slice = ALL
) -> dict[str, Estimate]:
    found = {
        role: finding.estimate(metric, role=role, condition=condition, slice=slice)
        for role in ROLES
    }
    return {role: estimate for role, estimate in found.items() if estimate is not None}


def _slices(finding: Finding, by: str) -> list[Slice]:
    """The slices by one thing, in the finding's order, each once."""
    return list(dict.fromkeys(m.slice for m in finding.measures if m.slice.by == by))


def _type_row(finding: Finding, part: Slice) -> TypeRow:
    cls = CONSTRAINTS.get(ALIASES.get(part.value, part.value))
    group = cls.group if cls else "other"
    return TypeRow(
        name=part.value,
        group=part.value if part.by == "group" else group,
        rate=_by_role(finding, "met", "constrained", part),
        null=_by_role(finding, "met", "unconstrained", part),
        chance_corrected=_by_role(finding, "chance_corrected", "constrained", part),
        comparison=finding.comparison("met", condition="constrained", slice=part),
    )
