"""How does a study become one page? The trade-off plane of all arms, tables, and a verdict for each arm.

Everything comes from `study.json`; nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, final

from markupsafe import Markup

from twofold.report import curves, study_file
from twofold.report.markdown import flat, table
from twofold.report.page import asset, render
from twofold.report.plane import Plane, PlanePoint
from twofold.report.study_file import (
    ACCURACY,
    CONSTRAINED_ACCURACY,
    HACC,
    JOINT,
    MET,
    OBEDIENCE,
    TOKENS,
    CurveRecord,
    Key,
    RetainedRecord,
    StudyFile,
)
from twofold.report.tables import ignored
from twofold.report.wording import Statement, spread, statement
from twofold.storage.jsonl import Row, replaced
from twofold.storage.run_dir import RunDir
from twofold.types import ALL, Comparison, Estimate, Finding, Outcome, Slice

# The measures of the tables of arms.
MEASURES: Mapping[Key, str] = {
    ACCURACY: "Accuracy",
    CONSTRAINED_ACCURACY: "Accuracy, constraints stated",
    OBEDIENCE: "Obedience: met when stated minus met when not",
    HACC: "All constraints met (HAcc)",
    JOINT: "Right and all met",
    TOKENS: "Tokens",
}
COMPARED = (ACCURACY, CONSTRAINED_ACCURACY, OBEDIENCE, HACC, JOINT)

_FLOORS = {CONSTRAINED_ACCURACY: "accuracy", HACC: "compliance", JOINT: "both"}

_GOLD = Slice("answer", "gold")
# The label of each diagnostic measure, by condition, metric and slice.
DIAGNOSTICS: Mapping[tuple[str, str, Slice], str] = {
    ("with_chain", "accuracy", ALL): "Right after its own chain",
    ("", "reliance", ALL): "Answers that change when the chain is broken",
    ("", "aoc", ALL): "Area over the curve of early answers",
    ("", "answer_changed", Slice("edit", "mistake_other")): "Answers that follow a wrong value",
    ("continued", "answer_changed", Slice("edit", "mistake")): "same, with the mistake continued",
    ("", "answer_changed", Slice("edit", "paraphrase_rules")): "Answers that a paraphrase changes",
    ("", "total", _GOLD): "Information gain on the reference answer (nats)",
    ("", "before_mention", _GOLD): "of which before the first mention of the answer",
    ("", "contrast", _GOLD): "gain minus that from another problem's chain",
    ("", "steps", ALL): "Steps of the chain",
    ("constrained", "met", ALL): "Constraints met",
    ("output_space", "met", ALL): "met when told only the kind of output",
    ("delusive", "met", ALL): "met when told another problem's constraints",
    ("unconstrained", "met", ALL): "met when told no constraint",
    ("", "pair_passed", ALL): "A constraint and its opposite both met",
    ("first", "compliance", ALL): "Constraints stated first: all met",
    ("twice", "compliance", ALL): "Constraints stated twice: all met",
    ("instruction", "attention", ALL): "Attention to the constraints, relative to uniform",
    ("control", "attention", ALL): "to a span of equal length without constraints",
    ("renamed", "accuracy", ALL): "Other names: right",
    ("renumbered", "accuracy", ALL): "Other numbers: right",
    ("distractor", "accuracy", ALL): "A distractor: right",
    ("one_more_step", "accuracy", ALL): "One more step: right",
    ("unseen_structure", "accuracy", ALL): "Unseen structure: right",
}


@final
@dataclass(frozen=True)
class Page:
    """The numbers of a study: what `study.json` and `manifest.json` hold."""

    study: StudyFile
    manifest: Mapping[str, Any]

    @classmethod
    def of(cls, path: Path) -> Page:
        """The page of a study's folder; a RunError if `study.json` is missing or corrupt."""
        return cls(study_file.read(path), RunDir(path).manifest())

    @cached_property
    def findings(self) -> Mapping[str, Finding]:
        """The numbers of each split."""
        return {split: self.study.finding(split) for split in self.study.splits}

    @property
    def headline(self) -> Finding:
        """The numbers of the split behind the verdicts."""
        return self.findings[self.study.headline]

    @cached_property
    def _diagnostics(self) -> Finding:
        return self.study.diagnostics.finding()

    @cached_property
    def _verdicts(self) -> Mapping[tuple[str, str, str, str], Outcome]:
        return {(v.arm, v.split, v.slice_by, v.slice): v.outcome for v in self.study.verdicts}

    @property
    def title(self) -> str:
        """The base by its name, or how many training runs it is."""
        runs = self.study.arms[self.study.base_arm].settings.get("checkpoints", ())
        return f"{len(runs)} training runs of the base" if runs else self.study.base

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
                [ALL, *(m.slice for m in found.measures if m.metric == HACC[0])]
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
        """The plane of all arms with capability and obedience; None if there is none.

        Compliance stands in for obedience where nothing was asked without constraints.
        """
        key, told = self.capability(), self.height
        points = [
            PlanePoint(name, capability, height)
            for name in self.study.arms
            if (capability := self.estimate(name, key)) and (height := self.estimate(name, told))
        ]
        if not points:
            return None
        if told == OBEDIENCE:
            return Plane(points, ignored(points[0].height), axis="obedience")
        floors = {_words(n): floor for n in self.floors if (floor := self.floor(n, HACC))}
        return Plane(points, floors)

    @property
    def height(self) -> Key:
        """Obedience, or compliance where that was not measured."""
        measured = any((m.metric, m.condition) == OBEDIENCE for m in self.headline.measures)
        return OBEDIENCE if measured else HACC

    def capability(self, split: str = "") -> Key:
        """Accuracy without constraints in the prompt, or with them if that was not measured."""
        measures = self.findings[split or self.study.headline].measures
        has_unconstrained = any((m.metric, m.condition) == ACCURACY for m in measures)
        return ACCURACY if has_unconstrained else CONSTRAINED_ACCURACY

    def estimate(self, arm: str, key: Key, part: Slice = ALL) -> Estimate | None:
        """A measure of an arm on the headline split."""
        return self.headline.estimate(key[0], role=arm, condition=key[1], slice=part)

    def comparison(
        self, arm: str, key: Key, split: str = "", part: Slice = ALL
    ) -> Comparison | None:
        """An arm minus the base, on the headline split by default."""
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
        base = self.study.base_arm
        return found.estimate(metric, **names), found.comparison(metric, versus=base, **names)

    def floor(self, name: str, key: Key) -> Estimate | None:
        """What a trivial reply scores, which is the same in every condition."""
        return next(
            (m.estimate for m in self.study.floors if (m.role, m.metric) == (name, key[0])), None
        )

    def curve(self, arm: str) -> list[Row]:
        """The scores of an arm at each checkpoint."""
        return [row for row in self.study.curves if row["arm"] == arm]

    def curve_means(self, arm: str) -> list[CurveRecord]:
        """Their means over the seeds."""
        return [each for each in self.study.curve_means if each.arm == arm]

    def kept(self, arm: str) -> Iterator[RetainedRecord]:
        """The share of the reference's gain that an arm retains on the headline split."""
        mine = (arm, self.study.headline, *ALL)
        return (
            each
            for each in self.study.retained
            if (each.arm, each.split, each.slice_by, each.slice) == mine
        )

    def says(self, arm: str, split: str = "", part: Slice = ALL) -> Statement | None:
        """The verdict of an arm in words; None if there is none."""
        split = split or self.study.headline
        verdict = self._verdicts.get((arm, split, *part))
        if verdict is None:
            return None
        sides = {"capability": self.capability(split), "obedience": OBEDIENCE}
        sides |= {"compliance": HACC, "joint": JOINT}
        found = {side: self.comparison(arm, key, split, part) for side, key in sides.items()}
        return statement(
            verdict,
            {side: c.with_adjusted_p() for side, c in found.items() if c},
            n_runs=len(self.study.arms[arm].seeds),
            lineage=self.study.arms[arm].lineage,
        )

    def bins(self, arm: str) -> dict[str, dict[str, Estimate]]:
        """Accuracy (as `baseline`) and compliance (as `model`) of an arm by reply length."""
        found: dict[str, dict[str, Estimate]] = {}
        for row in self.study.lengths:
            if row.arm == arm:
                both = {"baseline": row.accuracy, "model": row.hacc}
                found[f"{row.low:.0f}–{row.high:.0f}"] = {k: e for k, e in both.items() if e}
        return found

    @property
    def methods(self) -> list[str]:
        """How the intervals and the tests were computed, each once."""
        found = [
            f"{m.estimate.level:.0%} interval: {m.estimate.method}"
            for m in self.headline.measures
            if m.slice == ALL
        ]
        found += [f"p: {c.comparison.test}" for c in self.headline.contrasts if c.slice == ALL]
        return list(dict.fromkeys(found))

    @property
    def answer(self) -> str:
        """The study in one sentence."""
        by_outcome: dict[str, list[str]] = {}
        for arm in self.trained:
            said = self.says(arm)
            by_outcome.setdefault(said.first_line if said else "Not scored", []).append(arm)
        if not by_outcome:
            return "No arm is finished yet."
        return " ".join(f"{title}: {', '.join(arms)}." for title, arms in by_outcome.items())


