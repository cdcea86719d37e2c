"""How do the saved tables of a run become findings and a page? Without a model.

`twofold audit` and `twofold score` end with this; `twofold report` does only this.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

from twofold import problems as problem_files
from twofold import report
from twofold.diagnostics import ANALYSES, DIAGNOSTICS, Analysis, Diagnostic
from twofold.diagnostics.diagnostic import TABLES, standing
from twofold.report.findings import finding_to_json
from twofold.runs.observed import refused_in_words
from twofold.runs.score_responses import LossCount
from twofold.storage.jsonl import read_lines, replaced
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
    manifest = run.manifest()
    run.require("problems.jsonl", "verdicts.jsonl", "joint.jsonl")
    problems = problem_files.read(path / "problems.jsonl", profile="fixed")
    lost = LossCount()
    for _ in lost.counted(read_lines(path / "verdicts.jsonl")):
        pass
    seed = int(manifest["identity"].get("seed", 0))
    outside = [each for each in diagnostics if each.name not in DIAGNOSTICS]
    ahead = (*_loss_in_words(lost), *refused_in_words(manifest))
    findings = tuple(_findings(path, problems, ahead, seed, (*ANALYSES, *outside)))
    saved = {"findings": [finding_to_json(f) for f in findings], "lost": lost.to_json()}
    run.write_json("findings.json", saved)
    for name, rows in (("measures", Finding.rows), ("contrasts", Finding.contrast_rows)):
        _write_csv(path / f"{name}.csv", [row for finding in findings for row in rows(finding)])
    report.write(path)
    return RunResult(findings=findings, lost=lost, path=path)


def _findings(
    path: Path,
    problems: list[Problem],
    first: tuple[str, ...],
    seed: int,
    analyses: Sequence[Analysis],
) -> Iterator[Finding]:
    """The finding of every table; `first` and skipped measures lead the caveats."""
    for analysis in analyses:
        table = path / f"{analysis.table}.jsonl"
        if not table.exists():
            continue
        found = analysis.analyse(
            (row for row in standing(table) if "skipped" not in row), problems, seed=seed
        )
        if found.diagnostic == "joint":
            ahead = (*first, *_left_out(path, analyses))
        else:
            skipped = (row for row in read_lines(table) if "skipped" in row)
            ahead = tuple(f"{row['role']}: {row['skipped']}" for row in skipped)
        yield replace(found, caveats=(*ahead, *found.caveats))


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a CSV table; without rows, only a heading."""
    with replaced(path) as file:
        writer = csv.DictWriter(file, [*rows[0]] if rows else ["diagnostic"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _left_out(path: Path, analyses: Sequence[Analysis]) -> Iterator[str]:
    """A caveat for each table that no known diagnostic reads."""
    there = {file.name.partition(".")[0] for file in path.glob("*.jsonl")}
    for name in sorted(there - {*TABLES, *(each.table for each in analyses)}):
        yield (
            f"{name}.jsonl is the table of a diagnostic from outside twofold and is left out, because a run "
            "never imports code. `twofold report RUN --diagnostics package.module:Name` includes it."
        )


def _loss_in_words(lost: LossCount) -> tuple[str, ...]:
    if not lost.n:
        return ()
    why = "; ".join(f"{n} × {reason}" for reason, n in lost.reasons.most_common(3))
    return (f"{lost.n} of {lost.of} responses were lost and are unscored ({why}).",)
