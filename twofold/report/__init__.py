"""From a run directory to what a person reads: findings in, one page and one short text out.

`findings` reads the numbers, `tables` and `pairs` arrange them, `wording` says what they mean;
`figures`, `plane` and `lettering` draw them, `examples` chooses the replies to show, and `page` and
`markdown` put it together.
"""

from __future__ import annotations

from pathlib import Path

from twofold.report.chains import views
from twofold.report.examples import collect
from twofold.report.findings import read_findings
from twofold.report.markdown import document
from twofold.report.page import Run, html, model_names
from twofold.storage.jsonl import replaced
from twofold.storage.run_dir import RunDir

__all__ = ["write"]


def write(run_dir: str | Path) -> Path:
    """Make `report.html` and `report.md` of a run from what is saved in it.

    Args:
        run_dir: A run directory as in `docs/run_directory.md`; no model is needed.

    Returns:
        The page's path.

    Raises:
        RunError: If the directory is no run, its findings are missing or corrupt, or it cannot be
            written. What was there is intact.
        ProblemError: If a problem of the run cannot be read.
    """
    run_dir = Path(run_dir)
    manifest = RunDir(run_dir).manifest()
    findings, lost = read_findings(run_dir / "findings.json")
    run = Run(
        manifest=manifest,
        findings=findings,
        lost=lost,
        examples=collect(run_dir),
        chains=views(run_dir),
    )
    page, text = html(run), document(findings, model_names(manifest))
    with replaced(run_dir / "report.md") as file:
        file.write(text)
    with replaced(run_dir / "report.html") as file:
        file.write(page)
    return run_dir / "report.html"
