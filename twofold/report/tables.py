"""What stands in which row? The `joint` finding's flat keys, arranged as tables.

Nothing is computed here: every number of a row is an `Estimate` or a `Comparison` of the finding,
and a row that has none is not made. The page and the plain text are both drawn from these rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from twofold.constraints import ALIASES, CONSTRAINTS
from twofold.types import Comparison, Estimate, Finding, FinishReason

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
    """One measure, for the model and (if there is one) for the base it is held against.

    Args:
        key: The measure's path without the role, e.g. `constrained/hacc`.
        label: What it is called.
        estimates: By role.
        comparison: The paired difference; None where none was made.
        floors: What a reply that does nothing gets on this measure, by its name.
    """

    key: str
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
        lift: By role: (rate − null) / (1 − null).
        comparison: The paired difference, corrected over all types.
    """

    name: str
    group: str
    rate: Mapping[str, Estimate]
    null: Mapping[str, Estimate]
    lift: Mapping[str, Estimate]
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
    ("unconstrained/accuracy", "Accuracy, constraints not stated", "capability"),
    ("constrained/accuracy", "Accuracy, constraints stated", "constrained_accuracy"),
    ("constrained/hacc", "All constraints met (HAcc)", "compliance"),
    ("constrained/sacc", "Share of constraints met (SAcc)", "sacc"),
    ("constrained/joint", "Right and all constraints met", "joint"),
)


def headline(finding: Finding) -> list[MeasureRow]:
    """The measures that the verdict rests on, top to bottom.

    Args:
        finding: The `joint` finding.

    Returns:
        One row for each measure that was taken.

    Example:
        >>> share = Estimate(value=0.5, low=0.2, high=0.8, n=6, method="wilson")
        >>> found = Finding(diagnostic="joint", question="?", estimates={"model/constrained/hacc": share})
        >>> [row.label for row in headline(found)]
        ['All constraints met (HAcc)']
    """
    rows = []
    for key, label, compared in _HEADLINE:
        comparison = finding.comparisons.get(compared)
        if estimates := _by_role(finding, key):
            rows.append(MeasureRow(key, label, estimates, comparison, _floors(finding, key)))
    return rows


def other_cells(finding: Finding) -> list[MeasureRow]:
    """The cells that no headline row shows: all but right and obedient, which is the joint rate."""
    rows = (
        MeasureRow(f"cells/{c}", said, _by_role(finding, f"cells/{c}")) for c, said in CELLS.items()
    )
    return [row for row in rows if row.estimates and row.key != "cells/right_obedient"]


def types(finding: Finding) -> dict[str, list[TypeRow]]:
    """Constraint types by group; the group's own row leads its types.

    Returns:
        `{group: rows}` in the order in which the finding names the types.
    """
    groups: dict[str, list[TypeRow]] = {}
    for name in _names(finding.estimates, "type"):
        row = _type_row(finding, "type", name)
        groups.setdefault(row.group, []).append(row)
    for group in _names(finding.estimates, "group"):
        groups.setdefault(group, []).insert(0, _type_row(finding, "group", group))
    return groups


def breakdowns(finding: Finding) -> list[Breakdown]:
    """The `by` estimates: the known tags first, then any other that the finding has."""
    found: dict[str, dict[str, dict[str, dict[str, Estimate]]]] = {}
    for key, estimate in finding.estimates.items():
        role, _, rest = key.partition("/by/")
        tag, _, rest = rest.partition("/")
        value, _, measure = rest.rpartition("/")
        if measure:
            by_value = found.setdefault(tag, {}).setdefault(measure, {})
            by_value.setdefault(value, {})[role] = estimate
    order = [tag for tag in TAGS if tag in found] + [tag for tag in found if tag not in TAGS]
    return [Breakdown(tag, TAGS.get(tag, tag.replace("_", " ")), found[tag]) for tag in order]


def endings(finding: Finding) -> list[Ending]:
    """How replies ended, one entry for each role and condition that was sampled."""
    found: dict[tuple[str, str], dict[FinishReason, int]] = {}
    for key, count in finding.counts.items():
        where, _, ended = key.partition("/finish_reason/")
        role, _, condition = where.partition("/")
        if ended:
            found.setdefault((role, condition), {})[FinishReason(ended)] = count
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
        >>> counts = {"model/unconstrained/finish_reason/answered": 7,
        "model/constrained/finish_reason/unclosed_thinking": 2}
        >>> unfinished(Finding(diagnostic="joint", question="?", counts=counts))
        {'model': (2, 9)}
    """
    found: dict[str, tuple[int, int]] = {}
    for each in endings(finding):
        n, of = found.get(each.role, (0, 0))
        cut = each.counts.get(FinishReason.unclosed_thinking, 0)
        found[each.role] = (n + cut, of + each.total)
    return {role: (n, of) for role, (n, of) in found.items() if n}


def methods(findings: Iterable[Finding]) -> dict[str, list[str]]:
    """How each interval and p-value was made: `{method: keys}`, in order of first use."""
    found: dict[str, list[str]] = {}
    for finding in findings:
        for key, estimate in finding.estimates.items():
            found.setdefault(f"{estimate.method}, {estimate.level:.0%} interval", []).append(key)
        for key, comparison in finding.comparisons.items():
            how = comparison.difference
            text = f"{how.method}, {how.level:.0%} interval; p by {comparison.test}"
            found.setdefault(text, []).append(f"difference: {key}")
    return found


def _by_role(finding: Finding, key: str) -> dict[str, Estimate]:
    paths = ((role, f"{role}/{key}") for role in ROLES)
    return {role: finding.estimates[p] for role, p in paths if p in finding.estimates}


def _floors(finding: Finding, key: str) -> dict[str, Estimate]:
    measure = key.removeprefix("constrained/").removeprefix("unconstrained/")
    return {
        name.replace("_", " "): finding.estimates[path]
        for name in _names(finding.estimates, "floor", depth=0)
        if (path := f"floor/{name}/{measure}") in finding.estimates
    }


def _names(estimates: Iterable[str], kind: str, *, depth: int = 1) -> list[str]:
    """The NAMEs of `ROLE/kind/NAME/...` (depth 1) or `kind/NAME/...` (depth 0), each once."""
    keys = (key.split("/") for key in estimates)
    return list(dict.fromkeys(key[depth + 1] for key in keys if key[depth : depth + 1] == [kind]))


def _type_row(finding: Finding, kind: str, name: str) -> TypeRow:
    cls = CONSTRAINTS.get(ALIASES.get(name, name))
    return TypeRow(
        name=name,
        group=name if kind == "group" else (cls.group if cls else "other"),
        rate=_by_role(finding, f"{kind}/{name}/rate"),
        null=_by_role(finding, f"{kind}/{name}/null"),
        lift=_by_role(finding, f"{kind}/{name}/chance_corrected"),
        comparison=finding.comparisons.get(f"{kind}/{name}"),
    )
