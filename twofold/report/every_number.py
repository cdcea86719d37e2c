"""How is a whole run written as Markdown? The verdict in words, and every number with what it rests on.

`report.md` and the terminal show the headline; here stands each record, none without interval, n and lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from twofold.report import study_file
from twofold.report.findings import read_findings
from twofold.report.markdown import flat, table
from twofold.report.page import model_names
from twofold.report.study import Page
from twofold.report.table import findings_of
from twofold.report.verdict import verdict
from twofold.report.wording import Statement, filed_under, number, p_value, statement
from twofold.storage.reading import Kind, kind_of
from twofold.storage.run_dir import RunDir
from twofold.types import Estimate, Finding

UNITS = ["n", "unscored"]


def markdown(run_dir: str | Path) -> str:
    """Every number of an audit, a score or a study as Markdown.

    Args:
        run_dir: The directory.

    Returns:
        The verdicts, a table of the measures and one of the comparisons for each diagnostic, the caveats.

    Raises:
        RunError: If it is no finished run; nothing is written.
    """
    path = Path(run_dir)
    blocks = [*_verdicts(path)]
    for split, finding in findings_of(path):
        if finding.measures or finding.contrasts:
            about = f"{finding.diagnostic}, {split}" if split else finding.diagnostic
            blocks += [f"## {flat(about)}", flat(finding.question), *tables(finding)]
        blocks.append("\n".join(f"- {flat(caveat)}" for caveat in finding.caveats))
    if is_study(path):
        blocks.append("\n".join(f"- {flat(each)}" for each in study_file.read(path).caveats))
    return "\n\n".join(block for block in blocks if block)


def is_study(path: Path) -> bool:
    """Whether a folder is that of a study, not of a single audit."""
    return kind_of(path / study_file.NAME) is not Kind.missing


def tables(finding: Finding) -> Iterator[str]:
    """The measures of a finding, and its comparisons."""
    measured = [[filed_under(each), *cells(each.estimate)] for each in finding.measures]
    if measured:
        spread = interval([each.estimate for each in finding.measures])
        yield table(["measure", "value", spread, *UNITS], measured)
    compared = [
        [
            filed_under(each),
            *cells(each.comparison.difference, sign=True),
            p_value(each.comparison.p),
            p_value(each.comparison.p_adjusted),
            _detectable(each.comparison.minimum_detectable_effect),
        ]
        for each in finding.contrasts
    ]
    if compared:
        spread = interval([each.comparison.difference for each in finding.contrasts])
        head = ["comparison", "difference", spread, *UNITS, *TESTS]
        yield table(head, compared)


# The columns of a test: the smallest difference is one seen with about 80 % power.
TESTS = ["p", "p (Holm)", "smallest detectable"]


def cells(estimate: Estimate, *, sign: bool = False) -> list[str]:
    """Value, interval, n and how many are unscored, zero included."""
    low, high = (number(end, sign=sign) for end in (estimate.low, estimate.high))
    ends = f"[{low}, {high}]"
    units = [str(estimate.n), str(estimate.n_unscored)]
    return [number(estimate.value, sign=sign), ends, *units]


def interval(estimates: Sequence[Estimate]) -> str:
    """The heading of the intervals, with their level where all have the same."""
    levels = {each.level for each in estimates}
    return f"{levels.pop():.0%} interval" if len(levels) == 1 else "interval"


def in_words(said: Statement, meaning: str) -> str:
    """A verdict without its numbers, which stand in a table with what they rest on."""
    return " ".join(filter(None, (f"**{flat(said.first_line)}**.", said.caution, meaning)))


def verdict_of(finding: Finding, names: dict[str, str]) -> str:
    """The verdict of the `joint` finding in words."""
    said = verdict(finding, names)
    bare = statement(finding.outcome, {}).meaning if finding.outcome else said.meaning
    return in_words(said, bare)


def _detectable(effect: float | None) -> str:
    return "–" if effect is None else number(effect)


def _verdicts(path: Path) -> Iterator[str]:
    """The verdict of a run, or of each arm of a study."""
    if is_study(path):
        page = Page.of(path)
        yield f"# {flat(page.title)}"
        arms = [(arm, said) for arm in page.trained if (said := page.says(arm))]
        yield "\n".join(f"- {flat(arm)}: {in_words(said, '')}" for arm, said in arms)
        return
    findings, _ = read_findings(path / "findings.json")
    names = model_names(RunDir(path).manifest(), findings)
    against = f" against {flat(names['baseline'])}" if "baseline" in names else ""
    yield f"# {flat(names['model'])}{against}"
    yield from (verdict_of(each, names) for each in findings if each.diagnostic == "joint")
