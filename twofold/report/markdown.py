"""What is the result in plain text? Padded Markdown tables for the terminal and `report.md`."""

import re
from collections.abc import Mapping, Sequence

from twofold.report import elicitation, token_shift
from twofold.report.judged import sections
from twofold.report.side_by_side import pairs, sides
from twofold.report.tables import ROLES, MeasureRow, headline, other_cells, types
from twofold.report.verdict import verdict
from twofold.report.wording import filed_under, p_of, p_value, spread
from twofold.types import Comparison, Estimate, Finding

_WHO = {"baseline": "before", "model": "after"}


def summary(findings: Sequence[Finding], names: Mapping[str, str] | None = None) -> str:
    """The findings as Markdown: the verdict, the headline table, constraint types, caveats.

    Args:
        findings: What the diagnostics found.
        names: The names of the models by role; None = "the model".
    """
    blocks = []
    for finding in findings:
        if finding.diagnostic == "joint":
            blocks += _joint(finding, names or {"model": "the model", "baseline": "the base"})
        else:
            blocks.append(f"**{flat(finding.question)}**")
            blocks += _SECTIONS.get(finding.diagnostic, _listed)(finding)
        if finding.caveats:
            blocks.append("\n".join(f"- {flat(caveat)}" for caveat in finding.caveats))
    return "\n\n".join(block for block in blocks if block)


def document(findings: Sequence[Finding], names: Mapping[str, str]) -> str:
    """`report.md`: the summary under a heading with the names of the models."""
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
        " ".join(
            filter(
                None, (f"**{flat(said.first_line)}**:", said.caution, said.numbers, said.meaning)
            )
        ),
        _headline(finding),
        _types(finding),
    ]


def _headline(finding: Finding) -> str:
    rows = [*headline(finding), *other_cells(finding)]
    return _measures("measure", "estimate", rows)


def _measures(what: str, single: str, rows: Sequence[MeasureRow]) -> str:
    """A table of measures; a single model's column is headed `single`."""
    roles = [role for role in ROLES if any(role in row.estimates for row in rows)]
    has_differences = any(row.comparison for row in rows)
    has_floors = any(row.floors for row in rows)
    head = [what, *([_WHO[r] for r in roles] if len(roles) > 1 else [single])]
    head += _DIFFERENCE if has_differences else []
    head += ["floor"] if has_floors else []
    body = []
    for row in rows:
        cells = [row.label, *(_text(row.estimates.get(role)) for role in roles)]
        cells += _difference(row.comparison) if has_differences else []
        floors = "; ".join(f"{name} {e}" for name, e in row.floors.items())
        body.append([*cells, floors or "–"] if has_floors else cells)
    return table(head, body)


_DIFFERENCE = ["difference", "p", "improved/regressed", "minimum detectable"]


def _difference(each: Comparison | None) -> list[str]:
    if each is None:
        return ["–"] * len(_DIFFERENCE)
    return [
        spread(each.difference, sign=True),
        p_of(each),
        f"{each.n_improved}/{each.n_regressed}",
        "–" if each.minimum_detectable_effect is None else f"{each.minimum_detectable_effect:.3f}",
    ]


def _types(finding: Finding) -> str:
    rows = [row for group in types(finding).values() for row in group if row.name != row.group]
    if not rows:
        return ""
    paired = any(row.comparison for row in rows)
    roles = [role for role in ROLES if any(role in row.rate for row in rows)]
    ends = [f", {_WHO[role]}" for role in roles] if len(roles) > 1 else [""]
    head = ["constraint type"]
    named = {"met when stated": "rate", "met when not stated": "null", "obedience": "obedience"}
    measured = {what: key for what, key in named.items() if any(getattr(r, key) for r in rows)}
    head += [f"{what}{end}" for what in measured for end in ends]
    head += ["change of met when stated", "p (Holm)"] if paired else []
    body = []
    for row in rows:
        rates = [getattr(row, key) for key in measured.values()]
        cells = [row.name, *(_text(rate.get(role)) for rate in rates for role in roles)]
        if paired:
            each = row.comparison
            cells.append(spread(each.difference if each else None, sign=True))
            cells.append(p_value(each.p_adjusted if each else None))
        body.append(cells)
    return table(head, body)


