"""How does a person read a run? `report.html` and `report.md`, made from the saved findings.

`tables`, `judged`, `chains` and `side_by_side` arrange the numbers, `wording` and `verdict` put them in
words, `figures`, `plane` and `curves` draw them; `study` makes the page of a study. `compare` puts runs side
by side; `table`, `every_number`, `card` and `trackers` carry the numbers elsewhere.
"""

from pathlib import Path

from twofold.report import chains, judged
from twofold.report.examples import collect
from twofold.report.findings import read_findings
from twofold.report.markdown import document
from twofold.report.page import Run, html, model_names
from twofold.storage.jsonl import replaced
from twofold.storage.run_dir import RunDir


def write(run_dir: str | Path) -> Path:
    """Write `report.html` and `report.md` of a run directory; no model is needed.

    Returns:
        The path of the page.

    Raises:
        RunError: If the directory is not a run, its findings are missing or corrupt, or it cannot be
            written. Old reports are left intact.
        ProblemError: If a problem of the run cannot be read.
    """
    run_dir = Path(run_dir)
    manifest = RunDir(run_dir).manifest()
    findings, lost = read_findings(run_dir / "findings.json")
    replies = collect(run_dir)
    run = Run(manifest, findings, lost, replies, chains.views(run_dir), judged.views(run_dir))
    page, text = html(run), document(findings, model_names(manifest, findings))
    with replaced(run_dir / "report.md") as file:
        file.write(text)
    with replaced(run_dir / "report.html") as file:
        file.write(page)
    return run_dir / "report.html"
