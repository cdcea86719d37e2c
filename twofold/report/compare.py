"""How do several finished runs stand side by side? Their values, and the paired change of each.

A change is paired problem by problem, as an audit with a baseline pairs it, and only where two runs asked
the same in the same way; where they did not, the reason stands in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from twofold.diagnostics.joint.analysis import differences
from twofold.diagnostics.joint.table import Block, JointTable
from twofold.errors import RunError, StatsError
from twofold.report.every_number import TESTS, UNITS, cells, interval
from twofold.report.markdown import flat, table
from twofold.report.run_scores import COLUMNS, RunScores
from twofold.report.study_file import Key
from twofold.report.verdict import never_finished
from twofold.report.wording import false_moves, number, p_value, spread, units
from twofold.stats import change, corrected
from twofold.storage.jsonl import Row
from twofold.storage.records import contrast_to_json, measure_to_json
from twofold.types import Comparison, Contrast, Estimate, Lineage, Measure

_COLUMN_OF = {key: column for column, keys in COLUMNS.items() for key in keys}


@final
@dataclass(frozen=True, kw_only=True)
class Compared:
    """Runs side by side.

    Args:
        models: The model of each run, by the run's name, the first run first.
        measures: What each run scored; role = the run.
        floors: What trivial replies score on the problems of each run, by the run's name; role = the
            floor in words.
        contrasts: What changed from the first run; role = the run, versus = the first. `p_adjusted` is by
            Holm over the runs, for each measure.
        unpaired: Why a run has no paired change, by its name.
        notes: Limits of the numbers that a reader must know.
        lossy: The runs that lost too many replies to describe their models.
    """

    models: Mapping[str, str]
    measures: Sequence[Measure]
    floors: Mapping[str, Sequence[Measure]]
    contrasts: Sequence[Contrast]
    unpaired: Mapping[str, str]
    notes: Sequence[str]
    lossy: Sequence[str]

    def markdown(self) -> str:
        """A table with a row for each run and each floor, one of the changes, reasons and notes."""
        body = [[name, model, *_cells(self.measures, name)] for name, model in self.models.items()]
        shown: list[Sequence[Measure]] = []
        for name, trivial in self.floors.items():
            if trivial and trivial not in shown:  # runs of the same problems have the same floors
                shown.append(trivial)
                of = "floor" if len(shown) == 1 else f"floor of {name}"
                roles = dict.fromkeys(each.role for each in trivial)
                body += [[of, role, *_cells(trivial, role)] for role in roles]
        blocks = [table(["run", "model", *COLUMNS], body)]
        if self.contrasts:
            level = interval([each.comparison.difference for each in self.contrasts])
            head = [
                "against " + next(iter(self.models)),
                "measure",
                "change",
                level,
                *UNITS,
                *TESTS,
            ]
            blocks.append(table(head, [_change(each) for each in self.contrasts]))
        said = [f"{name}: no paired change, {why}." for name, why in self.unpaired.items()]
        blocks.append("\n".join(f"- {flat(each)}" for each in (*said, *self.notes)))
        return "\n\n".join(block for block in blocks if block)

    def to_json(self) -> Row:
        """The same as JSON values: records as in `findings.json`."""
        return {
            "models": dict(self.models),
            "measures": [measure_to_json(each) for each in self.measures],
            "floors": {
                name: [measure_to_json(each) for each in trivial]
                for name, trivial in self.floors.items()
            },
            "contrasts": [contrast_to_json(each) for each in self.contrasts],
            "unpaired": dict(self.unpaired),
            "notes": list(self.notes),
        }


def compare(run_dirs: Sequence[str | Path]) -> Compared:
    """Put the models under test of two or more audits or scores side by side.

    Args:
        run_dirs: Their directories; every change is against the first. The baseline of an audit of a pair
            is not shown.

    Raises:
        RunError: If there are fewer than two, one is there twice, one is no finished run, or a study.
        ProblemError: If a problem of a run cannot be read.

    Example:
        >>> import tempfile
        >>> from twofold import audit
        >>> from twofold.models.scripted import ScriptedModel
        >>> from twofold.types import Problem
        >>> asked = [Problem(question=f"What is {i} + 0?", answer=str(i)) for i in range(9)]
        >>> def run(reply):
        ...     return audit(ScriptedModel(reply), asked, out=tempfile.mkdtemp()).path
        >>> found = compare([run(lambda prompt, sample: text) for text in ("It is 4.", "It is 5.")])
        >>> [str(each.estimate) for each in found.measures if each.metric == "accuracy"][0]
        '0.111 [0.006, 0.435] (n=9)'
    """
    paths = [Path(each) for each in run_dirs]
    if len(paths) < 2:
        raise RunError("one run alone is not compared; give two or more directories")
    if len({path.resolve() for path in paths}) < len(paths):
        raise RunError("a run is given twice; give each directory once")
    runs = [RunScores.read(path, name) for path, name in zip(paths, _names(paths), strict=True)]
    first, *others = runs
    unpaired = {run.name: why for run in others if (why := _why_unpaired(first, run))}
    paired = [run for run in others if run.name not in unpaired]
    contrasts = list(_contrasts(first, paired))
    n = max((each.comparison.difference.n for each in contrasts), default=0)
    return Compared(
        models={run.name: run.model for run in runs},
        measures=[measure for run in runs for measure in run.measures],
        floors={run.name: list(run.floors()) for run in runs},
        contrasts=contrasts,
        unpaired=unpaired,
        notes=list(dict.fromkeys(_notes(runs, paired, n))),
        lossy=[run.name for run in runs if run.lost.get("too_many")],
    )


def _why_unpaired(first: RunScores, other: RunScores) -> str:
    """Why two runs are not paired, in words; "" if they are."""
    if first.asked.keys() != other.asked.keys():
        here, there = (" and ".join(each.asked) or "no" for each in (other, first))
        return f"asked in other conditions: {here}, against {there}"
    for condition, ids in other.asked.items():
        before = first.asked[condition]
        if ids != before:
            return (
                f"other problems: {len(ids)} {condition}, against {len(before)}, and {len(ids & before)} in "
                "both; ask both the same"
            )
    old, new = first.setting, other.setting
    if old is not None and new is not None and old != new:
        names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        told = [f"{name} is {new.get(name)}, against {old.get(name)}" for name in names]
        return f"other sampling: {', '.join(told)}"
    if first.checkers and other.checkers and first.checkers != other.checkers:
        here, there = (" and ".join(sorted(each.checkers)) for each in (other, first))
        return f"other checkers: {here}, against {there}"
    return ""


def _contrasts(first: RunScores, others: Sequence[RunScores]) -> Iterator[Contrast]:
    """The change of each run, run by run; Holm's correction is over the runs, for each measure."""
    found: dict[Key, dict[str, Comparison]] = {}
    for run in others:
        for key, comparison in _changes(first, run):
            found.setdefault(key, {})[run.name] = comparison
    adjusted = {key: corrected(by_run) for key, by_run in found.items()}
    for run in others:
        for key in (key for keys in COLUMNS.values() for key in keys):
            if run.name in adjusted.get(key, {}):
                metric, condition = key
                yield Contrast(
                    role=run.name,
                    versus=first.name,
                    condition=condition,
                    metric=metric,
                    comparison=adjusted[key][run.name],
                )


