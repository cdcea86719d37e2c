"""How does a study become one page? The trade-off plane of all arms, and a sentence for each.

Everything is read from `study.json`; nothing is computed here. The page keeps the rules of the
audit's page: one file, no network, what models wrote stays text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import jinja2
from markupsafe import Markup
from pydantic import TypeAdapter, ValidationError

from twofold.errors import RunError
from twofold.jsonl import replaced
from twofold.report import curves, figures, wording
from twofold.report.markdown import flat, table
from twofold.report.page import TEMPLATES, asset, breakable, listed, policy, unbroken
from twofold.report.plane import Plane, PlanePoint
from twofold.report.wording import Statement, p_value, spread, statement
from twofold.run_dir import RunDir
from twofold.types import Comparison, Estimate, Outcome

_ESTIMATE = TypeAdapter(Estimate)
_COMPARISON = TypeAdapter(Comparison)

MEASURES = {
    "capability": "Accuracy",
    "constrained_accuracy": "Accuracy, constraints stated",
    "compliance": "All constraints met (HAcc)",
    "joint": "Right and all met",
    "tokens": "Tokens",
}
"""What the tables show of an arm, and how it is called."""

COMPARED = ("capability", "constrained_accuracy", "compliance", "joint")


@final
@dataclass(frozen=True)
class Page:
    """A study's numbers, ready to be shown.

    Args:
        found: What `study.json` holds.
        manifest: What `manifest.json` holds.
    """

    found: Mapping[str, Any]
    manifest: Mapping[str, Any]

    @classmethod
    def of(cls, path: Path) -> Page:
        """The page of a study's folder.

        Raises:
            RunError: If there is no `study.json`, or it cannot be read.
        """
        file = path / "study.json"
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise RunError(f"{path} holds no study.json; give the folder of a study") from error
        except json.JSONDecodeError as error:
            raise RunError(f"{file} is corrupt ({error}); `twofold report` remakes it") from error
        keys = ("base", "arms", "contrasts", "floors", "curves", "lengths", "samples", "caveats")
        if not isinstance(found, dict) or not all(key in found for key in keys):
            raise RunError(f"{file} is corrupt (parts are missing); `twofold report` remakes it")
        try:
            return cls(_typed(found), RunDir(path).manifest())
        except ValidationError as error:
            raise RunError(f"{file} is corrupt ({error}); `twofold report` remakes it") from error

    @property
    def arms(self) -> Mapping[str, Mapping[str, Any]]:
        """Every arm, the base first."""
        arms: Mapping[str, Mapping[str, Any]] = self.found["arms"]
        return arms

    @property
    def contrasts(self) -> Mapping[str, Mapping[str, Any]]:
        """Every trained arm against the base."""
        contrasts: Mapping[str, Mapping[str, Any]] = self.found["contrasts"]
        return contrasts

    @property
    def splits(self) -> list[str]:
        """Splits and their groups, the headline first."""
        return list(next(iter(self.arms.values())).get("splits", {}))

    @property
    def plane(self) -> Plane | None:
        """All arms that have both axes; None if there is none."""
        points = [
            PlanePoint(name, arm["capability"], arm["compliance"])
            for name, arm in self.arms.items()
            if "capability" in arm and "compliance" in arm
        ]
        return Plane(points, self.found["floors"].get("compliance", {})) if points else None

    def says(self, arm: str, split: str | None = None) -> Statement | None:
        """Whether both rose, in words; None where it cannot be said."""
        row = self.contrasts.get(arm, {})
        row = row.get("splits", {}).get(split, {}) if split else row
        if row.get("verdict") is None:
            return None
        corrected = {
            key: replace(
                row[key], p=row[key].p if row[key].p_adjusted is None else row[key].p_adjusted
            )
            for key in COMPARED
            if key in row
        }
        return statement(Outcome(row["verdict"]), corrected)

    def bins(self, arm: str) -> dict[str, dict[str, Estimate]]:
        """Accuracy (as `baseline`) and compliance (as `model`) of an arm by its replies' tokens."""
        found: dict[str, dict[str, Estimate]] = {}
        for row in self.found["lengths"].get(arm, []):
            both = {"baseline": row.get("accuracy"), "model": row.get("compliance")}
            found[f"{row['low']:.0f}–{row['high']:.0f}"] = {
                role: estimate for role, estimate in both.items() if estimate is not None
            }
        return found

    @property
    def methods(self) -> list[str]:
        """How the intervals and the tests were made, each once."""
        told: dict[str, None] = {}
        for row in [*self.arms.values(), *self.contrasts.values()]:
            for value in row.values():
                if isinstance(value, Estimate):
                    told[f"{value.level:.0%} interval: {value.method}"] = None
                if isinstance(value, Comparison):
                    told[f"p: {value.test}"] = None
        return list(told)

    @property
    def answer(self) -> str:
        """The study in one sentence."""
        by_outcome: dict[str, list[str]] = {}
        for arm in self.contrasts:
            said = self.says(arm)
            by_outcome.setdefault(said.title if said else "Cannot be told", []).append(arm)
        if not by_outcome:
            return "No arm is finished yet."
        return " ".join(f"{title}: {', '.join(arms)}." for title, arms in by_outcome.items())


