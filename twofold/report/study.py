"""How does a study become one page? The trade-off plane of all arms, and a sentence for each.

Everything is read from `study.json`; nothing is computed here. As on the page of an audit: one file,
no network, and what models wrote stays text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, final

import jinja2
from markupsafe import Markup

from twofold.report import curves, figures, study_file, wording
from twofold.report.markdown import flat, table
from twofold.report.page import TEMPLATES, asset, breakable, listed, policy, unbroken
from twofold.report.plane import Plane, PlanePoint
from twofold.report.study_file import (
    ACCURACY,
    CONSTRAINED_ACCURACY,
    HACC,
    JOINT,
    MET,
    TOKENS,
    Key,
    RetainedRecord,
    StudyFile,
)
from twofold.report.wording import Statement, p_value, spread, statement
from twofold.storage.jsonl import Row, replaced
from twofold.storage.run_dir import RunDir
from twofold.types import ALL, Comparison, Estimate, Finding, Slice

MEASURES: Mapping[Key, str] = {
    ACCURACY: "Accuracy",
    CONSTRAINED_ACCURACY: "Accuracy, constraints stated",
    HACC: "All constraints met (HAcc)",
    JOINT: "Right and all met",
    TOKENS: "Tokens",
}
"""What the tables show of an arm, and its label."""

COMPARED = (ACCURACY, CONSTRAINED_ACCURACY, HACC, JOINT)

_FLOORS = {CONSTRAINED_ACCURACY: "accuracy", HACC: "compliance", JOINT: "both"}

_EDIT = "edit"
DIAGNOSTICS: Mapping[tuple[str, str, Slice], str] = {
    ("with_chain", "accuracy", ALL): "Right after its own chain",
    ("", "reliance", ALL): "Answers that change when the chain is broken",
    ("", "aoc", ALL): "Area over the curve of early answers",
    ("", "answer_changed", Slice(_EDIT, "mistake_other")): "Answers that follow a wrong value",
    (
        "continued",
        "answer_changed",
        Slice(_EDIT, "mistake"),
    ): "the same, with the mistake continued",
    ("", "answer_changed", Slice(_EDIT, "paraphrase_rules")): "Answers that a paraphrase changes",
    ("", "total", Slice("answer", "gold")): "Information gain on the reference answer (nats)",
    ("", "before_mention", Slice("answer", "gold")): "of which before the answer is named",
    ("", "contrast", Slice("answer", "gold")): "more than from another problem's chain",
    ("", "steps", ALL): "Steps of the chain",
    ("constrained", "met", ALL): "Constraints met",
    ("output_space", "met", ALL): "met when told only the kind of output",
    ("delusive", "met", ALL): "met when told another problem's constraints",
    ("unconstrained", "met", ALL): "met when told nothing",
    ("", "pair_passed", ALL): "A constraint and its opposite both obeyed",
    ("first", "compliance", ALL): "Constraints stated first: all met",
    ("twice", "compliance", ALL): "Constraints stated twice: all met",
    ("instruction", "attention", ALL): "Attention to the constraints, × even attention",
    ("control", "attention", ALL): "to as long a span without constraints",
    ("renamed", "accuracy", ALL): "Other names: right",
    ("renumbered", "accuracy", ALL): "Other numbers: right",
    ("distractor", "accuracy", ALL): "A distractor: right",
    ("one_more_step", "accuracy", ALL): "One more step: right",
    ("unseen_structure", "accuracy", ALL): "Unseen structure: right",
}
"""The label of each diagnostic measure, by condition, metric and slice."""


@final
@dataclass(frozen=True)
class Page:
    """A study's numbers, ready to be shown.

    Args:
        study: What `study.json` holds.
        manifest: What `manifest.json` holds.
    """

    study: StudyFile
    manifest: Mapping[str, Any]

    @classmethod
    def of(cls, path: Path) -> Page:
        """The page of a study's folder.

        Raises:
            RunError: If there is no `study.json`, or it cannot be read.
        """
        return cls(study_file.read(path), RunDir(path).manifest())

    @cached_property
    def findings(self) -> Mapping[str, Finding]:
        """The numbers of each split."""
        return {split: self.study.finding(split) for split in self.study.splits}

    @property
    def headline(self) -> Finding:
        """The numbers of the split that the verdicts rest on."""
        return self.findings[self.study.headline]

    @property
    def trained(self) -> list[str]:
        """Every arm that is compared with the base."""
        return [arm for arm, made in self.study.arms.items() if made.method and made.seeds]

    @property
    def parts(self) -> list[tuple[str, Slice]]:
        """Each split, and each part of it by a tag."""
        return [
            (split, part)
            for split, found in self.findings.items()
            for part in dict.fromkeys(
                [ALL, *(m.slice for m in found.measures if m.metric != MET[0])]
            )
        ]

    @property
    def types(self) -> list[Slice]:
        """The constraint types of the headline split."""
        return list(dict.fromkeys(m.slice for m in self.headline.measures if m.metric == MET[0]))

    @property
    def diagnosed(self) -> list[str]:
        """The arms with diagnostics."""
        return list(dict.fromkeys(measure.role for measure in self.study.diagnostics.measures))

    @property
    def floors(self) -> list[str]:
        """The names of the floors."""
        return list(dict.fromkeys(measure.role for measure in self.study.floors))

    @property
    def plane(self) -> Plane | None:
        """All arms that have both axes; None if there is none."""
        points = []
        for name in self.study.arms:
            capability, hacc = (self.estimate(name, k) for k in (self.capability(), HACC))
            if capability is not None and hacc is not None:
                points.append(PlanePoint(name, capability, hacc))
        named = ((_words(name), self.floor(name, HACC)) for name in self.floors)
        floors = {name: floor for name, floor in named if floor is not None}
        return Plane(points, floors) if points else None

    def capability(self, split: str = "") -> Key:
        """Accuracy without constraints in the prompt; with them where nothing was asked without."""
        measures = self.findings[split or self.study.headline].measures
        is_there = any((m.metric, m.condition) == ACCURACY for m in measures)
        return ACCURACY if is_there else CONSTRAINED_ACCURACY

    def estimate(self, arm: str, key: Key, part: Slice = ALL) -> Estimate | None:
        """A measure of an arm on the headline split."""
        return self.headline.estimate(key[0], role=arm, condition=key[1], slice=part)

    def comparison(
        self, arm: str, key: Key, split: str = "", part: Slice = ALL
    ) -> Comparison | None:
        """An arm minus the base; on the headline split if no other is named."""
        found = self.findings[split or self.study.headline]
        return found.comparison(
            key[0], role=arm, versus=self.study.base_arm, condition=key[1], slice=part
        )

    def has_diagnostic(self, key: tuple[str, str, Slice]) -> bool:
        """Whether any arm has a diagnostic measure."""
        return any(self.diagnostic(arm, key)[0] for arm in self.diagnosed)

    def diagnostic(
        self, arm: str, key: tuple[str, str, Slice]
    ) -> tuple[Estimate | None, Comparison | None]:
        """A diagnostic measure of an arm, and its difference to the base."""
        condition, metric, part = key
        names: Any = {"role": arm, "condition": condition, "slice": part}
        found = self._diagnostics
        return found.estimate(metric, **names), found.comparison(
            metric, versus=self.study.base_arm, **names
        )

    @cached_property
    def _diagnostics(self) -> Finding:
        found = self.study.diagnostics
        return Finding(
            diagnostic="study",
            question="Is the gain real?",
            measures=found.measures,
            contrasts=found.contrasts,
        )

    def floor(self, name: str, key: Key) -> Estimate | None:
        """What a trivial reply scores; its answer is right or wrong in either condition."""
        return next(
            (m.estimate for m in self.study.floors if (m.role, m.metric) == (name, key[0])), None
        )

    def curve(self, arm: str) -> list[Row]:
        """The followed problems of an arm at each checkpoint."""
        return [row for row in self.study.curves if row["arm"] == arm]

    def kept(self, arm: str) -> Iterator[RetainedRecord]:
        """Which share of the reference's gain an arm has on the headline split."""
        mine = (arm, self.study.headline, ALL)
        for each in self.study.retained:
            if (each.arm, each.split, Slice(each.slice_by, each.slice)) == mine:
                yield each

    def says(self, arm: str, split: str = "", part: Slice = ALL) -> Statement | None:
        """Whether both rose, in words; None where it cannot be said."""
        split = split or self.study.headline
        verdicts = {(v.arm, v.split, v.slice_by, v.slice): v.outcome for v in self.study.verdicts}
        verdict = verdicts.get((arm, split, *part))
        if verdict is None:
            return None
        sides = {"capability": self.capability(split), "compliance": HACC, "joint": JOINT}
        found = {side: self.comparison(arm, key, split, part) for side, key in sides.items()}
        return statement(verdict, {side: _corrected(c) for side, c in found.items() if c})

    def bins(self, arm: str) -> dict[str, dict[str, Estimate]]:
        """Accuracy (as `baseline`) and compliance (as `model`) of an arm by its replies' tokens."""
        found: dict[str, dict[str, Estimate]] = {}
        for row in self.study.lengths:
            if row.arm == arm:
                both = {"baseline": row.accuracy, "model": row.hacc}
                found[f"{row.low:.0f}–{row.high:.0f}"] = {
                    role: estimate for role, estimate in both.items() if estimate is not None
                }
        return found

    @property
    def methods(self) -> list[str]:
        """How the intervals and the tests were made, each once."""
        told = [
            f"{m.estimate.level:.0%} interval: {m.estimate.method}"
            for m in self.headline.measures
            if m.slice == ALL
        ]
        told += [f"p: {c.comparison.test}" for c in self.headline.contrasts if c.slice == ALL]
        return list(dict.fromkeys(told))

    @property
    def answer(self) -> str:
        """The study in one sentence."""
        by_outcome: dict[str, list[str]] = {}
        for arm in self.trained:
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
        study=page.study,
        measures=MEASURES,
        compared=COMPARED,
        diagnostics=DIAGNOSTICS,
        met=MET,
        part_label=part_label,
        words=_words,
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
    head = ["arm", *(MEASURES[key] for key in COMPARED), "did both rise?"]
    rows, told = [], []
    for name, made in page.study.arms.items():
        said = page.says(name)
        unknown = "cannot be told" if name in page.trained else "not finished"
        last = said.title if said else ("the base" if made.method is None else unknown)
        rows.append([flat(name), *(_spread(page.estimate(name, key)) for key in COMPARED), last])
        if said:
            kept = "".join(
                f" Of the gain in accuracy of {flat(each.reference)} it keeps {spread(each.estimate)}."
                for each in page.kept(name)
            )
            told.append(f"- **{flat(name)}**: {said.title}. {said.numbers}{kept}")
    floors = []
    for key, label in _FLOORS.items():
        found = {name: floor for name in page.floors if (floor := page.floor(name, key))}
        if found:
            each = "; ".join(f"{flat(_words(n))} {spread(e)}" for n, e in found.items())
            floors.append(f"- floor of {label}: {each}")
    caveats = [f"- {flat(caveat)}" for caveat in page.study.caveats]
    blocks = [table(head, rows), "\n".join(told), "\n".join(floors), "\n".join(caveats)]
    return "\n\n".join(block for block in blocks if block)