def write(path: Path) -> Path:
    """Write `report.html` and `plane.svg` of a study's folder from its `study.json`.

    Returns:
        The path of the page.

    Raises:
        RunError: If `study.json` is missing or corrupt. Old reports are left intact.
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
    """The whole page, a self-contained HTML document."""
    return render(
        "study.html.j2",
        asset("page.js"),
        page=page,
        study=page.study,
        measures=MEASURES,
        compared=COMPARED,
        diagnostics=DIAGNOSTICS,
        by_type={MET: "", OBEDIENCE: "obedience"},
        part_label=part_label,
        words=_words,
        curves=curves,
    )


def standalone(svg: Markup) -> str:
    """A drawing as a file of its own, with the style sheet in light colours inside."""
    ground = '<rect width="100%" height="100%" fill="#ffffff"/>'
    opening, _, rest = str(svg).partition(">")
    opening = opening.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return f"{opening}><style>{asset('figure.css')}</style>{ground}{rest}\n"


def summary(path: Path) -> str:
    """A study's folder in Markdown: a row per arm, verdicts, floors and caveats."""
    page = Page.of(path)
    head = ["arm", *(MEASURES[key] for key in COMPARED), "did both rise?"]
    rows, verdicts = [], []
    for name, made in page.study.arms.items():
        said = page.says(name)
        failed = any(cell.rpartition("/")[0] == name for cell in page.study.failed)
        last = "not scored" if name in page.trained else "failed" if failed else "not finished"
        last = said.title if said else "the base" if made.method is None else last
        rows.append([flat(name), *(spread(page.estimate(name, key)) for key in COMPARED), last])
        if said:
            kept = "".join(
                f" It retains {spread(each.estimate)} of the accuracy gain of {flat(each.reference)}."
                for each in page.kept(name)
            )
            told = " ".join(filter(None, (f"{said.first_line}.", said.caution, said.numbers)))
            verdicts.append(f"- **{flat(name)}**: {told}{kept}")
    floors = []
    for key, label in _FLOORS.items():
        found = {name: floor for name in page.floors if (floor := page.floor(name, key))}
        if found:
            each = "; ".join(f"{flat(_words(n))} {spread(e)}" for n, e in found.items())
            floors.append(f"- floor of {label}: {each}")
    caveats = [f"- {flat(caveat)}" for caveat in page.study.caveats]
    blocks = [table(head, rows), *map("\n".join, (verdicts, floors, caveats))]
    return "\n\n".join(block for block in blocks if block)


def part_label(split: str, part: Slice) -> str:
    """The label of a split, or of a part of it, in a table."""
    return split if part == ALL else f"{split}, {part.by} = {part.value}"


def _words(name: str) -> str:
    return name.replace("_", " ")