def _changes(first: RunScores, other: RunScores) -> Iterator[tuple[Key, Comparison]]:
    """The change of each measure that both runs show."""
    before = ({**row, "role": "baseline"} for row in first.rows)
    both = JointTable.of(first.problems, [*before, *other.rows])
    seed = first.identity.get("seed", 0)
    shown = {(measure.metric, measure.condition) for measure in other.measures}
    for each in differences(both, seed=seed):
        if (each.metric, each.condition) in shown:
            yield (each.metric, each.condition), each.comparison
    for condition in ("constrained", "unconstrained"):
        pair = (both.block("baseline", condition), both.block("model", condition))
        if ("tokens", condition) in shown and pair[0] is not None and pair[1] is not None:
            found = _tokens(pair[0], pair[1], seed=seed)
            if found is not None:
                yield ("tokens", condition), found


def _tokens(before: Block, after: Block, *, seed: int) -> Comparison | None:
    """The change of the tokens of a reply, over the replies that both runs have."""
    width = 1 + int(max(before.sample.max(), after.sample.max()))
    there, here = (block.problem * width + block.sample for block in (before, after))
    _, at, other_at = np.intersect1d(there, here, return_indices=True)
    old, new = before.generated()[at], after.generated()[other_at]
    known = ~(np.isnan(old) | np.isnan(new))
    try:
        return change(
            old[known],
            new[known],
            before.problem[at][known],
            n_unscored=int((~known).sum()),
            seed=seed,
        )
    except StatsError:
        return None


def _notes(runs: Sequence[RunScores], paired: Sequence[RunScores], n: int) -> Iterator[str]:
    """What the numbers do not say, of a change over `n` problems."""
    if paired:
        yield (
            "A change covers new problems, and not the noise of training. "
            f"{false_moves(n, Lineage.unknown)} Several seeds: `twofold audit A1 A2 --baseline B1 B2`."
        )
        if any(run.setting is None for run in (runs[0], *paired)):
            yield "How the replies of a scored file were sampled is not recorded, so it is not compared."
        tokenizers = {run.tokenizer for run in (runs[0], *paired)}
        if None in tokenizers or len(tokenizers) > 1:
            yield (
                "Tokens are counted by each model's own tokenizer. These are not known to be the same, so "
                "their counts may not be one unit."
            )
    for run in runs:
        names = {each.metric for each in run.measures}
        stated = ("accuracy" in names) and "unconstrained" not in run.asked
        if stated:
            yield f"{run.name}: accuracy is with the constraints stated; nothing was asked without them."
        if missing := [name for name, keys in COLUMNS.items() if keys[0][0] not in names]:
            yield f"{run.name}: not measured: {', '.join(missing)}."
        if run.lost.get("too_many"):
            yield (
                f"{run.name}: {run.lost.get('n')} of {run.lost.get('of')} responses were lost: its numbers "
                "do not describe the model."
            )
        yield from never_finished(run.finding, {"model": run.name, "baseline": "its base"})


def _names(paths: Sequence[Path]) -> list[str]:
    """The shortest ends of the paths that tell them apart."""
    parts = [path.resolve().parts for path in paths]
    for length in range(1, max(map(len, parts)) + 1):
        found = ["/".join(each[-length:]) for each in parts]
        if len({*found}) == len(found):
            return found
    return [str(path) for path in paths]  # pragma: no cover


def _cells(measures: Iterable[Measure], role: str) -> list[str]:
    """What a role scored, column by column."""
    mine = {(each.metric, each.condition): each.estimate for each in measures if each.role == role}
    return [
        _cell(next((mine[key] for key in keys if key in mine), None)) for keys in COLUMNS.values()
    ]


def _cell(estimate: Estimate | None) -> str:
    return "–" if estimate is None else f"{spread(estimate)}, {units(estimate)}"


def _change(each: Contrast) -> list[str]:
    found = each.comparison
    effect = found.minimum_detectable_effect
    return [
        each.role,
        _COLUMN_OF[each.metric, each.condition],
        *cells(found.difference, sign=True),
        p_value(found.p),
        p_value(found.p_adjusted),
        "–" if effect is None else number(effect),
    ]
