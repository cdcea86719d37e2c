"""How does a run become one page? The template, its policy and its data.

The page is one file that needs nothing: no network, no other file, no library. What models said is
embedded as JSON in which no `<` is left, the script puts it into the document as text only, and the
content policy allows this page's own script and style by their hashes and forbids everything else.
"""

from __future__ import annotations

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
from twofold.problems.floors import FLOORS
from twofold.report import chains, figures, judged, side_by_side, tables, verdict, wording
from twofold.report.chains import View
from twofold.report.examples import MOST_SAMPLES, Examples
from twofold.report.plane import Plane, PlanePoint
from twofold.storage.jsonl import dumps
from twofold.types import Estimate, Finding

TEMPLATES = Path(__file__).parent / "templates"
"""What pages are made of."""

CHAINS = ("information_gain", "faithfulness")
SECTIONS = dict.fromkeys(CHAINS, "chains.html.j2") | {"checklist": "checklist.html.j2"}
"""The template of a finding's section, where it has one of its own."""


@dataclass(frozen=True)
class Run:
    """What the page is made from.

    Args:
        manifest: `manifest.json`.
        findings: The findings, in their order.
        lost: The `lost` object of `findings.json`: `n` of `of` responses, and why.
        examples: The replies to show.
        chains: The chains to show.
    """

    manifest: Mapping[str, Any]
    findings: Sequence[Finding]
    lost: Mapping[str, Any]
    examples: Examples
    chains: Sequence[View] = ()


def model_names(manifest: Mapping[str, Any]) -> dict[str, str]:
    """What the models are called, by role: what they were asked for by.

    Example:
        >>> model_names({"models": {"model": "smollm2"}})
        {'model': 'smollm2'}
        >>> model_names({"models": {"model": "m", "baseline": "m"}})
        {'model': 'm (after)', 'baseline': 'm (before)'}
    """
    given: Mapping[str, str] = manifest.get("models", {})
    names = {"model": "the model"} | {role: str(spec) for role, spec in given.items()}
    if names.get("baseline") == names["model"]:
        return {"model": f"{names['model']} (after)", "baseline": f"{names['baseline']} (before)"}
    return names


def html(run: Run) -> str:
    """The whole page.

    Args:
        run: What was found and said.

    Returns:
        An HTML document that stands on its own.
    """
    style, script = asset("style.css"), asset("page.js") + asset("browser.js")
    names = model_names(run.manifest)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "chains": chains,
        "figures": figures,
        "judged": judged,
        "side_by_side": side_by_side,
        "tables": tables,
        "verdict": verdict,
        "wording": wording,
    }
    return environment.get_template("page.html.j2").render(
        run=run,
        names=names,
        joint=next((f for f in run.findings if f.diagnostic == "joint"), None),
        others=[f for f in run.findings if f.diagnostic != "joint"],
        sections=SECTIONS,
        has_chains=any(f.diagnostic in CHAINS for f in run.findings),
        has_checklists=any(f.diagnostic == "checklist" for f in run.findings),
        has_gain=any(f.diagnostic == "information_gain" for f in run.findings),
        plane=_plane,
        cells=_cells,
        listed=listed,
        breakable=breakable,
        unbroken=unbroken,
        most_samples=MOST_SAMPLES,
        style=Markup(style),
        script=Markup(script),
        policy=policy(style, script),
        data=embedded({"names": names, "problems": run.examples.problems}),
    )


def embedded(value: object) -> Markup:
    r"""JSON that can stand inside a `<script>` element whatever texts it holds.

    Without a `<`, neither `</script>` nor `<!--` can end or bend the element; the reader of the JSON
    gets the character back.

    Example:
        >>> embedded({"reply": "</script>"})
        Markup('{"reply":"\\u003c/script>"}')
    """
    return Markup(dumps(value).replace("<", "\\u003c"))


def asset(name: str) -> str:
    """The text of a file of `TEMPLATES`."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def policy(style: str, script: str) -> str:
    """The content policy that allows this style and this script by their hashes, and nothing else."""
    hashes = [
        "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
        for text in (style, script)
    ]
    return (
        f"default-src 'none'; style-src {hashes[0]}; script-src {hashes[1]}; "
        "base-uri 'none'; form-action 'none'"
    )


def _plane(finding: Finding, names: Mapping[str, str]) -> Plane | None:
    """The plane of a finding; None where capability or compliance was not measured."""
    arms = _paired_arms(finding, names) or _arms(finding, names)
    if not arms:
        return None
    floors = {
        name.replace("_", " "): floor
        for name in FLOORS
        if (floor := finding.estimate("hacc", role=name))
    }
    return Plane(arms, floors, arrow=(0, 1) if len(arms) == 2 else None)


def _paired_arms(finding: Finding, names: Mapping[str, str]) -> list[PlanePoint]:
    """Before and after on the problems that both have scored: their arrow is the difference."""
    found = axes(finding.contrasts)
    if not {"capability", "compliance"} <= found.keys():
        return []
    capability, compliance = found["capability"], found["compliance"]
    return [
        PlanePoint(names["baseline"], capability.before, compliance.before),
        PlanePoint(names["model"], capability.after, compliance.after),
    ]


def _arms(finding: Finding, names: Mapping[str, str]) -> list[PlanePoint]:
    plain = finding.estimate("accuracy", condition="unconstrained")
    condition = "unconstrained" if plain else "constrained"
    return [
        PlanePoint(names[role], capability, compliance)
        for role in tables.ROLES
        if (capability := finding.estimate("accuracy", role=role, condition=condition))
        and (compliance := finding.estimate("hacc", role=role, condition="constrained"))
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
    """A registry name that may go on in the next line after `:`, `_` or `/`."""
    return Markup("").join(Markup("{}<wbr>").format(part) for part in re.split("(?<=[:_/])", name))


def unbroken(text: str) -> str:
    """A sentence whose intervals stay on one line."""
    return re.sub(r"(\[[^],]+,) ", "\\1\u00a0", text)


def listed(value: object) -> list[tuple[str, object]]:
    """A manifest's nested values as (dotted name, value) lines."""
    if isinstance(value, Mapping):
        lines: list[tuple[str, object]] = []
        for key, each in value.items():
            inner = listed(each)
            lines += [(f"{key}.{name}" if name else str(key), leaf) for name, leaf in inner]
        return lines
    return [("", value)]