def differences(page: Page) -> str:
    """Every split of every arm as a table of paired differences, for a recipe's README."""
    head = ["arm", "on", "accuracy", "all constraints met", "both", "p", "verdict"]
    rows = []
    verdicts = {(v.arm, v.split, v.slice_by, v.slice): v.outcome for v in page.study.verdicts}
    for arm in page.trained:
        for split, part in page.parts:
            keys = (page.capability(split), HACC, JOINT)
            found = [page.comparison(arm, key, split, part) for key in keys]
            cells = [_spread(c.difference if c else None, sign=True) for c in found]
            ps = " / ".join(p_value(c.p_adjusted) for c in found[:2] if c)
            verdict = verdicts.get((arm, split, *part))
            rows.append([arm, part_label(split, part), *cells, ps, verdict or "–"])
    return table(head, rows)


def part_label(split: str, part: Slice) -> str:
    """A split, or a part of it, in a table.

    Example:
        >>> part_label("test", ALL), part_label("test", Slice("kind", "even"))
        ('test', 'test, kind = even')
    """
    return split if part == ALL else f"{split}, {part.by} = {part.value}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _spread(estimate: Estimate | None, *, sign: bool = False) -> str:
    return "–" if estimate is None else spread(estimate, sign=sign)


def _corrected(comparison: Comparison) -> Comparison:
    """The comparison with its corrected p in `p`, which the wording reads."""
    p = comparison.p_adjusted
    return comparison if p is None else replace(comparison, p=p)
