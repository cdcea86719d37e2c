"""How do the saved tables of a run become findings and a page? Without a model.

`twofold audit` and `twofold score` end with this; `twofold report` does only this.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, final

from twofold import problems as problem_files
from twofold import report
from twofold.diagnostics import ANALYSES, DIAGNOSTICS, Analysis, Diagnostic
from twofold.diagnostics.diagnostic import TABLES, standing
from twofold.report.findings import finding_to_json
from twofold.runs.lineage import lineage
from twofold.runs.losses import LossCount
from twofold.runs.observed import refused_in_words, replaced_in_words
from twofold.storage.jsonl import Row, read_known, replaced
from twofold.storage.reading import Kind, files, kind_of
from twofold.storage.run_dir import RunDir
from twofold.types import Finding, Problem


@final
@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The result of a run.

    Args:
        findings: One per diagnostic, `joint` first.
        lost: How many responses were lost.
        path: The run directory; the page is its `report.html`.
    """

    findings: tuple[Finding, ...]
    lost: LossCount
    path: Path


def finalize(path: str | Path, diagnostics: Sequence[Diagnostic] = ()) -> RunResult:
    """Write `findings.json` and the page of a run directory again from its tables.

    Args:
        path: The directory of an audit or a score.
        diagnostics: Your own diagnostics. Nothing is imported because a file names it: without them,
            their tables are left out with a caveat.

    Raises:
        RunError: If it is not a run directory, is not finished, or a file in it is corrupt.
    """
    path = Path(path)
    run = RunDir(path)
    run.manifest()
    run.require("problems.jsonl", "verdicts.jsonl", "joint.jsonl")
    problems = problem_files.read(path / "problems.jsonl", profile="fixed")
    lost = LossCount()
    for _ in lost.counted(_rows(path / "verdicts.jsonl", problems)):
        pass
    outside = [each for each in diagnostics if each.name not in DIAGNOSTICS]
    findings = tuple(_findings(run, problems, lost, (*ANALYSES, *outside)))
    saved = {"findings": [finding_to_json(f) for f in findings], "lost": lost.to_json()}
    run.write_json("findings.json", saved)
    for name, rows in (("measures", Finding.rows), ("contrasts", Finding.contrast_rows)):
        _write_csv(path / f"{name}.csv", [row for finding in findings for row in rows(finding)])
    report.write(path)
    return RunResult(findings=findings, lost=lost, path=path)


def _findings(
    run: RunDir, problems: list[Problem], lost: LossCount, analyses: Sequence[Analysis]
) -> Iterator[Finding]:
    """The finding of every table; losses and skipped measures lead the caveats."""
    manifest = run.manifest()
    for analysis in analyses:
        table = run.path / f"{analysis.table}.jsonl"
        if kind_of(table) is Kind.missing:
            continue
        skipped: dict[str, str] = {}
        made = standing(partial(_rows, table, problems))
        rows = _present(lost.asked(analysis.name, made), skipped)
        found = analysis.analyse(rows, problems, seed=manifest["identity"].get("seed", 0))
        if found.diagnostic == "joint":
            said = (*_loss_in_words(lost), *_file_in_words(manifest), *refused_in_words(manifest))
            ahead = (*said, *replaced_in_words(manifest), *_left_out(run.path, analyses))
            found = replace(found, lineage=lineage(manifest))
        else:
            ahead = tuple(f"{role}: {why}" for role, why in skipped.items())
        yield replace(found, caveats=(*ahead, *found.caveats))


def _present(rows: Iterator[Row], skipped: dict[str, str]) -> Iterator[Row]:
    """The rows that say something; why a role was skipped goes into `skipped`."""
    for row in rows:
        if "skipped" in row:
            skipped[row["role"]] = row["skipped"]
        else:
            yield row


def _rows(table: Path, problems: Sequence[Problem]) -> Iterator[Row]:
    """The rows of a table; where they are about problems, about those of the run."""
    return read_known(table, {problem.id for problem in problems})


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a CSV table; without rows, only a heading."""
    with replaced(path) as file:
        writer = csv.DictWriter(file, [*rows[0]] if rows else ["diagnostic"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _left_out(path: Path, analyses: Sequence[Analysis]) -> Iterator[str]:
    """A caveat for each table that no known diagnostic reads."""
    there = {file.name.partition(".")[0] for file in files(path, "*.jsonl")}
    for name in sorted(there - {*TABLES, *(each.table for each in analyses)}):
        yield (
            f"{name}.jsonl is the table of a diagnostic from outside twofold and is left out, because a run "
            "never imports code. `twofold report RUN --diagnostics package.module:Name` includes it."
        )


def _loss_in_words(lost: LossCount) -> Iterator[str]:
    """What is missing from all numbers."""
    if lost.n:
        why = "; ".join(f"{n} × {reason}" for reason, n in lost.reasons.most_common(3))
        yield f"{lost.n} of {lost.of} responses were lost and are unscored ({why})."


def _file_in_words(manifest: Mapping[str, Any]) -> Iterator[str]:
    """How files of replies and problems differ."""
    if unmatched := manifest.get("unmatched", 0):
        yield f"{unmatched} rows of the file of replies answer none of the problems and are left out."
    for role, (n, of) in manifest.get("not_asked", {}).items():
        yield (
            f"{n} of {of} problems have no row in the file of replies of the {role} and count as not asked: "
            "its numbers are about the others. If the run was cut off, complete it."
        )