def _judged(finding: Finding) -> list[str]:
    """The checklists: for each judge a table of its shares, and one of its errors."""
    roles = [role for role in ROLES if any(m.role == role for m in finding.measures)]
    blocks = []
    for section in sections(finding, roles):
        blocks.append(_measures(f"judged by {section.judge}", "share", section.shares))
        if section.errors:
            rows = [[label, str(e)] for label, e in section.errors.items()]
            blocks.append(table([f"errors of {section.judge}", "where a rule decides"], rows))
    return blocks


def _elicited(finding: Finding) -> list[str]:
    """Elicitation: the arms with their recovery, the best of k, what became of the problems."""
    head = ["arm", *elicitation.COLUMNS.values(), *elicitation.RECOVERIES.values()]
    head += elicitation.CHANGES.values()
    is_pair = len({row.role for row in elicitation.arms(finding)}) > 1
    body = [
        [
            f"{_WHO[row.role]}: {row.label}" if is_pair else row.label,
            *(_spread(row.estimates.get(metric)) for metric in elicitation.COLUMNS),
            *(_spread(row.recovery.get(scale)) for scale in elicitation.RECOVERIES),
            *(_change(row.changes.get(each)) for each in elicitation.CHANGES),
        ]
        for row in elicitation.arms(finding)
    ]
    support = [[words, str(e)] for words, e in elicitation.support_rows(finding).items()]
    blocks = [table(head, body)] if body else []
    if rows := elicitation.curve_rows(finding):
        blocks.append(_measures("best of k tries", "estimate", rows))
    blocks += [table(["problems", "share"], support)] if support else []
    if shifts := token_shift.rows(finding):
        read = [
            [row.label, *(_spread(row.estimates.get(role)) for role in token_shift.WHOSE)]
            for row in shifts
        ]
        blocks.append(table(["token by token", *token_shift.WHOSE.values()], read))
    return blocks


def _spread(estimate: Estimate | None) -> str:
    return "–" if estimate is None else f"{spread(estimate)} ({estimate.n})"


def _change(each: Comparison | None) -> str:
    if each is None:
        return "–"
    return f"{spread(each.difference, sign=True)} p {p_of(each)}"


def _listed(finding: Finding) -> list[str]:
    """Another diagnostic: everything it compares, or its estimates if it compares nothing."""
    rows = [
        [row.label, _text(row.before), _text(row.after), *_difference(row.comparison)]
        for row in pairs(finding)
    ]
    if rows:
        return [table(["", *sides(finding), *_DIFFERENCE], rows)]
    found = [[filed_under(m), str(m.estimate)] for m in finding.measures]
    return [table(["estimate", "value"], found)]


# How a diagnostic is listed, if not by `_listed`.
_SECTIONS = {"checklist": _judged, "elicitation": _elicited}


def _text(estimate: Estimate | None) -> str:
    return "–" if estimate is None else str(estimate)


def table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A Markdown table with padded columns and escaped cells."""
    rows = [[flat(cell).replace("|", "\\|") for cell in row] for row in (head, *body)]
    widths = [max(3, *(len(row[i]) for row in rows)) for i in range(len(head))]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)) + " |" for r in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def on_terminal(markdown: str) -> str:
    """The Markdown as people read it on a terminal, where nothing is rendered: with plain `<`."""
    return markdown.replace("&lt;", "<")


def flat(text: str) -> str:
    """The text on one line, without control characters or HTML tags."""
    printable = "".join(ch if ch.isprintable() else " " for ch in text)
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", printable)
