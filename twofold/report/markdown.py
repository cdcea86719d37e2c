"""What is the result, in plain text? Tables for the terminal, and `report.md`.

The tables are Markdown with padded columns: readable as they are, and rendered wherever Markdown is.
Numbers are written as `Estimate` writes itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from twofold.report.judged import sections
from twofold.report.side_by_side import pairs, sides
from twofold.report.tables import ROLES, MeasureRow, headline, other_cells, types
from twofold.report.verdict import verdict
from twofold.report.wording import filed_under, p_value, spread
from twofold.types import Comparison, Estimate, Finding

_WHO = {"baseline": "before", "model": "after"}


def summary(findings: Sequence[Finding], names: Mapping[str, str] | None = None) -> str:
    """The findings as text: the verdict, the headline table, constraint types, caveats.

    Args:
        findings: What the diagnostics found, `joint` among them or not.
        names: What the models are called, by role; None = "the model".

    Returns:
        Markdown without a heading, no line break at its end.

    Example:
        >>> from twofold.types import Estimate, Measure
        >>> half = Estimate(value=0.5, low=0.2, high=0.8, n=6, method="wilson")
        >>> hacc = Measure(role="model", condition="constrained", metric="hacc", estimate=half)
        >>> found = Finding(diagnostic="joint", question="?", measures=(hacc,))
        >>> print(summary([found]).splitlines()[0])
        **the model**: All constraints met 0.500 [0.200, 0.800]. One model, measured alone.
    """
    blocks = []
    for finding in findings:
        if finding.diagnostic == "joint":
            blocks += _joint(finding, names or {"model": "the model", "baseline": "the base"})
        else:
            blocks.append(f"**{flat(finding.question)}**")
            blocks += _judged(finding) if finding.diagnostic == "checklist" else [_listed(finding)]
        if finding.caveats:
            blocks.append("\n".join(f"- {flat(caveat)}" for caveat in finding.caveats))
    return "\n\n".join(block for block in blocks if block)


def document(findings: Sequence[Finding], names: Mapping[str, str]) -> str:
    """`report.md`: the summary under a heading that names the models.

    Args:
        findings: What the diagnostics found.
        names: What the models are called, by role.
    """
    title = flat(names["model"])
    if "baseline" in names:
        title += f" against {flat(names['baseline'])}"
    return (
        f"# {title}\n\n{summary(findings, names)}\n\n"
        "`report.html`, in the same directory, has every number, figure and reply.\n"
    )


def _joint(finding: Finding, names: Mapping[str, str]) -> list[str]:
    said = verdict(finding, names)
    return [
        f"**{flat(said.title)}**: {said.numbers} {said.meaning}".strip(),
        _headline(finding),
        _types(finding),
    ]


def _headline(finding: Finding) -> str:
    rows = [*headline(finding), *other_cells(finding)]
    roles = [role for role in ROLES if any(role in row.estimates for row in rows)]
    compared = any(row.comparison for row in rows)
    head = ["measure", *([_WHO[r] for r in roles] if len(roles) > 1 else ["estimate"])]
    if compared:
        head += ["difference", "p", "improved/regressed", "minimum detectable"]
    head += ["floor"] if any(row.floors for row in rows) else []
    return table(head, [_headline_cells(row, roles, compared)[: len(head)] for row in rows])


def _headline_cells(row: MeasureRow, roles: Sequence[str], compared: bool) -> list[str]:
    cells = [row.label, *(str(row.estimates[r]) if r in row.estimates else "–" for r in roles)]
    if compared:
        cells += _difference(row.comparison)
    return [*cells, "; ".join(f"{name} {e}" for name, e in row.floors.items()) or "–"]


def _difference(each: Comparison | None) -> list[str]:
    """The four cells of a comparison: difference, p, problems gained and lost, what it could see."""
    if each is None:
        return ["–"] * 4
    return [
        spread(each.difference, sign=True),
        p_value(each.p if each.p_adjusted is None else each.p_adjusted),
        f"{each.n_improved}/{each.n_regressed}",
        "–" if each.minimum_detectable_effect is None else f"{each.minimum_detectable_effect:.3f}",
    ]


def _types(finding: Finding) -> str:
    rows = [row for group in types(finding).values() for row in group if row.name != row.group]
    if not rows:
        return ""
    paired = any(row.comparison for row in rows)
    roles = [role for role in ROLES if any(role in row.rate for row in rows)]
    said = [f", {_WHO[role]}" for role in roles] if len(roles) > 1 else [""]
    head = [
        "constraint type",
        *(f"met when {how}{w}" for how in ("stated", "not stated") for w in said),
    ]
    head += ["difference", "p (Holm)"] if paired else []
    body = []
    for row in rows:
        cells = [row.name, *(_said(e.get(role)) for e in (row.rate, row.null) for role in roles)]
        if paired:
            each = row.comparison
            cells.append(spread(each.difference, sign=True) if each else "–")
            cells.append(p_value(each.p_adjusted) if each else "–")
        body.append(cells)
    return table(head, body)


def _judged(finding: Finding) -> list[str]:
    """The checklists: for each judge a table of its shares, and one of its errors."""
    roles = [role for role in ROLES if any(m.role == role for m in finding.measures)]
    compared = bool(finding.contrasts)
    blocks = []
    for section in sections(finding, roles):
        head = [
            f"judged by {section.judge}",
            *([_WHO[r] for r in roles] if len(roles) > 1 else ["share"]),
        ]
        head += ["difference", "p", "improved/regressed", "minimum detectable"] if compared else []
        body = []
        for share in section.shares:
            cells = [share.label, *(_said(share.estimates.get(role)) for role in roles)]
            cells += _difference(share.comparison) if compared else []
            floors = "; ".join(f"{name} {e}" for name, e in share.floors.items())
            body.append([*cells, floors or "–"])
        blocks.append(table([*head, "floor"], body))
        if section.errors:
            rows = [[label, str(e)] for label, e in section.errors.items()]
            blocks.append(table([f"errors of {section.judge}", "where a rule decides"], rows))
    return blocks


def _listed(finding: Finding) -> str:
    """Another diagnostic: all that it compares, or its estimates if it compares nothing."""
    rows = [
        [row.label, _said(row.before), _said(row.after), *_difference(row.comparison)]
        for row in pairs(finding)
    ]
    if not rows:
        return table(
            ["estimate", "value"], [[filed_under(m), str(m.estimate)] for m in finding.measures]
        )
    return table(
        ["", *sides(finding), "difference", "p", "improved/regressed", "minimum detectable"], rows
    )


def _said(estimate: Estimate | None) -> str:
    return "–" if estimate is None else str(estimate)


def table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A Markdown table with padded columns; a cell's text is flattened and its bars are escaped."""
    rows = [[flat(cell).replace("|", "\\|") for cell in row] for row in (head, *body)]
    widths = [max(3, *(len(row[i]) for row in rows)) for i in range(len(head))]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)) + " |" for r in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def flat(text: str) -> str:
    """On one line, with no character that a terminal or Markdown's HTML would act on."""
    printable = "".join(ch if ch.isprintable() else " " for ch in text)
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", printable)