def write(path: Path) -> Path:
    """Make `report.html` and `plane.svg` of a study from its `study.json`.

    Args:
        path: The study's folder.

    Returns:
        The page's path.

    Raises:
        RunError: If `study.json` is missing or corrupt. What was there is intact.
    """
    page = Page.of(path)
    text = html(page)
    if page.plane is not None:
        with replaced(path / "plane.svg") as file:
            file.write(standalone(page.plane.svg()))
    with replaced(path / "report.html") as file:
        file.write(text)
    return path / "report.html"


def html(page: Page) -> str:
    """The whole page, an HTML document that stands on its own."""
    style, script = asset("style.css"), asset("page.js")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"figures": figures, "curves": curves, "wording": wording}
    return environment.get_template("study.html.j2").render(
        page=page,
        found=page.found,
        measures=MEASURES,
        compared=COMPARED,
        listed=listed,
        breakable=breakable,
        unbroken=unbroken,
        style=Markup(style),
        script=Markup(script),
        policy=policy(style, script),
    )


def standalone(svg: Markup) -> str:
    """A drawing as a file of its own: what the page's style sheet says, inside it, in light colours.

    Example:
        >>> standalone(Markup('<svg class="plane"></svg>'))[:42]
        '<svg xmlns="http://www.w3.org/2000/svg" cl'
    """
    ground = '<rect width="100%" height="100%" fill="#ffffff"/>'
    opening, _, rest = str(svg).partition(">")
    opening = opening.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return f"{opening}><style>{asset('figure.css')}</style>{ground}{rest}\n"


def summary(path: Path) -> str:
    """The study in text: a row an arm, then what each verdict means.

    Args:
        path: The study's folder.

    Returns:
        Markdown without a heading.
    """
    page = Page.of(path)
    head = ["arm", *(words for key, words in MEASURES.items() if key in COMPARED), "did both rise?"]
    rows = []
    for name, arm in page.arms.items():
        said = page.says(name)
        unknown = "cannot be told" if name in page.contrasts else "not finished"
        last = said.title if said else ("the base" if arm["method"] is None else unknown)
        cells = [spread(arm[key]) if key in arm else "–" for key in COMPARED]
        rows.append([flat(name), *cells, last])
    told = []
    for name in page.contrasts:
        if said := page.says(name):
            kept = page.contrasts[name].get("retained", {})
            more = "".join(
                f" Of the gain in accuracy of {flat(who)} it keeps {spread(share)}."
                for who, share in kept.items()
            )
            told.append(f"- **{flat(name)}**: {said.title}. {said.numbers}{more}")
    floors = [
        f"- floor of {measure}: " + "; ".join(f"{flat(n)} {spread(e)}" for n, e in by_name.items())
        for measure, by_name in page.found["floors"].items()
    ]
    caveats = [f"- {flat(caveat)}" for caveat in page.found["caveats"]]
    blocks = [table(head, rows), "\n".join(told), "\n".join(floors), "\n".join(caveats)]
    return "\n\n".join(block for block in blocks if block)


def differences(page: Page) -> str:
    """Every split of every arm as a table of paired differences, for a recipe's README."""
    head = ["arm", "on", "accuracy", "all constraints met", "both", "p", "verdict"]
    rows = []
    for arm, contrast in page.contrasts.items():
        for split, row in contrast["splits"].items():
            cells = [
                spread(row[key].difference, sign=True) if key in row else "–"
                for key in ("capability", "compliance", "joint")
            ]
            ps = [p_value(row[k].p_adjusted) for k in ("capability", "compliance") if k in row]
            rows.append([arm, split, *cells, " / ".join(ps), str(row["verdict"] or "–")])
    return table(head, rows)


def _typed(value: Any) -> Any:
    """Estimates and comparisons of `study.json` as what they are, at any depth."""
    if isinstance(value, dict):
        if {"value", "low", "high", "method"} <= value.keys():
            return _ESTIMATE.validate_python(value)
        if {"difference", "before", "after", "test"} <= value.keys():
            return _COMPARISON.validate_python(value)
        return {key: _typed(each) for key, each in value.items()}
    return [_typed(each) for each in value] if isinstance(value, list) else value
