"""How does a run become one HTML page? Templates, data and the content security policy.

The page is one file without network access. Replies are embedded as JSON without any `<` and shown as
text only; the policy allows only the page's own script and style, by their hashes.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from twofold.diagnostics.joint.analysis import axes
from twofold.report import (
    chains,
    elicitation,
    figures,
    judged,
    side_by_side,
    tables,
    token_shift,
    verdict,
    wording,
)
from twofold.report.chains import View
from twofold.report.examples import MOST_SAMPLES, Examples
from twofold.report.judged import JudgedView
from twofold.report.plane import Axis, Plane, PlanePoint
from twofold.storage.jsonl import dumps
from twofold.types import Estimate, Finding

TEMPLATES = Path(__file__).parent / "templates"

CHAINS = ("information_gain", "faithfulness")
# The template of a finding's section, if not `finding.html.j2`.
SECTIONS = dict.fromkeys(CHAINS, "chains.html.j2") | {
    "checklist": "checklist.html.j2",
    "elicitation": "elicitation.html.j2",
}


@dataclass(frozen=True)
class Run:
    """The data of the page: `lost` is the object of that name in `findings.json`."""

    manifest: Mapping[str, Any]
    findings: Sequence[Finding]
    lost: Mapping[str, Any]
    examples: Examples
    chains: Sequence[View] = ()
    judged: Sequence[JudgedView] = ()


def model_names(manifest: Mapping[str, Any], findings: Sequence[Finding] = ()) -> dict[str, str]:
    """The names of the models by role, as they were given on the command line.

    A baseline that has findings has a name, also if the manifest does not know it.
    """
    given: Mapping[str, str] = manifest.get("models", {})
    names = {"model": "the model"} | dict(given)
    if any(each.role == "baseline" for found in findings for each in found.measures):
        names.setdefault("baseline", "the baseline")
    if names.get("baseline") == names["model"]:
        return {"model": f"{names['model']} (after)", "baseline": f"{names['baseline']} (before)"}
    return names


def html(run: Run) -> str:
    """The whole page, a self-contained HTML document."""
    names = model_names(run.manifest, run.findings)
    diagnostics = {finding.diagnostic for finding in run.findings}
    return render(
        "page.html.j2",
        asset("page.js") + asset("browser.js"),
        run=run,
        names=names,
        joint=next((f for f in run.findings if f.diagnostic == "joint"), None),
        others=[f for f in run.findings if f.diagnostic != "joint"],
        sections=SECTIONS,
        has_chains=not diagnostics.isdisjoint(CHAINS),
        has_checklists="checklist" in diagnostics,
        has_gain="information_gain" in diagnostics,
        has_elicitation="elicitation" in diagnostics,
        plane=_plane,
        cells=_cells,
        most_samples=MOST_SAMPLES,
        data=embedded({"names": names, "problems": run.examples.problems}),
        chains=chains,
        elicitation=elicitation,
        token_shift=token_shift,
        judged=judged,
        side_by_side=side_by_side,
        tables=tables,
        verdict=verdict,
    )


def render(template: str, script: str, **values: object) -> str:
    """An HTML document from a template and its values, with style, script and policy inside."""
    style = asset("style.css")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(
        figures=figures,
        wording=wording,
        listed=listed,
        breakable=breakable,
        unbroken=unbroken,
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        **values,
    )


def embedded(value: object) -> Markup:
    r"""JSON that is safe inside a `<script>` element: without a `<`, no text can close the element."""
    return Markup(dumps(value).replace("<", "\\u003c"))


def asset(name: str) -> str:
    """The text of a file in `TEMPLATES`."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """The content security policy that allows only this style and this script, by hash."""
    hashes = [
        "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
        for text in (style, script)
    ]
    return (
        f"default-src 'none'; style-src {hashes[0]}; script-src {hashes[1]}; "
        "base-uri 'none'; form-action 'none'"
    )


def _plane(finding: Finding, names: Mapping[str, str]) -> Plane | None:
    """The plane of a finding; None where capability or the other axis was not measured."""
    axis: Axis = "obedience" if finding.estimate("obedience") else "compliance"
    arms = _paired_arms(finding, names, axis) or _arms(finding, names, axis)
    if not arms:
        return None
    floors = tables.floors(finding, "hacc" if axis == "compliance" else axis)
    return Plane(arms, floors, (0, 1) if len(arms) == 2 else None, axis)


def _paired_arms(finding: Finding, names: Mapping[str, str], axis: Axis) -> list[PlanePoint]:
    """Before and after on the problems scored on both sides, so that the arrow is the difference."""
    found = axes(finding.contrasts)
    capability, height = found.get("capability"), found.get(axis)
    if capability is None or height is None:
        return []
    return [
        PlanePoint(names["baseline"], capability.before, height.before),
        PlanePoint(names["model"], capability.after, height.after),
    ]


def _arms(finding: Finding, names: Mapping[str, str], axis: Axis) -> list[PlanePoint]:
    plain = finding.estimate("accuracy", condition="unconstrained")
    condition = "unconstrained" if plain else "constrained"
    metric, of = ("obedience", "") if axis == "obedience" else ("hacc", "constrained")
    return [
        PlanePoint(names[role], capability, height)
        for role in tables.ROLES
        if (capability := finding.estimate("accuracy", role=role, condition=condition))
        and (height := finding.estimate(metric, role=role, condition=of))
    ]


def _cells(finding: Finding, role: str) -> dict[str, Estimate]:
    """The four cells of a role; empty unless all four are there."""
    found = {
        cell: estimate
        for cell in tables.CELLS
        if (estimate := finding.estimate(cell, role=role, condition="constrained"))
    }
    return found if len(found) == len(tables.CELLS) else {}


def breakable(name: str) -> Markup:
    """A registry name with line break opportunities after `:`, `_` and `/`."""
    return Markup("").join(Markup("{}<wbr>").format(part) for part in re.split("(?<=[:_/])", name))


def unbroken(text: str) -> str:
    """A sentence whose intervals are not broken across lines."""
    return re.sub(r"(\[[^],]+,) ", "\\1\u00a0", text)


def listed(value: object) -> list[tuple[str, object]]:
    """The nested values of a manifest as (dotted name, value) pairs."""
    if not isinstance(value, Mapping):
        return [("", value)]
    return [
        (f"{key}.{name}" if name else str(key), leaf)
        for key, each in value.items()
        for name, leaf in listed(each)
    ]
